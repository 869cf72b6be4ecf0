"""ASGI parts around the pages: served document, log, warm-up and last-resort error handler."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reco.app.addresses import FEED
from reco.app.html_document import HtmlDocument
from reco.errors import RecoError

SCRIPT = Path(__file__).with_name("script.py")
SWITCH_SECONDS = 0.001
"""A fifth of Python's default. With 100 busy threads, the event loop waits 0.1 s at most for its turn."""

logger = logging.getLogger(__name__)


def parts() -> dict[str, Any]:
    """Return the arguments of `st.App`, for `reco.app.main` and the repository's `app.py`."""
    logging.basicConfig(
        stream=sys.stderr,
        level=os.environ.get("RECO_LOG", "WARNING"),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for library in ("httpx2", "httpcore2"):  # they log the addresses they ask, which may hold a key
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))
    # Threads draw the pages. The event loop, which answers every visitor, waits for one turn of each thread.
    sys.setswitchinterval(SWITCH_SECONDS)
    return {
        "script_path": SCRIPT,
        "middleware": [Middleware(HtmlDocument)],
        "routes": [Route(f"/{FEED}", _feed)],
        "lifespan": _lifespan,
        "on_script_error": _last_resort,
    }


def _feed(_request: Request) -> Response:
    """Answer a feed reader with the feed, or with status 503 and the error.

    Starlette runs this in its own thread, since it is not a coroutine.
    """
    from reco.app.state import history

    try:
        return Response(history.feed(), media_type="application/atom+xml")
    except RecoError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)


@asynccontextmanager
async def _lifespan(_app: Any) -> AsyncIterator[None]:
    """Load the model in the background, so that the first page does not wait for it."""
    threading.Thread(target=_warm_up, name="reco-warm-up", daemon=True).start()
    yield


def _warm_up() -> None:
    from reco.app.figures import france_map
    from reco.app.state import shared

    try:
        shared.recommender()
        france_map.background()
        # Objects of the libraries and the model live until the end; no later collection scans frozen ones.
        gc.collect()
        gc.freeze()
    except Exception as error:
        # A visitor who needs the model sees the error on the page. Here the log is the only reader.
        logger.warning("The warm-up failed: %s", error)


def _last_resort(error: Exception) -> bool:
    """Show an error that escaped the pages, e.g. from a callback. Streamlit has logged its trace."""
    from reco.app.state import failures

    failures.tell(error)
    return True

"""What surrounds the pages: the served document, the log, the warm-up, the last resort for errors."""

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
from starlette.responses import Response
from starlette.routing import Route

from reco.app.addresses import FEED
from reco.app.html_document import HtmlDocument

SCRIPT = Path(__file__).with_name("script.py")
SWITCH_SECONDS = 0.001
"""A fifth of Python's own: with a hundred threads at work, the loop comes to its turn within a tenth."""

logger = logging.getLogger(__name__)


def parts() -> dict[str, Any]:
    """Return the arguments of `st.App`, for `main` and for the repository's `app.py`."""
    logging.basicConfig(
        stream=sys.stderr,
        level=os.environ.get("RECO_LOG", "WARNING"),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # Pages are drawn in threads, which keep the loop that answers everybody waiting for one turn each.
    sys.setswitchinterval(SWITCH_SECONDS)
    return {
        "script_path": SCRIPT,
        "middleware": [Middleware(HtmlDocument)],
        "routes": [Route(f"/{FEED}", _feed)],
        "lifespan": _lifespan,
        "on_script_error": _last_resort,
    }


def _feed(request: Request) -> Response:
    """Answer a feed reader; a function that is no coroutine runs in a thread of its own."""
    from reco.app.state import history

    return history.answer_feed(request)


@asynccontextmanager
async def _lifespan(_app: Any) -> AsyncIterator[None]:
    """Prepare the model beside the server, so that the first page does not wait for it."""
    threading.Thread(target=_warm_up, name="reco-warm-up", daemon=True).start()
    yield


def _warm_up() -> None:
    from reco.app.figures import france_map
    from reco.app.state import shared

    try:
        shared.recommender()
        france_map.background()
        # What the libraries and the model hold stays until the end: no collection need look through it again.
        gc.collect()
        gc.freeze()
    except Exception as error:
        # The visitor who needs it gets the sentence; here there is no one to tell.
        logger.warning("warm-up: %s", error)


def _last_resort(error: Exception) -> bool:
    """Say a failure that escaped the pages, in a callback for instance. Streamlit has logged its trace."""
    from reco.app.state import failures

    failures.tell(error)
    return True

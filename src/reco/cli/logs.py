"""Logging to standard error, as plain lines or as one JSON object a line."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from reco.errors import InvalidInput

FORMATS = ("text", "json")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class _Handler(logging.StreamHandler[TextIO]):
    """The command line's own handler: `configure` replaces it and leaves other handlers alone."""


class JsonLines(logging.Formatter):
    """Formatter of one JSON object a record: time (ISO 8601, UTC), level, logger, message, trace if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure() -> None:
    """Log to standard error at level `RECO_LOG` in format `RECO_LOG_FORMAT`.

    Raises InvalidInput for an unknown level or format.
    """
    level = os.environ.get("RECO_LOG", "WARNING").upper()
    if level not in _LEVELS:
        raise InvalidInput(f"RECO_LOG is {level!r}, not a level.", f"Choose among {', '.join(_LEVELS)}.")
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json() else logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [*(h for h in root.handlers if not isinstance(h, _Handler)), handler]
    root.setLevel(level)
    hush_addresses()


def hush_addresses() -> None:
    """Keep the HTTP client from logging the addresses it asks, which may hold a key: only warnings pass."""
    for library in ("httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))


def as_json() -> bool:
    """Whether the log format is JSON. Raises InvalidInput for an unknown format."""
    chosen = os.environ.get("RECO_LOG_FORMAT", FORMATS[0]).lower()
    if chosen not in FORMATS:
        raise InvalidInput(f"RECO_LOG_FORMAT is {chosen!r}.", f"Choose among {', '.join(FORMATS)}.")
    return chosen == "json"

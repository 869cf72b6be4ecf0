"""Where the library's logs go: standard error, as lines to read or as one JSON object a line."""

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
    """Ours: the next command in the same process replaces it, and leaves the others alone."""


class JsonLines(logging.Formatter):
    """One JSON object a record: time (ISO 8601, UTC), level, logger, message, and the trace if any."""

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
    """Send logs to standard error, at level `RECO_LOG`, as `RECO_LOG_FORMAT` says. Raises InvalidInput."""
    level = os.environ.get("RECO_LOG", "WARNING").upper()
    if level not in _LEVELS:
        raise InvalidInput(f"RECO_LOG is {level!r}.", f"Choose among {', '.join(_LEVELS)}.")
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json() else logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [*(h for h in root.handlers if not isinstance(h, _Handler)), handler]
    root.setLevel(level)


def as_json() -> bool:
    """Whether standard error is for machines. Raises InvalidInput for a format that does not exist."""
    chosen = os.environ.get("RECO_LOG_FORMAT", FORMATS[0]).lower()
    if chosen not in FORMATS:
        raise InvalidInput(f"RECO_LOG_FORMAT is {chosen!r}.", f"Choose among {', '.join(FORMATS)}.")
    return chosen == "json"

"""The quarantine: the rejections of each refresh, in one file of JSON lines under the home."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reco.catalogue.resource import Rejection
from reco.errors import StorageError
from reco.storage import atomic

logger = logging.getLogger(__name__)

KEPT = 60
"""Number of files kept. More would repeat them: a source that has a bad row has it every night."""

_STAMP = "%Y%m%dT%H%M%S%f"
# A lone surrogate from a source: `write` keeps it, and JSON readers refuse it.
_LONE = re.compile(r"(?<!\\)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REJECTION = TypeAdapter(Rejection)


@dataclass(frozen=True)
class Quarantined:
    """The first rejections of a refresh: its date (ISO 8601, UTC), its file, and whether it has more."""

    at: str
    path: Path
    rejections: tuple[Rejection, ...]
    more: bool


def write(home: Path, rejections: Sequence[Rejection]) -> Path | None:
    """Write the rejections of this refresh to a new file; return its path, or None without rejections.

    Only the newest files stay. Raises StorageError when the disk refuses.
    """
    if not rejections:
        return None
    folder = home / "quarantine"
    atomic.make_folder(folder)
    path = folder / f"{datetime.now(UTC):{_STAMP}}.jsonl"
    lines = "".join(json.dumps(asdict(rejection), ensure_ascii=False) + "\n" for rejection in rejections)
    atomic.replace(path, lines.encode("utf-8", "backslashreplace"))
    # The new file always stays: if the clock went back, its name is the oldest.
    others = [other for other in files(home) if other != path]
    for old in others[KEPT - 1 :]:
        atomic.remove(old)
    return path


def files(home: Path) -> list[Path]:
    """Return the files of rejections, newest first. A file whose name is not a date is ignored."""
    return sorted((path for path in (home / "quarantine").glob("*.jsonl") if _dated(path)), reverse=True)


def date_of(path: Path) -> str:
    """Return the date of a file of `files`, in ISO 8601, UTC. Raises ValueError for another name."""
    return datetime.strptime(path.stem, _STAMP).replace(tzinfo=UTC).isoformat(timespec="seconds")


def read(path: Path, most: int) -> Quarantined:
    """Return the first `most` rejections of a file. A line that is no rejection is skipped and logged.

    Raises StorageError when the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            lines = list(islice(stream, most + 1))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    found = []
    for number, line in enumerate(lines[:most], start=1):
        try:
            found.append(_REJECTION.validate_json(_LONE.sub(r"\\ufffd", line)))
        except ValidationError as error:
            logger.warning("%s, line %d is skipped: %s", path, number, error.errors()[0]["msg"])
    return Quarantined(date_of(path), path, tuple(found), len(lines) > most)


def _dated(path: Path) -> bool:
    try:
        return bool(date_of(path))
    except ValueError:
        return False

"""What a home keeps of a source between nights: the rows that tonight's reading does not give again.

They are the rows as read, before admission and curation, one file a source. The file does not depend on
which snapshot is served: after a rollback or a refusal by the gates, the next night still has every row.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reco.catalogue.resource import Record
from reco.storage import atomic

logger = logging.getLogger(__name__)

FOLDER = "held"
_ENDING = ".jsonl"
_FORM = 2
_ABOUT = ("gone", "asked", "since", "whole")


@dataclass(frozen=True)
class HeldRow:
    """A row as it was last read. `seen` is the date of that reading (ISO 8601), "" if it does not matter."""

    record: Record
    seen: str = ""


@dataclass(frozen=True)
class Held:
    """The rows held of a source, by resource id or OAI identifier.

    `gone` has the rows that must not come back from a snapshot: the date when each was last seen, "" for
    one that was refused later. For an OAI-PMH repository, `asked` is a digest of what it was asked for,
    `since` the date from which the next night asks, `whole` the date of the last whole harvest.
    """

    rows: Mapping[str, HeldRow] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    asked: str = ""
    since: str = ""
    whole: str = ""


def load(home: Path, source: str) -> Held | None:
    """Return what is held of a source; None when there is nothing, or when the file is damaged."""
    path = _path(home, source)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("%s is not used: %s", path, error)
        return None
    seal, _, rest = data.partition(b"\n")
    try:
        told = json.loads(seal)
        if (told["form"], told["sha256"]) == (_FORM, atomic.digest_of(rest)):
            return _held(source, rest)
    except (ValueError, KeyError, TypeError):
        pass
    logger.warning("%s is damaged or of another version, and is not used", path)
    return None


def strays(home: Path, sources: Collection[str]) -> list[Path]:
    """Return the files that belong to none of the sources, given by name."""
    return sorted(path for path in (home / FOLDER).glob(f"*{_ENDING}") if path.stem not in sources)


def _held(source: str, data: bytes) -> Held:
    about, *lines = map(json.loads, data.splitlines())
    rows = {key: HeldRow(Record(source, locator, values), seen) for key, seen, locator, values in lines}
    return Held(rows, **{name: about[name] for name in _ABOUT})


def save(home: Path, source: str, held: Held) -> None:
    """Write what is held of a source, in one step. Raises StorageError when the disk refuses."""
    # ASCII: a source's text may hold half a surrogate pair, which UTF-8 cannot.
    lines = [
        json.dumps([key, row.seen, row.record.locator, dict(row.record.values)])
        for key, row in held.rows.items()
    ]
    about = json.dumps({name: getattr(held, name) for name in _ABOUT})
    data = "".join(f"{line}\n" for line in (about, *lines)).encode("ascii")
    seal = json.dumps({"form": _FORM, "sha256": atomic.digest_of(data)}).encode("ascii")
    atomic.make_folder(home / FOLDER)
    atomic.replace(_path(home, source), seal + b"\n" + data)


def _path(home: Path, source: str) -> Path:
    return home / FOLDER / f"{source}{_ENDING}"

"""A drop folder: each file is read by its extension. A broken file does not stop the others.

What is no catalogue (a letter, a picture, what a system leaves behind) is remarked, and refuses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reco.catalogue.resource import Rejection, Remark
from reco.errors import NoCatalogue, SourceError
from reco.sources.config import Kind, SourceConfig
from reco.sources.content import too_heavy, unreadable
from reco.sources.kinds import of_table
from reco.sources.mapping import usual_names
from reco.sources.rows import Row, reader, refuse, remark

_KINDS: Mapping[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "page",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".ods": "ods",
    ".parquet": "parquet",
    ".rss": "rss",
    ".atom": "rss",
    ".xml": "rss",
}
_UNFINISHED = (".part", ".tmp", ".crdownload", "~")
_LEFT_BEHIND = ("thumbs.db", "desktop.ini", "__macosx")
"""Files and folders of Windows and macOS, in lower case, that nobody put there."""
_MOST_NAMED = 10


@dataclass
class _Found:
    """What a folder holds: the files to read, and the names of what is left out, by reason."""

    files: list[tuple[Path, Kind]] = field(default_factory=list)
    left: dict[str, list[str]] = field(default_factory=dict)

    def leave(self, reason: str, name: str) -> None:
        self.left.setdefault(reason, []).append(name.encode("utf-8", "backslashreplace").decode())


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield the rows of every file, in name order, and remark what is no catalogue.

    A catalogue that cannot be read is one rejection. A text, XML or JSON that is none is a remark.
    """
    found = _search(config)
    for path, kind in found.files:
        kind = of_table(path, kind)  # noqa: PLW2901
        file = config.model_copy(update={"path": path, "kind": kind, "subfolders": False})
        if _is_dead_link(path):
            yield refuse(config, file.place, "a link to a file that does not exist")
            continue
        try:
            for row in reader(kind)(file, cache):
                yield _with_our_names(config, kind, row) if isinstance(row, Row) else row
        except NoCatalogue as error:
            # Any text ends with .txt, and .xml is anything's: a note to colleagues is no refused row.
            yield remark(config, file.place, f"left out: {error}")
        except SourceError as error:
            yield refuse(config, file.place, _told(config, error))
        except MemoryError:  # what it took is free again: the next file has as much
            yield refuse(config, file.place, _told(config, too_heavy(file)))
    for reason, names in found.left.items():
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield remark(config, config.place, f"{reason}: {', '.join(names[:_MOST_NAMED])}{more}")


def _told(config: SourceConfig, error: SourceError) -> str:
    """Return what an error says of a file of the folder. The rejection names the source itself."""
    return f"{str(error).removeprefix(f'source {config.name}: ').removesuffix('.')}. {error.hint}".strip()


def _with_our_names(config: SourceConfig, kind: Kind, row: Row) -> Row:
    """Rename the columns that a format fixes to our fields, because a folder mixes formats."""
    mapped = config.fields.values()
    ours = {theirs: field for field, theirs in usual_names(kind).items() if theirs not in mapped}
    return Row(row.locator, {ours.get(column, column): cell for column, cell in row.cells.items()})


def _search(config: SourceConfig) -> _Found:
    """List a folder, and its subfolders if `subfolders` is set. Raises SourceError if it is unreadable.

    A link to a folder is never followed, nor one in a subfolder that leads out of the source: the first may
    lead round in a circle, the second to what nobody meant to publish.
    """
    top, found = config.path or Path(), _Found()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            if folder != top:
                found.leave("a subfolder that cannot be read", str(folder.relative_to(top)))
                continue
            raise unreadable(config, error) from error
        below: list[Path] = []
        for path in paths:
            _place(path, top, config.subfolders, found, below)
        waiting += reversed(below)
    return found


def _place(path: Path, top: Path, deep: bool, found: _Found, below: list[Path]) -> None:
    """Put one entry of a folder where it belongs: to be read, to be searched, or left out with a reason."""
    name, lower = str(path.relative_to(top)), path.name.lower()
    kind = _KINDS.get(Path(lower.removesuffix(".gz")).suffix)
    if lower.startswith((".", "~")) or lower in _LEFT_BEHIND or lower.endswith(_UNFINISHED):
        found.leave("left out, it belongs to a system or is not finished", name)
    elif path.is_dir():
        if path.is_symlink():
            found.leave("left out, a link to a folder", name)
        elif deep:
            below.append(path)
        else:
            found.leave("subfolders are not read (`subfolders = true` reads them)", name)
    elif kind is None:
        found.leave(f"left out, no catalogue (its name would end with {', '.join(_KINDS)}, or .gz)", name)
    elif path.is_symlink() and path.parent != top and not _is_inside(path, top):
        found.leave("left out, a link that leads out of the folder", name)
    elif path.is_file() or _is_dead_link(path):
        found.files.append((path, kind))


def _is_dead_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _is_inside(path: Path, top: Path) -> bool:
    # `Path.resolve` raises for a link that leads to itself.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(top))

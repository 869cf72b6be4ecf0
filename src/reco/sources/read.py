"""Reads one source of any kind: good rows become records, bad rows become rejections.

A child process under limits does the reading.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reco.catalogue.resource import Record, Rejection, Remark
from reco.sources.child import door
from reco.sources.child.wire import Item
from reco.sources.config import Pagination, SourceConfig
from reco.sources.rows import Columns, Row

__all__ = ["Changed", "Inspection", "Pagination", "SourceConfig", "inspect", "read", "read_changes"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspection:
    """The first rows of a source, what its reader remarked, and their columns that no field uses."""

    records: tuple[Record, ...]
    rejections: tuple[Rejection, ...]
    unmapped: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Changed:
    """What a repository says has changed: its rows by OAI identifier, None for a deleted record.

    `since` is the date from which the next night asks; "" when the repository tells none. `whole` says
    whether these are all of its records.
    """

    since: str
    whole: bool
    rows: Mapping[str, Record | Rejection | None]
    refused: tuple[Rejection, ...] = ()
    """Records that could not be read: the repository's identifier of them is not known."""


def log_remark(remark: Remark) -> None:
    """Log what a reader mended or left out."""
    logger.warning("source %s, %s: %s", remark.source, remark.locator, remark.text)


def read(
    config: SourceConfig, cache: Path | None = None, tell: Callable[[Remark], None] = log_remark
) -> Iterator[Record | Rejection]:
    """Yield every row of a source, in order. `cache` is a folder of HTTP responses.

    `tell` takes what the reader mended or left out.

    Raises `SourceError` while iterating when the source cannot be read to its end: the rows yielded before
    are then only a part of it.
    """
    for item in door.ask("records", config, cache):
        if isinstance(item, Record | Rejection):
            yield item
        elif isinstance(item, Remark):
            tell(item)


def read_changes(
    config: SourceConfig,
    cache: Path | None = None,
    since: str = "",
    tell: Callable[[Remark], None] = log_remark,
) -> Changed:
    """Read what changed in an OAI-PMH repository since a date (YYYY-MM-DD), or all of it without a date.

    `tell` takes what the reader mended or left out.

    A repository that cannot tell what changed is read whole if it refuses the date: `Changed.whole`.
    Raises `SourceError` when the list cannot be read to its end.
    """
    items = list(door.ask("changes", config, cache, {"since": since}))
    told = cast("dict[str, Any]", door.answer(items))
    rows = iter([item for item in items if isinstance(item, Record | Rejection)])
    changed = {str(key): next(rows) if exists else None for key, exists in told["keys"]}
    for item in items:
        if isinstance(item, Remark):
            tell(item)
    refused = tuple(item for item in rows if isinstance(item, Rejection))
    return Changed(str(told["since"]), bool(told["whole"]), changed, refused)


def inspect(config: SourceConfig, limit: int = 20, cache: Path | None = None) -> Inspection:
    """Read the first `limit` rows of a source, and list the columns that its settings do not use.

    Raises `SourceError` when the source cannot be read that far.
    """
    return inspection(door.ask("first", config, cache, {"limit": limit}))


def inspection(items: Iterable[Item]) -> Inspection:
    """Return the first rows that a task gave. Its answer, if any, is the columns that no field uses."""
    found = list(items)
    answer = door.answer(found)
    return Inspection(
        records=tuple(item for item in found if isinstance(item, Record)),
        rejections=tuple(item for item in found if isinstance(item, Rejection)),
        unmapped=tuple(answer) if isinstance(answer, list | tuple) else (),
        remarks=tuple(item for item in found if isinstance(item, Remark)),
    )


def require_child(config: SourceConfig) -> None:
    """Raise `SourceError` when the process that reads a source cannot start. It reads nothing here."""
    door.answer(door.ask("nothing", config))


def rows(config: SourceConfig, tell: Callable[[Remark], None] = log_remark) -> Iterator[Row | Rejection]:
    """Yield every row of a file of the user's own, under its own column names. Raises `SourceError`."""
    for item in door.ask("rows", config):
        if isinstance(item, Row | Rejection):
            yield item
        elif isinstance(item, Remark):
            tell(item)


def columns(config: SourceConfig, names: Sequence[str] = ()) -> Columns:
    """Return the columns of a table of the user's own, as `sources.rows.columns` does."""
    told = cast("dict[str, Any]", door.answer(door.ask("columns", config, None, {"names": list(names)})))
    return Columns(tuple(told["names"]), told["row"], told["delimiter"])


def lines(config: SourceConfig) -> Iterator[str]:
    """Yield the lines of a text file. Raises `SourceError`."""
    return (str(row.cells["line"]) for row in door.ask("lines", config) if isinstance(row, Row))

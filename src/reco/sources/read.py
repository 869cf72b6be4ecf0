"""Reads one source of any kind: good rows become records, bad rows become rejections."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reco.catalogue.resource import Record, Rejection, Remark
from reco.errors import RecoError
from reco.sources.config import Pagination, SourceConfig
from reco.sources.content import unreadable
from reco.sources.mapping import Mapper, unmapped
from reco.sources.rows import Row, reader

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
    mapper = Mapper(config)
    for row in _rows(config, cache, tell):
        yield row if isinstance(row, Rejection) else mapper.record(row)


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
    from reco.sources import oai

    mapper = Mapper(config)
    with _as_source_errors(config):
        try:
            listed, whole = oai.changes(config, cache, since), not since
        except oai.NotSelective as error:
            logger.warning("source %s is read whole: %s", config.name, error)
            listed, whole = oai.changes(config, cache), True
        rows = {key: mapper.record(row) if row is not None else None for key, row in listed.rows.items()}
        for item in listed.told:
            if isinstance(item, Remark):
                tell(item)
    refused = tuple(item for item in listed.told if isinstance(item, Rejection))
    return Changed(listed.since, whole, rows, refused)


def inspect(config: SourceConfig, limit: int = 20, cache: Path | None = None) -> Inspection:
    """Read the first `limit` rows of a source, and list the columns that its settings do not use.

    Raises `SourceError` when the source cannot be read that far.
    """
    remarks: list[Remark] = []
    rows = list(islice(_rows(config, cache, remarks.append), limit))
    mapper = Mapper(config)
    mapped = [row if isinstance(row, Rejection) else mapper.record(row) for row in rows]
    columns = (column for row in rows if isinstance(row, Row) for column in row.cells)
    return Inspection(
        records=tuple(row for row in mapped if isinstance(row, Record)),
        rejections=tuple(row for row in mapped if isinstance(row, Rejection)),
        unmapped=unmapped(config, columns),
        remarks=tuple(remarks),
    )


def _rows(
    config: SourceConfig, cache: Path | None, tell: Callable[[Remark], None]
) -> Iterator[Row | Rejection]:
    """Yield the rows of a reader, and tell its remarks."""
    with _as_source_errors(config):
        for item in reader(config.kind)(config, cache):
            if isinstance(item, Remark):
                tell(item)
            else:
                yield item


@contextmanager
def _as_source_errors(config: SourceConfig) -> Iterator[None]:
    """Turn any failure of a reader into a `SourceError`, so that other sources are read."""
    try:
        yield
    except RecoError:
        raise
    except Exception as error:
        logger.exception("the reader of source %s failed", config.name)
        raise unreadable(config, error) from error

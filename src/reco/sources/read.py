"""Reads one source of any kind: good rows become records, bad rows become rejections."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reco.catalogue.resource import Record, Rejection
from reco.errors import RecoError
from reco.sources.config import Pagination, SourceConfig
from reco.sources.content import unreadable
from reco.sources.mapping import Mapper, unmapped
from reco.sources.rows import Row, reader

__all__ = ["Inspection", "Pagination", "SourceConfig", "inspect", "read"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspection:
    """The first rows of a source, and their columns that no field uses."""

    records: tuple[Record, ...]
    rejections: tuple[Rejection, ...]
    unmapped: tuple[str, ...]


def read(config: SourceConfig, cache: Path | None = None) -> Iterator[Record | Rejection]:
    """Yield every row of a source, in order. `cache` is a folder of HTTP responses.

    Raises `SourceError` while iterating when the source cannot be read to its end: the rows yielded before
    are then only a part of it.
    """
    mapper = Mapper(config)
    for row in _rows(config, cache):
        yield row if isinstance(row, Rejection) else mapper.record(row)


def inspect(config: SourceConfig, limit: int = 20, cache: Path | None = None) -> Inspection:
    """Read the first `limit` rows of a source, and list the columns that its settings do not use.

    Raises `SourceError` when the source cannot be read that far.
    """
    rows = list(islice(_rows(config, cache), limit))
    mapper = Mapper(config)
    mapped = [row if isinstance(row, Rejection) else mapper.record(row) for row in rows]
    columns = (column for row in rows if isinstance(row, Row) for column in row.cells)
    return Inspection(
        records=tuple(row for row in mapped if isinstance(row, Record)),
        rejections=tuple(row for row in mapped if isinstance(row, Rejection)),
        unmapped=unmapped(config, columns),
    )


def _rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the rows of a reader. Any failure becomes a `SourceError`, so that other sources are read."""
    try:
        yield from reader(config.kind)(config, cache)
    except RecoError:
        raise
    except Exception as error:
        logger.exception("the reader of source %s failed", config.name)
        raise unreadable(config, error) from error

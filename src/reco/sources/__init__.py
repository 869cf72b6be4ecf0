"""Reading sources of any kind, one by one: good rows as records, bad rows as rejections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reco.resource import Record, Rejection
from reco.sources.config import Pagination, SourceConfig
from reco.sources.mapping import Mapper, unmapped
from reco.sources.registry import reader

__all__ = ["Inspection", "Pagination", "SourceConfig", "inspect", "read"]


@dataclass(frozen=True)
class Inspection:
    """The first rows of a source, and the columns seen in them that no field of ours reads."""

    records: tuple[Record, ...]
    rejections: tuple[Rejection, ...]
    unmapped: tuple[str, ...]


def read(config: SourceConfig, cache: Path | None = None) -> Iterator[Record | Rejection]:
    """Yield every row of a source, in its order; `cache` is a folder that remembers what was fetched.

    Raises `SourceError` while iterating when the source as a whole cannot be read to its end: what was
    yielded before is then only a part of it.
    """
    mapper = Mapper(config)
    for row in reader(config.kind)(config, cache):
        yield row if isinstance(row, Rejection) else mapper.record(row)


def inspect(config: SourceConfig, limit: int = 20, cache: Path | None = None) -> Inspection:
    """Read the first `limit` rows of a source and say what its configuration leaves out.

    Raises `SourceError` when the source cannot be read that far.
    """
    rows = list(islice(reader(config.kind)(config, cache), limit))
    good = [row for row in rows if not isinstance(row, Rejection)]
    return Inspection(
        records=tuple(map(Mapper(config).record, good)),
        rejections=tuple(row for row in rows if isinstance(row, Rejection)),
        unmapped=unmapped(config, (column for row in good for column in row.cells)),
    )

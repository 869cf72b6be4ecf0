"""Parquet tables."""

from __future__ import annotations

from collections.abc import Iterator
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from reco.sources.config import SourceConfig
from reco.sources.content import opened, unreadable
from reco.sources.headers import check, resolved
from reco.sources.kinds import PARQUET, refuse_other
from reco.sources.rows import Row
from reco.storage.tables import parquet

_BATCH = 256


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row]:
    """Yield the rows of a table. Raises `SourceError` when the file is damaged, by its checksums."""
    with opened(config, cache) as stream:
        refuse_other(config, stream)
        if _is_cut(stream):
            raise unreadable(config, "its end is missing: it is cut short")
        try:
            table = parquet(stream)
            columns = table.schema_arrow.names
            header = resolved(config, columns)
            check(config, header, columns)
            ours = {
                theirs: name for theirs, name in zip(columns, header.names, strict=True) if theirs != name
            }
            number = 0
            for batch in table.iter_batches(batch_size=_BATCH, use_threads=False):
                for cells in batch.to_pylist():
                    number += 1
                    if ours:
                        cells = {ours.get(name, name): cell for name, cell in cells.items()}  # noqa: PLW2901
                    yield Row(f"{config.place}:{number}", cells)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise unreadable(config, error) from error


def _is_cut(stream: BinaryIO) -> bool:
    """Return whether the mark at the end of a table is missing."""
    stream.seek(0)
    if isinstance(stream, GzipFile):  # it would be unpacked to its end twice
        return False
    stream.seek(max(stream.seek(0, 2) - len(PARQUET), 0))
    end = stream.read()
    stream.seek(0)
    return end != PARQUET

"""Parquet tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from reco.sources.config import SourceConfig
from reco.sources.content import opened, unreadable
from reco.sources.headers import check, resolved
from reco.sources.rows import Row
from reco.storage.tables import parquet

_BATCH = 256


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row]:
    """Yield the rows of a table. Raises `SourceError` when the file is damaged, by its checksums."""
    with opened(config, cache) as stream:
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

"""CSV and Parquet tables for spreadsheets, and files saved where a user asks.

A spreadsheet runs a cell that starts like a formula, and a source's text can start with anything. Such a
cell gets a leading apostrophe (OWASP ASVS 5.0, 1.2.10).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from reco.errors import InvalidInput
from reco.storage import atomic

# Arrow's own allocator keeps what was freed: as much as another index of a large catalogue.
pa.set_memory_pool(pa.system_memory_pool())

Cell = str | int | float | None

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def inert(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet runs: "=1+1" -> "'=1+1". Numbers and None do not change."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return cell


def csv_bytes(
    columns: Sequence[str], rows: Iterable[Mapping[str, Cell]], delimiter: str = ",", mark: bool = False
) -> bytes:
    """Return a table as UTF-8 CSV; all cells are inert, headers included.

    A column that a row lacks is empty. `mark` adds the byte order mark by which Excel recognises UTF-8.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow([inert(name) for name in columns])
    for row in rows:
        writer.writerow([inert(row.get(name)) for name in columns])
    data = stream.getvalue().encode("utf-8", "replace")
    return codecs.BOM_UTF8 + data if mark else data


def require_place(path: Path) -> Path:
    """Return the resolved `path`. Raises InvalidInput when no file can be written there.

    Only a regular file is replaced: replacing a device or a pipe would destroy it.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise InvalidInput(f"{path} is not a file and cannot be replaced.", "Name a file.")
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no folder {target.parent}.", "Create it, or name another place.")
    return target


def save(path: Path, data: bytes) -> None:
    """Write a file in one step, replacing any file of that name.

    Raises InvalidInput when no file can be written at `path`, StorageError when the disk refuses.
    """
    atomic.replace(require_place(path), data)


def parquet(source: bytes | BinaryIO) -> pq.ParquetFile:
    """Open Parquet with page checksums verified. Read it with `use_threads=False`.

    An Arrow thread that still runs at exit aborts the program (apache/arrow#34314), so none is started.
    Raises ArrowException for bytes that are not Parquet.
    """
    stream = pa.BufferReader(source) if isinstance(source, bytes) else source
    return pq.ParquetFile(stream, page_checksum_verification=True, pre_buffer=False)


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as Parquet whose pages carry checksums."""
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", write_page_checksum=True)
    return stream.getvalue()


def table_of(data: bytes) -> pa.Table:
    """Return the table in Parquet bytes. Raises as `parquet` does, also for a damaged page."""
    # `pq.read_table` would import pandas.
    return parquet(data).read(use_threads=False)

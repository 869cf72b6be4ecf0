"""Tables that a spreadsheet may open, and files written where a user says.

A cell that begins like a formula would be run by the spreadsheet, and a source's text can begin with
anything: such a cell gets a leading apostrophe (OWASP ASVS 5.0, 1.2.10).
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
    """Return a cell that no spreadsheet runs. A number stays a number, None is an empty cell."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return cell


def csv_bytes(
    columns: Sequence[str], rows: Iterable[Mapping[str, Cell]], delimiter: str = ",", mark: bool = False
) -> bytes:
    """Return a table in UTF-8 with inert cells, headers too.

    A column that a row lacks is empty. `mark` puts the byte order mark by which Excel knows UTF-8.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow([inert(name) for name in columns])
    for row in rows:
        writer.writerow([inert(row.get(name)) for name in columns])
    data = stream.getvalue().encode("utf-8", "replace")
    return codecs.BOM_UTF8 + data if mark else data


def require_place(path: Path) -> Path:
    """Return where `path` leads. Raises InvalidInput when no file can be put there.

    What is there already must be a file: replacing a device or a pipe would destroy it.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise InvalidInput(f"{path} is not a file, it cannot be replaced.", "Name a file.")
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no folder {target.parent}.", "Create it, or name another place.")
    return target


def save(path: Path, data: bytes) -> None:
    """Write a file in one step, in place of the one of that name.

    Raises InvalidInput when `path` is no place for a file, StorageError when the disk refuses.
    """
    atomic.replace(require_place(path), data)


def parquet(source: bytes | BinaryIO) -> pq.ParquetFile:
    """Return Parquet whose pages are checked as they are read. Read it with `use_threads=False`.

    A thread of Arrow's that is still there when the program ends aborts it (apache/arrow#34314), so none
    is started. Raises ArrowException for bytes that are not Parquet.
    """
    given = pa.BufferReader(source) if isinstance(source, bytes) else source
    return pq.ParquetFile(given, page_checksum_verification=True, pre_buffer=False)


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as Parquet whose pages carry checksums."""
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", write_page_checksum=True)
    return stream.getvalue()


def table_of(data: bytes) -> pa.Table:
    """Return what Parquet bytes hold. Raises what `parquet` does, and for a page that is damaged."""
    # `read_table` would import pandas.
    return parquet(data).read(use_threads=False)

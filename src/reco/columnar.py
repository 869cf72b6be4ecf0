"""Reading Parquet from memory, on this thread alone.

Arrow is told to take memory as everything else here does: its own allocator keeps what was freed, as
much as another index of a large catalogue.
"""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

pa.set_memory_pool(pa.system_memory_pool())


def parquet(source: bytes | BinaryIO) -> pq.ParquetFile:
    """Return Parquet whose pages are checked as they are read. Read it with `use_threads=False`.

    A thread of Arrow's that is still there when the program ends aborts it (apache/arrow#34314), so none
    is started. Raises ArrowException for bytes that are not Parquet.
    """
    given = pa.BufferReader(source) if isinstance(source, bytes) else source
    return pq.ParquetFile(given, page_checksum_verification=True, pre_buffer=False)


def table_of(data: bytes) -> pa.Table:
    """Return what Parquet bytes hold. Raises what `parquet` does, and for a page that is damaged."""
    # `read_table` would import pandas.
    return parquet(data).read(use_threads=False)

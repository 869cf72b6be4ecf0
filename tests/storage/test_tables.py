"""Parquet is read on the calling thread: one of Arrow's that is left over may abort the program as it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNTED = """
import io, os
import pyarrow as pa, pyarrow.parquet as pq
from reco.storage.tables import parquet, table_of
stream = io.BytesIO()
table = pa.table({name: list(range(5_000)) for name in "abcd"})
pq.write_table(table, stream, row_group_size=500)
before = len(os.listdir("/proc/self/task"))
assert table_of(stream.getvalue()).equals(table)
assert sum(len(b) for b in parquet(io.BytesIO(stream.getvalue())).iter_batches(use_threads=False)) == 5_000
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted under /proc")
def test_reading_starts_no_thread() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0", done.stdout + done.stderr

"""A large catalogue is in memory once, and what was freed goes back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.parquet import catalogue_bytes, catalogue_of
from reco.catalogue.resource import Resource

FREED = """
import os
from reco.refresh.memory import give_back
def resident():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
texts = [bytes(2_000) for _ in range(50_000)]
last = bytes(2_000)
del texts
before = resident()
give_back()
print(before - resident())
"""

# Arrow by itself would keep half of it.
READ = """
import io, os
import pyarrow as pa, pyarrow.parquet as pq
from reco.storage.tables import table_of
from reco.refresh.memory import give_back
def resident():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
stream = io.BytesIO()
pq.write_table(pa.table({"text": [f"{n} " + "x" * 500 for n in range(100_000)]}), stream)
table = table_of(stream.getvalue())
before = resident()
del table
give_back()
print(before - resident())
"""


def _keeps_memory() -> bool:
    return sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not _keeps_memory(), reason="not Linux with glibc, which keeps what is freed")
@pytest.mark.parametrize(
    ("program", "least"), [(FREED, 50_000_000), (READ, 80_000_000)], ids=["objects", "parquet"]
)
def test_freed_memory_is_given_back(program: str, least: int) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > least


def test_writing_a_catalogue_leaves_its_texts_as_large_as_they_were() -> None:
    # Who asks a text for its UTF-8 from C leaves it there, and `getsizeof` counts it.
    catalogue = Catalogue([Resource("a", "Été à l'école", "s", summary="Désimperméabiliser. " * 50, url="é")])
    one = catalogue[0]
    texts = (one.title, one.summary, one.url)
    before = [sys.getsizeof(text) for text in texts]
    assert list(catalogue_of(bytes(catalogue_bytes(catalogue)))) == [one]
    assert [sys.getsizeof(text) for text in texts] == before

"""What was freed goes back to the system, also from under what is kept."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

FREED = """
import os
from reco.memory import give_back
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


def _keeps_memory() -> bool:
    return sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not _keeps_memory(), reason="not Linux with glibc, which keeps what is freed")
def test_freed_memory_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50_000_000

"""Memory that was freed, given back to the system: what is made next must fit beside what others use."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Return freed memory to the system: glibc keeps it, in pieces."""
    if sys.platform == "win32":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

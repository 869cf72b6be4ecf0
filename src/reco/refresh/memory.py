"""The memory of a refresh: a large catalogue is held once, and freed memory returns to the system."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")


def step(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """Decorate a step of a refresh: the memory that only this step needed is returned when it ends."""

    @functools.wraps(work)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        result = work(*args, **kwargs)
        give_back()
        return result

    return run


def give_back() -> None:
    """Return freed memory to the system: glibc otherwise keeps it, in fragments."""
    if sys.platform == "win32":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

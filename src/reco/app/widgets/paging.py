"""Long lists, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def listed(items: Sequence[T], key: str, per_page: int, draw: Callable[[T], None]) -> None:
    """Draw the items of the visitor's page, then the links to the other pages.

    `key` is the session key of the page number. A number past the last page goes back to 1.
    """
    for item in items[turned(len(items), key, per_page)]:
        draw(item)
    pages(len(items), key, per_page)


def turned(size: int, key: str, per_page: int) -> slice:
    """Return the slice of `size` items on the visitor's page."""
    if st.session_state.get(key, 1) > _pages(size, per_page):
        st.session_state[key] = 1
    start = (st.session_state.get(key, 1) - 1) * per_page
    return slice(start, start + per_page)


def pages(size: int, key: str, per_page: int) -> None:
    """Draw the links to the other pages, if there are any."""
    if _pages(size, per_page) > 1:
        st.pagination(_pages(size, per_page), key=key)


def _pages(size: int, per_page: int) -> int:
    return max(1, -(-size // per_page))

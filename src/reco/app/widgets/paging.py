"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def listed(items: Sequence[T], key: str, per_page: int, draw: Callable[[T], None]) -> None:
    """Draw the items of the page that the visitor is on, and the way to the others.

    `key` is the page's number in the session; one that the list no longer has is the first.
    """
    for item in items[turned(len(items), key, per_page)]:
        draw(item)
    pages(len(items), key, per_page)


def turned(size: int, key: str, per_page: int) -> slice:
    """Return which of `size` items are on the page that the visitor is on."""
    if st.session_state.get(key, 1) > _pages(size, per_page):
        st.session_state[key] = 1
    start = (st.session_state.get(key, 1) - 1) * per_page
    return slice(start, start + per_page)


def pages(size: int, key: str, per_page: int) -> None:
    """Draw the way to the other pages, if there are any."""
    if _pages(size, per_page) > 1:
        st.pagination(_pages(size, per_page), key=key)


def _pages(size: int, per_page: int) -> int:
    return max(1, -(-size // per_page))

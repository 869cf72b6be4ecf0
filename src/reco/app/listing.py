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
    pages = max(1, -(-len(items) // per_page))
    if st.session_state.get(key, 1) > pages:
        st.session_state[key] = 1
    start = (st.session_state.get(key, 1) - 1) * per_page
    for item in items[start : start + per_page]:
        draw(item)
    if pages > 1:
        st.pagination(pages, key=key)

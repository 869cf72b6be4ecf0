"""Boxes that narrow a list down, each value with how many items it would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import streamlit as st

from reco.app.phrases import decimal, say

T = TypeVar("T")


@dataclass(frozen=True)
class Facet(Generic[T]):
    """A way to tell items apart: its values in an item, and how one is written."""

    name: str
    label: str
    values: Callable[[T], Sequence[str]]
    written: Callable[[str], str] = str
    order: Callable[[str], Any] | None = None


def narrow(page: str, facets: Sequence[Facet[T]], items: Sequence[T], across: int = 3) -> list[T]:
    """Draw one box for each facet, and return the items that pass all of them.

    Counts are of what passes the other boxes, so that no choice hides the rest.
    """
    chosen = {facet.name: _chosen(page, facet, items) for facet in facets}
    for start in range(0, len(facets), across):
        for column, facet in zip(st.columns(across), facets[start : start + across], strict=False):
            others = [one for one in facets if one.name != facet.name]
            counts = Counter(v for item in _passing(items, others, chosen) for v in facet.values(item))
            column.multiselect(
                facet.label,
                _options(facet, items),
                key=f"{page}_{facet.name}",
                format_func=partial(_counted, facet, counts),
                placeholder=say("filters.all"),
                persist_state="session",
            )
    return _passing(items, facets, chosen)


def _chosen(page: str, facet: Facet[T], items: Sequence[T]) -> tuple[str, ...]:
    """Return what was chosen, without what a publish took away."""
    key = f"{page}_{facet.name}"
    asked = st.session_state.get(key) or ()
    known = {value for item in items for value in facet.values(item)} if asked else frozenset()
    kept = [value for value in asked if value in known]
    if kept != list(asked):
        st.session_state[key] = kept
    return tuple(kept)


def _passing(
    items: Sequence[T], facets: Sequence[Facet[T]], chosen: Mapping[str, tuple[str, ...]]
) -> list[T]:
    asked = [(facet.values, frozenset(chosen[facet.name])) for facet in facets if chosen[facet.name]]
    return [item for item in items if all(not wanted.isdisjoint(values(item)) for values, wanted in asked)]


def _counted(facet: Facet[T], counts: Mapping[str, int], value: str) -> str:
    return f"{facet.written(value)} ({decimal(counts[value], 0)})"


def _options(facet: Facet[T], items: Sequence[T]) -> list[str]:
    """Return a facet's values in an order that choices do not change: most frequent first, or as it says."""
    counts = Counter(value for item in items for value in facet.values(item))
    return sorted(counts, key=facet.order or (lambda value: (-counts[value], value)))

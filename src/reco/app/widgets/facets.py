"""Boxes that narrow a list. Each value shows how many items it would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from reco.app.phrases import decimal, say

T = TypeVar("T")


@dataclass(frozen=True)
class Facet(Generic[T]):
    """A way to filter items: its values in an item, their labels and their order."""

    name: str
    label: str
    values: Callable[[T], Sequence[str]]
    written: Callable[[str], str] = str
    order: Callable[[str], Any] | None = None


def narrow(page: str, facets: Sequence[Facet[T]], items: Sequence[T], across: int = 3) -> list[T]:
    """Draw one box per facet, and return the items that pass all of them.

    The counts of a box ignore its own choices, so that no choice hides the other values.
    """
    options = {facet.name: _options(facet, items) for facet in facets}
    chosen = {name: known_choices(f"{page}_{name}", options[name]) for name in options}
    for start in range(0, len(facets), across):
        for column, facet in zip(st.columns(across), facets[start : start + across], strict=False):
            others = [other for other in facets if other.name != facet.name]
            counts = Counter(v for item in _passing(items, others, chosen) for v in facet.values(item))
            written = partial(_label_with_count, facet, counts)
            box(column, facet.label, f"{page}_{facet.name}", options[facet.name], written)
    return _passing(items, facets, chosen)


def box(
    column: DeltaGenerator, label: str, key: str, options: Sequence[str], written: Callable[[str], str]
) -> None:
    """Draw a box of several choices, which the session keeps under `key`."""
    column.multiselect(
        label,
        options,
        key=key,
        format_func=written,
        placeholder=say("filters.all"),
        persist_state="session",
    )


def known_choices(key: str, known: Container[str]) -> tuple[str, ...]:
    """Return the choices of a box. Those that a publish removed are dropped: a page would refuse them."""
    values = st.session_state.get(key) or ()
    kept = [value for value in values if value in known]
    if kept != list(values):
        st.session_state[key] = kept
    return tuple(kept)


def _passing(
    items: Sequence[T], facets: Sequence[Facet[T]], chosen: Mapping[str, tuple[str, ...]]
) -> list[T]:
    tests = [(facet.values, frozenset(chosen[facet.name])) for facet in facets if chosen[facet.name]]
    return [item for item in items if all(not wanted.isdisjoint(values(item)) for values, wanted in tests)]


def _label_with_count(facet: Facet[T], counts: Mapping[str, int], value: str) -> str:
    return f"{facet.written(value)} ({decimal(counts[value], 0)})"


def _options(facet: Facet[T], items: Sequence[T]) -> list[str]:
    """Return the values of a facet in its `order`, else most frequent first. Choices do not change it."""
    counts = Counter(value for item in items for value in facet.values(item))
    return sorted(counts, key=facet.order or (lambda value: (-counts[value], value)))

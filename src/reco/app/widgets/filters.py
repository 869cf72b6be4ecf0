"""Filters of a page: each value of a box shows how many resources it would leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from reco.app.phrases import say
from reco.app.state import shared
from reco.app.widgets.facets import box, known_choices
from reco.catalogue.catalogue import Filters
from reco.snapshots.snapshot import Snapshot

_FIELDS = {
    "type": "types",
    "theme": "themes",
    "publisher": "publishers",
    "scale": "scales",
    "language": "languages",
    "place": "places",
}
_YEARS = ("first_year", "last_year")
_YEAR_RANGE = (1800, 2100)


def chosen(page: str, facets: tuple[str, ...]) -> Filters:
    """Return the filters that the visitor chose on a page at the last interaction."""
    values: dict[str, Any] = {
        _FIELDS[facet]: tuple(st.session_state.get(_key(page, facet)) or ()) for facet in facets
    }
    years: dict[str, Any] = {bound: st.session_state.get(_key(page, bound)) for bound in _YEARS}
    return Filters(**values, **years)


def put(page: str, wanted: Filters) -> None:
    """Set the filters of a page before its boxes are drawn."""
    for facet, field in _FIELDS.items():
        st.session_state[_key(page, facet)] = list(getattr(wanted, field))
    for bound in _YEARS:
        st.session_state[_key(page, bound)] = getattr(wanted, bound)


def choose(page: str, facets: tuple[str, ...], snapshot: Snapshot, base: Filters) -> None:
    """Draw one box per facet. The counts of a box ignore its own choices, so no choice hides the rest."""
    everything = shared.facets(snapshot, Filters())
    for column, facet in zip(st.columns(len(facets)), facets, strict=True):
        none: dict[str, Any] = {_FIELDS[facet]: ()}
        counts = shared.facets(snapshot, replace(base, **none))[facet]
        known_choices(_key(page, facet), everything[facet])
        written = partial(_label_with_count, counts)
        box(column, say(f"field.{facet}"), _key(page, facet), list(everything[facet]), written)


def choose_years(page: str) -> None:
    """Draw the boxes of the first and last year."""
    names = {"first_year": say("filters.first_year"), "last_year": say("filters.last_year")}
    for column, bound in zip(st.columns(len(_YEARS)), _YEARS, strict=True):
        column.number_input(
            names[bound],
            *_YEAR_RANGE,
            value=None,
            step=1,
            key=_key(page, bound),
            placeholder=say("filters.any_year"),
            persist_state="session",
        )


def _label_with_count(counts: Mapping[str, int], value: str) -> str:
    return f"{value} ({counts.get(value, 0)})"


def _key(page: str, facet: str) -> str:
    return f"{page}_{facet}"

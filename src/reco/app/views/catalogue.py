"""Catalogue page: resources by facet and title, and the coverage grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from reco.app.figures import coverage_grid
from reco.app.phrases import count, say
from reco.app.state import failures, shared
from reco.app.widgets import cards, filters
from reco.app.widgets.paging import listed
from reco.catalogue.catalogue import Filters
from reco.catalogue.resource import Resource
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import fold

FACETS = ("type", "theme", "publisher", "scale", "language", "place")
ACROSS = 3
PER_PAGE = 20
YEARS = "catalogue_years"


def show() -> None:
    """Draw the tabs of the list and of the coverage."""
    snapshot = failures.snapshot()
    st.title(say("catalogue.title"), anchor=False)
    browse, covered = st.tabs([say("catalogue.browse"), say("coverage.title")])
    with browse:
        _browse(snapshot)
    with covered:
        coverage_grid.show(shared.coverage_of(snapshot))


def _browse(snapshot: Snapshot) -> None:
    title = st.text_input(
        say("catalogue.search"),
        key="catalogue_search",
        type="search",
        live="300ms",
        placeholder=say("catalogue.placeholder"),
        persist_state="session",
    )
    years = _years(snapshot)
    for start in range(0, len(FACETS), ACROSS):
        filters.choose("catalogue", FACETS[start : start + ACROSS], snapshot, _chosen(years))
    resources = _matching(snapshot, _chosen(years), title or "")
    st.header(count("catalogue.count", len(resources)), anchor=False)
    listed(resources, "catalogue_page", PER_PAGE, lambda resource: cards.row(resource, "list"))


def _chosen(years: tuple[int, int] | None) -> Filters:
    chosen = filters.chosen("catalogue", FACETS)
    return chosen if years is None else replace(chosen, first_year=years[0], last_year=years[1])


def _years(snapshot: Snapshot) -> tuple[int, int] | None:
    """Draw the slider of years. Return None for the full range, which keeps resources without a year."""
    known = sorted({resource.year for resource in snapshot.catalogue if resource.year is not None})
    if len(known) < 2:
        return None
    kept = st.session_state.get(YEARS)
    if kept is not None and not set(kept) <= set(known):
        # A publish removed one end of the range, and a slider rejects a value outside its options.
        st.session_state[YEARS] = (known[0], known[-1])
    chosen = st.select_slider(
        say("catalogue.years"), known, (known[0], known[-1]), key=YEARS, persist_state="session"
    )
    first, last = int(chosen[0]), int(chosen[1])
    return None if (first, last) == (known[0], known[-1]) else (first, last)


def _matching(snapshot: Snapshot, chosen: Filters, title: str) -> list[Resource]:
    title_words = fold(title).split()
    passing = [snapshot.catalogue[row] for row in np.flatnonzero(snapshot.catalogue.select(chosen))]
    named = [resource for resource in passing if all(word in fold(resource.title) for word in title_words)]
    return sorted(named, key=lambda resource: fold(resource.title))


show()

"""The catalogue, browsed by facet and by title, and what it covers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from reco.app import cards, failures, filters, served
from reco.app.listing import listed
from reco.app.markup import plain
from reco.app.wording import count, decimal, say
from reco.catalogue import Filters
from reco.holdings import Holdings
from reco.resource import Resource
from reco.snapshot import Snapshot
from reco.text import fold

FACETS = ("type", "theme", "publisher", "scale", "language", "place")
ACROSS = 3
PER_PAGE = 20
FILLED = 0.25
"""The share of cells that must hold something for the empty ones to be marked."""
YEARS = "catalogue_years"


def show() -> None:
    """Draw the two ways to see the catalogue."""
    snapshot = failures.snapshot()
    st.title(say("catalogue.title"), anchor=False)
    browse, covered = st.tabs([say("catalogue.browse"), say("coverage.title")])
    with browse:
        _browse(snapshot)
    with covered:
        _holdings(served.holdings_of(snapshot))


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
    found = _matching(snapshot, _chosen(years), title or "")
    st.header(count("catalogue.count", len(found)), anchor=False)
    listed(found, "catalogue_page", PER_PAGE, lambda resource: cards.row(resource, "list"))


def _chosen(years: tuple[int, int] | None) -> Filters:
    chosen = filters.chosen("catalogue", FACETS)
    return chosen if years is None else replace(chosen, first_year=years[0], last_year=years[1])


def _years(snapshot: Snapshot) -> tuple[int, int] | None:
    """Draw the range of years; None when it is the whole, which holds what has no year too."""
    known = sorted({resource.year for resource in snapshot.catalogue if resource.year is not None})
    if len(known) < 2:
        return None
    kept = st.session_state.get(YEARS)
    if kept is not None and not set(kept) <= set(known):
        # A publish took an end away: a slider refuses a value that is not among its options.
        st.session_state[YEARS] = (known[0], known[-1])
    chosen = st.select_slider(
        say("catalogue.years"), known, (known[0], known[-1]), key=YEARS, persist_state="session"
    )
    first, last = int(chosen[0]), int(chosen[1])
    return None if (first, last) == (known[0], known[-1]) else (first, last)


def _matching(snapshot: Snapshot, chosen: Filters, title: str) -> list[Resource]:
    wanted = fold(title).split()
    passing = [snapshot.catalogue[row] for row in np.flatnonzero(snapshot.catalogue.select(chosen))]
    named = [resource for resource in passing if all(part in fold(resource.title) for part in wanted)]
    return sorted(named, key=lambda resource: fold(resource.title))


def _holdings(covered: Holdings) -> None:
    """Draw themes in rows, types in columns, at one scale or at all."""
    st.markdown(say("coverage.lead"))
    scale = st.selectbox(
        say("field.scale"),
        [None, *(scale for scale in covered.scales if scale)],
        format_func=_scale,
        key="coverage_scale",
        persist_state="session",
    )
    gaps = covered.gaps(scale)
    st.markdown(count("coverage.gaps", len(gaps)))
    themes, types = [t for t in covered.themes if t], [k for k in covered.types if k]
    counts = pd.DataFrame([[covered.count(t, k, scale) for k in types] for t in themes], themes, types)
    # A row or a column without anything is one sentence: labels may be many more than a screen holds.
    held = counts.loc[counts.any(axis=1), counts.any(axis=0)]
    _nothing("coverage.no_theme", [theme for theme in themes if theme not in held.index])
    _nothing("coverage.no_type", [kind for kind in types if kind not in held.columns])
    if held.size:
        # Where nearly all cells are empty, a mark on each would hide the others.
        marked = bool((held != 0).to_numpy().mean() >= FILLED)
        table = held.map(lambda number: _cell(number, marked))
        st.table(
            table.rename(index=plain, columns=plain).rename_axis(say("field.theme")),
            alt=say("coverage.table"),
        )


def _nothing(key: str, names: list[str]) -> None:
    if names:
        st.markdown(say(key, names=" ; ".join(plain(name) for name in names)))


def _cell(number: int, marked: bool) -> str:
    empty = f":orange-badge[{say('coverage.none')}]" if marked else "–"
    return decimal(number, 0) if number else empty


def _scale(value: str | None) -> str:
    if value is None:
        return say("coverage.all_scales")
    return say("coverage.unknown") if value == "unknown" else value


show()

"""The catalogue, browsed by facet and by title."""

from __future__ import annotations

import numpy as np
import streamlit as st

from reco.app import cards, failures, filters
from reco.app.wording import count, say
from reco.catalogue import Filters
from reco.resource import Resource
from reco.snapshot import Snapshot
from reco.text import fold

FACETS = ("type", "theme")
MORE_FACETS = ("publisher", "scale")
PER_PAGE = 20


def show() -> None:
    """Draw the boxes, then the page of the list that they leave."""
    snapshot = failures.snapshot()
    st.title(say("catalogue.title"), anchor=False)
    title = st.text_input(
        say("catalogue.search"),
        key="catalogue_search",
        type="search",
        live="300ms",
        placeholder=say("catalogue.placeholder"),
        persist_state="session",
    )
    chosen = filters.chosen("catalogue", FACETS + MORE_FACETS)
    filters.choose("catalogue", FACETS, snapshot, chosen)
    filters.choose("catalogue", MORE_FACETS, snapshot, chosen)
    found = _matching(snapshot, filters.chosen("catalogue", FACETS + MORE_FACETS), title or "")
    st.header(count("catalogue.count", len(found)), anchor=False)
    pages = max(1, -(-len(found) // PER_PAGE))
    if st.session_state.get("catalogue_page", 1) > pages:
        st.session_state["catalogue_page"] = 1
    start = (st.session_state.get("catalogue_page", 1) - 1) * PER_PAGE
    for resource in found[start : start + PER_PAGE]:
        cards.row(resource, "list")
    if pages > 1:
        st.pagination(pages, key="catalogue_page")


def _matching(snapshot: Snapshot, chosen: Filters, title: str) -> list[Resource]:
    wanted = fold(title).split()
    passing = [snapshot.catalogue[row] for row in np.flatnonzero(snapshot.catalogue.select(chosen))]
    named = [resource for resource in passing if all(part in fold(resource.title) for part in wanted)]
    return sorted(named, key=lambda resource: fold(resource.title))


show()

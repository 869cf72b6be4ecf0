"""The catalogue: browse it by facet and title, or read the sheet of one resource (`?id=...`)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import numpy as np
import streamlit as st

from reco.app import cards, failures, filters
from reco.app.markup import plain
from reco.app.wording import count, say
from reco.catalogue import Filters
from reco.resource import Resource
from reco.snapshot import Snapshot
from reco.text import digest, fold

FACETS = ("type", "theme")
MORE_FACETS = ("publisher", "scale")
PER_PAGE = 20


def show() -> None:
    """Draw the list, or the sheet that the address names."""
    identifier = st.query_params.get("id")
    snapshot = failures.snapshot()
    if identifier:
        _sheet(snapshot, identifier)
    else:
        _list(snapshot)


def _list(snapshot: Snapshot) -> None:
    st.title(say("catalogue.title"), anchor=False)
    title = st.text_input(
        say("catalogue.search"), key="catalogue_search", type="search", live="300ms", persist_state="session"
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
        cards.row(resource)
    if pages > 1:
        st.pagination(pages, key="catalogue_page")


def _matching(snapshot: Snapshot, chosen: Filters, title: str) -> list[Resource]:
    wanted = fold(title).split()
    passing = [snapshot.catalogue[row] for row in np.flatnonzero(snapshot.catalogue.select(chosen))]
    named = [resource for resource in passing if all(part in fold(resource.title) for part in wanted)]
    return sorted(named, key=lambda resource: fold(resource.title))


def _sheet(snapshot: Snapshot, identifier: str) -> None:
    cards.to_list(say("sheet.back"))
    row = snapshot.catalogue.row(identifier)
    if row is None:
        st.title(say("sheet.unknown_title"), anchor=False)
        st.markdown(say("sheet.unknown"))
        return
    resource = snapshot.catalogue[row]
    st.set_page_config(page_title=f"{resource.title} · {say('app.name')}")
    st.title(plain(resource.title), anchor=False)
    if found := cards.badges(resource):
        st.markdown(found)
    cards.links(resource, sheet=False)
    _fields(resource)
    _read(snapshot, row, resource)
    cards.near(resource, digest(resource.id)[:12], expanded=True)
    st.caption(say("sheet.permanent"))
    st.code(_address(resource), language=None, wrap_lines=True)


def _fields(resource: Resource) -> None:
    named = {
        say("field.publisher"): resource.publisher,
        say("field.authors"): resource.authors,
        say("field.year"): str(resource.year or ""),
        say("field.audience"): resource.audience,
        say("field.scale"): "" if resource.scale == "unknown" else resource.scale,
        say("field.place"): resource.place,
        say("field.language"): resource.language,
        say("field.source"): resource.source,
        say("field.evidence"): resource.evidence,
        say("field.notes"): " ".join(resource.notes),
    }
    with st.container(gap="xsmall"):
        for name, value in named.items():
            if value:
                label, text = st.columns([1, 3])
                label.caption(name)
                text.text(value)


def _read(snapshot: Snapshot, row: int, resource: Resource) -> None:
    """Draw what the model reads: the title and each passage, which together are the whole summary."""
    spans = [span for span in snapshot.table.document(row).spans if span.start >= 0]
    st.header(say("sheet.reads"), anchor=False)
    st.caption(count("sheet.passages", len(spans)))
    with st.container(border=True):
        for span in spans:
            st.text(" ".join(resource.summary[span.start : span.end].split()))
        if not spans:
            st.caption(say("sheet.no_summary"))


def _address(resource: Resource) -> str:
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, urlencode({"id": resource.id}), ""))


show()

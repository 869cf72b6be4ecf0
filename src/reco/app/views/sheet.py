"""One resource: what it is, what the model reads of it, and its permanent address (`?id=...`)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from reco.app import cards, failures
from reco.app.markup import line, plain
from reco.app.wording import count, language, say
from reco.resource import Resource
from reco.snapshot import Snapshot
from reco.text import digest


def show() -> None:
    """Draw the sheet that the address names."""
    snapshot = failures.snapshot()
    cards.to_list(say("sheet.back"))
    row = snapshot.catalogue.row(st.query_params.get("id", ""))
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
        say("field.language"): "" if resource.language == language() else resource.language,
        say("field.source"): resource.source,
        say("field.evidence"): resource.evidence,
        say("field.notes"): " ".join(resource.notes),
    }
    with st.container(horizontal=True, gap="medium"):
        for name, value in named.items():
            if value:
                with st.container(width=320, gap=None):
                    st.caption(name)
                    st.text(value)


def _read(snapshot: Snapshot, row: int, resource: Resource) -> None:
    """Draw what the model reads: the title and each passage, which together are the whole summary."""
    spans = [span for span in snapshot.table.document(row).spans if span.start >= 0]
    st.header(say("sheet.reads"), anchor=False)
    st.caption(count("sheet.passages", len(spans)))
    with st.container(border=True):
        for span in spans:
            st.text(line(resource.summary[span.start : span.end]))
        if not spans:
            st.caption(say("sheet.no_summary"))


def _address(resource: Resource) -> str:
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, urlencode({"id": resource.id}), ""))


show()

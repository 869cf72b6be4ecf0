"""Sheet page of one resource: fields, text that the model reads, permanent address (`?id=...`)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from reco.app.markup import line, plain
from reco.app.phrases import count, day, decimal, group, language, say
from reco.app.state import failures, history
from reco.app.widgets import basket, cards, notices, row_notes
from reco.catalogue.places.gazetteer import Locality
from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import UNKNOWN
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import digest, itemised


def show() -> None:
    """Draw the sheet of the resource in the address."""
    snapshot = failures.snapshot()
    cards.to_page("catalogue", say("sheet.back"), ":material/arrow_back:")
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
    notices.age(resource, snapshot.manifest)
    cards.links(resource, sheet=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        basket.button(resource, f"sheet_{digest(resource.id)[:12]}")
        cards.to_dossier()
    _fields(snapshot, resource)
    _model_text(snapshot, row, resource)
    _others(snapshot, resource)
    cards.near(resource, digest(resource.id)[:12], expanded=True)
    st.caption(say("sheet.permanent"))
    st.code(_address(resource), language=None, wrap_lines=True)


def _fields(snapshot: Snapshot, resource: Resource) -> None:
    named = {
        say("field.publisher"): resource.publisher,
        say("field.authors"): resource.authors,
        say("field.year"): str(resource.year or ""),
        say("field.audience"): resource.audience,
        say("field.scale"): "" if resource.scale == UNKNOWN else resource.scale,
        say("field.place"): resource.place,
        say("sheet.localities"): " ; ".join(_locality(place) for place in resource.localities),
        say("field.language"): "" if resource.language == language() else resource.language,
        say("field.evidence"): resource.evidence,
        say("field.notes"): " ".join(row_notes.worded(note) for note in resource.notes),
        say("sheet.dates"): _dates(snapshot, resource),
    }
    with st.container(horizontal=True, gap="medium"):
        for name, value in named.items():
            if value:
                with st.container(width=320, gap=None):
                    st.caption(name)
                    st.text(value)


def _locality(place: Locality) -> str:
    facts = [say(f"locality.{place.kind}"), place.code]
    if place.population is not None:
        facts.append(count("locality.population", place.population))
    return f"{place.name} ({', '.join(facts)})"


def _dates(snapshot: Snapshot, resource: Resource) -> str:
    dates = history.dates_of(snapshot, resource.id)
    seen = say("sheet.seen" if dates.since else "sheet.seen_before", day=day(dates.seen))
    changed = say("sheet.changed", day=day(dates.changed)) if dates.changed else ""
    return f"{seen} {changed}".strip()


def _model_text(snapshot: Snapshot, row: int, resource: Resource) -> None:
    """Draw the passages of the summary that the model reads, then the parts that are set aside."""
    spans = [span for span in snapshot.table.document(row).spans if span.start >= 0]
    st.header(say("sheet.reads"), anchor=False)
    st.caption(count("sheet.passages", len(spans)))
    with st.container(border=True):
        for span in spans:
            st.text(line(itemised(resource.summary[span.start : span.end])))
        if not spans:
            st.caption(say("sheet.no_summary"))
    if resource.set_aside:
        left_out = sum(span.end - span.start for span in resource.set_aside)
        with st.expander(say("sheet.aside", count=decimal(left_out, 0))):
            st.caption(say("sheet.aside_why"))
            for span in resource.set_aside:
                st.text(line(itemised(resource.summary[span.start : span.end])))


def _others(snapshot: Snapshot, resource: Resource) -> None:
    """Draw the other listings of the resource, newest first, and why they are duplicates."""
    family = snapshot.families.of.get(resource.id) if snapshot.families is not None else None
    if family is None:
        return
    st.header(say("sheet.others"), anchor=False)
    words = group("family")
    reasons = sorted(
        {words.get(pair.why, pair.why) for pair in family.pairs if resource.id in (pair.first, pair.second)}
    )
    st.caption(say("sheet.others_why", why=", ".join(reasons)) if reasons else say("sheet.others_chain"))
    rows = (snapshot.catalogue.row(member) for member in family.members if member != resource.id)
    for row in rows:
        if row is not None:
            cards.row(snapshot.catalogue[row], "others")


def _address(resource: Resource) -> str:
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, urlencode({"id": resource.id}), ""))


show()

"""The dossier: reorder, annotate, follow as a project, take away as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from reco import settings as configuration
from reco.app import basket, cards, failures, served
from reco.app.markup import marked, plain, shortened
from reco.app.wording import count, day, say
from reco.dossier import (
    Dossier,
    Headings,
    Item,
    docx_bytes,
    markdown_bytes,
    ris_bytes,
    table_bytes,
    xlsx_bytes,
)
from reco.errors import InvalidInput
from reco.projects import LONGEST_NAME, ProjectStore
from reco.query import Query

_LONGEST_NOTE = 4_000
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show() -> None:
    """Draw the page."""
    st.title(say("dossier.title"), anchor=False)
    items = basket.kept()
    if not items:
        st.markdown(say("dossier.empty"))
        cards.to_recommend(say("dossier.to_recommend"))
        return
    st.markdown(say("dossier.lead"))
    _head()
    st.header(count("dossier.count", len(items)), anchor=False)
    for place, item in enumerate(items):
        _item(place, item, len(items))
    _take_away()
    _follow()
    st.button(say("dossier.clear"), key="clear", icon=":material/delete:", on_click=basket.empty)


def _head() -> None:
    asked = basket.asked()
    st.session_state.setdefault("dossier_title", say("dossier.untitled"))
    if asked is not None and st.session_state.get("dossier_asked") != asked.text:
        # Another request than the one shown: the visitor's own changes to it must not hide that.
        st.session_state["dossier_asked"] = st.session_state["dossier_request"] = asked.text
    st.text_input(say("dossier.name"), key="dossier_title", max_chars=LONGEST_NAME, persist_state="session")
    st.text_area(say("dossier.request"), key="dossier_request", height=120, persist_state="session")


def _item(place: int, item: Item, total: int) -> None:
    key, identifier = basket.key_of(item), item.resource.id
    with st.container(border=True, gap="xsmall"):
        st.subheader(f"{place + 1}\\. {plain(item.resource.title)}", anchor=False)
        cards.credit(item.resource)
        for quote in item.quotes:
            st.markdown(marked(f"{say('quote.open')}{plain(shortened(quote, 400))}{say('quote.close')}"))
        st.text_area(
            say("dossier.note"),
            item.note,
            key=f"note_{key}",
            height=80,
            max_chars=_LONGEST_NOTE,
            on_change=_noted,
            args=(identifier, f"note_{key}"),
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            title = shortened(item.resource.title, 60)
            for step, name, icon, stuck in (
                (-1, say("dossier.up"), ":material/arrow_upward:", place == 0),
                (1, say("dossier.down"), ":material/arrow_downward:", place == total - 1),
            ):
                st.button(
                    name,
                    key=f"move{step}_{key}",
                    icon=icon,
                    disabled=stuck,
                    help=plain(title),
                    on_click=basket.move,
                    args=(identifier, step),
                )
            basket.button(item.resource, key)
            cards.to_sheet(item.resource, say("card.sheet"), ":material/description:")


def _noted(identifier: str, key: str) -> None:
    basket.annotate(identifier, st.session_state.get(key) or "")


def _take_away() -> None:
    st.header(say("dossier.take"), anchor=False)
    st.caption(say("dossier.take_told"))
    headings, dossier = _headings(), _dossier()
    writers: tuple[tuple[str, str, str, Callable[[], bytes]], ...] = (
        (say("dossier.docx"), "docx", _DOCX, partial(docx_bytes, dossier, headings)),
        (say("dossier.xlsx"), "xlsx", _XLSX, partial(xlsx_bytes, dossier, headings)),
        (say("dossier.csv"), "csv", "text/csv", partial(table_bytes, dossier, headings)),
        (say("dossier.ris"), "ris", "application/x-research-info-systems", partial(ris_bytes, dossier)),
        (say("dossier.markdown"), "md", "text/markdown", partial(markdown_bytes, dossier, headings)),
    )
    with st.container(horizontal=True, gap="small"):
        for name, ending, mime, write in writers:
            st.download_button(
                name,
                write,
                f"{say('dossier.file')}.{ending}",
                mime,
                key=f"take_{ending}",
                icon=":material/download:",
                on_click="ignore",
            )


def _dossier() -> Dossier:
    title = (st.session_state.get("dossier_title") or "").strip() or say("dossier.untitled")
    return Dossier(title, st.session_state.get("dossier_request") or "", basket.kept(), _foot())


def _foot() -> str:
    today = day(datetime.now(UTC).isoformat())
    manifest = served.manifest()
    if manifest is None:
        return say("dossier.foot_today", today=today)
    return say("dossier.foot", number=manifest.snapshot, day=day(manifest.created), today=today)


def _headings() -> Headings:
    return Headings(
        request=say("dossier.request"),
        resources=say("dossier.resources"),
        rank=say("dossier.rank"),
        title=say("field.title"),
        level=say("field.level"),
        publisher=say("field.publisher"),
        authors=say("field.authors"),
        year=say("field.year"),
        type=say("field.type"),
        theme=say("field.theme"),
        place=say("field.place"),
        quotes=say("dossier.quotes"),
        reasons=say("dossier.reasons"),
        note=say("dossier.note"),
        link=say("field.link"),
        source=say("field.source"),
        id=say("field.id"),
        open_quote=say("quote.open"),
        close_quote=say("quote.close"),
    )


def _follow() -> None:
    st.header(say("dossier.follow"), anchor=False)
    st.markdown(say("dossier.follow_told"))
    st.button(say("dossier.save"), key="save_project", icon=":material/notifications:", on_click=_save)
    told = st.session_state.pop("dossier_saved", None)
    if told is not None:
        good, sentence = told
        (st.success if good else st.warning)(sentence)


def _save() -> None:
    asked = basket.asked()
    title = st.session_state.get("dossier_title") or ""
    text = st.session_state.get("dossier_request") or ""
    try:
        query = Query.of(text, filters=asked.filters if asked is not None else None)
        project = ProjectStore(configuration.home_of(served.settings())).add(title, query)
    except InvalidInput as error:
        failures.note(error)
        st.session_state["dossier_saved"] = (False, say("dossier.not_saved"))
        return
    st.session_state["dossier_saved"] = (True, say("dossier.saved", name=plain(project.name)))


show()

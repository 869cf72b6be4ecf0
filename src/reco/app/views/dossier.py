"""Dossier page: order and annotate kept resources, follow them as a project, download files."""

from __future__ import annotations

import streamlit as st

from reco.app.dossier.content import Item
from reco.app.markup import marked, of, plain, shortened
from reco.app.phrases import count, say
from reco.app.state import failures, shared
from reco.app.widgets import basket, cards, downloads
from reco.app.widgets.downloads import REQUEST, TITLE
from reco.errors import InvalidInput
from reco.projects.store import LONGEST_NAME
from reco.ranking.query import Query

_LONGEST_NOTE = 4_000


def show() -> None:
    """Draw the page."""
    st.title(say("dossier.title"), anchor=False)
    items = basket.kept()
    if not items:
        st.markdown(say("dossier.empty"))
        cards.to_page("recommend", say("dossier.to_recommend"), ":material/search:")
        return
    st.markdown(say("dossier.lead"))
    _desk(len(items))
    st.header(say("dossier.take"), anchor=False)
    st.caption(say("dossier.take_told"))
    downloads.buttons()
    _follow()
    st.button(say("dossier.clear"), key="clear", icon=":material/delete:", on_click=basket.empty)


@st.fragment
def _desk(total: int) -> None:
    """Draw the editable part. A change redraws this fragment alone, unless it removes an item."""
    with failures.told():
        downloads.deliver()
        items = basket.kept()
        if len(items) != total:
            st.rerun()
        _head()
        st.header(count("dossier.count", total), anchor=False)
        for place, item in enumerate(items):
            _item(place, item, total)


def _head() -> None:
    query = basket.asked()
    st.session_state.setdefault(TITLE, say("dossier.untitled"))
    if query is not None and st.session_state.get("dossier_asked") != query.text:
        # The query changed: the visitor's edits of the previous one must not hide it.
        st.session_state["dossier_asked"] = st.session_state[REQUEST] = query.text
    st.text_input(say("dossier.name"), key=TITLE, max_chars=LONGEST_NAME, persist_state="session")
    st.text_area(say("dossier.request"), key=REQUEST, height=120, persist_state="session")


def _item(place: int, item: Item, total: int) -> None:
    key, identifier = basket.key_of(item), item.resource.id
    with st.container(border=True, gap="xsmall"):
        st.subheader(f"{place + 1}\\. {plain(item.resource.title)}", anchor=False)
        cards.credit(item.resource)
        for quote in item.quotes:
            st.markdown(marked(f"{say('quote.open')}{plain(shortened(quote, 400))}{say('quote.close')}"))
        st.text_area(
            say("dossier.note") + of(item.resource.title),
            item.note,
            key=f"note_{key}",
            height=80,
            max_chars=_LONGEST_NOTE,
            on_change=_noted,
            args=(identifier, f"note_{key}"),
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            for step, name, icon, stuck in (
                (-1, say("dossier.up"), ":material/arrow_upward:", place == 0),
                (1, say("dossier.down"), ":material/arrow_downward:", place == total - 1),
            ):
                st.button(
                    name + of(item.resource.title),
                    key=f"move{step}_{key}",
                    icon=icon,
                    disabled=stuck,
                    on_click=basket.move,
                    args=(identifier, step),
                )
            basket.button(item.resource, key)
            cards.to_sheet(item.resource, say("card.sheet"), ":material/description:")


def _noted(identifier: str, key: str) -> None:
    basket.annotate(identifier, st.session_state.get(key) or "")


def _follow() -> None:
    st.header(say("dossier.follow"), anchor=False)
    st.markdown(say("dossier.follow_told"))
    st.button(say("dossier.save"), key="save_project", icon=":material/notifications:", on_click=_save)
    outcome = st.session_state.pop("dossier_saved", None)
    if outcome is not None:
        saved, sentence = outcome
        (st.success if saved else st.warning)(sentence)


def _save() -> None:
    st.session_state["dossier_saved"] = _saved()
    # A note typed just before may redraw the desk alone, but the outcome shows below it.
    st.rerun()


def _saved() -> tuple[bool, str]:
    """Save the project. Return whether it was saved, and the sentence to show."""
    kept_query = basket.asked()
    title = st.session_state.get(TITLE) or ""
    text = st.session_state.get(REQUEST) or ""
    try:
        query = Query.of(text, filters=kept_query.filters if kept_query is not None else None)
        project = shared.home().projects.add(title, query)
    except InvalidInput as error:
        failures.note(error)
        return False, say("dossier.not_saved")
    return True, say("dossier.saved", name=plain(project.name))


show()

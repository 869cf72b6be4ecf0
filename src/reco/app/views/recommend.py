"""Recommend page, the first one: describe a project and read the results."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from reco.app.markup import plain
from reco.app.phrases import count, say
from reco.app.state import failures, shared
from reco.app.widgets import (
    cards,
    filters,
    locality,
    notices,
    opinions,
    paper,
    request_form,
    spelling,
)
from reco.catalogue.catalogue import Filters
from reco.errors import InvalidQuery
from reco.ranking.query import LONGEST, Query
from reco.ranking.recommender import Answer, Need, Recommender
from reco.serving import request_queue
from reco.snapshots.snapshot import Snapshot

PAGE = "recommend"
FACETS = ("type", "theme")
MORE_FACETS = ("scale", "publisher")
_EXAMPLES = (
    ("example.school.label", "example.school.text"),
    ("example.centre.label", "example.centre.text"),
    ("example.water.label", "example.water.text"),
)
_ENDS = " .,;:"
"""Signs to drop at the end of a need in a list."""


def show() -> None:
    """Draw the page."""
    st.title(say("recommend.title"), anchor=False)
    request_form.reopen(PAGE)
    searched = "request" in st.session_state
    if not searched:
        st.markdown(say("recommend.lead"))
    # A file fills the description, which Streamlit allows only before it draws the text box.
    above, below = st.container(), st.container()
    with below:
        _from_a_file()
    with above:
        _form(searched)
    snapshot = failures.snapshot()
    _options(snapshot, searched)
    if searched:
        _results(st.session_state["request"], filters.chosen(PAGE, FACETS + MORE_FACETS))


def _from_a_file() -> None:
    box = st.expander(say("file.open"), icon=":material/upload_file:", key="file_box", on_change="rerun")
    if box.open:
        with box:
            request_form.drop_a_file()


def _options(snapshot: Snapshot, searched: bool) -> None:
    """Draw the options, in one box once there are results, so that these stay on the screen."""
    chosen = filters.chosen(PAGE, FACETS + MORE_FACETS)
    if searched:
        used = bool(locality.chosen()) or chosen != Filters()
        with st.expander(say("filters.refine"), used, icon=":material/tune:", key="options"):
            _choices(snapshot, chosen)
            _more_choices(snapshot, chosen)
        return
    _choices(snapshot, chosen)
    with st.expander(say("filters.more"), icon=":material/tune:"):
        _more_choices(snapshot, chosen)


def _choices(snapshot: Snapshot, chosen: Filters) -> None:
    locality.choose()
    filters.choose(PAGE, FACETS, snapshot, chosen)
    with st.container(horizontal=True, gap="medium"):
        st.checkbox(say("shelf.box"), key="shelf", help=say("shelf.help"), persist_state="session")
        st.checkbox(
            say("like.box"),
            key="near",
            help=say("like.help"),
            disabled=not locality.chosen(),
            persist_state="session",
        )


def _more_choices(snapshot: Snapshot, chosen: Filters) -> None:
    filters.choose(PAGE, MORE_FACETS, snapshot, chosen)
    filters.choose_years(PAGE)


def _form(searched: bool) -> None:
    with st.form("describe", border=False):
        st.text_area(
            say("recommend.box"),
            key="description",
            height=100 if searched else 140,
            placeholder=say("recommend.placeholder"),
            persist_state="session",
        )
        st.form_submit_button(
            say("recommend.search"), type="primary", icon=":material/search:", on_click=_ask, key="ask"
        )
    if searched:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(say("recommend.examples"), width="content")
        for label, text in _EXAMPLES:
            st.button(say(label), key=label, type="secondary", on_click=_ask, args=(say(text),))


def _ask(example: str | None = None) -> None:
    if example is not None:
        st.session_state["description"] = example
    st.session_state.pop("file_told", None)
    request_form.begin(st.session_state.get("description") or "")


def _set_excluded(shorts: tuple[str, ...]) -> None:
    st.session_state["without"] = shorts


def _more() -> None:
    st.session_state["wanted"] = st.session_state.get("wanted", request_form.STEP) + request_form.STEP


def _results(text: str, chosen: Filters) -> None:
    try:
        query = request_form.query_for(text, chosen, opinions.asked())
    except InvalidQuery:
        too_long = len(text) > LONGEST
        st.warning(say("failure.too_long") if too_long else say("failure.no_words"), icon=":material/edit:")
        return
    # A visitor who waits for the model or for a turn lets others draw their pages.
    with request_queue.DRAWING.aside():
        with st.spinner(say("progress.model"), show_time=True):
            recommender = shared.recommender()
        _search(recommender, query)


def _search(recommender: Recommender, query: Query) -> None:
    """Search and draw the results within one turn: drawing is more than half of the work."""
    waiting = st.empty()
    with request_queue.SHARED.passing(lambda rank: _tell_rank(waiting, rank)):
        waiting.empty()
        with st.spinner(say("progress.search"), show_time=True):
            answer = _answer_or_reason(recommender, query)
        if answer is not None:
            _draw(answer)


def _tell_rank(waiting: DeltaGenerator, rank: int) -> None:
    waiting.info(say("progress.queue", rank=rank), icon=":material/hourglass_top:")


def _draw(answer: Answer) -> None:
    _overview(answer)
    spelling.understood(answer)
    notices.shelf(answer.shelf)
    paper.told(answer.query)
    _expansions(answer)
    opinions.summary(answer)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        request_form.share(answer.query)
        cards.to_dossier()
    if answer.verdict == "nothing":
        with st.expander(say("verdict.list")):
            _cards(answer)
    else:
        _cards(answer)


def _answer_or_reason(recommender: Recommender, query: Query) -> Answer | None:
    """Return the answer. If the shelf cannot be filled, show what it needs and return None."""
    try:
        return _answer(recommender, query)
    except InvalidQuery as error:
        if not query.shelf:
            raise
        failures.note(error)
        st.warning(say("shelf.refused"), icon=":material/edit:")
        return None


def _answer(recommender: Recommender, query: Query) -> Answer:
    """Return the answer, kept in the session: opening a card searches nothing again."""
    key = (query, recommender.snapshot.id)
    kept: tuple[object, Answer] | None = st.session_state.get("answer")
    if kept is None or kept[0] != key:
        kept = (key, recommender.recommend(query))
        st.session_state["answer"] = kept
    return kept[1]


def _overview(answer: Answer) -> None:
    """Draw the number of results, the verdict and the needs, above the results."""
    size = count("recommend.found", len(answer.recommendations))
    st.header(say("verdict.nothing_title") if answer.verdict == "nothing" else size, anchor=False)
    if not answer.recommendations:
        st.markdown(say("recommend.none"))
    if answer.verdict is not None:
        st.markdown(say(f"verdict.{answer.verdict}"))
        _chance(answer)
    if answer.needs:
        covered = [need for need in answer.needs if need.covered_by]
        _needs(say("needs.covered"), covered, ":material/check_circle:")
        _needs(
            say("needs.uncovered"),
            [need for need in answer.needs if not need.covered_by],
            ":material/radio_button_unchecked:",
        )


def _chance(answer: Answer) -> None:
    """Say how likely something useful is, what no result is about, and how many needs have an answer."""
    told = []
    if answer.chance is not None and answer.verdict != "nothing":
        told.append(say("verdict.chance", tenths=round(10 * answer.chance)))
    if answer.unmet and answer.verdict == "weak":
        told.append(say("verdict.unmet", words=", ".join(map(plain, answer.unmet))))
    if len(answer.needs) > 1:
        found = sum(need.verdict == "found" for need in answer.needs)
        told.append(say("verdict.needs", found=found, all=len(answer.needs)))
    if told:
        st.caption(" ".join(told))


def _expansions(answer: Answer) -> None:
    """Draw the expanded acronyms, e.g. "PLU = plan local d'urbanisme". A click turns one off."""
    without = answer.query.without
    if not (answer.expansions or without):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(say("acronyms.read"), width="content")
        for number, acronym in enumerate(answer.expansions):
            st.button(
                f"{plain(acronym.short)} = {plain(acronym.entry.full)}",
                key=f"acronym_{number}",
                icon=":material/close:",
                icon_position="right",
                help=say("acronyms.remove"),
                on_click=_set_excluded,
                args=((*without, acronym.short),),
            )
        if without:
            st.button(say("acronyms.restore"), key="acronyms_restore", on_click=_set_excluded, args=((),))


def _needs(title: str, needs: list[Need], icon: str) -> None:
    if not needs:
        return
    lines = [f"- {icon} {plain(need.text.rstrip(_ENDS))}{_ranks(need)}" for need in needs]
    with st.container(key=f"needs_{'met' if needs[0].covered_by else 'unmet'}"):
        st.markdown(f"**{title}**\n\n" + "\n".join(lines))


def _ranks(need: Need) -> str:
    ranks = ", ".join(str(rank) for rank in need.covered_by)
    if len(need.covered_by) == 1:
        return f" ({say('needs.rank', rank=ranks)})"
    return f" ({say('needs.ranks', ranks=ranks)})" if ranks else ""


def _cards(answer: Answer) -> None:
    for item in answer.recommendations:
        cards.card(item, answer)
    if len(answer.recommendations) == answer.query.k:
        st.button(say("recommend.more"), on_click=_more, icon=":material/expand_more:", key="more")


show()

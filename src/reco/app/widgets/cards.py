"""A resource as a card: facts, best passage, explanation and nearest resources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from reco.app.markup import badge, marked, plain, shortened, with_words
from reco.app.phrases import say
from reco.app.state import failures, shared
from reco.app.widgets import basket, notices, opinions, why
from reco.catalogue.resource import Resource
from reco.ranking.explain import Explanation, QuotedPassage
from reco.ranking.recommender import Answer, Recommendation
from reco.serving import request_queue
from reco.text.clean import digest, itemised, quotation
from reco.text.tokens import words

NEAR = 4
CONTEXT = 220
"""Most characters of the summary on each side of the best passage."""
_VIEWS = Path(__file__).parents[1] / "views"

# Key: the core's level. The badge has the word too, so that colour is never the only sign.
_LEVELS = {
    "très proche": ("level.very_close", "green"),
    "proche": ("level.close", "blue"),
    "piste": ("level.lead", "orange"),
    "éloigné": ("level.far", "gray"),
}


def card(item: Recommendation, answer: Answer) -> None:
    """Draw one result of a query."""
    key = digest(item.resource.id)[:12]
    with st.container(border=True, gap="xsmall"):
        _badges(item.resource, item.level)
        st.subheader(f"{item.rank}\\. {plain(item.resource.title)}", anchor=False)
        credit(item.resource)
        notices.age(item.resource, shared.manifest())
        _excerpt(item, answer.query.reading.lead)
        notices.moved(item.placement)
        notices.like(item.likeness)
        notices.warnings(item.vigilance)
        links(item.resource)
        _others(item.others, key)
        _why(item.explanation, key, answer.query.reading.lead)
        near(item.resource, key)
        with st.container(horizontal=True, gap="small", key=f"acts_{key}"):
            opinions.buttons(item, answer, key)
            query = basket.BasketQuery(answer.query.text, answer.query.filters)
            basket.button(item.resource, key, item.explanation, _level(item.level), query)
        opinions.told(item, answer, key)


def credit(resource: Resource) -> None:
    """Draw publisher, authors and year."""
    facts = [resource.publisher, resource.authors, str(resource.year or "")]
    line = " · ".join(plain(shortened(fact, 160)) for fact in facts if fact)
    if line:
        st.caption(line)


def links(resource: Resource, sheet: bool = True) -> None:
    """Draw the links to the resource and to its sheet."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if resource.link:
            st.link_button(say("card.read"), resource.link, icon=":material/open_in_new:")
        if sheet:
            to_sheet(resource, say("card.sheet"), ":material/description:")
        if not resource.link:
            st.caption(say("card.no_link"))
        notices.gone(resource)


def to_sheet(resource: Resource, label: str, icon: str | None = None) -> None:
    """Draw a link to the sheet of a resource."""
    st.page_link(_VIEWS / "sheet.py", label=label, icon=icon, query_params={"id": resource.id})


def to_page(view: str, label: str, icon: str) -> None:
    """Draw a link to the page of a view, e.g. `catalogue`."""
    st.page_link(_VIEWS / f"{view}.py", label=label, icon=icon)


def to_dossier() -> None:
    """Draw a link to the dossier if it has resources."""
    if basket.kept():
        to_page("dossier", basket.label(), ":material/bookmark:")


def row(resource: Resource, place: str, facts: Sequence[str] | None = None) -> None:
    """Draw a resource as a line of a list: a link to its sheet, then `facts`.

    The default facts are type, theme, publisher and year. `place` makes the key unique if two lists of a page
    show the same resource.
    """
    if facts is None:
        facts = (resource.type, resource.theme, resource.publisher, str(resource.year or ""))
    with st.container(gap=None, key=f"row_{place}_{digest(resource.id)[:12]}"):
        to_sheet(resource, f"**{plain(resource.title)}**")
        st.caption(" · ".join(plain(shortened(fact, 80)) for fact in facts if fact))


@st.fragment
def near(resource: Resource, key: str, expanded: bool = False) -> None:
    """Draw the nearest resources. Opening the box computes them, without redrawing the page."""
    with failures.told():
        _near(resource, key, expanded)


def _near(resource: Resource, key: str, expanded: bool) -> None:
    box = st.expander(
        say("card.near"), expanded, icon=":material/share:", key=f"near_{key}", on_change="rerun"
    )
    if box.open:
        # As in a search: a visitor who waits for the model or for a turn lets others draw their pages.
        with box, st.spinner(say("progress.near")), request_queue.DRAWING.aside():
            answer = shared.recommender().similar(resource.id, NEAR)
            for item in answer.recommendations:
                row(item.resource, key)


def badges(resource: Resource) -> str:
    """Return the badges of type and themes, as Markdown."""
    kind = [badge(resource.type, "blue")] if resource.type else []
    return " ".join(kind + [badge(theme) for theme in resource.themes])


def _badges(resource: Resource, level: str | None) -> None:
    found = badges(resource)
    if level is not None:
        _, colour = _LEVELS.get(level, ("", "gray"))
        found = f"{badge(_level(level), colour)} {found}"
    if found:
        st.markdown(found)


def _level(level: str | None) -> str:
    """Return a level in the visitor's language."""
    key, _ = _LEVELS.get(level or "", ("", ""))
    return say(key) if key else level or ""


def _others(others: Sequence[Resource], key: str) -> None:
    """Draw the other listings of the resource, newest first."""
    if not others:
        return
    st.caption(say("card.others"))
    for number, other in enumerate(others):
        row(other, f"{key}_{number}")


def _excerpt(item: Recommendation, query: str) -> None:
    if not item.explanation.passages:
        return
    stems = {word.stem for word in words(query)}
    st.markdown(excerpt(item.resource.summary, item.explanation.passages[0], stems))


def excerpt(summary: str, best: QuotedPassage, stems: set[str]) -> str:
    """Return Markdown: the best passage marked, the text around it, and the query's words in bold."""
    found, shown = itemised(best.text), quotation(best.text)
    before, after = itemised(summary[: best.start].strip()), itemised(summary[best.end :].strip())
    if before and found != shown:
        before += " •"
    if len(before) > CONTEXT:
        before = f"… {before[-CONTEXT:].split(' ', 1)[-1]}"
    parts = (with_words(before, stems), marked(with_words(shown, stems)))
    return " ".join(part for part in (*parts, with_words(shortened(after, CONTEXT), stems)) if part)


@st.fragment
def _why(explanation: Explanation, key: str, query: str) -> None:
    box = st.expander(say("why.open"), icon=":material/help:", key=f"why_{key}", on_change="rerun")
    if box.open:
        with box:
            why.show(explanation, query)

"""A visitor's opinions on results. They act on this visit at once, and wait in the journal for a curator."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from reco.app.markup import of, plain, shortened
from reco.app.phrases import count, say
from reco.app.state import failures, shared
from reco.errors import RecoError
from reco.projects.feedback import LONGEST_REASON
from reco.ranking.query import MOST_OPINIONS, Opinion
from reco.ranking.recommender import Answer, Recommendation

_STATE = "opinions"
_CONSENT = "opinions_consent"
_FAILED = "opinions_failed"


@dataclass(frozen=True)
class Given:
    """An opinion of this visit: title of the resource, and number in the journal (None if not recorded)."""

    title: str
    useful: bool
    reason: str = ""
    number: int | None = None


def given() -> dict[str, Given]:
    """Return the opinions on the current query, by resource id."""
    opinions: dict[str, Given] = st.session_state.setdefault(_STATE, {})
    return opinions


def asked() -> tuple[Opinion, ...]:
    """Return the opinions as a query takes them."""
    return tuple(Opinion(identifier, opinion.useful) for identifier, opinion in given().items())


def buttons(item: Recommendation, answer: Answer, key: str) -> None:
    """Draw the two opinion buttons of a result. The one already chosen undoes the opinion."""
    opinion = given().get(item.resource.id)
    for useful, name, icon in (
        (True, "opinion.useful", ":material/thumb_up:"),
        (False, "opinion.off_topic", ":material/thumb_down:"),
    ):
        chosen = opinion is not None and opinion.useful == useful
        st.button(
            say(name) + of(item.resource.title),
            key=f"{'useful' if useful else 'off_topic'}_{key}",
            icon=":material/check:" if chosen else icon,
            type="primary" if chosen else "secondary",
            help=say("opinion.undo") if chosen else None,
            on_click=_undo if chosen else _give,
            args=(item.resource.id,) if chosen else (item, answer, useful),
        )


def told(item: Recommendation, answer: Answer, key: str) -> None:
    """Draw the box for the reason of an opinion, if the result has one."""
    opinion = given().get(item.resource.id)
    if opinion is None:
        return
    st.text_input(
        (say("opinion.why_useful") if opinion.useful else say("opinion.why_off_topic"))
        + of(item.resource.title),
        key=f"reason_{key}",
        max_chars=LONGEST_REASON,
        placeholder=say("opinion.optional"),
        on_change=_reason,
        args=(item.resource.id, key, answer),
    )


def summary(answer: Answer) -> None:
    """Draw the opinions that changed the list, each with an undo button."""
    if st.session_state.pop(_FAILED, False):
        st.warning(say("opinion.not_kept"), icon=":material/warning:")
    if not given():
        return
    with st.container(border=True, gap="small", key="opinions_summary"):
        st.markdown(count("opinion.changed", len(given())))
        with st.container(horizontal=True, gap="small"):
            for number, (identifier, opinion) in enumerate(given().items()):
                st.button(
                    plain(shortened(opinion.title, 60)),
                    key=f"undo_{number}",
                    icon=":material/thumb_up:" if opinion.useful else ":material/thumb_down:",
                    help=say("opinion.undo"),
                    on_click=_undo,
                    args=(identifier,),
                )
            st.button(say("opinion.undo_all"), key="undo_all", icon=":material/undo:", on_click=_undo_all)
        st.checkbox(
            say("opinion.consent"),
            key=_CONSENT,
            on_change=_consented,
            args=(answer,),
            persist_state="session",
        )
        st.caption(say("opinion.privacy"))


def _give(item: Recommendation, answer: Answer, useful: bool) -> None:
    identifier = item.resource.id
    if identifier not in given() and len(given()) >= MOST_OPINIONS:
        return
    _record(identifier, Given(item.resource.title, useful), answer)


def _reason(identifier: str, key: str, answer: Answer) -> None:
    """Record the opinion again with its reason: entries of the journal never change."""
    opinion = given().get(identifier)
    if opinion is not None:
        reason = st.session_state.get(f"reason_{key}") or ""
        _record(identifier, replace(opinion, reason=reason), answer)


def _consented(answer: Answer) -> None:
    """Record every opinion again, with the text of the query or without it."""
    for identifier, opinion in list(given().items()):
        _record(identifier, opinion, answer)


def _undo(identifier: str) -> None:
    _withdraw(identifier)
    given().pop(identifier, None)


def _undo_all() -> None:
    for identifier in list(given()):
        _undo(identifier)


def _record(identifier: str, opinion: Given, answer: Answer) -> None:
    """Record an opinion in place of the last one on the resource.

    If the journal fails, the opinion still acts on this visit and a warning shows.
    """
    _withdraw(identifier)
    number = None
    try:
        number = shared.home().feedback.give(
            answer.query.text,
            identifier,
            opinion.useful,
            answer.snapshot,
            opinion.reason,
            consent=bool(st.session_state.get(_CONSENT)),
        )
    except RecoError as error:
        failures.note(error)
        st.session_state[_FAILED] = True
    given()[identifier] = replace(opinion, number=number)


def _withdraw(identifier: str) -> None:
    opinion = given().get(identifier)
    if opinion is None or opinion.number is None:
        return
    try:
        shared.home().feedback.withdraw(opinion.number)
    except RecoError as error:
        failures.note(error)
        st.session_state[_FAILED] = True

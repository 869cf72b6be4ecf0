"""Choosing one's commune by its name: where it is is shown, and homonyms are asked about."""

from __future__ import annotations

import streamlit as st

from reco.app.markup import plain
from reco.app.phrases import decimal, say
from reco.catalogue.places.gazetteer import Locality, bundled
from reco.text.clean import digest, fold

SUGGESTED = 12
_WRITTEN = "place_written"
_CODE = "place"


def chosen() -> str:
    """Return the code of the commune that was chosen, an empty string for none."""
    return str(st.session_state.get(_CODE) or "")


def put(code: str) -> None:
    """Choose a commune for the visitor, before the box is drawn."""
    place = bundled().by_code(code) if code else None
    st.session_state[_WRITTEN] = bundled().label(place) if place is not None else ""
    st.session_state[_CODE] = place.code if place is not None else ""


def choose() -> None:
    """Draw the box for a name, then what it may mean."""
    written = st.text_input(
        say("place.box"),
        key=_WRITTEN,
        max_chars=120,
        placeholder=say("place.placeholder"),
        persist_state="session",
    )
    found = bundled().search(written, SUGGESTED) if written else ()
    exact = [place for place in found if fold(written) in (fold(place.name), fold(bundled().label(place)))]
    st.session_state[_CODE] = exact[0].code if len(exact) == 1 else _asked(written or "", found)
    place = bundled().by_code(chosen()) if chosen() else None
    if place is not None:
        st.caption(f":material/check: {plain(label(place))}")
    elif written and not found:
        st.caption(say("place.unknown"))


def label(place: Locality) -> str:
    """Return a commune's name with where it is and how many live there."""
    named = bundled().label(place)
    if not place.population:
        return named
    return say("place.label", name=named, population=decimal(place.population, 0))


def _asked(written: str, found: tuple[Locality, ...]) -> str:
    """Ask which of several communes is meant. Returns its code, empty until there is an answer."""
    if not found:
        return ""
    labels = {place.code: label(place) for place in found}
    answer = st.selectbox(
        say("place.which"),
        list(labels),
        index=None,
        key=f"place_{digest(written)[:12]}",
        format_func=lambda code: labels.get(code, code),
        placeholder=say("place.choose"),
    )
    return answer or ""

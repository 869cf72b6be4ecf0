"""The commune box: a search by name, a choice between homonyms, and the commune chosen."""

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
    """Return the code of the chosen commune, or an empty string."""
    return str(st.session_state.get(_CODE) or "")


def put(code: str) -> None:
    """Choose a commune for the visitor before the box is drawn."""
    place = bundled().by_code(code) if code else None
    st.session_state[_WRITTEN] = bundled().label(place) if place is not None else ""
    st.session_state[_CODE] = place.code if place is not None else ""


def choose() -> None:
    """Draw the box of the name, then the communes that it can mean."""
    name = st.text_input(
        say("place.box"),
        key=_WRITTEN,
        max_chars=120,
        placeholder=say("place.placeholder"),
        persist_state="session",
    )
    places = bundled().search(name, SUGGESTED) if name else ()
    exact = [place for place in places if fold(name) in (fold(place.name), fold(bundled().label(place)))]
    st.session_state[_CODE] = exact[0].code if len(exact) == 1 else _choose_homonym(name or "", places)
    place = bundled().by_code(chosen()) if chosen() else None
    if place is not None:
        st.caption(f":material/check: {plain(label(place))}")
    elif name and not places:
        st.caption(say("place.unknown"))


def label(place: Locality) -> str:
    """Return a commune's name with its department and its population."""
    named = bundled().label(place)
    if not place.population:
        return named
    return say("place.label", name=named, population=decimal(place.population, 0))


def _choose_homonym(name: str, places: tuple[Locality, ...]) -> str:
    """Draw a choice between homonyms. Return the code of the chosen one, empty until then."""
    if not places:
        return ""
    labels = {place.code: label(place) for place in places}
    answer = st.selectbox(
        say("place.which"),
        list(labels),
        index=None,
        key=f"place_{digest(name)[:12]}",
        format_func=lambda code: labels.get(code, code),
        placeholder=say("place.choose"),
    )
    return answer or ""

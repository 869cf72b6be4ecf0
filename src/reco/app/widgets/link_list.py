"""The addresses that a curator should look at: those dead for good, then those that moved."""

from __future__ import annotations

import streamlit as st

from reco.app.markup import shortened
from reco.app.phrases import count, day, group, say
from reco.app.state import shared
from reco.app.widgets import cards
from reco.app.widgets.paging import listed
from reco.catalogue.link_states import FAILED, LinkState
from reco.catalogue.resource import Resource
from reco.snapshots.snapshot import Snapshot

PER_PAGE = 20
_LONGEST = 300
"""Most characters of an address that are shown."""

Row = tuple[Resource, LinkState]


def show(snapshot: Snapshot) -> None:
    """Draw both lists, of the resources of a snapshot."""
    states = shared.link_states_of(shared.home().path).states
    known = [(one, states[one.link]) for one in snapshot.catalogue if one.link in states]
    gone = sorted((row for row in known if row[1].gone), key=lambda row: (row[1].since, row[0].id))
    moved = [row for row in known if row[1].last is not None and row[1].last.outcome == "moved"]
    if not gone and not moved:
        st.markdown(say("curator.links.none"))
        return
    st.markdown(count("curator.gone_count", len(gone)))
    st.caption(say("curator.links.how"))
    listed(gone, "curator_gone_page", PER_PAGE, _gone)
    if moved:
        st.markdown(count("curator.moved_count", len(moved)))
        st.caption(say("curator.links.moved_how"))
        listed(moved, "curator_moved_page", PER_PAGE, _moved)


def _gone(row: Row) -> None:
    resource, state = row
    failed = [one.outcome for one in state.outcomes if one.outcome in FAILED]
    why = group("curator.failed").get(failed[-1] if failed else "dead", "")
    with st.container(border=True, gap="xsmall"):
        cards.row(resource, "gone", [resource.publisher])
        st.text(shortened(state.url, _LONGEST))
        st.caption(say("curator.links.since", day=day(state.since), why=why))


def _moved(row: Row) -> None:
    resource, state = row
    to = state.last.to if state.last is not None else ""
    with st.container(border=True, gap="xsmall"):
        cards.row(resource, "moved", [resource.publisher])
        st.text(f"{shortened(state.url, _LONGEST)} → {shortened(to, _LONGEST)}")

"""Curator's page: opinions, unmet demand, rejected rows, duplicates, decisions and lost addresses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from reco.app.markup import plain, shortened
from reco.app.phrases import count, day, decimal, group, hour, say
from reco.app.state import curator_access, failures, shared
from reco.app.widgets import cards, demand, link_list, row_notes
from reco.app.widgets.paging import listed
from reco.catalogue import quarantine
from reco.catalogue.decisions import Decision, Decisions
from reco.catalogue.resource import Rejection
from reco.errors import InvalidInput
from reco.index.duplicates import Family
from reco.projects.feedback import FeedbackEntry
from reco.snapshots.snapshot import Snapshot
from reco.sources.rows import RAW

MOST_ROWS = 500
PER_PAGE = 20
_WORD = "curator_word"
_REFUSED = "curator_refused"
_NAME = "curator_name"
_NAMELESS = "curator_nameless"
_DECIDED = "curator_decided"
LONGEST_REQUEST = 600
"""Most characters of a query that are shown."""


def show() -> None:
    """Draw the password form or, after it, the six tabs."""
    st.title(say("curator.title"), anchor=False)
    if not curator_access.inside():
        _door()
        return
    st.button(
        say("curator.leave"), on_click=curator_access.leave, icon=":material/logout:", key="curator_leave"
    )
    snapshot = failures.snapshot()
    names = (
        "curator.feedback",
        "curator.demand",
        "curator.rejects",
        "curator.families",
        "curator.decisions",
        "curator.addresses",
    )
    opinions, asked, rejects, families, decisions, addresses = st.tabs([say(name) for name in names])
    with opinions:
        _opinions(snapshot)
    with asked, failures.told():
        demand.measured(shared.home().path, snapshot)
    with rejects:
        _rejects()
    with families:
        _families(snapshot)
    with decisions:
        _decisions()
    with addresses:
        link_list.show(snapshot)


def _door() -> None:
    if not curator_access.expected():
        st.info(say("curator.off"), icon=":material/lock:")
        return
    with st.form("curator_door", border=False):
        st.text_input(say("curator.password"), type="password", key=_WORD, autocomplete="current-password")
        st.form_submit_button(say("curator.enter"), type="primary", on_click=_try, key="curator_enter")
    wait = curator_access.door().wait()
    if wait > 0:
        st.warning(say("curator.wait", seconds=decimal(math.ceil(wait), 0)), icon=":material/lock_clock:")
    elif st.session_state.pop(_REFUSED, False):
        st.error(say("curator.wrong"), icon=":material/lock:")


def _try() -> None:
    given = st.session_state.get(_WORD) or ""
    st.session_state[_WORD] = ""
    st.session_state[_REFUSED] = not curator_access.enter(given)


def _opinions(snapshot: Snapshot) -> None:
    """Draw the pending opinions, each with buttons to approve and to reject it."""
    journal = shared.home().feedback
    waiting = journal.pending(MOST_ROWS)
    st.markdown(count("curator.waiting", len(waiting)))
    st.caption(say("curator.feedback_how"))
    if not waiting:
        return
    st.text_input(say("curator.name"), key=_NAME, max_chars=80, autocomplete="name", persist_state="session")
    if st.session_state.pop(_NAMELESS, False):
        st.warning(say("curator.name_needed"), icon=":material/signature:")
    if st.session_state.pop(_DECIDED, False):
        st.info(say("curator.decided_already"), icon=":material/how_to_reg:")
    listed(waiting, "curator_opinions_page", PER_PAGE, lambda entry: _opinion(snapshot, entry))


def _opinion(snapshot: Snapshot, entry: FeedbackEntry) -> None:
    with st.container(border=True, gap="xsmall"):
        verdict = say("curator.useful") if entry.useful else say("curator.off_topic")
        reason = f" : {plain(entry.reason)}" if entry.reason else ""
        st.markdown(f"**{verdict}**{reason} · {_when(entry.at)}")
        row = snapshot.catalogue.row(entry.resource)
        if row is None:
            st.caption(plain(entry.resource))
        else:
            cards.row(snapshot.catalogue[row], f"opinion_{entry.id}")
        if entry.text is None:
            st.caption(say("curator.no_text"))
        else:
            st.caption(say("curator.for_request"))
            st.text(shortened(entry.text, LONGEST_REQUEST))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            key = f"curator_why_{entry.id}"
            st.text_input(say("curator.why"), key=key, max_chars=300)
            for verb, label in (("approve", say("curator.approve")), ("reject", say("curator.reject"))):
                st.button(label, key=f"{verb}_{entry.id}", on_click=_decide, args=(entry.id, verb, key))


def _decide(number: int, verb: str, key: str) -> None:
    name = str(st.session_state.get(_NAME) or "").strip()
    if not curator_access.inside():
        return
    if not name:
        st.session_state[_NAMELESS] = True
        return
    journal = shared.home().feedback
    decide = journal.approve if verb == "approve" else journal.reject
    try:
        decide(number, name, str(st.session_state.get(key) or ""))
    except InvalidInput:
        # The visitor withdrew the opinion, or another curator decided first.
        st.session_state[_DECIDED] = True


def _rejects() -> None:
    home = shared.home().path
    files = quarantine.files(home)
    if not files:
        st.markdown(say("curator.no_rejects"))
        return
    path = st.selectbox(
        say("curator.run"), files, format_func=lambda file: _when(quarantine.date_of(file)), key="curator_run"
    )
    listing = quarantine.read(path or files[0], MOST_ROWS)
    st.markdown(count("curator.rows", len(listing.rejections)))
    if listing.more:
        st.caption(say("curator.more", count=MOST_ROWS, path=plain(str(listing.path))))
    listed(listing.rejections, "curator_rejects_page", PER_PAGE, _reject)


def _when(iso: str) -> str:
    return say("curator.when", day=day(iso), time=hour(iso))


def _reject(row: Rejection) -> None:
    name = row.values.get("title") or row.locator
    with st.expander(f"**{plain(shortened(name, 100))}** · {plain(row.source)}"):
        for problem in row.problems:
            st.text(f"• {row_notes.worded(problem)}")
        st.caption(plain(row.locator))
        names = {**group("field"), RAW: say("curator.raw")}
        for field, value in row.values.items():
            if value:
                with st.container(gap=None):
                    st.caption(names.get(field, plain(field)))
                    st.text(shortened(value, 400))


def _families(snapshot: Snapshot) -> None:
    families = snapshot.families.families if snapshot.families is not None else ()
    st.markdown(count("curator.family_count", len(families)))
    st.caption(say("curator.family_how"))
    listed(families, "curator_families_page", PER_PAGE, lambda family: _family(snapshot, family))


def _family(snapshot: Snapshot, family: Family) -> None:
    with st.container(border=True, gap="xsmall"):
        for member in family.members:
            if (row := snapshot.catalogue.row(member)) is not None:
                resource = snapshot.catalogue[row]
                cards.row(resource, "family", [member, resource.publisher, str(resource.year or "")])
        words = group("family")
        for pair in family.pairs:
            cosine = f" ({decimal(pair.cosine, 3)})" if pair.cosine is not None else ""
            why = words.get(pair.why, pair.why)
            st.caption(f"{plain(pair.first)} = {plain(pair.second)} : {why}{cosine}")


def _decisions() -> None:
    path = shared.settings().curation.decisions
    if path is None:
        st.markdown(say("curator.no_decisions_file"))
        return
    lines = Decisions.read(path).lines
    st.markdown(count("curator.decision_count", len(lines)))
    st.caption(say("curator.decisions_how", path=plain(str(path))))
    if lines:
        st.table(_table(lines), alt=say("curator.decisions"), hide_index=True)


def _table(lines: Sequence[Decision]) -> pd.DataFrame:
    columns = {
        say("curator.line"): [str(line.line) for line in lines],
        say("curator.action"): [plain(line.action) for line in lines],
        say("curator.resource"): [plain(line.id) for line in lines],
        say("curator.value"): [plain(" = ".join(filter(None, (line.field, line.value)))) for line in lines],
        say("curator.reason"): [plain(line.reason) for line in lines],
        say("curator.by"): [plain(f"{line.author}, {line.date}") for line in lines],
    }
    return pd.DataFrame(columns)


show()

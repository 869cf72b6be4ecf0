"""For the curator: refused rows, what is listed twice, decisions, and feedback to approve."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from reco import quarantine
from reco import settings as configuration
from reco.app import access, cards, failures, served
from reco.app.listing import listed
from reco.app.markup import plain, shortened
from reco.app.wording import count, day, decimal, say
from reco.decisions import Decision, Decisions
from reco.families import Family
from reco.resource import Rejection
from reco.snapshot import Snapshot

MOST_ROWS = 500
PER_PAGE = 20
_WORD = "curator_word"
_REFUSED = "curator_refused"


def show() -> None:
    """Draw the door, or what is behind it."""
    st.title(say("curator.title"), anchor=False)
    if not access.inside():
        _door()
        return
    st.button(say("curator.leave"), on_click=access.leave, icon=":material/logout:", key="curator_leave")
    snapshot = failures.snapshot()
    rejects, families, decisions = st.tabs(
        [say("curator.rejects"), say("curator.families"), say("curator.decisions")]
    )
    with rejects:
        _rejects()
    with families:
        _families(snapshot)
    with decisions:
        _decisions()


def _door() -> None:
    if not access.expected():
        st.info(say("curator.off"), icon=":material/lock:")
        return
    with st.form("curator_door", border=False):
        st.text_input(say("curator.password"), type="password", key=_WORD, autocomplete="current-password")
        st.form_submit_button(say("curator.enter"), type="primary", on_click=_try, key="curator_enter")
    wait = access.door().wait()
    if wait > 0:
        st.warning(say("curator.wait", seconds=decimal(math.ceil(wait), 0)), icon=":material/lock_clock:")
    elif st.session_state.pop(_REFUSED, False):
        st.error(say("curator.wrong"), icon=":material/lock:")


def _try() -> None:
    given = st.session_state.get(_WORD) or ""
    st.session_state[_WORD] = ""
    st.session_state[_REFUSED] = not access.enter(given)


def _rejects() -> None:
    home = configuration.home_of(served.settings())
    files = quarantine.files(home)
    if not files:
        st.markdown(say("curator.no_rejects"))
        return
    path = st.selectbox(
        say("curator.run"), files, format_func=lambda file: _when(quarantine.date_of(file)), key="curator_run"
    )
    found = quarantine.read(path or files[0], MOST_ROWS)
    st.markdown(count("curator.rows", len(found.rejections)))
    if found.more:
        st.caption(say("curator.more", count=MOST_ROWS, path=plain(str(found.path))))
    listed(found.rejections, "curator_rejects_page", PER_PAGE, _reject)


def _when(iso: str) -> str:
    return say("curator.when", day=day(iso), time=iso[11:16])


def _reject(row: Rejection) -> None:
    name = row.values.get("title") or row.locator
    with st.expander(f"**{plain(shortened(name, 100))}** · {plain(row.source)}"):
        for problem in row.problems:
            st.text(f"• {problem}")
        st.caption(plain(row.locator))
        for field, value in row.values.items():
            if value:
                st.text(f"{field} : {shortened(value, 400)}")


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
        for pair in family.pairs:
            cosine = f" ({decimal(pair.cosine, 3)})" if pair.cosine is not None else ""
            st.caption(f"{plain(pair.first)} = {plain(pair.second)} : {cards.family_why(pair.why)}{cosine}")


def _decisions() -> None:
    path = served.settings().curation.decisions
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
        say("curator.line"): [str(one.line) for one in lines],
        say("curator.action"): [plain(one.action) for one in lines],
        say("curator.resource"): [plain(one.id) for one in lines],
        say("curator.value"): [plain(" = ".join(filter(None, (one.field, one.value)))) for one in lines],
        say("curator.reason"): [plain(one.reason) for one in lines],
        say("curator.by"): [plain(f"{one.author}, {one.date}") for one in lines],
    }
    return pd.DataFrame(columns)


show()

"""What is asked and what the catalogue lacks, as `reco radar --save` last measured it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from reco.app.markup import plain, shortened
from reco.app.phrases import count, day, decimal, hour, say
from reco.app.widgets import cards
from reco.app.widgets.paging import listed
from reco.evaluation import demand
from reco.evaluation.demand import Demand, DemandGroup, MeasuredDemand, NearResource
from reco.snapshots.snapshot import Snapshot

PER_PAGE = 10
LONGEST = 300
"""Most characters of an example that are shown."""


def measured(home: Path, snapshot: Snapshot) -> None:
    """Draw the last measurement of a home: of its file, then of the saved queries. Raises StorageError."""
    found = demand.last(home)
    if found is None:
        st.markdown(say("demand.none"))
        return
    st.caption(say("demand.how"))
    st.caption(say("demand.measured", day=day(found.measured), time=hour(found.measured)))
    if found.snapshot != snapshot.id:
        st.info(say("demand.older", measured=found.snapshot, served=snapshot.id), icon=":material/history:")
    if found.logged is not None:
        st.header(plain(found.file) or say("demand.logged"), anchor=False)
        _file(found)
        _demand(found.logged, "logged", snapshot)
    if found.saved is not None:
        st.header(say("demand.saved"), anchor=False)
        _demand(found.saved, "saved", snapshot)
    if found.logged is None and found.saved is None:
        st.markdown(say("demand.nothing_asked"))


def _file(found: MeasuredDemand) -> None:
    if found.sample:
        st.caption(say("demand.sample"))
    if found.left_out:
        st.caption(count("demand.left_out", found.left_out))


def _demand(asked: Demand, place: str, snapshot: Snapshot) -> None:
    st.markdown(count("demand.queries", asked.queries))
    st.table(_shares(asked), alt=say("demand.table"), hide_index=True)
    if asked.groups:
        st.subheader(say("demand.groups"), anchor=False)
        listed(
            tuple(enumerate(asked.groups)),
            f"demand_{place}",
            PER_PAGE,
            lambda numbered: _group(numbered[1], f"demand_{place}_{numbered[0]}", snapshot),
        )
    if asked.isolated:
        st.caption(count("demand.isolated", asked.isolated))
    if asked.withheld:
        st.caption(count("demand.withheld", asked.withheld))


def _shares(asked: Demand) -> pd.DataFrame:
    verdicts = (
        (say("demand.found"), asked.found, asked.shares["found"]),
        (say("demand.weak"), asked.weak, asked.shares["weak"]),
        (say("demand.nothing"), asked.nothing, asked.shares["nothing"]),
    )
    return pd.DataFrame(
        {
            say("demand.answer"): [name for name, _, _ in verdicts],
            say("demand.number"): [decimal(number, 0) for _, number, _ in verdicts],
            say("demand.share"): [say("demand.percent", value=decimal(100 * s)) for _, _, s in verdicts],
        }
    )


def _group(group: DemandGroup, place: str, snapshot: Snapshot) -> None:
    with st.expander(f"**{plain(group.label)}** · {count('demand.queries', group.size)}"):
        for example in group.examples:
            st.text(f"{say('quote.open')}{shortened(example, LONGEST)}{say('quote.close')}")
        if not group.examples:
            st.caption(say("demand.hidden"))
        if group.nearest:
            st.caption(say("demand.nearest"))
        for near in group.nearest:
            _near(near, place, snapshot)


def _near(near: NearResource, place: str, snapshot: Snapshot) -> None:
    row = snapshot.catalogue.row(near.id)
    score = say("demand.score", value=decimal(near.score, 2))
    if row is None:  # it left the catalogue since
        st.markdown(plain(near.title))
        st.caption(score)
    else:
        resource = snapshot.catalogue[row]
        cards.row(resource, place, [resource.type, resource.publisher, score])

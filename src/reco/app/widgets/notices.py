"""Notices beside a result that do not change its score: cautions, like places, moves, the shelf."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from reco.app.markup import plain, shortened
from reco.app.phrases import day, decimal, say
from reco.app.state import shared
from reco.catalogue import rules
from reco.catalogue.places.similarity import Likeness
from reco.catalogue.resource import Resource
from reco.ranking.cautions import Caution
from reco.ranking.rerank import Placement
from reco.ranking.shelf import Slot
from reco.snapshots.snapshot import Manifest
from reco.text.clean import quotation

SHOWN = 3
_LONGEST = 300


def warnings(points: Sequence[Caution]) -> None:
    """Draw the passages that warn of an obstacle, a cost and the like, as quotes."""
    if not points:
        return
    lines = [
        f"- {say('vigilance.' + point.kind)} : "
        f"{say('quote.open')}{plain(shortened(quotation(point.text), _LONGEST))}{say('quote.close')}"
        for point in points[:SHOWN]
    ]
    st.markdown(f":material/warning: **{say('vigilance.title')}**\n\n" + "\n".join(lines))


def age(resource: Resource, manifest: Manifest | None) -> None:
    """Draw a warning beside the year of a text that is old on the date of the snapshot."""
    if manifest is None:
        return
    why = rules.age(resource, datetime.fromisoformat(manifest.created).date())
    if why is not None:
        st.caption(f":material/history: {say(f'age.{why}', year=resource.year)}")


def gone(resource: Resource) -> None:
    """Draw since when the address of a resource has been dead for good."""
    since = shared.gone_links().get(resource.link)
    if since is not None:
        st.caption(f":material/link_off: {say('card.link_gone', day=day(since))}")


def like(found: Likeness | None) -> None:
    """Draw the place of a result, and why it is like the visitor's."""
    if found is None:
        return
    reasons = ", ".join(say(f"like.{reason}") for reason in found.reasons)
    where = plain(found.place) or say("like.by_scale")
    if found.population:
        where = say("place.label", name=where, population=decimal(found.population, 0))
    st.caption(f":material/location_on: {where}{say('like.why', reasons=reasons) if reasons else ''}")


def moved(placement: Placement | None) -> None:
    """Draw why a result moved, and from which rank."""
    if placement is not None:
        why = say(f"placed.{placement.reason}", text=plain(shortened(placement.text, 80)))
        st.caption(f":material/swap_vert: {say('placed.from', rank=placement.from_rank, why=why)}")


def shelf(slots: Sequence[Slot]) -> None:
    """Draw the types for which the shelf has no result."""
    empty = [plain(slot.type) for slot in slots if slot.rank is None]
    if empty:
        st.markdown(say("shelf.empty", types=", ".join(empty)))

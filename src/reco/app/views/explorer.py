"""The map of the catalogue with its named groups, the last request on it, and the same in a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from reco.app.figures import cluster_map, plot
from reco.app.figures.cluster_map import Point, QueryMark
from reco.app.markup import plain
from reco.app.phrases import count, decimal, say
from reco.app.state import failures
from reco.app.widgets import cards
from reco.app.widgets.paging import listed
from reco.catalogue.resource import Resource
from reco.clusters.model import Cluster, Clusters
from reco.ranking.recommender import Answer
from reco.snapshots.snapshot import Snapshot

HEIGHT = 640
PER_PAGE = 12
MOST = 5000
"""Points that a browser draws at ease; a larger catalogue is sampled evenly."""
NAMED = 12
"""Groups whose names are on the map, the largest: more would cover it."""
RINGED = 10
NEAREST = 5
HALVING = 0.05
"""As for a resource's own place: the score lost by which a neighbour weighs half as much."""


def show() -> None:
    """Draw the choices, the map and the list."""
    snapshot = failures.snapshot()
    st.title(say("explorer.title"), anchor=False)
    st.markdown(say("explorer.lead"))
    groups = snapshot.clusters
    if groups is None:
        st.info(say("explorer.none"), icon=":material/scatter_plot:")
        return
    level, by = _choices(groups)
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(key="beside"):
        picked = _map(snapshot, groups, level, by)
    with right:
        _list(snapshot, groups, level, picked)


def _choices(groups: Clusters) -> tuple[int, str]:
    by = {
        "group": say("explorer.by_group"),
        "type": say("field.type"),
        "theme": say("field.theme"),
        "publisher": say("field.publisher"),
    }
    left, right = st.columns(2)
    level = left.selectbox(
        say("explorer.level"),
        range(1, groups.levels + 1),
        format_func=lambda one: count("explorer.groups", len(groups.at(one))),
        key="explorer_level",
        persist_state="session",
    )
    chosen = right.selectbox(
        say("explorer.by"), list(by), format_func=by.__getitem__, key="explorer_by", persist_state="session"
    )
    return int(level or 1), str(chosen or "group")


def _map(snapshot: Snapshot, groups: Clusters, level: int, by: str) -> list[Resource]:
    """Draw the map, and return the resources that were clicked."""
    labels = [_label(groups, identifier) for identifier in groups.membership[level - 1]]
    points = [_point(snapshot, groups, row, labels[row], by) for row in _drawn(len(groups.ids))]
    ranked = Counter(point.value for point in points if point.value).most_common(len(cluster_map.STYLES))
    names = {one.label: _middle(groups, one) for one in groups.at(level)[:NAMED]}
    asked = _asked(snapshot, groups)
    event = st.plotly_chart(
        cluster_map.figure(points, [value for value, _ in ranked], names, asked),
        height=HEIGHT,
        key="explorer_plot",
        on_select="rerun",
        selection_mode="points",
        config=plot.config(),
        alt=say("explorer.alt", resources=len(points), groups=len(groups.at(level))),
    )
    st.caption(say("explorer.how"))
    if asked is not None:
        st.caption(say("explorer.asked"))
    if len(points) < len(groups.ids):
        st.caption(say("explorer.sampled", count=decimal(len(points), 0)))
    rows = [int(point["customdata"]) for point in event.selection.points if "customdata" in point]
    return [snapshot.catalogue[row] for row in rows if row < len(snapshot.catalogue)]


def _point(snapshot: Snapshot, groups: Clusters, row: int, label: str, by: str) -> Point:
    resource: Resource = snapshot.catalogue[row]
    theme = (resource.themes or ("",))[0]
    value = {"group": label, "type": resource.type, "theme": theme, "publisher": resource.publisher}[by]
    x, y = groups.places[row].tolist()
    facts = " · ".join(fact for fact in (resource.type, resource.publisher, str(resource.year or "")) if fact)
    words = (resource.title, facts, label or say("explorer.alone"))
    return Point(row, x, y, value, tuple(text for text in words if text))


def _asked(snapshot: Snapshot, groups: Clusters) -> QueryMark | None:
    """Place the session's last request among its nearest results, as a new resource is among its own."""
    kept: tuple[object, Answer] | None = st.session_state.get("answer")
    if kept is None or "request" not in st.session_state:
        return None
    items = [(snapshot.catalogue.row(one.resource.id), one.score) for one in kept[1].recommendations[:RINGED]]
    known = [(row, score) for row, score in items if row is not None]
    if not known:
        return None
    places = groups.places[[row for row, _ in known]].astype(np.float64)
    scores = np.asarray([score for _, score in known])[:NEAREST]
    weights = np.exp2((scores - scores.max()) / HALVING)
    x, y = (weights @ places[:NEAREST] / weights.sum()).tolist()
    return QueryMark(x, y, tuple((float(a), float(b)) for a, b in places))


def _list(snapshot: Snapshot, groups: Clusters, level: int, picked: Sequence[Resource]) -> None:
    if picked:
        st.header(count("explorer.picked", len(picked)), anchor=False)
        for resource in picked:
            cards.row(resource, "picked")
    found = groups.at(level)
    chosen = st.selectbox(
        say("explorer.group"),
        [*(one.id for one in found), ""],
        format_func=lambda one: _counted(groups, one),
        key=f"explorer_group_{level}",
        persist_state="session",
    )
    cluster = groups.by_id.get(chosen or "")
    st.header(plain(cluster.label) if cluster is not None else say("explorer.alone"), anchor=False)
    if cluster is not None:
        st.caption(say("explorer.words", words=plain(", ".join(cluster.keywords))))
    members = groups.members(cluster.id) if cluster is not None else groups.outliers
    rows = (snapshot.catalogue.row(member) for member in members)
    resources = [snapshot.catalogue[row] for row in rows if row is not None]
    listed(resources, "explorer_page", PER_PAGE, lambda resource: cards.row(resource, "group"))


def _counted(groups: Clusters, identifier: str) -> str:
    size = groups.by_id[identifier].size if identifier else len(groups.outliers)
    return f"{_label(groups, identifier) or say('explorer.alone')} ({decimal(size, 0)})"


def _label(groups: Clusters, identifier: str) -> str:
    cluster = groups.by_id.get(identifier)
    return cluster.label if cluster is not None else ""


def _middle(groups: Clusters, cluster: Cluster) -> tuple[float, float]:
    of = np.asarray([found == cluster.id for found in groups.membership[cluster.level - 1]])
    x, y = np.median(groups.places[of], axis=0).tolist()
    return x, y


def _drawn(resources: int) -> list[int]:
    if resources <= MOST:
        return list(range(resources))
    rows: list[int] = np.linspace(0, resources - 1, MOST).astype(int).tolist()
    return rows


show()

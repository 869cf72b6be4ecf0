"""Explorer page: the map of the catalogue with named clusters, the last query on it, and a list."""

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
"""Most points that a browser draws smoothly. A larger catalogue is sampled evenly."""
NAMED = 12
"""Number of clusters named on the map, the largest first. More names would cover it."""
RINGED = 10
NEAREST = 5
HALVING = 0.05
"""Loss of score that halves the weight of a neighbour, as in the placement of a new resource."""


def show() -> None:
    """Draw the choices, the map and the list."""
    snapshot = failures.snapshot()
    st.title(say("explorer.title"), anchor=False)
    st.markdown(say("explorer.lead"))
    clusters = snapshot.clusters
    if clusters is None:
        st.info(say("explorer.none"), icon=":material/scatter_plot:")
        return
    level, by = _choices(clusters)
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(key="beside"):
        picked = _map(snapshot, clusters, level, by)
    with right:
        _list(snapshot, clusters, level, picked)


def _choices(clusters: Clusters) -> tuple[int, str]:
    by = {
        "group": say("explorer.by_group"),
        "type": say("field.type"),
        "theme": say("field.theme"),
        "publisher": say("field.publisher"),
    }
    left, right = st.columns(2)
    level = left.selectbox(
        say("explorer.level"),
        range(1, clusters.levels + 1),
        format_func=lambda one: count("explorer.groups", len(clusters.at(one))),
        key="explorer_level",
        persist_state="session",
    )
    chosen = right.selectbox(
        say("explorer.by"), list(by), format_func=by.__getitem__, key="explorer_by", persist_state="session"
    )
    return int(level or 1), str(chosen or "group")


def _map(snapshot: Snapshot, clusters: Clusters, level: int, by: str) -> list[Resource]:
    """Draw the map. Return the clicked resources."""
    labels = [_label(clusters, identifier) for identifier in clusters.membership[level - 1]]
    points = [_point(snapshot, clusters, row, labels[row], by) for row in _drawn(len(clusters.ids))]
    ranked = Counter(point.value for point in points if point.value).most_common(len(cluster_map.STYLES))
    names = {cluster.label: _middle(clusters, cluster) for cluster in clusters.at(level)[:NAMED]}
    query = _query_mark(snapshot, clusters)
    event = st.plotly_chart(
        cluster_map.figure(points, [value for value, _ in ranked], names, query),
        height=HEIGHT,
        key="explorer_plot",
        on_select="rerun",
        selection_mode="points",
        config=plot.config(),
        alt=say("explorer.alt", resources=len(points), groups=len(clusters.at(level))),
    )
    st.caption(say("explorer.how"))
    if query is not None:
        st.caption(say("explorer.asked"))
    if len(points) < len(clusters.ids):
        st.caption(say("explorer.sampled", count=decimal(len(points), 0)))
    rows = [int(point["customdata"]) for point in event.selection.points if "customdata" in point]
    return [snapshot.catalogue[row] for row in rows if row < len(snapshot.catalogue)]


def _point(snapshot: Snapshot, clusters: Clusters, row: int, label: str, by: str) -> Point:
    resource: Resource = snapshot.catalogue[row]
    theme = (resource.themes or ("",))[0]
    value = {"group": label, "type": resource.type, "theme": theme, "publisher": resource.publisher}[by]
    x, y = clusters.places[row].tolist()
    facts = " · ".join(fact for fact in (resource.type, resource.publisher, str(resource.year or "")) if fact)
    words = (resource.title, facts, label or say("explorer.alone"))
    return Point(row, x, y, value, tuple(text for text in words if text))


def _query_mark(snapshot: Snapshot, clusters: Clusters) -> QueryMark | None:
    """Place the session's last query among its nearest results, as the map places a new resource."""
    kept: tuple[object, Answer] | None = st.session_state.get("answer")
    if kept is None or "request" not in st.session_state:
        return None
    ranked = [
        (snapshot.catalogue.row(hit.resource.id), hit.score) for hit in kept[1].recommendations[:RINGED]
    ]
    known = [(row, score) for row, score in ranked if row is not None]
    if not known:
        return None
    places = clusters.places[[row for row, _ in known]].astype(np.float64)
    scores = np.asarray([score for _, score in known])[:NEAREST]
    weights = np.exp2((scores - scores.max()) / HALVING)
    x, y = (weights @ places[:NEAREST] / weights.sum()).tolist()
    return QueryMark(x, y, tuple((float(a), float(b)) for a, b in places))


def _list(snapshot: Snapshot, clusters: Clusters, level: int, picked: Sequence[Resource]) -> None:
    if picked:
        st.header(count("explorer.picked", len(picked)), anchor=False)
        for resource in picked:
            cards.row(resource, "picked")
    found = clusters.at(level)
    chosen = st.selectbox(
        say("explorer.group"),
        [*(one.id for one in found), ""],
        format_func=lambda one: _label_with_size(clusters, one),
        key=f"explorer_group_{level}",
        persist_state="session",
    )
    cluster = clusters.by_id.get(chosen or "")
    st.header(plain(cluster.label) if cluster is not None else say("explorer.alone"), anchor=False)
    if cluster is not None:
        st.caption(say("explorer.words", words=plain(", ".join(cluster.keywords))))
    members = clusters.members(cluster.id) if cluster is not None else clusters.outliers
    rows = (snapshot.catalogue.row(member) for member in members)
    resources = [snapshot.catalogue[row] for row in rows if row is not None]
    listed(resources, "explorer_page", PER_PAGE, lambda resource: cards.row(resource, "group"))


def _label_with_size(clusters: Clusters, identifier: str) -> str:
    size = clusters.by_id[identifier].size if identifier else len(clusters.outliers)
    return f"{_label(clusters, identifier) or say('explorer.alone')} ({decimal(size, 0)})"


def _label(clusters: Clusters, identifier: str) -> str:
    cluster = clusters.by_id.get(identifier)
    return cluster.label if cluster is not None else ""


def _middle(clusters: Clusters, cluster: Cluster) -> tuple[float, float]:
    members = np.asarray([identifier == cluster.id for identifier in clusters.membership[cluster.level - 1]])
    x, y = np.median(clusters.places[members], axis=0).tolist()
    return x, y


def _drawn(resources: int) -> list[int]:
    if resources <= MOST:
        return list(range(resources))
    rows: list[int] = np.linspace(0, resources - 1, MOST).astype(int).tolist()
    return rows


show()

"""Update of clusters after a small change: unchanged resources stay, the others join the nearest cluster."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.clusters.grouping import Points, nearest, settle
from reco.clusters.layout import place_among
from reco.clusters.model import Cluster, Clusters, Event

_REPRESENTATIVES = 5


def changed(catalogue: Catalogue, previous: Clusters) -> float:
    """Return the share of resources added, changed or removed since `previous`."""
    before = dict(zip(previous.ids, previous.hashes, strict=True))
    same = sum(before.get(resource.id) == resource.content_hash for resource in catalogue)
    gone = sum(catalogue.row(identifier) is None for identifier in previous.ids)
    return (len(catalogue) - same + gone) / max(1, len(catalogue))


def evolved(catalogue: Catalogue, vectors: NDArray[np.float32], previous: Clusters, drift: float) -> Clusters:
    """Update `previous`: unchanged resources keep cluster and place, the others get new ones."""
    row_of = {same: row for row, same in enumerate(zip(previous.ids, previous.hashes, strict=True))}
    old = np.asarray([row_of.get((r.id, r.content_hash), -1) for r in catalogue], dtype=np.int64)
    known, fresh = np.flatnonzero(old >= 0), np.flatnonzero(old < 0)
    points = previous.space.place(vectors)
    places = np.empty((len(catalogue), 2), dtype=np.float32)
    places[known] = previous.places[old[known]]
    places[fresh] = place_among(points[fresh], points[known], places[known])
    strength = np.empty(len(catalogue), dtype=np.float32)
    strength[known] = previous.strength[old[known]]
    chains, strength[fresh] = _assigned(points[fresh], points[known], previous)
    membership = [np.empty(len(catalogue), dtype=object) for _ in range(previous.levels)]
    for level, by_resource in enumerate(membership):
        by_resource[known] = np.asarray(previous.membership[level], dtype=object)[old[known]]
        by_resource[fresh] = [chain[level] for chain in chains]
    cluster_ids = tuple(tuple(by_resource.tolist()) for by_resource in membership)
    clusters, events = _surviving(catalogue, previous, cluster_ids, strength)
    return replace(
        previous,
        ids=tuple(resource.id for resource in catalogue),
        hashes=tuple(resource.content_hash for resource in catalogue),
        membership=cluster_ids,
        places=places,
        strength=strength,
        clusters=clusters,
        centres={cluster.id: previous.centres[cluster.id] for cluster in clusters},
        drift=drift,
        events=events,
    )


def representatives(
    catalogue: Catalogue, members: NDArray[np.int64], strength: NDArray[np.float32]
) -> tuple[str, ...]:
    """Return the ids of the five resources with the largest `strength`."""
    order = np.argsort(-strength[members], kind="stable")[:_REPRESENTATIVES]
    return tuple(catalogue[row].id for row in members[order].tolist())


def _assigned(
    points: Points, known: Points, previous: Clusters
) -> tuple[list[tuple[str, ...]], NDArray[np.float32]]:
    """Return the cluster of each new point at each level, "" for an outlier, and their strength, (points,).

    New points settle among known ones, as in `grouping.group`.
    """
    middle = [cluster for cluster in previous.clusters if cluster.level == 2]
    centres = np.stack([previous.centres[cluster.id] for cluster in middle])
    settled = settle(points, known) if len(known) else points
    nearest_clusters = nearest(settled, centres)
    strength = np.einsum("ij,ij->i", points, centres[nearest_clusters]) if len(points) else np.empty(0)
    chains = []
    for row, index in enumerate(nearest_clusters.tolist()):
        chain = [middle[index].parent, middle[index].id]
        if previous.levels > 2:
            inner = [cluster for cluster in previous.clusters if cluster.parent == middle[index].id]
            near = np.stack([previous.centres[cluster.id] for cluster in inner]) @ settled[row]
            chain.append(inner[int(near.argmax())].id)
        is_outlier = strength[row] < previous.fence
        chains.append(("",) * previous.levels if is_outlier else tuple(chain))
    return chains, strength.astype(np.float32)


def _surviving(
    catalogue: Catalogue,
    previous: Clusters,
    membership: tuple[tuple[str, ...], ...],
    strength: NDArray[np.float32],
) -> tuple[tuple[Cluster, ...], tuple[Event, ...]]:
    """Return the clusters that still have resources, and a `death` event for each other cluster."""
    rows: list[dict[str, list[int]]] = [defaultdict(list) for _ in membership]
    for cluster_ids, by_cluster in zip(membership, rows, strict=True):
        for row, identifier in enumerate(cluster_ids):
            by_cluster[identifier].append(row)
    living, dead = [], []
    for cluster in previous.clusters:
        members = np.asarray(rows[cluster.level - 1][cluster.id], dtype=np.int64)
        if not len(members):
            dead.append(Event("death", cluster.level, cluster.id, cluster.label))
            continue
        shown = representatives(catalogue, members, strength)
        living.append(replace(cluster, size=len(members), representatives=shown))
    return tuple(living), tuple(dead)


@dataclass(frozen=True)
class MapPosition:
    """The position of a query on the map, its nearest resources, and the clusters of the nearest one.

    `clusters` begins with the broadest level.
    """

    x: float
    y: float
    near: tuple[str, ...]
    clusters: tuple[str, ...]


def locate(clusters: Clusters, vectors: NDArray[np.float32], request: NDArray[np.float32]) -> MapPosition:
    """Return the map position of a query, (dimension,), among resources, (resources, dimension).

    Pass `snapshot.dense.vectors()` and `snapshot.request(vector)`.
    """
    near = np.argsort(-(vectors @ request), kind="stable")[:_REPRESENTATIVES]
    x, y = place_among(request[None], vectors[near], clusters.places[near])[0].tolist()
    chain = tuple(cluster_ids[int(near[0])] for cluster_ids in clusters.membership)
    return MapPosition(x, y, tuple(clusters.ids[row] for row in near.tolist()), chain)

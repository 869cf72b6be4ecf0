"""A night on which little changed: the clusters of the night before, with what came, changed or left."""

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
    """Return the share of resources that came, changed or left."""
    before = dict(zip(previous.ids, previous.hashes, strict=True))
    same = sum(before.get(resource.id) == resource.content_hash for resource in catalogue)
    gone = sum(catalogue.row(identifier) is None for identifier in previous.ids)
    return (len(catalogue) - same + gone) / max(1, len(catalogue))


def evolved(catalogue: Catalogue, vectors: NDArray[np.float32], previous: Clusters, drift: float) -> Clusters:
    """Return the clusters of `previous`: what is unchanged stays where it was, the rest finds its place."""
    at = {identifier: row for row, identifier in enumerate(previous.ids)}
    old = np.asarray([_row(at, previous, r.id, r.content_hash) for r in catalogue], dtype=np.int64)
    known, fresh = np.flatnonzero(old >= 0), np.flatnonzero(old < 0)
    points = previous.space.place(vectors)
    places = np.empty((len(catalogue), 2), dtype=np.float32)
    places[known] = previous.places[old[known]]
    places[fresh] = place_among(points[fresh], points[known], places[known])
    strength = np.empty(len(catalogue), dtype=np.float32)
    strength[known] = previous.strength[old[known]]
    chains, strength[fresh] = _joined(points[fresh], points[known], previous)
    membership = [np.empty(len(catalogue), dtype=object) for _ in range(previous.levels)]
    for level, of in enumerate(membership):
        of[known] = np.asarray(previous.membership[level], dtype=object)[old[known]]
        of[fresh] = [chain[level] for chain in chains]
    told = tuple(tuple(of.tolist()) for of in membership)
    clusters, events = _living(catalogue, previous, told, strength)
    return replace(
        previous,
        ids=tuple(resource.id for resource in catalogue),
        hashes=tuple(resource.content_hash for resource in catalogue),
        membership=told,
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
    """Return the ids of the five resources nearest to the middle of their subject."""
    order = np.argsort(-strength[members], kind="stable")[:_REPRESENTATIVES]
    return tuple(catalogue[row].id for row in members[order].tolist())


def _row(at: dict[str, int], previous: Clusters, identifier: str, content: str) -> int:
    row = at.get(identifier, -1)
    return row if row >= 0 and previous.hashes[row] == content else -1


def _joined(
    points: Points, known: Points, previous: Clusters
) -> tuple[list[tuple[str, ...]], NDArray[np.float32]]:
    """Return, for new points, their cluster at each level, "" for an outlier, and their strength.

    They settle among the known as those did when they were grouped.
    """
    middle = [cluster for cluster in previous.clusters if cluster.level == 2]
    centres = np.stack([previous.centres[cluster.id] for cluster in middle])
    settled = settle(points, known) if len(known) else points
    found = nearest(settled, centres)
    strength = np.einsum("ij,ij->i", points, centres[found]) if len(points) else np.empty(0)
    chains = []
    for row, one in enumerate(found.tolist()):
        chain = [middle[one].parent, middle[one].id]
        if previous.levels > 2:
            inner = [cluster for cluster in previous.clusters if cluster.parent == middle[one].id]
            near = np.stack([previous.centres[cluster.id] for cluster in inner]) @ settled[row]
            chain.append(inner[int(near.argmax())].id)
        out = strength[row] < previous.fence
        chains.append(("",) * previous.levels if out else tuple(chain))
    return chains, strength.astype(np.float32)


def _living(
    catalogue: Catalogue,
    previous: Clusters,
    membership: tuple[tuple[str, ...], ...],
    strength: NDArray[np.float32],
) -> tuple[tuple[Cluster, ...], tuple[Event, ...]]:
    """Return the clusters that still have resources, and the deaths of the others."""
    rows: list[dict[str, list[int]]] = [defaultdict(list) for _ in membership]
    for of, found in zip(membership, rows, strict=True):
        for row, identifier in enumerate(of):
            found[identifier].append(row)
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
    """Where a request is on the map, its nearest resources, and the clusters of the first, broadest first."""

    x: float
    y: float
    near: tuple[str, ...]
    clusters: tuple[str, ...]


def locate(clusters: Clusters, vectors: NDArray[np.float32], request: NDArray[np.float32]) -> MapPosition:
    """Return where a request, (dimension,), belongs among the resources, whose unit vectors are given.

    Both as the snapshot's search sees them: `snapshot.dense.vectors()` and `snapshot.request(vector)`.
    """
    near = np.argsort(-(vectors @ request), kind="stable")[:_REPRESENTATIVES]
    x, y = place_among(request[None], vectors[near], clusters.places[near])[0].tolist()
    chain = tuple(of[int(near[0])] for of in clusters.membership)
    return MapPosition(x, y, tuple(clusters.ids[row] for row in near.tolist()), chain)

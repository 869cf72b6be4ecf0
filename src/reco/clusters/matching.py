"""From one night's clusters to the next's: which is which, what was born, died, split or merged.

Two clusters are compared on the resources that were there both nights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reco.clusters.grouping import Labels
from reco.clusters.model import Event, Other

SAME = 0.5
"""Jaccard overlap from which a cluster is the one of the night before, and a curator's name stays."""
_PART = 0.25
"""Share of a cluster that makes a piece of it worth telling of, in a split or a merge."""
_MOSTLY = 0.5
"""Share of a piece that must come from the cluster that splits, or go to the one that merges."""


@dataclass(frozen=True)
class Matched:
    """`kept` gives the old id of each new group that is the same; `shared` counts resources, (old, new)."""

    old: tuple[str, ...]
    kept: Mapping[int, str]
    shared: NDArray[np.int64]


def match(before: Sequence[str | None], after: Labels) -> Matched:
    """Match groups one to one so that their overlaps sum to most (Kuhn 1955); keep those from `SAME` on.

    `before` has the old cluster and `after` the new group of each resource: "" and -1 for an outlier,
    None for one that was not there, which does not count.
    """
    old = tuple(sorted({identifier for identifier in before if identifier}))
    place = {identifier: row for row, identifier in enumerate(old)}
    rows = np.asarray([place.get(identifier or "", -1) for identifier in before], dtype=np.int64)
    shared = np.zeros((len(old), int(after.max(initial=-1)) + 1), dtype=np.int64)
    both = (rows >= 0) & (after >= 0)
    np.add.at(shared, (rows[both], after[both]), 1)
    sizes = np.bincount(rows[rows >= 0], minlength=len(old))
    there = np.asarray([identifier is not None for identifier in before], dtype=bool)
    others = np.bincount(after[(after >= 0) & there], minlength=shared.shape[1])
    overlap = shared / np.maximum(sizes[:, None] + others - shared, 1)
    pairs = zip(*linear_sum_assignment(-overlap), strict=True)
    kept = {int(new): old[one] for one, new in pairs if overlap[one, new] >= SAME}
    return Matched(old, kept, shared)


def events(
    level: int, matched: Matched, names: Sequence[str], labels: Mapping[str, str]
) -> tuple[Event, ...]:
    """Return what became of a level's clusters. `names` are the new groups' ids, `labels` all by id."""
    told: list[Event] = []
    into, of = _splits(matched), _merges(matched)
    for one, pieces in into.items():
        ids = [names[piece] for piece in pieces]
        others = _others(matched.shared[one, pieces], matched.shared[one].sum(), ids, labels)
        told.append(Event("split", level, matched.old[one], labels.get(matched.old[one], ""), others))
    for new, parts in of.items():
        ids = [matched.old[part] for part in parts]
        others = _others(matched.shared[parts, new], matched.shared[:, new].sum(), ids, labels)
        told.append(Event("merge", level, names[new], labels.get(names[new], ""), others))
    explained = {piece for pieces in into.values() for piece in pieces} | set(of) | set(matched.kept)
    gone = set(into) | {part for parts in of.values() for part in parts}
    kept = set(matched.kept.values())
    told += [
        Event("birth", level, name, labels.get(name, ""))
        for new, name in enumerate(names)
        if new not in explained
    ]
    told += [
        Event("death", level, name, labels.get(name, ""))
        for one, name in enumerate(matched.old)
        if one not in gone and name not in kept
    ]
    return tuple(told)


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the Jaccard overlap of two sets of ids, 0 for two empty ones."""
    a, b = set(first), set(second)
    return len(a & b) / len(a | b) if a | b else 0.0


def _splits(matched: Matched) -> dict[int, list[int]]:
    """Return old clusters of which two new ones or more each hold a part and are mostly made."""
    return _pieces(matched.shared)


def _merges(matched: Matched) -> dict[int, list[int]]:
    return _pieces(matched.shared.T)


def _pieces(shared: NDArray[np.int64]) -> dict[int, list[int]]:
    whole, part = shared.sum(axis=1), shared.sum(axis=0)
    found = {}
    for one, row in enumerate(shared):
        large = (row >= _PART * whole[one]) & (row >= _MOSTLY * part) & (row > 0)
        if large.sum() > 1:
            found[one] = np.flatnonzero(large).tolist()
    return found


def _others(
    shared: NDArray[np.int64], whole: int, ids: Sequence[str], labels: Mapping[str, str]
) -> tuple[Other, ...]:
    return tuple(
        Other(identifier, labels.get(identifier, ""), int(count), round(float(count) / max(int(whole), 1), 3))
        for identifier, count in zip(ids, shared.tolist(), strict=True)
    )

"""Matching of clusters between two refreshes: same, born, dead, split or merged.

Two clusters are compared on the resources present at both refreshes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reco.clusters.grouping import Labels, compared
from reco.clusters.model import Event, Other

SAME = 0.5
"""Jaccard overlap from which a cluster keeps its id and its curator's name."""
_PART = 0.25
"""Share of a cluster from which a piece counts in a split or a merge."""
_MOSTLY = 0.5
"""Share of a piece that must come from the cluster that splits, or go to the merged cluster."""


@dataclass(frozen=True)
class Matched:
    """Matched clusters. `kept`: the old id of each new group that stays the same.

    `old`: the old ids, in the order of rows of `shared`, (old, new), the numbers of common resources.
    """

    old: tuple[str, ...]
    kept: Mapping[int, str]
    shared: NDArray[np.int64]


def match(before: Sequence[str | None], after: Labels) -> Matched:
    """Match groups one to one with the largest sum of overlaps (Kuhn 1955); keep overlaps from `SAME` on.

    For each resource, `before` has the old cluster and `after` the new group: "" and -1 for an outlier.
    None in `before` is a new resource, which does not count.
    """
    old = tuple(sorted({identifier for identifier in before if identifier}))
    row_of = {identifier: row for row, identifier in enumerate(old)}
    rows = np.asarray([row_of.get(identifier or "", -1) for identifier in before], dtype=np.int64)
    present = np.asarray([identifier is not None for identifier in before], dtype=bool)
    shared, overlap = compared(rows, after, present)
    pairs = zip(*linear_sum_assignment(-overlap), strict=True)
    kept = {int(new): old[row] for row, new in pairs if overlap[row, new] >= SAME}
    return Matched(old, kept, shared)


def events(
    level: int, matched: Matched, names: Sequence[str], labels: Mapping[str, str]
) -> tuple[Event, ...]:
    """Return the changes of a level. `names` are the ids of new groups; `labels` has every label by id."""
    changes: list[Event] = []
    splits, merges = _pieces(matched.shared), _pieces(matched.shared.T)
    for row, pieces in splits.items():
        ids = [names[piece] for piece in pieces]
        others = _others(matched.shared[row, pieces], matched.shared[row].sum(), ids, labels)
        changes.append(Event("split", level, matched.old[row], labels.get(matched.old[row], ""), others))
    for new, parts in merges.items():
        ids = [matched.old[part] for part in parts]
        others = _others(matched.shared[parts, new], matched.shared[:, new].sum(), ids, labels)
        changes.append(Event("merge", level, names[new], labels.get(names[new], ""), others))
    explained = {piece for pieces in splits.values() for piece in pieces} | set(merges) | set(matched.kept)
    gone = set(splits) | {part for parts in merges.values() for part in parts}
    kept = set(matched.kept.values())
    changes += [
        Event("birth", level, name, labels.get(name, ""))
        for new, name in enumerate(names)
        if new not in explained
    ]
    changes += [
        Event("death", level, name, labels.get(name, ""))
        for row, name in enumerate(matched.old)
        if row not in gone and name not in kept
    ]
    return tuple(changes)


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the Jaccard overlap of two sets of ids; 0 for two empty sets."""
    a, b = set(first), set(second)
    return len(a & b) / len(a | b) if a | b else 0.0


def _pieces(shared: NDArray[np.int64]) -> dict[int, list[int]]:
    """Return the rows that two or more columns each hold a part of, and mostly come from."""
    whole, part = shared.sum(axis=1), shared.sum(axis=0)
    pieces = {}
    for index, row in enumerate(shared):
        large = (row >= _PART * whole[index]) & (row >= _MOSTLY * part) & (row > 0)
        if large.sum() > 1:
            pieces[index] = np.flatnonzero(large).tolist()
    return pieces


def _others(
    shared: NDArray[np.int64], whole: int, ids: Sequence[str], labels: Mapping[str, str]
) -> tuple[Other, ...]:
    return tuple(
        Other(identifier, labels.get(identifier, ""), int(count), round(float(count) / max(int(whole), 1), 3))
        for identifier, count in zip(ids, shared.tolist(), strict=True)
    )

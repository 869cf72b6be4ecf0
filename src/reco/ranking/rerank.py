"""Reranking: the order of results when more than their scores decides it.

Scores never change here. First, resources from similar places move up among equals. Then the list is
spread over its subject, or becomes a balanced shelf. Each moved result has a `Placement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.places.gazetteer import bundled
from reco.catalogue.places.similarity import Likeness, among_equals, likeness
from reco.errors import InvalidQuery
from reco.index.hits import Hit
from reco.ranking import mmr, shelf
from reco.ranking.query import Query
from reco.ranking.shelf import Candidate, Slot
from reco.snapshots.snapshot import Snapshot

POOL = 50
"""The best hits that are rearranged, for any k, so a shorter list is the start of a longer one."""

_SAMPLE = 64
"""Resources, evenly drawn, that measure the usual cosine to a nearest neighbour."""


@dataclass(frozen=True)
class Placed:
    """A hit at its place in the results: its level, the likeness of its place, and what moved it."""

    hit: Hit
    level: str | None = None
    likeness: Likeness | None = None
    placement: Placement | None = None


@dataclass(frozen=True)
class Arranged:
    """Hits in the order shown, and the slots of the balanced shelf if the query has one."""

    placed: tuple[Placed, ...]
    shelf: tuple[Slot, ...] = ()


class Arranger:
    """Arranges the hits of one snapshot. `spread` is the diversity of queries that set none."""

    def __init__(self, snapshot: Snapshot, spread: float) -> None:
        self._snapshot = snapshot
        self._spread = spread

    def depth(self, query: Query) -> int:
        """Return how many of the best hits `arrange` needs. Raises InvalidQuery for an impossible shelf."""
        if query.shelf:
            self._slots(query)
            return len(self._snapshot.catalogue)
        return max(query.k, POOL) if query.near or self._diversity(query) else query.k

    def arrange(self, query: Query, hits: Sequence[Hit], levels: Sequence[str | None]) -> Arranged:
        """Return the hits to show, at most k. `hits` are in descending order of score."""
        placed = [Placed(hit, level) for hit, level in zip(hits, levels, strict=True)]
        if query.near:
            pool = [self.compared(query, item) for item in placed[:POOL]]
            placed = [*_similar_places_first(pool), *placed[POOL:]]
        arranged = Arranged(tuple(placed))
        if query.shelf:
            arranged = self._shelved(query, placed, hits)
        elif self._diversity(query):
            arranged = Arranged(tuple(self._diversified(placed, hits, self._diversity(query))))
        return replace(
            arranged, placed=tuple(self.compared(query, item) for item in arranged.placed[: query.k])
        )

    def _diversity(self, query: Query) -> float:
        return self._spread if query.diversity is None else query.diversity

    def compared(self, query: Query, placed: Placed) -> Placed:
        """Add the likeness of the hit's place to the query's place, if the query has one."""
        place = bundled().by_code(query.place) if query.place else None
        if place is None:
            return placed
        resource = self._snapshot.catalogue[placed.hit.row]
        return replace(placed, likeness=likeness(place, resource.localities, resource.scale, bundled()))

    def _diversified(self, placed: list[Placed], hits: Sequence[Hit], amount: float) -> list[Placed]:
        """Spread the first `POOL` hits. Position i keeps the score of the i-th hit as its merit."""
        pool, rest = placed[:POOL], placed[POOL:]
        rows = np.asarray([item.hit.row for item in pool], dtype=np.int64)
        directions = mmr.centred(self._snapshot.dense.vectors(rows), self._average)
        merits = np.asarray([hit.score for hit in hits[: len(pool)]])
        diversified = mmr.spread(merits, mmr.repetitions(directions, self._usual_cosine), amount)
        shown = []
        for rank, position in enumerate(diversified.order):
            item = pool[position]
            if rank != position:
                text = self._title(pool, diversified.repeats[position]) if rank > position else ""
                from_rank = item.placement.from_rank if item.placement else position + 1
                moved = Placement("diversity", from_rank, text) if from_rank != rank + 1 else None
                item = replace(item, placement=moved)
            shown.append(item)
        return shown + rest

    def _title(self, pool: Sequence[Placed], position: int) -> str:
        if position < 0:
            return ""
        title: str = self._snapshot.catalogue[pool[position].hit.row].title
        return title

    def _shelved(self, query: Query, placed: Sequence[Placed], hits: Sequence[Hit]) -> Arranged:
        """Fill a balanced shelf. Position i keeps the score of the i-th hit as its merit."""
        types = self._slots(query)
        candidates = [
            Candidate(self._snapshot.catalogue[item.hit.row], hit.score, item.level)
            for item, hit in zip(placed, hits, strict=True)
        ]
        filled = shelf.fill(types, candidates)
        positions = sorted(position for position in filled if position is not None)
        ranks = {position: rank for rank, position in enumerate(positions, start=1)}
        scored = {hit.row: rank for rank, hit in enumerate(hits, start=1)}
        shown = tuple(
            replace(
                placed[position],
                placement=Placement(
                    "shelf", scored[placed[position].hit.row], candidates[position].resource.type
                ),
            )
            for position in positions
        )
        slots = (
            Slot(kind, None if position is None else ranks[position])
            for kind, position in zip(types, filled, strict=True)
        )
        return Arranged(shown, tuple(slots))

    def _slots(self, query: Query) -> tuple[str, ...]:
        """Return the types of the shelf. Raises InvalidQuery for fewer than two types or more than k."""
        types = shelf.types(self._snapshot.catalogue, query.filters.types)
        if len(types) < 2:
            available = f"only {types[0]!r}" if types else "no type"
            raise InvalidQuery(
                f"A balanced shelf needs resources of at least two types; there is {available}.",
                "Remove the shelf, or the filter on types.",
            )
        if query.k < len(types):
            raise InvalidQuery(
                f"k is {query.k}, and the balanced shelf has {len(types)} slots.",
                f"Set k to {len(types)} or more, or remove the shelf.",
            )
        return types

    @cached_property
    def _average(self) -> NDArray[np.float64]:
        average: NDArray[np.float64] = self._snapshot.dense.vectors().mean(axis=0, dtype=np.float64)
        return average

    @cached_property
    def _usual_cosine(self) -> float:
        """The median cosine of a resource with its nearest neighbour, both centred on the average."""
        count = len(self._snapshot.catalogue)
        if count < 2:
            return 1.0
        cosines = []
        for row in np.unique(np.linspace(0, count - 1, _SAMPLE).astype(np.int64)):
            vector = self._snapshot.dense.vectors(np.asarray([row]))[0]
            near, _ = self._snapshot.dense.search(vector, 2)
            pair = self._snapshot.dense.vectors(np.asarray([row, next(n for n in near if n != row)]))
            one, other = mmr.centred(pair, self._average)
            cosines.append(float(one @ other))
        return float(np.median(cosines))


def _similar_places_first(pool: Sequence[Placed]) -> list[Placed]:
    """Put resources from similar places first among equals."""
    order = among_equals(
        [item.hit.score for item in pool], [item.level for item in pool], [item.likeness for item in pool]
    )
    shown = []
    for rank, position in enumerate(order):
        item = pool[position]
        text = item.likeness.place if item.likeness else ""
        shown.append(
            item if position == rank else replace(item, placement=Placement("place", position + 1, text))
        )
    return shown


REASONS = ("diversity", "shelf", "need", "place")


@dataclass(frozen=True)
class Placement:
    """The reason that moved a result without changing its score.

    `reason` is one of `REASONS`. `from_rank` is its rank by score alone, from 1. `text` is the detail: the
    type of its slot, the title of the better result that it repeats, its need, or its place.
    """

    reason: str
    from_rank: int
    text: str = ""

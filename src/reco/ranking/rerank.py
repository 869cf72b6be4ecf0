"""The order in which results are shown, where something besides their scores decides it.

Scores never change here. In turn: like places come first among equals, then the list is spread over its
subject or put on a balanced shelf. What is moved says from where, and why.
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
"""How many of the best are rearranged, whatever k is, so that fewer results are the first of more."""

_SAMPLE = 64
"""How many resources, evenly drawn, tell how near a nearest neighbour usually is."""


@dataclass(frozen=True)
class Placed:
    """A hit where it is shown, its level, how like its place is, and what moved it, if anything did."""

    hit: Hit
    level: str | None = None
    likeness: Likeness | None = None
    placement: Placement | None = None


@dataclass(frozen=True)
class Arranged:
    """Hits in the order in which they are shown, and the slots of the shelf, none without one."""

    placed: tuple[Placed, ...]
    shelf: tuple[Slot, ...] = ()


class Arranger:
    """Arranges the hits of one snapshot. `spread` is the diversity of queries that say none."""

    def __init__(self, snapshot: Snapshot, spread: float) -> None:
        self._snapshot = snapshot
        self._spread = spread

    def depth(self, query: Query) -> int:
        """Return how many of the best hits `arrange` needs. Raises InvalidQuery where no shelf can be."""
        if query.shelf:
            self._slots(query)
            return len(self._snapshot.catalogue)
        return max(query.k, POOL) if query.near or self._diversity(query) else query.k

    def arrange(self, query: Query, hits: Sequence[Hit], levels: Sequence[str | None]) -> Arranged:
        """Return the hits to show, at most k, from hits in descending order of score and their levels."""
        placed = [Placed(hit, level) for hit, level in zip(hits, levels, strict=True)]
        if query.near:
            pool = [self.compared(query, one) for one in placed[:POOL]]
            placed = [*_nearest_first(pool), *placed[POOL:]]
        found = Arranged(tuple(placed))
        if query.shelf:
            found = self._shelved(query, placed, hits)
        elif self._diversity(query):
            found = Arranged(tuple(self._spread_out(placed, hits, self._diversity(query))))
        return replace(found, placed=tuple(self.compared(query, one) for one in found.placed[: query.k]))

    def _diversity(self, query: Query) -> float:
        return self._spread if query.diversity is None else query.diversity

    def compared(self, query: Query, one: Placed) -> Placed:
        """Return a hit with its place compared with the query's, where it has one."""
        mine = bundled().by_code(query.place) if query.place else None
        if mine is None:
            return one
        resource = self._snapshot.catalogue[one.hit.row]
        return replace(one, likeness=likeness(mine, resource.localities, resource.scale, bundled()))

    def _spread_out(self, placed: list[Placed], hits: Sequence[Hit], amount: float) -> list[Placed]:
        """Spread the first `POOL`. Each place keeps the merit of the hit that its score put there."""
        pool, rest = placed[:POOL], placed[POOL:]
        rows = np.asarray([one.hit.row for one in pool], dtype=np.int64)
        directions = mmr.centred(self._snapshot.dense.vectors(rows), self._average)
        merits = np.asarray([hit.score for hit in hits[: len(pool)]])
        found = mmr.spread(merits, mmr.repetitions(directions, self._usual), amount)
        shown = []
        for rank, position in enumerate(found.order):
            one = pool[position]
            if rank != position:
                text = self._title(pool, found.repeats[position]) if rank > position else ""
                from_rank = one.placement.from_rank if one.placement else position + 1
                moved = Placement("diversity", from_rank, text) if from_rank != rank + 1 else None
                one = replace(one, placement=moved)
            shown.append(one)
        return shown + rest

    def _title(self, pool: Sequence[Placed], position: int) -> str:
        if position < 0:
            return ""
        title: str = self._snapshot.catalogue[pool[position].hit.row].title
        return title

    def _shelved(self, query: Query, placed: Sequence[Placed], hits: Sequence[Hit]) -> Arranged:
        """Fill a shelf. Each place keeps the merit of the hit that its score put there."""
        types = self._slots(query)
        candidates = [
            Candidate(self._snapshot.catalogue[one.hit.row], hit.score, one.level)
            for one, hit in zip(placed, hits, strict=True)
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
        """Return the types of the shelf. Raises InvalidQuery for fewer than two, or more than k."""
        types = shelf.types(self._snapshot.catalogue, query.filters.types)
        if len(types) < 2:
            said = f"only {types[0]!r}" if types else "no type"
            raise InvalidQuery(
                f"A balanced shelf needs resources of two types at least; there is {said}.",
                "Leave the shelf out, or the choice of types.",
            )
        if query.k < len(types):
            raise InvalidQuery(
                f"k is {query.k}, and the balanced shelf has {len(types)} places.",
                f"Ask for {len(types)} results or more, or leave the shelf out.",
            )
        return types

    @cached_property
    def _average(self) -> NDArray[np.float64]:
        average: NDArray[np.float64] = self._snapshot.dense.vectors().mean(axis=0, dtype=np.float64)
        return average

    @cached_property
    def _usual(self) -> float:
        """The median cosine, seen from the average, of a resource with its nearest neighbour."""
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


def _nearest_first(pool: Sequence[Placed]) -> list[Placed]:
    """Put like places first among equals."""
    order = among_equals(
        [one.hit.score for one in pool], [one.level for one in pool], [one.likeness for one in pool]
    )
    shown = []
    for rank, position in enumerate(order):
        one = pool[position]
        text = one.likeness.place if one.likeness else ""
        shown.append(
            one if position == rank else replace(one, placement=Placement("place", position + 1, text))
        )
    return shown


REASONS = ("diversity", "shelf", "need", "place")


@dataclass(frozen=True)
class Placement:
    """What moved a result without changing its score.

    `reason` is one of `REASONS`; `from_rank` is where its score alone puts it, from 1. `text` says more:
    the type whose slot it fills, or the title of the better result that it resembles.
    """

    reason: str
    from_rank: int
    text: str = ""

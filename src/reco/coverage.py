"""Results chosen so that the first ones cover the several needs of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from reco.levels import LEVELS, Levels
from reco.needs import Need, distinct, spread
from reco.placement import Placement
from reco.query import Query
from reco.ranking import Hit
from reco.scoring import Reading, Scorer
from reco.snapshot import Snapshot

_OWN = (3, 10)
"""First results of a need by which it is told from another: a tenth of the catalogue, within these."""
_SHARED = 0.3
"""What share of those two needs have in common, and two at least, when they are one."""
_WITHOUT_LEVELS = 3
"""First results that cover a need where levels are not calibrated."""

Read = Callable[[str, Sequence[str]], Reading]
Rank = Callable[[Reading, Query, int], list[Hit]]


@dataclass(frozen=True)
class Covered:
    """Hits in the order shown, what moved some of them by row, and the needs; none for one need."""

    hits: list[Hit]
    placements: Mapping[int, Placement] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class _Sought:
    """A need as a request of its own, its best hits, and how sure of them we are."""

    text: str
    reading: Reading
    hits: list[Hit]
    levels: Levels | None

    @property
    def close(self) -> list[int]:
        """Rows that answer it, best first."""
        if self.levels is None:
            return [hit.row for hit in self.hits[:_WITHOUT_LEVELS]]
        return [hit.row for hit in self.hits if self._level(hit.score) in LEVELS[2:]]

    @property
    def level(self) -> str | None:
        """The level of its best answer."""
        return None if self.levels is None or not self.hits else self._level(self.hits[0].score)

    @cached_property
    def foreign(self) -> bool:
        """Whether it does not belong to the field; never where levels are not calibrated."""
        levels, vector = self.levels, self.reading.encoded
        if levels is None or vector is None or not self.hits:
            return False
        return levels.confidence(vector, self.hits[0].score) < levels.threshold

    def _level(self, score: float) -> str:
        return LEVELS[0] if self.levels is None or self.foreign else self.levels.level(score)


class Coverer:
    """Reads the needs of requests on one snapshot: `read` encodes a text, `rank` gives its best hits."""

    def __init__(
        self, snapshot: Snapshot, scorer: Scorer, levels: Levels | None, read: Read, rank: Rank
    ) -> None:
        self._snapshot, self._scorer, self._levels = snapshot, scorer, levels
        self._read, self._rank = read, rank

    def cover(
        self, query: Query, needs: Sequence[str], reading: Reading, hits: list[Hit], moving: bool = True
    ) -> Covered:
        """Return the first `query.k` hits, spread over the needs of the request if it has several.

        `needs` are those that `needs.split` gives; `hits` are at least the first `needs.FIRST`, in their
        order. Without `moving` they keep it, and it is only said what covers each need. A request of one
        need encodes nothing.
        """
        sought = self._sought(query, needs)
        if len(sought) < 2:
            return Covered(hits[: query.k])
        scores = {hit.row: hit.score for hit in hits}
        answers = [self._unlisted(one.close, scores) for one in sought]
        covers = [frozenset(one.close) for one in sought]
        rows, moved = spread(list(scores), answers, covers) if moving else (list(scores), {})
        fresh = [row for row in moved if row not in scores]
        found = self._scorer.score(reading, np.asarray(fresh, dtype=np.int64))
        scores.update(zip(fresh, map(float, found), strict=True))
        shown = [Hit(row, scores[row]) for row in rows][: query.k]
        places = {
            hit.row: Placement("need", self._place(query, reading, hit), sought[moved[hit.row]].text)
            for hit in shown
            if hit.row in moved
        }
        return Covered(shown, places, tuple(_need(one, shown) for one in sought))

    def _sought(self, query: Query, needs: Sequence[str]) -> list[_Sought]:
        found = []
        own = min(max(len(self._snapshot.catalogue) // 10, _OWN[0]), _OWN[1])
        for text in needs:
            reading = self._read(text, query.without)
            found.append(_Sought(text, reading, self._rank(reading, query, _OWN[1]), self._levels))
        # What is foreign to the field resembles nothing, whatever it found.
        firsts = [[] if one.foreign else [hit.row for hit in one.hits[:own]] for one in found]
        kept = distinct(firsts, max(2, round(_SHARED * own)))
        return [found[place] for place in kept]

    def _unlisted(self, rows: Sequence[int], there: Mapping[int, float]) -> list[int]:
        """Return the rows of which no other listing is shown."""
        return [row for row in rows if row in there or not set(self._snapshot.listings(row)) & there.keys()]

    def _place(self, query: Query, reading: Reading, hit: Hit) -> int:
        """Return the rank that a hit has by its score."""
        ranked = self._rank(reading, query, len(self._snapshot.catalogue))
        return 1 + sum(
            (other.score, -other.row) > (hit.score, -hit.row) for other in ranked if other.row != hit.row
        )


def _need(sought: _Sought, shown: Sequence[Hit]) -> Need:
    close = frozenset(sought.close)
    ranks = tuple(rank for rank, hit in enumerate(shown, start=1) if hit.row in close)
    return Need(sought.text, sought.level, ranks)

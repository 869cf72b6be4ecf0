"""Relevance feedback: a visitor's opinions change the scores of one query.

A resource moves by its nearness to resources with an opinion (Salton and Buckley 1990). Scores change
rather than the query's vector, so the change can be shown and bounded:

    moved(d) = SHARE * span * (near(d, useful) - near(d, off-topic))
    near(d, J) = 1 - product over j in J of (1 - closeness(d, j))
    closeness(d, j) = max(0, (cos(d, j) - cos(average, j)) / (1 - cos(average, j))) ** 2, 0 below 0.02

`span` is the difference between the best and the worst score of the query's candidates in the whole
catalogue, without filters. No resource moves by more than `SHARE * span`, for any number of opinions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.encoder.protocol import Vector
from reco.index.hits import Hit, Scores
from reco.ranking.query import Opinion
from reco.snapshots.snapshot import Snapshot

SHARE = 0.25
"""The most that opinions move a resource, as a share of the query's span of scores."""

_COUNTED = 0.02
"""Closeness below which an opinion does not move a resource."""


@dataclass(frozen=True)
class FeedbackShift:
    """The points that each row gains or loses, and the number of useful and off-topic opinions near it.

    `liked` are the vectors of resources found useful: the query alone may miss their neighbours.
    """

    points: Scores
    useful: NDArray[np.int64]
    off_topic: NDArray[np.int64]
    liked: tuple[Vector, ...] = ()

    def own(self, hit: Hit) -> float:
        """Return the score of a hit without opinions, which levels and verdicts use."""
        return hit.score - float(self.points[hit.row])


def moves(snapshot: Snapshot, opinions: Sequence[Opinion], span: float) -> FeedbackShift | None:
    """Return the shift of opinions, None when none is on a resource of this snapshot."""
    opinion_rows = [(snapshot.catalogue.row(opinion.id), opinion.useful) for opinion in opinions]
    rows = [(row, useful) for row, useful in opinion_rows if row is not None]
    if not rows:
        return None
    useful = _vectors(snapshot, [row for row, liked in rows if liked])
    liked = _closeness(snapshot, useful)
    disliked = _closeness(snapshot, _vectors(snapshot, [row for row, liked in rows if not liked]))
    points = SHARE * span * (_any_of(liked) - _any_of(disliked))
    # As in `Scorer.score`, the last bits must not decide a rank.
    return FeedbackShift(np.round(points, 9), _count(liked), _count(disliked), useful)


def _vectors(snapshot: Snapshot, rows: Sequence[int]) -> tuple[Vector, ...]:
    return tuple(snapshot.dense.vectors(np.asarray([row]))[0] for row in rows)


def _closeness(snapshot: Snapshot, judged: Sequence[Vector]) -> Scores:
    """Return the closeness of each row to each of `judged`, 0 (average) to 1, (judged, rows)."""
    everything = np.arange(len(snapshot.catalogue), dtype=np.int64)
    closeness = np.zeros((len(judged), len(everything)))
    for place, vector in enumerate(judged):
        cosines = snapshot.dense.scores(vector, everything).astype(np.float64)
        floor = float(cosines.mean())
        closeness[place] = np.clip((cosines - floor) / max(1 - floor, 1e-6), 0, 1) ** 2
    return np.where(closeness < _COUNTED, 0.0, closeness)


def _any_of(closeness: Scores) -> Scores:
    """Return the probability of at least one of independent events, (rows,); 0 without any."""
    return np.asarray(1 - np.prod(1 - closeness, axis=0), dtype=np.float64)


def _count(closeness: Scores) -> NDArray[np.int64]:
    return np.asarray((closeness > 0).sum(axis=0), dtype=np.int64)

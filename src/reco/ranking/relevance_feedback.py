"""What a visitor's own opinions change in the scores of one request.

A resource moves by its nearness to those judged (relevance feedback; Salton and Buckley 1990, in scores
and not in the request's vector, so that the change can be shown and bounded):

    moved(d) = SHARE * span * (near(d, useful) - near(d, off-topic))
    near(d, J) = 1 - product over j in J of (1 - closeness(d, j))
    closeness(d, j) = max(0, (cos(d, j) - cos(average, j)) / (1 - cos(average, j))) ** 2, 0 below 0.02

`span` is the distance between the best and the worst score of the request over the whole catalogue's
candidates, whatever the filters. So no resource moves by more than `SHARE` of it, however many opinions.
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
"""The most that opinions move a resource, as a share of the request's span of scores."""

_COUNTED = 0.02
"""The closeness below which a resource is too far from one judged to be moved by it."""


@dataclass(frozen=True)
class FeedbackShift:
    """Points that each row of a catalogue gains or loses, and how many opinions on each side are near it.

    `liked` are the vectors of what was found useful: a request alone may not reach what is near them.
    """

    points: Scores
    useful: NDArray[np.int64]
    off_topic: NDArray[np.int64]
    liked: tuple[Vector, ...] = ()

    def own(self, hit: Hit) -> float:
        """Return the score that a hit has without opinions: what levels and verdicts are measured on."""
        return hit.score - float(self.points[hit.row])


def moves(snapshot: Snapshot, opinions: Sequence[Opinion], span: float) -> FeedbackShift | None:
    """Return what opinions change, None when none is on a resource of this snapshot."""
    known = [(snapshot.catalogue.row(opinion.id), opinion.useful) for opinion in opinions]
    rows = [(row, useful) for row, useful in known if row is not None]
    if not rows:
        return None
    useful = _vectors(snapshot, [row for row, liked in rows if liked])
    liked = _closeness(snapshot, useful)
    disliked = _closeness(snapshot, _vectors(snapshot, [row for row, liked in rows if not liked]))
    points = SHARE * span * (_any(liked) - _any(disliked))
    # As with scores: the last bits must not decide a rank.
    return FeedbackShift(np.round(points, 9), _count(liked), _count(disliked), useful)


def _vectors(snapshot: Snapshot, rows: Sequence[int]) -> tuple[Vector, ...]:
    return tuple(snapshot.dense.vectors(np.asarray([row]))[0] for row in rows)


def _closeness(snapshot: Snapshot, judged: Sequence[Vector]) -> Scores:
    """Return how close each row is to each of `judged`, from 0 (ordinary) to 1, (judged, rows)."""
    everything = np.arange(len(snapshot.catalogue), dtype=np.int64)
    found = np.zeros((len(judged), len(everything)))
    for place, vector in enumerate(judged):
        cosines = snapshot.dense.scores(vector, everything).astype(np.float64)
        floor = float(cosines.mean())
        found[place] = np.clip((cosines - floor) / max(1 - floor, 1e-6), 0, 1) ** 2
    return np.where(found < _COUNTED, 0.0, found)


def _any(closeness: Scores) -> Scores:
    """Return the chance that at least one of independent signs holds; 0 where there is none."""
    return np.asarray(1 - np.prod(1 - closeness, axis=0), dtype=np.float64)


def _count(closeness: Scores) -> NDArray[np.int64]:
    return np.asarray((closeness > 0).sum(axis=0), dtype=np.int64)

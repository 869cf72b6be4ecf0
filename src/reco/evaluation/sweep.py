"""Sweeps of fusion weights on judged queries, without encoding or searching again.

A score is a weighted sum of four sides. Each query is ranked once by each side alone; the scores under any
other weights are arithmetic on these four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.encoder.protocol import Encoder
from reco.errors import InvalidInput
from reco.evaluation.beir import Topic
from reco.index.hits import Scores, top
from reco.ranking.measures import ndcg
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.snapshots.snapshot import Snapshot

_FIRST = 10


@dataclass(frozen=True)
class SweepSides:
    """The score of every resource on each side for one query, at weight one, (rows,) each.

    Every resource is scored. The depth of the first stage plays no part: it leaves out resources that no
    side has in its first thousand.
    """

    topic: Topic
    ids: Sequence[str]
    whole: Scores
    passage: Scores
    words: Scores
    grams: Scores

    def scores(self, fusion: Fusion) -> Scores:
        """Return the score of every resource under these weights, (rows,)."""
        meaning = (1 - fusion.passage) * self.whole + fusion.passage * self.passage
        points = fusion.meaning * meaning + fusion.words * self.words + fusion.grams * self.grams
        return np.round(points, 9)

    def ndcg(self, fusion: Fusion) -> float:
        """Return nDCG@10 under these weights."""
        hits = top(np.arange(len(self.ids)), self.scores(fusion), _FIRST)
        return ndcg(self.topic.qrels, [self.ids[hit.row] for hit in hits])


class SweepReader:
    """Ranks queries on one snapshot, side by side. `fusion` sets what is not swept, such as `expansion`."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder, fusion: Fusion) -> None:
        self._ids = [resource.id for resource in snapshot.catalogue]
        none = replace(fusion, meaning=0.0, passage=0.0, words=0.0, grams=0.0)
        sides = {
            "whole": replace(none, meaning=1.0),
            "passage": replace(none, meaning=1.0, passage=1.0),
            "words": replace(none, words=1.0),
            "grams": replace(none, grams=1.0),
        }
        self._recommenders = {
            name: Recommender(snapshot, encoder, weights) for name, weights in sides.items()
        }

    def read(self, topic: Topic, known: SweepSides | None = None) -> SweepSides:
        """Rank one query by each side alone. Raises InvalidQuery for a query without words.

        `known` are the sides of the same resources through another head, which does not change words.
        """
        query = Query.of(topic.text, k=len(self._ids))
        scores = {} if known is None else {"words": known.words, "grams": known.grams}
        for name in self._recommenders.keys() - scores.keys():
            scores[name] = np.zeros(len(self._ids))
            for hit in self._recommenders[name].rank(query):
                scores[name][hit.row] = hit.score
        return SweepSides(topic, self._ids, **scores)


def curve(sides: Sequence[SweepSides], settings: Sequence[Fusion]) -> NDArray[np.float64]:
    """Return nDCG@10 of each query under each setting, (settings, requests)."""
    return np.asarray([[one.ndcg(fusion) for one in sides] for fusion in settings])


def at_strength(snapshot: Snapshot, strength: float) -> Snapshot:
    """Return a snapshot with its head scaled: 0 is no head, 1 the learnt one; more goes beyond it.

    Raises InvalidInput for a snapshot without a head.
    """
    if snapshot.head is None:
        raise InvalidInput(f"Snapshot {snapshot.id} has no head.", "Run `reco adapt` first.")
    identity = np.eye(len(snapshot.head), dtype=np.float32)
    return snapshot.with_head(identity + np.float32(strength) * (snapshot.head - identity))

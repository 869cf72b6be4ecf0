"""Weights tried one after the other on judged requests, without encoding or searching again.

A score is a weighted sum of four sides, so a request is ranked once by each side alone, and every
other setting is arithmetic on what those four gave.
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
    """What each side gives every resource for one request, at weight one, (rows,) each.

    Every resource is scored: the first stage's depth, which leaves out what no side puts among its
    first thousand, plays no part.
    """

    topic: Topic
    ids: Sequence[str]
    whole: Scores
    passage: Scores
    words: Scores
    grams: Scores

    def scores(self, fusion: Fusion) -> Scores:
        """Return the score of every resource under other weights, (rows,)."""
        meaning = (1 - fusion.passage) * self.whole + fusion.passage * self.passage
        points = fusion.meaning * meaning + fusion.words * self.words + fusion.grams * self.grams
        return np.round(points, 9)

    def ndcg(self, fusion: Fusion) -> float:
        """Return nDCG@10 under other weights."""
        hits = top(np.arange(len(self.ids)), self.scores(fusion), _FIRST)
        return ndcg(self.topic.qrels, [self.ids[hit.row] for hit in hits])


class SweepReader:
    """Reads requests on one snapshot, side by side. `fusion` gives what is not swept: `expansion`."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder, fusion: Fusion) -> None:
        self._ids = [resource.id for resource in snapshot.catalogue]
        none = replace(fusion, meaning=0.0, passage=0.0, words=0.0, grams=0.0)
        alone = {
            "whole": replace(none, meaning=1.0),
            "passage": replace(none, meaning=1.0, passage=1.0),
            "words": replace(none, words=1.0),
            "grams": replace(none, grams=1.0),
        }
        self._recommenders = {name: Recommender(snapshot, encoder, one) for name, one in alone.items()}

    def read(self, topic: Topic, known: SweepSides | None = None) -> SweepSides:
        """Rank one request by each side alone. Raises InvalidQuery for a request without words.

        `known` is what the same resources gave through another head: words are the same through any.
        """
        query = Query.of(topic.text, k=len(self._ids))
        found = {} if known is None else {"words": known.words, "grams": known.grams}
        for name in self._recommenders.keys() - found.keys():
            found[name] = np.zeros(len(self._ids))
            for hit in self._recommenders[name].rank(query):
                found[name][hit.row] = hit.score
        return SweepSides(topic, self._ids, **found)


def curve(sides: Sequence[SweepSides], settings: Sequence[Fusion]) -> NDArray[np.float64]:
    """Return nDCG@10 of each request under each setting, (settings, requests)."""
    return np.asarray([[one.ndcg(fusion) for one in sides] for fusion in settings])


def at_strength(snapshot: Snapshot, strength: float) -> Snapshot:
    """Return a snapshot whose head goes from nothing (0) to what was learnt (1), or beyond.

    Raises InvalidInput for a snapshot that learnt none.
    """
    if snapshot.head is None:
        raise InvalidInput(f"Snapshot {snapshot.id} has no head.", "Run `reco adapt` first.")
    identity = np.eye(len(snapshot.head), dtype=np.float32)
    return snapshot.with_head(identity + np.float32(strength) * (snapshot.head - identity))

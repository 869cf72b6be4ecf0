"""What shows that a result answers a query, in figures that mean the same in every catalogue.

No figure is a raw cosine: each is a share of the query, or a distance in units that the catalogue itself
gives. So what they promise (`reco.index.promise`) on one catalogue holds on others.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reco.index.hits import Rows, Scores
from reco.ranking.scoring import ParsedQuery, Scorer
from reco.snapshots.snapshot import Snapshot
from reco.text.tokens import stems

NAMES = ("score", "whole", "nearest", "words", "spelling", "title", "text", "missing", "length")
"""The figures of a result, in the order of `Witness.figures`.

`score` is without opinions. `whole` is how far the resource is above the average resource, in standard
deviations of the catalogue; `nearest` the same for its nearest passage, in distances of near neighbours.
`words` and `spelling` are the lexical sides, as shares of the query's informative terms. `title` and `text`
are the shares of these that the title and the whole text have, `missing` the share of the heaviest that the
text lacks. `length` is the logarithm of the number of different terms.
"""


class Witness:
    """Gives the figures of the results of one snapshot."""

    def __init__(self, snapshot: Snapshot, scorer: Scorer) -> None:
        self._snapshot, self._scorer = snapshot, scorer

    def figures(self, parsed: ParsedQuery, rows: Rows) -> Scores:
        """Return the figures of each row, (rows, len(NAMES))."""
        found = np.zeros((len(rows), len(NAMES)))
        if not len(rows):
            return found
        plain = replace(parsed, moves=None)
        found[:, 0] = self._scorer.score(plain, rows)
        found[:, 1] = (self._snapshot.dense.scores(parsed.vector, rows) - parsed.floor) / self._deviation(
            parsed
        )
        found[:, 2] = self._scorer.nearest(replace(parsed, needs=()), rows) / self._scorer.span
        found[:, 3], found[:, 4] = parsed.words.shares[rows], parsed.grams.shares[rows]
        found[:, 5:8] = self._met(parsed, rows)
        found[:, 8] = np.log1p(len(parsed.words.counts))
        return found

    def _met(self, parsed: ParsedQuery, rows: Rows) -> Scores:
        """Return what title and text have of the query's informative terms, and the heaviest lacking."""
        terms = list(parsed.words.counts)
        index = self._snapshot.words
        weights = np.asarray([index.self_score({term: count}) for term, count in parsed.words.counts.items()])
        if not weights.sum() > 0:
            return np.zeros((len(rows), 3))
        weights = weights / weights.sum()
        in_text = index.term_weights(terms, rows) > 0
        titles = [frozenset(stems(self._snapshot.catalogue[row].title)) for row in rows.tolist()]
        in_title = np.asarray([[term in title for term in terms] for title in titles])
        missing = np.where(in_text, 0.0, weights).max(axis=1)
        return np.column_stack([in_title @ weights, in_text @ weights, missing])

    def _deviation(self, parsed: ParsedQuery) -> float:
        """Return the standard deviation of the catalogue's cosines with a query."""
        direction = parsed.vector.astype(np.float64)
        return float(np.sqrt(max(float(direction @ self._covariance @ direction), 1e-12)))

    @cached_property
    def _covariance(self) -> NDArray[np.float64]:
        vectors = self._snapshot.dense.vectors()
        if len(vectors) < 2:
            return np.eye(self._snapshot.dense.dimension)
        return np.cov(vectors, rowvar=False, dtype=np.float64)

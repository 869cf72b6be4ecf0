"""Recommending: one query in, resources and their proofs out, from one snapshot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from reco.catalogue import Filters, values_of
from reco.encoder import Encoder, Vector
from reco.errors import InvalidQuery, SnapshotError, UnknownResource
from reco.explain import Explanation, Meaning, WordShare, explain
from reco.ranking import Hit, Rows, Scores, top
from reco.resource import Resource
from reco.snapshot import Snapshot, mean_vector
from reco.text import clean, strip_markup
from reco.words import Word, words

LONGEST_QUERY = 200_000
_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Query:
    """A request that can be answered: made by `Query.of`, which refuses any other."""

    text: str
    k: int = 10
    filters: Filters = field(default_factory=Filters)

    @classmethod
    def of(cls, text: str, k: int = 10, filters: Filters | None = None) -> Query:
        """Clean and check a request. Raises InvalidQuery with every problem at once."""
        problems = []
        if len(text) > LONGEST_QUERY:
            problems.append(
                f"the description has {len(text):,} characters; at most {LONGEST_QUERY:,} are read"
            )
            text = ""
        elif not _READABLE.search(text := clean(strip_markup(text))):
            problems.append("the description has no words")
        if k < 1:
            problems.append(f"k is {k}; it must be at least 1")
        if problems:
            raise InvalidQuery(
                f"The request cannot be answered: {'; '.join(problems)}.",
                "Describe a project or a worry in a few sentences, and ask for at least one result.",
            )
        return cls(text, k, filters or Filters())


@dataclass(frozen=True)
class Fusion:
    """How cosine and BM25 become one score.

    `meaning` and `words` are the points given to a resource that is as close as any of the catalogue
    on that side alone. `depth` is how many first-stage hits each side brings.
    """

    meaning: float = 0.5
    words: float = 0.5
    depth: int = 1000


@dataclass(frozen=True)
class Recommendation:
    """A resource, why it is here, and how sure we are (`level` is None until it is calibrated)."""

    rank: int
    resource: Resource
    score: float
    explanation: Explanation
    level: str | None = None


@dataclass(frozen=True)
class Need:
    """One thing that a request asks for, and the ranks of the results that cover it."""

    text: str
    level: str | None
    covered_by: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What one query gets from one snapshot."""

    query: Query
    snapshot: str
    recommendations: tuple[Recommendation, ...]
    verdict: str | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """A request as both sides read it, with the constants that turn their scores into points.

    The constants look at the whole catalogue, so neither filters nor k change a score.
    """

    vector: Vector
    counts: dict[str, float]
    written: dict[str, str]
    lexical: Scores
    floor: float
    meaning_rate: float
    word_rate: float


class Recommender:
    """Answers queries from one snapshot. Holds no state that a query changes."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder, fusion: Fusion | None = None) -> None:
        if snapshot.manifest.encoder != encoder.fingerprint:
            raise SnapshotError(
                f"Snapshot {snapshot.id} was made by another encoder than the one in the settings.",
                "Run `reco refresh` to encode the catalogue with this one.",
            )
        self.snapshot = snapshot
        self._encoder = encoder
        self._fusion = fusion or Fusion()
        self._average = mean_vector(snapshot) if len(snapshot.catalogue) else None

    def recommend(self, query: Query) -> Answer:
        """Return the best resources for a request, each with its proof.

        Raises InvalidQuery for a type or theme that the catalogue does not have.
        """
        self._require_known(query.filters)
        reading = self._read(query.text)
        hits = self._rank(reading, query)
        return self._answer(query, reading, hits)

    def rank(self, query: Query) -> list[Hit]:
        """Return the rows of `recommend` with their scores, without proofs."""
        self._require_known(query.filters)
        return self._rank(self._read(query.text), query)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one of the catalogue, never itself.

        Raises UnknownResource when the snapshot does not hold it.
        """
        row = self.snapshot.catalogue.row(identifier)
        if row is None:
            raise UnknownResource(f"There is no resource {identifier!r}.", self._suggest(identifier))
        resource = self.snapshot.catalogue[row]
        query = Query.of(f"{resource.title}. {resource.summary}", k, filters)
        self._require_known(query.filters)
        vector = self.snapshot.dense.vectors(np.asarray([row]))[0]
        reading = self._reading(vector, query.text, leave_out=row)
        return self._answer(query, reading, self._rank(reading, query, leave_out=row))

    def _answer(self, query: Query, reading: _Reading, hits: Sequence[Hit]) -> Answer:
        recommendations = tuple(
            Recommendation(rank, self.snapshot.catalogue[hit.row], hit.score, self._explain(reading, hit.row))
            for rank, hit in enumerate(hits, start=1)
        )
        return Answer(query, self.snapshot.id, recommendations)

    def _read(self, text: str) -> _Reading:
        return self._reading(self._encoder.encode_query(text), text)

    def _reading(self, vector: Vector, text: str, leave_out: int | None = None) -> _Reading:
        found = words(text)
        counts = {term: float(count) for term, count in Counter(word.stem for word in found).items()}
        lexical = self.snapshot.lexical.scores(counts)
        floor = float(vector.astype(np.float64) @ self._average) if self._average is not None else 0.0
        others = np.ones(len(lexical), dtype=bool)
        if leave_out is not None:
            others[leave_out] = False
        _, best = self.snapshot.dense.search(vector, 1, others)
        span = max(float(best[0]) - floor, 1e-6) if len(best) else 1.0
        most = float(lexical[others].max(initial=0.0))
        return _Reading(
            vector=vector,
            counts=counts,
            written=_written(text, found),
            lexical=lexical,
            floor=floor,
            meaning_rate=self._fusion.meaning / span,
            word_rate=self._fusion.words / most if most > 0 else 0.0,
        )

    def _rank(self, reading: _Reading, query: Query, leave_out: int | None = None) -> list[Hit]:
        allowed = self.snapshot.catalogue.select(query.filters)
        if leave_out is not None:
            allowed[leave_out] = False
        rows = self._candidates(reading, allowed, max(query.k, self._fusion.depth))
        return top(rows, self._score(reading, rows), query.k)

    def _candidates(self, reading: _Reading, allowed: np.ndarray, depth: int) -> Rows:
        near, _ = self.snapshot.dense.search(reading.vector, depth, allowed)
        worded = np.flatnonzero(allowed & (reading.lexical > 0))
        if len(worded) > depth:
            worded = worded[np.argpartition(-reading.lexical[worded], depth)[:depth]]
        return np.union1d(near, worded)

    def _score(self, reading: _Reading, rows: Rows) -> Scores:
        cosines = self.snapshot.dense.scores(reading.vector, rows)
        meaning = reading.meaning_rate * (cosines - reading.floor)
        return meaning + reading.word_rate * reading.lexical[rows]

    def _explain(self, reading: _Reading, row: int) -> Explanation:
        terms = self.snapshot.lexical.known(list(reading.counts))
        weights = self.snapshot.lexical.term_weights(terms, np.asarray([row]))[0]
        shares = [
            WordShare(reading.written[term], float(reading.word_rate * reading.counts[term] * weight))
            for term, weight in zip(terms, weights, strict=True)
        ]
        meaning = Meaning(reading.vector, reading.meaning_rate, reading.floor)
        return explain(self.snapshot.catalogue[row], self.snapshot.table.document(row), meaning, shares)

    def _require_known(self, filters: Filters) -> None:
        problems, hints = [], []
        for facet, values in filters.by_facet.items():
            known = sorted({v for r in self.snapshot.catalogue for v in values_of(r, facet)})
            for value in values:
                if not self.snapshot.catalogue.knows(facet, value):
                    problems.append(f"no resource has the {facet} {value!r}")
                    near = get_close_matches(value, known, n=3, cutoff=0.4) or known[:5]
                    hints.append(f"{facet}s in this catalogue include: {', '.join(near)}.")
        if problems:
            raise InvalidQuery(f"The request cannot be answered: {'; '.join(problems)}.", " ".join(hints))

    def _suggest(self, identifier: str) -> str:
        near = get_close_matches(identifier, [r.id for r in self.snapshot.catalogue], n=3)
        return f"Did you mean {' or '.join(near)}?" if near else "Ids are in the results of `reco recommend`."


def _written(text: str, found: Sequence[Word]) -> dict[str, str]:
    """Return, for each term, the first form of it that the request uses."""
    written: dict[str, str] = {}
    for word in found:
        written.setdefault(word.stem, text[word.start : word.end])
    return written

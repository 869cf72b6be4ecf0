"""The score of a resource for a request, and how it splits into what made it.

    score = meaning * ((1 - passage) * (cos(q, d) - floor) + passage * near(q, d)) / span
          + words * BM25(q, d) / self(q) + grams * BM25'(q, d) / self'(q)
    near(q, d) = (1 - need) * max_p (cos(q, p) - floor) + need * max_p,n (cos(n, p) - floor(n))

`p` are the resource's passages and `n` the several needs of the request (`needs.split`), each with its
own floor; a request of one need has `need` zero. `floor` is the request's cosine with the catalogue's
average resource and `span` the usual distance between that and a near neighbour, so meaning is counted
in steps that are the same from one request to the next. `self` is the most that the request's words can
score, so the lexical sides are the share of the request's informative words (stems, then runs of four
letters) that the resource has. A term that the request writes n times counts n ** emphasis: what a long
request repeats is its subject. This is a convex combination of normalised scores (Bruch, Gai and Ingber
2023, arXiv:2210.11934); no constant depends on filters or on k.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from reco.encoder.protocol import Vector
from reco.index.acronyms import Expansion
from reco.index.dense import products
from reco.index.hits import Rows, Scores
from reco.index.lexical import LexicalIndex
from reco.ranking.query import Opinion
from reco.ranking.relevance_feedback import FeedbackShift, moves
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import digest, fold
from reco.text.tokens import words

_NEIGHBOURS = 64
"""How many resources, evenly drawn, tell how far a near neighbour usually is."""


_Share = Annotated[float, Field(ge=0, le=1)]
_Weight = Annotated[float, Field(ge=0)]


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Fusion:
    """The weights of `score`: `[ranking]` of the settings.

    `depth` is how many first-stage hits each side brings; an `emphasis` of 1 counts a term as often as the
    request writes it. `need` is the share of a nearest passage's points that goes to the passage nearest to
    one of the request's needs, where it has several.

    `diversity` moves ranks and no score (`mmr.spread`): it is that of queries that say none. Raises
    ValueError for a weight out of its bounds.
    """

    meaning: _Weight = 0.2
    passage: _Share = 0.75
    need: _Share = 1 / 3
    words: _Weight = 0.4
    grams: _Weight = 0.4
    expansion: _Weight = 0.5
    emphasis: Annotated[float, Field(ge=0, le=4)] = 1.5
    depth: Annotated[int, Field(ge=10)] = 1000
    diversity: _Share = 0.0

    @property
    def stamp(self) -> str:
        """Names these weights: what was measured with others does not hold."""
        named = ((field.name, getattr(self, field.name)) for field in fields(Fusion))
        return digest(*(f"{name} {value!r}" for name, value in named))[:16]


@dataclass(frozen=True)
class NeedVector:
    """One need of a request: its unit vector, and its cosine with the catalogue's average resource."""

    vector: NDArray[np.float32]
    floor: float


@dataclass(frozen=True)
class SemanticSide:
    """How cosines became points: `rate` points for each unit of cosine above `floor`.

    `floor` is the request's cosine with the catalogue's average resource. It is shared out by the
    same weights as the resource's own cosine, so a passage's value is what it lifts the resource
    above the ordinary, whatever its length. `passage` is the part of the points that goes to the
    nearest passage alone; of that, `need` goes to the passage nearest to one of `needs`, if there are any.
    """

    vector: NDArray[np.float32]
    rate: float
    floor: float
    passage: float = 0.0
    need: float = 0.0
    needs: tuple[NeedVector, ...] = ()

    def heights(self, directions: NDArray[np.float64]) -> tuple[tuple[float, NDArray[np.float64]], ...]:
        """Return what nearest passages are chosen by, each with its share of the points.

        How far above the floor each of (parts, dimension) is for the request, and for the need that it is
        nearest to, (parts,) each.
        """
        own = directions @ self.vector.astype(np.float64) - self.floor
        if not self.needs:
            return ((1.0, own),)
        vectors = np.stack([voice.vector for voice in self.needs]).astype(np.float64)
        asked = directions @ vectors.T - [voice.floor for voice in self.needs]
        return ((1 - self.need, own), (self.need, asked.max(axis=1)))


@dataclass(frozen=True)
class WordShare:
    """A word of the request, the points it gave, and whether the resource has the word itself."""

    text: str
    value: float
    exact: bool


@dataclass(frozen=True)
class LexicalQuery:
    """A request on one lexical side: its terms with their weights, and points for each BM25 unit."""

    counts: Mapping[str, float]
    scores: Scores
    rate: float


@dataclass(frozen=True)
class ParsedQuery:
    """A request as all sides read it.

    `owners` gives, for each word as written, its terms on each side with their weights: what a
    word's share of a score is made of. `encoded` is what the encoder gave, before any head; None where
    the request is a resource. `needs` are its several needs, none where it asks for one thing. `moves`
    is what the visitor's own opinions add to the score.
    """

    vector: Vector
    floor: float
    rate: float
    words: LexicalQuery
    grams: LexicalQuery
    owners: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]]
    expansions: tuple[Expansion, ...] = ()
    needs: tuple[NeedVector, ...] = ()
    encoded: Vector | None = None
    moves: FeedbackShift | None = None

    @property
    def lexical(self) -> Scores:
        """Points of both lexical sides for every row."""
        return self.words.rate * self.words.scores + self.grams.rate * self.grams.scores


@dataclass
class _Terms:
    """Collects a request's terms by the word that brought them."""

    stems: dict[str, dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    grams: dict[str, dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def add(self, written: str, stem: str, grams: Sequence[str], weight: float = 1.0) -> None:
        self.stems[written][stem] += weight
        for gram in grams:
            self.grams[written][gram] += weight

    def emphasised(self, emphasis: float) -> _Terms:
        """Return the terms with n ** emphasis for n times, each word keeping its share of a term."""
        return _Terms(_raised(self.stems, emphasis), _raised(self.grams, emphasis))


def _raised(owners: Mapping[str, Mapping[str, float]], emphasis: float) -> dict[str, dict[str, float]]:
    totals = _counted(owners)
    # Below one is no repetition, but the form of an acronym that the request does not write.
    return {
        written: {term: weight * max(1.0, totals[term]) ** (emphasis - 1) for term, weight in terms.items()}
        for written, terms in owners.items()
    }


def _counted(owners: Mapping[str, Mapping[str, float]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for terms in owners.values():
        counts.update(terms)
    return counts


class Scorer:
    """Scores the rows of one snapshot."""

    def __init__(self, snapshot: Snapshot, fusion: Fusion) -> None:
        self.fusion = fusion
        self._snapshot = snapshot
        vectors = snapshot.dense.vectors()
        self._average = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else None

    def expansions(self, text: str, without: Sequence[str] = ()) -> tuple[Expansion, ...]:
        """Return the acronyms and synonyms of a request that are expanded, but those named in `without`."""
        left_out = set(map(fold, without))
        return tuple(e for e in self._snapshot.acronyms.find(text) if fold(e.short) not in left_out)

    def read(
        self,
        vector: Vector,
        text: str,
        expansions: tuple[Expansion, ...] = (),
        needs: Sequence[Vector] = (),
    ) -> ParsedQuery:
        """Return a request as both sides read it; `needs` are the vectors of its several needs."""
        terms = self._terms(text, expansions).emphasised(self.fusion.emphasis)
        return ParsedQuery(
            vector=vector,
            floor=self._floor(vector),
            needs=tuple(NeedVector(need, self._floor(need)) for need in needs),
            rate=self.fusion.meaning / self._span,
            words=_asked(terms.stems, self._snapshot.words, self.fusion.words),
            grams=_asked(terms.grams, self._snapshot.grams, self.fusion.grams),
            owners={
                w: (terms.stems.get(w, {}), terms.grams.get(w, {}))
                for w in (*terms.stems, *(terms.grams.keys() - terms.stems.keys()))
            },
            expansions=expansions,
        )

    def judged(self, reading: ParsedQuery, opinions: Sequence[Opinion]) -> ParsedQuery:
        """Return a reading that opinions move, in a span of scores that no filter and no k changes."""
        if not opinions:
            return reading
        everything = np.ones(len(self._snapshot.catalogue), dtype=np.bool_)
        scores = self.score(reading, self.candidates(reading, everything, 1))
        return replace(reading, moves=moves(self._snapshot, opinions, float(np.ptp(scores))))

    def candidates(self, reading: ParsedQuery, allowed: NDArray[np.bool_], k: int) -> Rows:
        """Return the allowed rows that either side puts among its first, and those near what was liked."""
        depth = max(k, self.fusion.depth)
        near, _ = self._snapshot.dense.search(reading.vector, depth, allowed)
        lexical = reading.lexical
        worded = np.flatnonzero(allowed & (lexical > 0))
        if len(worded) > depth:
            worded = worded[np.argpartition(-lexical[worded], depth)[:depth]]
        found: Rows = np.union1d(near, worded)
        for liked in reading.moves.liked if reading.moves is not None else ():
            found = np.union1d(found, self._snapshot.dense.search(liked, k, allowed)[0])
        return found

    def score(self, reading: ParsedQuery, rows: Rows) -> Scores:
        """Return the score of each of `rows`."""
        whole = self._snapshot.dense.scores(reading.vector, rows) - reading.floor
        points = reading.rate * (1 - self.fusion.passage) * whole
        if self.fusion.passage:
            points = points + reading.rate * self.fusion.passage * self.nearest(reading, rows)
        points = points + reading.words.rate * reading.words.scores[rows]
        points = points + reading.grams.rate * reading.grams.scores[rows]
        # The last bits of a matrix product depend on its other rows: they must not decide a rank.
        points = np.round(points, 9)
        return points if reading.moves is None else points + reading.moves.points[rows]

    def nearest(self, reading: ParsedQuery, rows: Rows) -> Scores:
        """Return how far above the floor each row's nearest passage is; its title where it has no other."""
        if not len(rows):
            return np.zeros(0)
        bounds = self._snapshot.table.bounds
        starts, counts = bounds[rows], np.diff(bounds)[rows]
        # A frame stands for its document only where there is no passage.
        skip = (counts > 1).astype(np.int64)
        starts, counts = starts + skip, counts - skip
        edges = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(starts - edges[:-1], counts) + np.arange(edges[-1])
        voices = (NeedVector(reading.vector, reading.floor), *(reading.needs if self.fusion.need else ()))
        toward = self._snapshot.towards(np.stack([voice.vector for voice in voices]))
        cosines = products(self._snapshot.table.parts, places, toward)
        heights = cosines / self._snapshot.part_lengths[places, None] - [voice.floor for voice in voices]
        best = np.maximum.reduceat(heights, edges[:-1])
        if len(voices) == 1:
            return np.asarray(best[:, 0])
        return np.asarray((1 - self.fusion.need) * best[:, 0] + self.fusion.need * best[:, 1:].max(axis=1))

    def meaning(self, reading: ParsedQuery) -> SemanticSide:
        """Return how cosines became points, for the proof."""
        needs = reading.needs if self.fusion.need else ()
        return SemanticSide(
            reading.vector, reading.rate, reading.floor, self.fusion.passage, self.fusion.need, needs
        )

    def shares(self, reading: ParsedQuery, rows: Rows) -> list[list[WordShare]]:
        """Return, for each of `rows`, the points that each word of the request gave to it."""
        exact = self._word_points(
            reading.words, self._snapshot.words, [o[0] for o in reading.owners.values()], rows
        )
        alike = self._word_points(
            reading.grams, self._snapshot.grams, [o[1] for o in reading.owners.values()], rows
        )
        return [
            [
                WordShare(written, float(exact[i, j] + alike[i, j]), bool(exact[i, j] > 0))
                for j, written in enumerate(reading.owners)
            ]
            for i in range(len(rows))
        ]

    @staticmethod
    def _word_points(
        asked: LexicalQuery, index: LexicalIndex, owners: Sequence[Mapping[str, float]], rows: Rows
    ) -> Scores:
        """Return the points of each word in each row, (rows, words)."""
        terms = {term: column for column, term in enumerate(asked.counts)}
        weights = asked.rate * index.term_weights(list(terms), rows)
        points = np.zeros((len(rows), len(owners)))
        for column, owned in enumerate(owners):
            if owned:
                points[:, column] = weights[:, [terms[t] for t in owned]] @ np.fromiter(
                    owned.values(), dtype=float
                )
        return points

    def _terms(self, text: str, expansions: Sequence[Expansion]) -> _Terms:
        terms = _Terms()
        for word in words(text):
            terms.add(text[word.start : word.end], word.stem, word.grams)
        for expansion in expansions:
            written = set(expansion.terms)
            label = f"{expansion.written} = {expansion.entry.full}"
            terms.add(label, expansion.entry.concept, (), self.fusion.expansion)
            if expansion.entry.is_acronym:
                for word in words(f"{expansion.entry.short} {expansion.entry.full}"):
                    if word.stem not in written:
                        terms.add(label, word.stem, word.grams, self.fusion.expansion)
        return terms

    def _floor(self, vector: Vector) -> float:
        return float(vector.astype(np.float64) @ self._average) if self._average is not None else 0.0

    @cached_property
    def _span(self) -> float:
        """The mean distance above the floor of a resource's nearest neighbour."""
        count = len(self._snapshot.catalogue)
        if self._average is None or count < 2:
            return 1.0
        rows = np.unique(np.linspace(0, count - 1, _NEIGHBOURS).astype(np.int64))
        vectors = self._snapshot.dense.vectors(rows)
        cosines = vectors @ self._snapshot.dense.vectors().T
        cosines[np.arange(len(rows)), rows] = -np.inf
        distances = cosines.max(axis=1) - vectors.astype(np.float64) @ self._average
        return max(float(np.mean(distances)), 1e-3)


def _asked(owners: Mapping[str, Mapping[str, float]], index: LexicalIndex, weight: float) -> LexicalQuery:
    counts = _counted(owners)
    most = index.self_score(counts)
    return LexicalQuery(counts, index.scores(counts), weight / most if most > 0 else 0.0)

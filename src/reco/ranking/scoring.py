"""The score of a resource for a query, and its split into parts and words.

    score = meaning * ((1 - passage) * (cos(q, d) - floor) + passage * near(q, d)) / span
          + gain(q) * (words * BM25(q, d) / self(q) + grams * BM25'(q, d) / self'(q))
    near(q, d) = (1 - need) * max_p (cos(q, p) - floor) + need * max_p,n (cos(n, p) - floor(n))

`p` are the passages of the resource. `n` are the needs of the query (`needs.split`), each with its own
floor; `need` is zero for a query with one need. `floor` is the cosine of the query with the catalogue's
average resource. `span` is the usual distance from `floor` to a near neighbour, so one point of meaning
is the same for every query. `self` is the highest BM25 score that the query's terms allow, so a lexical
side is the share of the query's informative terms (stems; then 4-grams) that the resource has. A term
that the query repeats n times counts n ** emphasis, since a long query repeats its subject.

`gain` is (1/4 / best share of a resource) ** reach. No resource has half of what a spoken worry says, and
some have all of three typed words: a share alone makes words weigh more the shorter the query is.

This is a combination of normalised scores (Bruch, Gai and Ingber 2023, arXiv:2210.11934), between their
theoretical and their empirical maximum. No constant depends on filters or on k.
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

_SAMPLE = 64
"""Resources, evenly drawn, that measure the usual distance to a near neighbour."""

_HAS = 0.15
"""Share of a word's points from which a resource is taken to have the word."""

_USUAL_SHARE = 0.25
"""The best share of a written request of a sentence: its lexical points stay as they are."""


_Share = Annotated[float, Field(ge=0, le=1)]
_Weight = Annotated[float, Field(ge=0)]

Owners = Mapping[str, Mapping[str, float]]
"""Weights of terms, by the word of the query that they come from."""


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Fusion:
    """The weights of the score: the settings `[ranking]`.

    `depth` is the number of first-stage hits of each side. With an `emphasis` of 1, a term counts as
    often as the query writes it. `reach` is how far the lexical sides are scaled to their best resource: 0
    not, 1 wholly. `need` is the share of a nearest passage's points that goes to the
    passage nearest to one of the needs, in a query with several.

    `diversity` is the default of queries that set none. It moves ranks, never scores (`mmr.spread`).
    Raises ValueError for a weight out of bounds.
    """

    meaning: _Weight = 0.3
    passage: _Share = 0.75
    need: _Share = 1 / 3
    words: _Weight = 0.4
    grams: _Weight = 0.4
    expansion: _Weight = 0.5
    emphasis: Annotated[float, Field(ge=0, le=4)] = 1.5
    reach: _Share = 0.5
    depth: Annotated[int, Field(ge=10)] = 1000
    diversity: _Share = 0.0

    @property
    def stamp(self) -> str:
        """Digest of the weights. Levels calibrated under another stamp are not used."""
        named = ((one.name, getattr(self, one.name)) for one in fields(Fusion))
        return digest(*(f"{name} {value!r}" for name, value in named))[:16]


@dataclass(frozen=True)
class NeedVector:
    """One need of a query: its unit vector, and its cosine with the catalogue's average resource."""

    vector: NDArray[np.float32]
    floor: float


@dataclass(frozen=True)
class SemanticSide:
    """The semantic side of a score: `rate` points for each unit of cosine above `floor`.

    `floor` is the cosine of the query with the catalogue's average resource. The parts share it by the
    same weights as the resource's cosine, so the value of a passage is what it adds above an average
    resource, for any length. `passage` is the share of the points that goes to the nearest passage
    alone; `need` is the share of these points for the passage nearest to one of `needs`.
    """

    vector: NDArray[np.float32]
    rate: float
    floor: float
    passage: float = 0.0
    need: float = 0.0
    needs: tuple[NeedVector, ...] = ()

    def heights(self, directions: NDArray[np.float64]) -> tuple[tuple[float, NDArray[np.float64]], ...]:
        """Return the cosines above the floor that choose nearest passages, each with its share of points.

        One array, (parts,), for the query and, when it has several needs, one for the nearest need.
        `directions` are unit vectors, (parts, dimension).
        """
        query_heights = directions @ self.vector.astype(np.float64) - self.floor
        if not self.needs:
            return ((1.0, query_heights),)
        vectors = np.stack([need.vector for need in self.needs]).astype(np.float64)
        need_heights = directions @ vectors.T - [need.floor for need in self.needs]
        return ((1 - self.need, query_heights), (self.need, need_heights.max(axis=1)))


@dataclass(frozen=True)
class WordShare:
    """A word of the query, its points, and whether the resource has the word itself."""

    text: str
    value: float
    exact: bool


@dataclass(frozen=True)
class LexicalQuery:
    """A query on one lexical side: weights by term, BM25 scores (rows,), and points per BM25 unit.

    `highest` is the score of a resource that would have every term.
    """

    counts: Mapping[str, float]
    scores: Scores
    rate: float
    highest: float

    @property
    def shares(self) -> Scores:
        """The share of the query's informative terms that each row has, (rows,)."""
        return self.scores / self.highest if self.highest > 0 else np.zeros_like(self.scores)

    def scaled(self, gain: float) -> LexicalQuery:
        """Return the query with its points multiplied by a gain."""
        return replace(self, rate=self.rate * gain)


@dataclass(frozen=True)
class ParsedQuery:
    """A query parsed for every side of the score.

    `owners` maps each word as written to its stems and its 4-grams, with weights: they make up the
    word's share of a score. `encoded` is the encoder's vector before the head, None when the query is a
    resource. `needs` is empty for a query with one need. `moves` are the points of the visitor's
    opinions, `looked` those of a second look, by row.
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
    looked: Mapping[int, float] = field(default_factory=dict)

    @property
    def lexical(self) -> Scores:
        """Points of both lexical sides, (rows,)."""
        return self.words.rate * self.words.scores + self.grams.rate * self.grams.scores


def _emphasised(owners: Owners, emphasis: float) -> dict[str, dict[str, float]]:
    """Weigh a term written n times by n ** emphasis. Each word keeps its share of the term."""
    totals = _totals(owners)
    # A total below one is a form of an acronym that the query does not write, not a repetition.
    return {
        written: {term: weight * max(1.0, totals[term]) ** (emphasis - 1) for term, weight in terms.items()}
        for written, terms in owners.items()
    }


def _totals(owners: Owners) -> Counter[str]:
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
        """Return the acronyms and synonyms to expand in a query, except those in `without`."""
        left_out = set(map(fold, without))
        return tuple(e for e in self._snapshot.acronyms.find(text) if fold(e.short) not in left_out)

    def read(
        self,
        vector: Vector,
        text: str,
        expansions: tuple[Expansion, ...] = (),
        needs: Sequence[Vector] = (),
        whole: bool = False,
    ) -> ParsedQuery:
        """Parse a query from its unit vector and text; `needs` are the unit vectors of its needs.

        A `whole` text is that of a resource: it has a row with every term, so nothing is scaled.
        """
        stems, grams = (_emphasised(side, self.fusion.emphasis) for side in self._terms(text, expansions))
        by_word = _lexical_query(stems, self._snapshot.words, self.fusion.words)
        by_gram = _lexical_query(grams, self._snapshot.grams, self.fusion.grams)
        gain = 1.0 if whole else self._gain(by_word, by_gram)
        return ParsedQuery(
            vector=vector,
            floor=self._floor(vector),
            needs=tuple(NeedVector(need, self._floor(need)) for need in needs),
            rate=self.fusion.meaning / self.span,
            words=by_word.scaled(gain),
            grams=by_gram.scaled(gain),
            owners={written: (terms, grams.get(written, {})) for written, terms in stems.items()},
            expansions=expansions,
        )

    def _gain(self, by_word: LexicalQuery, by_gram: LexicalQuery) -> float:
        weight = self.fusion.words + self.fusion.grams
        if not weight > 0:
            return 1.0
        shares = (self.fusion.words * by_word.shares + self.fusion.grams * by_gram.shares) / weight
        best = float(shares.max(initial=0.0))
        return (_USUAL_SHARE / best) ** self.fusion.reach if best > 0 else 1.0

    def judged(self, parsed: ParsedQuery, opinions: Sequence[Opinion]) -> ParsedQuery:
        """Add the points of opinions. Their span of scores ignores filters and k."""
        if not opinions:
            return parsed
        everything = np.ones(len(self._snapshot.catalogue), dtype=np.bool_)
        scores = self.score(parsed, self.candidates(parsed, everything, 1))
        return replace(parsed, moves=moves(self._snapshot, opinions, float(np.ptp(scores))))

    def candidates(self, parsed: ParsedQuery, allowed: NDArray[np.bool_], k: int) -> Rows:
        """Return the allowed rows among the first of either side or near a resource found useful."""
        depth = max(k, self.fusion.depth)
        near, _ = self._snapshot.dense.search(parsed.vector, depth, allowed)
        lexical = parsed.lexical
        matching = np.flatnonzero(allowed & (lexical > 0))
        if len(matching) > depth:
            matching = matching[np.argpartition(-lexical[matching], depth)[:depth]]
        rows: Rows = np.union1d(near, matching)
        for liked in parsed.moves.liked if parsed.moves is not None else ():
            rows = np.union1d(rows, self._snapshot.dense.search(liked, k, allowed)[0])
        return rows

    def score(self, parsed: ParsedQuery, rows: Rows) -> Scores:
        """Return the score of each row, (rows,)."""
        whole = self._snapshot.dense.scores(parsed.vector, rows) - parsed.floor
        points = parsed.rate * (1 - self.fusion.passage) * whole
        if self.fusion.passage:
            points = points + parsed.rate * self.fusion.passage * self.nearest(parsed, rows)
        points = points + parsed.words.rate * parsed.words.scores[rows]
        points = points + parsed.grams.rate * parsed.grams.scores[rows]
        # The last bits of a matrix product depend on its other rows. They must not decide a rank.
        points = np.round(points, 9)
        return points if parsed.moves is None else points + parsed.moves.points[rows]

    def nearest(self, parsed: ParsedQuery, rows: Rows) -> Scores:
        """Return the height above the floor of each row's nearest passage, (rows,).

        A resource without a passage uses its title.
        """
        if not len(rows):
            return np.zeros(0)
        bounds = self._snapshot.table.bounds
        starts, counts = bounds[rows], np.diff(bounds)[rows]
        # The first part is the frame (the title). It counts only in a document without passages.
        skip = (counts > 1).astype(np.int64)
        starts, counts = starts + skip, counts - skip
        edges = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(starts - edges[:-1], counts) + np.arange(edges[-1])
        targets = (NeedVector(parsed.vector, parsed.floor), *(parsed.needs if self.fusion.need else ()))
        directions = self._snapshot.towards(np.stack([target.vector for target in targets]))
        cosines = products(self._snapshot.table.parts, places, directions)
        heights = cosines / self._snapshot.part_lengths[places, None] - [target.floor for target in targets]
        best = np.maximum.reduceat(heights, edges[:-1])
        if len(targets) == 1:
            return np.asarray(best[:, 0])
        return np.asarray((1 - self.fusion.need) * best[:, 0] + self.fusion.need * best[:, 1:].max(axis=1))

    def meaning(self, parsed: ParsedQuery) -> SemanticSide:
        """Return the semantic side of the score, for the explanation."""
        needs = parsed.needs if self.fusion.need else ()
        return SemanticSide(
            parsed.vector, parsed.rate, parsed.floor, self.fusion.passage, self.fusion.need, needs
        )

    def shares(self, parsed: ParsedQuery, rows: Rows) -> list[list[WordShare]]:
        """Return the points of each word of the query, for each row."""
        exact = self._word_points(
            parsed.words, self._snapshot.words, [terms[0] for terms in parsed.owners.values()], rows
        )
        alike = self._word_points(
            parsed.grams, self._snapshot.grams, [terms[1] for terms in parsed.owners.values()], rows
        )
        return [
            [
                WordShare(written, float(exact[i, j] + alike[i, j]), bool(exact[i, j] > 0))
                for j, written in enumerate(parsed.owners)
            ]
            for i in range(len(rows))
        ]

    def unmet(
        self, parsed: ParsedQuery, shares: Sequence[Sequence[WordShare]], most: int = 3
    ) -> tuple[str, ...]:
        """Return the heaviest words of a query that no row of `shares` has, in the query's order.

        Only the heavier half of the words counts, since a light one tells nothing. A row has a word when it
        has `_HAS` of the word's points: a form with another ending does, one common 4-gram does not.
        """
        weights, least = {}, {}
        for written, (terms, grams) in parsed.owners.items():
            if not written.isdigit():
                weights[written] = self._snapshot.words.self_score(dict(terms))
                points = parsed.words.rate * weights[written]
                points += parsed.grams.rate * self._snapshot.grams.self_score(dict(grams))
                least[written] = _HAS * points
        heavy = sorted(weights, key=lambda written: -weights[written])[: (len(weights) + 1) // 2]
        met = {share.text for row in shares for share in row if share.value >= least.get(share.text, 0.0)}
        lacking = [written for written in heavy if written not in met][:most]
        return tuple(written for written in parsed.owners if written in lacking)

    @staticmethod
    def _word_points(
        query: LexicalQuery, index: LexicalIndex, owners: Sequence[Mapping[str, float]], rows: Rows
    ) -> Scores:
        """Return the points of each word in each row, (rows, words)."""
        terms = {term: column for column, term in enumerate(query.counts)}
        weights = query.rate * index.term_weights(list(terms), rows)
        points = np.zeros((len(rows), len(owners)))
        for column, terms_of_word in enumerate(owners):
            if terms_of_word:
                points[:, column] = weights[:, [terms[t] for t in terms_of_word]] @ np.fromiter(
                    terms_of_word.values(), dtype=float
                )
        return points

    def _terms(self, text: str, expansions: Sequence[Expansion]) -> tuple[Owners, Owners]:
        """Return the stems of a query and its 4-grams, with weights, by the word that they come from."""
        stems: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        grams: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

        def add(written: str, stem: str, its_grams: Sequence[str], weight: float) -> None:
            stems[written][stem] += weight
            for gram in its_grams:
                grams[written][gram] += weight

        for word in words(text):
            add(text[word.start : word.end], word.stem, word.grams, 1.0)
        for expansion in expansions:
            written_stems = set(expansion.terms)
            label = f"{expansion.written} = {expansion.entry.full}"
            add(label, expansion.entry.concept, (), self.fusion.expansion)
            if expansion.entry.is_acronym:
                for word in words(f"{expansion.entry.short} {expansion.entry.full}"):
                    if word.stem not in written_stems:
                        add(label, word.stem, word.grams, self.fusion.expansion)
        return stems, grams

    def _floor(self, vector: Vector) -> float:
        return float(vector.astype(np.float64) @ self._average) if self._average is not None else 0.0

    @cached_property
    def span(self) -> float:
        """The mean height above the floor of a resource's nearest neighbour."""
        count = len(self._snapshot.catalogue)
        if self._average is None or count < 2:
            return 1.0
        rows = np.unique(np.linspace(0, count - 1, _SAMPLE).astype(np.int64))
        vectors = self._snapshot.dense.vectors(rows)
        cosines = vectors @ self._snapshot.dense.vectors().T
        cosines[np.arange(len(rows)), rows] = -np.inf
        distances = cosines.max(axis=1) - vectors.astype(np.float64) @ self._average
        return max(float(np.mean(distances)), 1e-3)


def _lexical_query(owners: Owners, index: LexicalIndex, weight: float) -> LexicalQuery:
    counts = _totals(owners)
    highest = index.self_score(counts)
    return LexicalQuery(counts, index.scores(counts), weight / highest if highest > 0 else 0.0, highest)

"""The proof beside a result: quotes, and contributions that sum to the score."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.resource import Resource
from reco.encoder.protocol import unit
from reco.index.acronyms import Acronyms, Expansion
from reco.index.hits import Hit
from reco.index.vectors import EncodedDocument
from reco.ranking.relevance_feedback import FeedbackShift
from reco.ranking.scoring import SemanticSide, WordShare
from reco.text.tokens import words

if TYPE_CHECKING:
    import pandas as pd

QUOTED = 3
"""How many passages are quoted for a result."""

Heights = Sequence[tuple[float, NDArray[np.float64]]]
"""What each nearest passage is chosen by, (parts,), with its share of the points."""

_FEWEST_GRAMS = 3
"""Runs of letters below which a likeness of spelling says nothing."""
_MOST_ALIKE = 1_000
"""Words of a request, its first ones, that are looked for in a like spelling."""


@dataclass(frozen=True)
class QuotedPassage:
    """A passage of a summary, `summary[start:end]`, with its cosine to the request.

    `words` are those of the request that it answers, as the request writes them (`QueryWords`).
    """

    text: str
    start: int
    end: int
    similarity: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contribution:
    """A share of a score.

    Kinds: `passage` (text quotes it), `title`, `word` (text is the request's, or an expansion of it),
    `form` (a word of the request that the resource has only in a like spelling), `feedback` (text is how
    many of the visitor's opinions moved the resource). `without` is the score that the resource would
    have if this were not there, all else being equal: its vector is the mean of its other parts, and its
    nearest passage one of those, the catalogue's average and the words of the text staying as they are;
    or it lacks the word, and the length of its text stays. Passages share one direction, so
    `score - without` is not `value`: two passages that say the same can each be spared.
    """

    kind: str
    text: str
    value: float
    without: float


@dataclass(frozen=True)
class Explanation:
    """Why a resource has its score: quotes in order of similarity, shares that sum to the score.

    >>> first = home.recommend("un verger partagé", k=1)[0]
    >>> shares = first.explanation.to_frame()
    >>> list(shares.columns)
    ['kind', 'text', 'value']
    >>> abs(float(shares["value"].sum()) - first.score) < 1e-6
    True
    """

    passages: tuple[QuotedPassage, ...]
    contributions: tuple[Contribution, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per contribution: kind, text, and value, its points; values sum to the score."""
        import pandas as pd  # only who asks for a table waits for it

        rows = [(share.kind, share.text, share.value) for share in self.contributions]
        return pd.DataFrame(rows, columns=["kind", "text", "value"])


@dataclass(frozen=True)
class QueryWord:
    """A word of the request, or a phrase or acronym that was read in full: where it is, what answers it."""

    text: str
    start: int
    end: int
    term: str
    grams: frozenset[str] = frozenset()


class QueryWords:
    """The words of one request, in its order, looked for in passages."""

    def __init__(self, text: str, expansions: Sequence[Expansion], acronyms: Acronyms) -> None:
        self._text, self._expansions, self._acronyms = text, expansions, acronyms

    def met_by(self, passage: str) -> tuple[str, ...]:
        """Return the words of the request that a passage has, as the request writes them.

        A passage has a word when it has its stem, or any form of the acronym or phrase, which then
        stands for its own words. One that has none is given the words that it has in a like spelling:
        half of their runs of four letters in one of its own words.
        """
        read = words(passage)
        terms = {word.stem for word in read}
        if self._expansions:
            terms.update(self._acronyms.concepts(passage))
        places = {place for term in terms for place in self._by_term.get(term, ())}
        if not places:
            places = self._alike({word.grams for word in read})
        return tuple(dict.fromkeys(w.text for w in _outermost([self._words[at] for at in sorted(places)])))

    def _alike(self, passage: Iterable[tuple[str, ...]]) -> set[int]:
        """Return the places of the words of which half of the grams are in one word of a passage."""
        found: set[int] = set()
        for grams in passage:
            shared = Counter(place for gram in grams for place in self._by_gram.get(gram, ()))
            found.update(at for at, count in shared.items() if 2 * count >= len(self._words[at].grams))
        return found

    @cached_property
    def _words(self) -> tuple[QueryWord, ...]:
        """Each word and each phrase, at its first place."""
        found = [QueryWord(e.written, e.start, e.end, e.entry.concept) for e in self._expansions]
        seen: set[str] = set()
        for word in words(self._text):
            if word.stem not in seen:
                seen.add(word.stem)
                written = self._text[word.start : word.end]
                found.append(QueryWord(written, word.start, word.end, word.stem, frozenset(word.grams)))
        return tuple(sorted(found, key=lambda word: (word.start, -word.end)))

    @cached_property
    def _by_term(self) -> Mapping[str, Sequence[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        for at, word in enumerate(self._words):
            places[word.term].append(at)
        return places

    @cached_property
    def _by_gram(self) -> Mapping[str, Sequence[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        long = [at for at, word in enumerate(self._words) if len(word.grams) >= _FEWEST_GRAMS]
        for at in long[:_MOST_ALIKE]:
            for gram in self._words[at].grams:
                places[gram].append(at)
        return places


def _outermost(met: Iterable[QueryWord]) -> Iterable[QueryWord]:
    """Yield the words that no other one holds; `met` are in the order of the request, the longer first."""
    reach, widest = -1, (-1, -1)
    for word in met:
        span = (word.start, word.end)
        if word.end > reach or span == widest:
            reach, widest = word.end, span
            yield word


@dataclass(frozen=True)
class Scored:
    """What made one resource's score: how its cosines became points, and what each word gave."""

    score: float
    meaning: SemanticSide
    shares: Sequence[WordShare]


def explain(resource: Resource, document: EncodedDocument, scored: Scored, asked: QueryWords) -> Explanation:
    """Split a score over the passages and words that made it. Values sum to the score."""
    directions = unit(document.vectors.parts).astype(np.float64)
    cosines = directions @ scored.meaning.vector.astype(np.float64)
    lines = [*_part_lines(resource, document, scored, directions), *_word_lines(scored)]
    return Explanation(_quotes(resource, document, cosines, asked), _in_order(lines))


def with_opinions(explanation: Explanation, moves: FeedbackShift, hit: Hit) -> Explanation:
    """Return the explanation of a hit's own score with one more line: the points that opinions gave it."""
    value = float(moves.points[hit.row])
    if not value:
        return explanation
    count = moves.useful[hit.row] if value > 0 else moves.off_topic[hit.row]
    line = Contribution("feedback", str(max(1, int(count))), value, moves.own(hit))
    others = (replace(one, without=one.without + value) for one in explanation.contributions)
    return replace(explanation, contributions=_in_order((line, *others)))


def _in_order(lines: Iterable[Contribution]) -> tuple[Contribution, ...]:
    """Return contributions, the largest first."""
    return tuple(sorted(lines, key=lambda line: (-abs(line.value), line.kind, line.text)))


def _part_lines(
    resource: Resource, document: EncodedDocument, scored: Scored, directions: NDArray[np.float64]
) -> list[Contribution]:
    heights = scored.meaning.heights(directions)
    values = _part_values(document, scored.meaning, heights)
    # The index holds float32: the last digit of a cosine, times the rate, may be more than a millionth.
    rest = scored.score - sum(share.value for share in scored.shares) - values.sum()
    values += document.vectors.weights / document.vectors.weights.sum() * rest
    without = scored.score - values.sum() + _points_without(document, scored.meaning, heights)
    return [
        Contribution(
            "title" if span.start < 0 else "passage",
            resource.title if span.start < 0 else resource.summary[span.start : span.end],
            float(value),
            float(left),
        )
        for span, value, left in zip(document.spans, values, without, strict=True)
    ]


def _word_lines(scored: Scored) -> list[Contribution]:
    return [
        Contribution("word" if share.exact else "form", share.text, share.value, scored.score - share.value)
        for share in scored.shares
        if share.value
    ]


def _part_values(document: EncodedDocument, meaning: SemanticSide, heights: Heights) -> NDArray[np.float64]:
    """Cosine is linear in the parts: q·D/|D| = sum of w (q·v)/|D|, with D the weighted mean."""
    weights = document.vectors.weights.astype(np.float64)
    parts = document.vectors.parts.astype(np.float64)
    length = float(np.linalg.norm(weights @ parts)) or 1.0
    raw = weights * (parts @ meaning.vector.astype(np.float64)) / length
    whole = raw - weights / weights.sum() * meaning.floor
    values: NDArray[np.float64] = meaning.rate * (1 - meaning.passage) * whole
    for share, found in heights:
        best = int(np.argmax(found[1:])) + 1 if len(found) > 1 else 0
        values[best] += meaning.rate * meaning.passage * share * found[best]
    return values


def _points_without(
    document: EncodedDocument, meaning: SemanticSide, heights: Heights
) -> NDArray[np.float64]:
    """Return the points of meaning without each part: q·(D - w v)/|D - w v|, and the best of the others.

    A resource of which nothing is left to read has no points of meaning.
    """
    weighted = document.vectors.weights.astype(np.float64)[:, None] * document.vectors.parts.astype(
        np.float64
    )
    left = weighted.sum(axis=0) - weighted
    lengths = np.linalg.norm(left, axis=1)
    something = lengths > 1e-9
    whole = np.divide(left @ meaning.vector.astype(np.float64), lengths, where=something, out=0 * lengths)
    nearest = sum(share * _best_of_others(found) for share, found in heights)
    lifted = (1 - meaning.passage) * (whole - meaning.floor) + meaning.passage * nearest
    return np.where(something, meaning.rate * lifted, 0.0)


def _best_of_others(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each part, the height of the nearest other passage; the title's where there is none."""
    nearest = np.full(len(heights), heights[0])
    if len(heights) > 1:
        best = int(np.argmax(heights[1:])) + 1
        nearest[:] = heights[best]
        others = np.delete(heights, (0, best))
        nearest[best] = others.max() if len(others) else heights[0]
    return nearest


def _quotes(
    resource: Resource, document: EncodedDocument, cosines: NDArray[np.float64], asked: QueryWords
) -> tuple[QuotedPassage, ...]:
    found = [
        (-float(cosine), span)
        for span, cosine in zip(document.spans, cosines, strict=True)
        if span.start >= 0
    ]
    found.sort(key=lambda pair: (pair[0], pair[1].start))
    quotes = []
    for cosine, span in found[:QUOTED]:
        text = resource.summary[span.start : span.end]
        quotes.append(QuotedPassage(text, span.start, span.end, -cosine, asked.met_by(text)))
    return tuple(quotes)

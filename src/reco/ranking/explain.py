"""The explanation of a result: quotes, and contributions that sum to the score."""

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
"""Passages quoted for a result."""

Heights = Sequence[tuple[float, NDArray[np.float64]]]
"""Cosines above the floor that choose a nearest passage, (parts,), each with its share of the points."""

_FEWEST_GRAMS = 3
"""4-grams below which a similar spelling proves nothing."""
_MOST_COMPARED = 1_000
"""The first words of a query that are matched by similar spelling."""


@dataclass(frozen=True)
class QuotedPassage:
    """A passage of a summary, `summary[start:end]`, with its cosine to the query.

    `words` are the words of the query that it matches, as the query writes them (`QueryWords`).
    """

    text: str
    start: int
    end: int
    similarity: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contribution:
    """A share of a score.

    Kinds: `passage` (`text` quotes it), `title`, `word` (a word of the query or its expansion), `form` (a
    word of the query that the resource has only in a similar spelling), `rerank` (the points of a second
    look; `text` names the model), `feedback` (`text` is the number of opinions that moved the resource).

    `without` is the score without this part or word. Without a part, the resource's vector is the mean of
    its other parts and its nearest passage is one of them; its words and the catalogue's average stay.
    Without a word, the length of the text stays. `score - without` is not `value`: of two passages that
    say the same, removing one costs little.
    """

    kind: str
    text: str
    value: float
    without: float


@dataclass(frozen=True)
class Explanation:
    """The explanation of a score: passages by similarity, and contributions that sum to the score.

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
        import pandas as pd  # slow to import, so only for a table

        rows = [(share.kind, share.text, share.value) for share in self.contributions]
        return pd.DataFrame(rows, columns=["kind", "text", "value"])


@dataclass(frozen=True)
class QueryWord:
    """A word, or an expanded acronym or phrase, of the query: its place, and the term that matches it."""

    text: str
    start: int
    end: int
    term: str
    grams: frozenset[str] = frozenset()


class QueryWords:
    """Finds the words of one query in passages."""

    def __init__(self, text: str, expansions: Sequence[Expansion], acronyms: Acronyms) -> None:
        self._text, self._expansions, self._acronyms = text, expansions, acronyms

    def met_by(self, passage: str) -> tuple[str, ...]:
        """Return the words of the query that a passage has, in the query's order and spelling.

        A passage has a word when it has the stem, and an acronym or phrase when it has any of its forms;
        an acronym or phrase hides the words inside it. For a passage with no word of the query, words of
        similar spelling are returned: half of their 4-grams are in one word of the passage.
        """
        passage_words = words(passage)
        terms = {word.stem for word in passage_words}
        if self._expansions:
            terms.update(self._acronyms.concepts(passage))
        places = {place for term in terms for place in self._by_term.get(term, ())}
        if not places:
            places = self._similarly_spelt({word.grams for word in passage_words})
        return tuple(
            dict.fromkeys(
                word.text for word in _longest_matches([self._words[place] for place in sorted(places)])
            )
        )

    def _similarly_spelt(self, passage: Iterable[tuple[str, ...]]) -> set[int]:
        """Return the places of the query's words with half of their 4-grams in one word of a passage."""
        places: set[int] = set()
        for grams in passage:
            shared = Counter(place for gram in grams for place in self._by_gram.get(gram, ()))
            places.update(
                place for place, count in shared.items() if 2 * count >= len(self._words[place].grams)
            )
        return places

    @cached_property
    def _words(self) -> tuple[QueryWord, ...]:
        """Each distinct word, and each expansion, in the order of the query."""
        query_words = [QueryWord(e.written, e.start, e.end, e.entry.concept) for e in self._expansions]
        seen_stems: set[str] = set()
        for word in words(self._text):
            if word.stem not in seen_stems:
                seen_stems.add(word.stem)
                written = self._text[word.start : word.end]
                query_words.append(QueryWord(written, word.start, word.end, word.stem, frozenset(word.grams)))
        return tuple(sorted(query_words, key=lambda word: (word.start, -word.end)))

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
        for at in long[:_MOST_COMPARED]:
            for gram in self._words[at].grams:
                places[gram].append(at)
        return places


def _longest_matches(met: Iterable[QueryWord]) -> Iterable[QueryWord]:
    """Yield the words that lie in no longer one. `met` is in the query's order, longer words first."""
    reach, widest = -1, (-1, -1)
    for word in met:
        span = (word.start, word.end)
        if word.end > reach or span == widest:
            reach, widest = word.end, span
            yield word


@dataclass(frozen=True)
class Scored:
    """The score of one resource: its semantic side, and the points of each word."""

    score: float
    meaning: SemanticSide
    shares: Sequence[WordShare]


def explain(
    resource: Resource, document: EncodedDocument, scored: Scored, query_words: QueryWords
) -> Explanation:
    """Explain a score: quotes, and contributions of title, passages and words that sum to the score."""
    directions = unit(document.vectors.parts).astype(np.float64)
    cosines = directions @ scored.meaning.vector.astype(np.float64)
    lines = [*_part_lines(resource, document, scored, directions), *_word_lines(scored)]
    return Explanation(_quotes(resource, document, cosines, query_words), _in_order(lines))


def with_second_look(explanation: Explanation, name: str, value: float) -> Explanation:
    """Add the points of a second look by the model `name` to an explanation, as one more contribution."""
    score = sum(line.value for line in explanation.contributions)
    rest = (replace(line, without=line.without + value) for line in explanation.contributions)
    line = Contribution("rerank", name, value, score)
    return replace(explanation, contributions=_in_order((line, *rest)))


def with_opinions(explanation: Explanation, moves: FeedbackShift, hit: Hit) -> Explanation:
    """Add the points of opinions to an explanation, as one more contribution."""
    value = float(moves.points[hit.row])
    if not value:
        return explanation
    count = moves.useful[hit.row] if value > 0 else moves.off_topic[hit.row]
    line = Contribution("feedback", str(max(1, int(count))), value, moves.own(hit))
    rest = (
        replace(contribution, without=contribution.without + value)
        for contribution in explanation.contributions
    )
    return replace(explanation, contributions=_in_order((line, *rest)))


def _in_order(lines: Iterable[Contribution]) -> tuple[Contribution, ...]:
    """Sort contributions by absolute value, largest first."""
    return tuple(sorted(lines, key=lambda line: (-abs(line.value), line.kind, line.text)))


def _part_lines(
    resource: Resource, document: EncodedDocument, scored: Scored, directions: NDArray[np.float64]
) -> list[Contribution]:
    heights = scored.meaning.heights(directions)
    values = _part_values(document, scored.meaning, heights)
    # The index holds float32, so `rate` times the last digit of a cosine can exceed 1e-6.
    rounding = scored.score - sum(share.value for share in scored.shares) - values.sum()
    values += document.vectors.weights / document.vectors.weights.sum() * rounding
    without = scored.score - values.sum() + _points_without(document, scored.meaning, heights)
    return [
        Contribution(
            "title" if span.start < 0 else "passage",
            resource.title if span.start < 0 else resource.summary[span.start : span.end],
            float(value),
            float(score_without),
        )
        for span, value, score_without in zip(document.spans, values, without, strict=True)
    ]


def _word_lines(scored: Scored) -> list[Contribution]:
    return [
        Contribution("word" if share.exact else "form", share.text, share.value, scored.score - share.value)
        for share in scored.shares
        if share.value
    ]


def _part_values(document: EncodedDocument, meaning: SemanticSide, heights: Heights) -> NDArray[np.float64]:
    """Return the points of meaning of each part, (parts,).

    Cosine is linear in the parts: q·D/|D| = sum of w (q·v)/|D|, with D the weighted mean.
    """
    weights = document.vectors.weights.astype(np.float64)
    parts = document.vectors.parts.astype(np.float64)
    length = float(np.linalg.norm(weights @ parts)) or 1.0
    raw = weights * (parts @ meaning.vector.astype(np.float64)) / length
    whole = raw - weights / weights.sum() * meaning.floor
    values: NDArray[np.float64] = meaning.rate * (1 - meaning.passage) * whole
    for share, part_heights in heights:
        best = int(np.argmax(part_heights[1:])) + 1 if len(part_heights) > 1 else 0
        values[best] += meaning.rate * meaning.passage * share * part_heights[best]
    return values


def _points_without(
    document: EncodedDocument, meaning: SemanticSide, heights: Heights
) -> NDArray[np.float64]:
    """Return the points of meaning without each part, (parts,).

    The formula uses q·(D - w v)/|D - w v| and the best other passage. A resource with one part has no
    points of meaning without it.
    """
    weighted = document.vectors.weights.astype(np.float64)[:, None] * document.vectors.parts.astype(
        np.float64
    )
    left = weighted.sum(axis=0) - weighted
    lengths = np.linalg.norm(left, axis=1)
    nonempty = lengths > 1e-9
    cosines = np.divide(left @ meaning.vector.astype(np.float64), lengths, where=nonempty, out=0 * lengths)
    nearest = sum(share * _best_of_others(part_heights) for share, part_heights in heights)
    points = (1 - meaning.passage) * (cosines - meaning.floor) + meaning.passage * nearest
    return np.where(nonempty, meaning.rate * points, 0.0)


def _best_of_others(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each part, the height of the best other passage, or of the title without one."""
    nearest = np.full(len(heights), heights[0])
    if len(heights) > 1:
        best = int(np.argmax(heights[1:])) + 1
        nearest[:] = heights[best]
        others = np.delete(heights, (0, best))
        nearest[best] = others.max() if len(others) else heights[0]
    return nearest


def _quotes(
    resource: Resource, document: EncodedDocument, cosines: NDArray[np.float64], query_words: QueryWords
) -> tuple[QuotedPassage, ...]:
    passages = [
        (-float(cosine), span)
        for span, cosine in zip(document.spans, cosines, strict=True)
        if span.start >= 0
    ]
    passages.sort(key=lambda pair: (pair[0], pair[1].start))
    quotes = []
    for cosine, span in passages[:QUOTED]:
        text = resource.summary[span.start : span.end]
        quotes.append(QuotedPassage(text, span.start, span.end, -cosine, query_words.met_by(text)))
    return tuple(quotes)

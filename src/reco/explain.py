"""The proof beside a result: quotes, and contributions that sum to the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.encoder import unit
from reco.resource import Resource
from reco.vectors import EncodedDocument

QUOTED = 3
"""How many passages are quoted for a result."""


@dataclass(frozen=True)
class Quote:
    """A passage of a summary, `summary[start:end]`, with its cosine to the request."""

    text: str
    start: int
    end: int
    similarity: float


@dataclass(frozen=True)
class Contribution:
    """A share of a score.

    Kinds: `passage` (text quotes it), `title`, `word` (text is the request's, or an expansion of it),
    `form` (a word of the request that the resource has only in a like spelling), `feedback` (text is how
    many of the visitor's opinions moved the resource).
    """

    kind: str
    text: str
    value: float


@dataclass(frozen=True)
class Explanation:
    """Why a resource has its score: quotes in order of similarity, shares that sum to the score."""

    passages: tuple[Quote, ...]
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
class Meaning:
    """How cosines became points: `rate` points for each unit of cosine above `floor`.

    `floor` is the request's cosine with the catalogue's average resource. It is shared out by the
    same weights as the resource's own cosine, so a passage's value is what it lifts the resource
    above the ordinary, whatever its length. `passage` is the part of the points that goes to the
    nearest passage alone.
    """

    vector: NDArray[np.float32]
    rate: float
    floor: float
    passage: float = 0.0


@dataclass(frozen=True)
class WordShare:
    """A word of the request, the points it gave, and whether the resource has the word itself."""

    text: str
    value: float
    exact: bool


def explain(
    resource: Resource,
    document: EncodedDocument,
    meaning: Meaning,
    shares: Sequence[WordShare],
    others: Sequence[Contribution] = (),
) -> Explanation:
    """Split a score over the passages, words and `others` that made it. Values sum to the score."""
    cosines = unit(document.vectors.parts).astype(np.float64) @ meaning.vector.astype(np.float64)
    values = _part_values(document, meaning, cosines)
    lines = [_line(resource, span.start, span.end, v) for span, v in zip(document.spans, values, strict=True)]
    for share in shares:
        if share.value:
            lines.append(Contribution("word" if share.exact else "form", share.text, share.value))
    ordered = sorted((*lines, *others), key=lambda line: (-abs(line.value), line.kind, line.text))
    return Explanation(_quotes(resource, document, cosines), tuple(ordered))


def _part_values(
    document: EncodedDocument, meaning: Meaning, cosines: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cosine is linear in the parts: q·D/|D| = sum of w (q·v)/|D|, with D the weighted mean."""
    weights = document.vectors.weights.astype(np.float64)
    parts = document.vectors.parts.astype(np.float64)
    length = float(np.linalg.norm(weights @ parts)) or 1.0
    raw = weights * (parts @ meaning.vector.astype(np.float64)) / length
    whole = raw - weights / weights.sum() * meaning.floor
    values: NDArray[np.float64] = meaning.rate * (1 - meaning.passage) * whole
    best = int(np.argmax(cosines[1:])) + 1 if len(cosines) > 1 else 0
    values[best] += meaning.rate * meaning.passage * (cosines[best] - meaning.floor)
    return values


def _line(resource: Resource, start: int, end: int, value: float) -> Contribution:
    if start < 0:
        return Contribution("title", resource.title, float(value))
    return Contribution("passage", resource.summary[start:end], float(value))


def _quotes(resource: Resource, document: EncodedDocument, cosines: NDArray[np.float64]) -> tuple[Quote, ...]:
    quotes = [
        Quote(resource.summary[span.start : span.end], span.start, span.end, float(cosine))
        for span, cosine in zip(document.spans, cosines, strict=True)
        if span.start >= 0
    ]
    return tuple(sorted(quotes, key=lambda quote: (-quote.similarity, quote.start))[:QUOTED])

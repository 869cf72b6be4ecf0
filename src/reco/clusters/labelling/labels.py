"""Descriptions of groups: terms and a label, from the words of their texts.

Class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794) weighs the terms, on stems. A stem is shown as
its most frequent form. The label is the phrase of two to five words nearest to these weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.clusters.labelling.choice import Group, LabelChoice
from reco.clusters.labelling.corpus import Corpus
from reco.text.tokens import words

KEYWORDS = 10
"""The most terms of a group."""

_CANDIDATES = 40
_SIGNIFICANCE = 0.05
_FEWEST_TERMS = 3
_REPEATED_FACTOR = 0.25
"""Factor of a term's merit for each larger group of the level that shows the term."""


@dataclass(frozen=True)
class Term:
    """A term of a group: a stem, its most frequent form `word`, its weight, and its number of texts."""

    stem: str
    word: str
    weight: float
    documents: int


@dataclass(frozen=True)
class Description:
    """A label of two to five words, and the terms of the group, heaviest first."""

    label: str
    terms: tuple[Term, ...]


def describe(
    corpus: Corpus,
    labels: NDArray[np.int64],
    nearness: NDArray[np.float32],
    taken: Iterable[str] = (),
    kinds: Collection[str] = (),
    inner: NDArray[np.int64] | None = None,
) -> tuple[Description, ...]:
    """Describe each group. Labels are distinct, and none is a label of `taken` or part of one.

    `nearness`, (texts,), is the cosine of each text to the centre of its group: phrases of nearer texts
    weigh more. No label begins with a stem of `kinds`, the types of documents. `inner`, (texts,), are the
    groups of the level below: a phrase of one of them weighs less.
    """
    counts = corpus.counts(labels)
    weights = corpus.weights(counts)
    everywhere = np.maximum(counts.sum(axis=0), 1e-12)
    choice = LabelChoice(corpus, np.clip(nearness.astype(np.float64), 0.05, 1.0), frozenset(kinds))
    used_stems = {_stems(label) for label in taken}
    descriptions: dict[int, Description] = {}
    sizes = np.bincount(labels[labels >= 0], minlength=counts.shape[0])
    shown = np.zeros(len(corpus.stems))
    for index in np.argsort(-sizes, kind="stable").tolist():
        members = np.flatnonzero(labels == index)
        parts = np.zeros(len(members), dtype=np.int64) if inner is None else inner[members]
        group = Group.of(corpus, members, parts, weights[[index]], counts[[index]], everywhere)
        chosen = _keywords(corpus, group, group.merit * _REPEATED_FACTOR ** shown[group.columns])
        shown[group.columns[chosen]] += 1
        terms = _as_terms(corpus, group, chosen)
        label = choice.label(group, used_stems) or _word_pair(terms, used_stems)
        used_stems.add(_stems(label))
        descriptions[index] = Description(label, terms)
    return tuple(descriptions[index] for index in sorted(descriptions))


def _keywords(corpus: Corpus, group: Group, merit: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose the keywords of a group; return their positions among the group's terms.

    The first keyword has the largest `merit`. Each next one has the largest merit * (1 + m) ** 2, with m
    its mean NPMI with the keywords before it, counted on the forms shown.
    """
    shared = group.documents > 1 if (group.documents > 1).any() else group.documents > 0
    candidates = np.argsort(-merit * shared, kind="stable")[:_CANDIDATES]
    candidates = candidates[(merit * shared)[candidates] > 0]
    if not len(candidates):
        return candidates
    candidates = candidates[
        _over_represented(corpus, group.columns[candidates], group.documents[candidates], len(group.members))
    ]
    present = corpus.shown_by_stem[:, group.columns[candidates]]
    association = npmi(np.asarray((present.T @ present).todense()) / present.shape[0])
    chosen = [0]
    while len(chosen) < min(KEYWORDS, len(candidates)):
        score = merit[candidates] * np.maximum(1.0 + association[:, chosen].mean(axis=1), 0.01) ** 2
        score[chosen] = -1.0
        chosen.append(int(score.argmax()))
    return candidates[chosen]


def _over_represented(
    corpus: Corpus, columns: NDArray[np.int64], documents: NDArray[np.int64], size: int
) -> NDArray[np.bool_]:
    """Return the terms over-represented in a group, (terms,), at least `_FEWEST_TERMS` of them.

    The hypergeometric probability of as many texts with the term, in a random draw of `size` texts, is at
    most `_SIGNIFICANCE` divided by the number of candidates (Bonferroni 1936).
    """
    from scipy.stats import hypergeom  # slow to import, and reading a snapshot does not need it

    probability = hypergeom.sf(documents - 1, corpus.presence.shape[0], corpus.documents[columns], size)
    smallest = np.sort(probability)[min(_FEWEST_TERMS, len(columns)) - 1]
    significant: NDArray[np.bool_] = probability <= max(_SIGNIFICANCE / _CANDIDATES, float(smallest))
    return significant


def _as_terms(corpus: Corpus, group: Group, chosen: NDArray[np.int64]) -> tuple[Term, ...]:
    columns, weights, documents = group.columns[chosen], group.weights[chosen], group.documents[chosen]
    return tuple(
        Term(corpus.stems[column], corpus.forms[column], round(weight, 6), count)
        for column, weight, count in zip(columns.tolist(), weights.tolist(), documents.tolist(), strict=True)
    )


def npmi(together: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the NPMI of each pair of terms, (terms, terms), from the shares of texts with both.

    The diagonal of `together` has the shares of texts with one term. NPMI is
    log(p(a, b) / p(a) p(b)) / -log p(a, b) (Bouma 2009): 1 for terms always together, 0 for independent
    terms, -1 for terms never together.
    """
    alone = np.diag(together)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(together / np.outer(alone, alone)) / -np.log(together)
    value = np.where(together > 0, value, -1.0)
    return np.where(together >= 1.0, 1.0, value)


def _word_pair(terms: Sequence[Term], used_stems: set[frozenset[str]]) -> str:
    """Return a label of the heaviest word and the next one that makes a new label: "Eau et sol"."""
    for last in range(1, len(terms)):
        label = f"{terms[0].word} et {terms[last].word}"
        if _stems(label) not in used_stems:
            return label[:1].upper() + label[1:]
    return terms[0].word.capitalize() if terms else "Textes sans mots communs"


def _stems(label: str) -> frozenset[str]:
    return frozenset(word.stem for word in words(label))

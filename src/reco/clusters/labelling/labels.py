"""What a group is about, in the words of its own texts.

Terms are weighed by class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794), on stems; a stem is shown
as the word that its texts write most. The label is the phrase of two to five words of those texts that
is nearest to these weights.
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
"""Terms kept for each group."""

_CANDIDATES = 40
_CHANCE = 0.05
_LEAST = 3
_REPEATED = 0.25
"""What a term keeps of its merit for each larger group of the level that shows it: it tells less."""


@dataclass(frozen=True)
class Term:
    """A stem as its texts write it most, its weight in a group, and how many of its texts have it."""

    stem: str
    word: str
    weight: float
    documents: int


@dataclass(frozen=True)
class Description:
    """A label of two to five words, and the terms behind it, heaviest first."""

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
    """Return a description of each group, (groups,). No label of `taken` is given, nor a part of one, nor
    one twice.

    `nearness`, (texts,), is how near each text is to the middle of its group: of two phrases that say
    as much, the one of the nearer texts is taken. `kinds` are stems with which no label begins: those that
    say what kind of document a text is, not what it is about. `inner`, (texts,), are the groups of the level
    below: what one of them says is not what the whole is about.
    """
    counts = corpus.counts(labels)
    weights = corpus.weights(counts)
    everywhere = np.maximum(counts.sum(axis=0), 1e-12)
    naming = LabelChoice(corpus, np.clip(nearness.astype(np.float64), 0.05, 1.0), frozenset(kinds))
    used = {_sense(label) for label in taken}
    found: dict[int, Description] = {}
    sizes = np.bincount(labels[labels >= 0], minlength=counts.shape[0])
    shown = np.zeros(len(corpus.stems))
    for one in np.argsort(-sizes, kind="stable").tolist():
        members = np.flatnonzero(labels == one)
        parts = np.zeros(len(members), dtype=np.int64) if inner is None else inner[members]
        group = Group.of(corpus, members, parts, weights[[one]], counts[[one]], everywhere)
        chosen = _keywords(corpus, group, group.merit * _REPEATED ** shown[group.columns])
        shown[group.columns[chosen]] += 1
        terms = _as_terms(corpus, group, chosen)
        label = naming.label(group, used) or _of_words(terms, used)
        used.add(_sense(label))
        found[one] = Description(label, terms)
    return tuple(found[one] for one in sorted(found))


def _keywords(corpus: Corpus, group: Group, merit: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the terms that say best what a group is about, heaviest first, as places among the group's.

    `merit` is less where larger groups show a term already. The first term has the largest; each next one
    the largest of that times the square of one plus its mean NPMI with those chosen, counted as they are
    shown.
    """
    shared = group.documents > 1 if (group.documents > 1).any() else group.documents > 0
    few = np.argsort(-merit * shared, kind="stable")[:_CANDIDATES]
    few = few[(merit * shared)[few] > 0]
    if not len(few):
        return few
    few = few[_beyond_chance(corpus, group.columns[few], group.documents[few], len(group.members))]
    there = corpus.shown_by_stem[:, group.columns[few]]
    bound = npmi(np.asarray((there.T @ there).todense()) / there.shape[0])
    chosen = [0]
    while len(chosen) < min(KEYWORDS, len(few)):
        score = merit[few] * np.maximum(1.0 + bound[:, chosen].mean(axis=1), 0.01) ** 2
        score[chosen] = -1.0
        chosen.append(int(score.argmax()))
    return few[chosen]


def _beyond_chance(
    corpus: Corpus, few: NDArray[np.int64], documents: NDArray[np.int64], size: int
) -> NDArray[np.bool_]:
    """Return which terms more texts of a group have than chance explains, (few,), at least `_LEAST`.

    Drawing as many texts of all would give as many with the term less often than `_CHANCE`, shared out
    among the candidates (hypergeometric law; Bonferroni 1936).
    """
    from scipy.stats import hypergeom  # slow to import, and only to read a snapshot nobody needs it

    chance = hypergeom.sf(documents - 1, corpus.presence.shape[0], corpus.documents[few], size)
    enough = np.sort(chance)[min(_LEAST, len(few)) - 1]
    own: NDArray[np.bool_] = chance <= max(_CHANCE / _CANDIDATES, float(enough))
    return own


def _as_terms(corpus: Corpus, group: Group, chosen: NDArray[np.int64]) -> tuple[Term, ...]:
    columns, weights, documents = group.columns[chosen], group.weights[chosen], group.documents[chosen]
    return tuple(
        Term(corpus.stems[column], corpus.forms[column], round(weight, 6), count)
        for column, weight, count in zip(columns.tolist(), weights.tolist(), documents.tolist(), strict=True)
    )


def npmi(together: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return NPMI from shares of texts with both terms, the diagonal being those with one, (terms, terms).

    log(p(a, b) / p(a) p(b)) / -log p(a, b) (Bouma 2009): 1 for terms always together, 0 independent,
    -1 never together.
    """
    alone = np.diag(together)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(together / np.outer(alone, alone)) / -np.log(together)
    value = np.where(together > 0, value, -1.0)
    return np.where(together >= 1.0, 1.0, value)


def _of_words(terms: Sequence[Term], used: set[frozenset[str]]) -> str:
    """Return the two heaviest words that make a label not yet given."""
    for last in range(1, len(terms)):
        label = f"{terms[0].word} et {terms[last].word}"
        if _sense(label) not in used:
            return label[:1].upper() + label[1:]
    return terms[0].word.capitalize() if terms else "Textes sans mots communs"


def _sense(label: str) -> frozenset[str]:
    return frozenset(word.stem for word in words(label))

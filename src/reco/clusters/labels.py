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
from scipy.sparse import csr_array

from reco.clusters.corpus import TITLE, Corpus, documents_of
from reco.clusters.grammar import Grammar
from reco.clusters.phrases import Phrase, phrases_of
from reco.clusters.whereabouts import tells_where
from reco.words import words

KEYWORDS = 10
"""Terms kept for each group."""

_COVERED = 0.1
_PHRASED = 500
"""Texts of a group, the nearest to its middle, in which phrases are looked for."""
_OF_NAME = 0.5
"""Share of a group's texts that must have a name before it is part of the label: a mayor or a place met in
one publication is not what the others are about."""
_OF_PLACE = 0.1
"""What a phrase keeps of its merit where it says whose a text is, or of where: that is no subject, unless
nothing else is said."""
_OF_PART = 0.7
"""What a phrase keeps of its merit where one part of the group says it."""
_MOSTLY = 0.7
_UNTITLED = 0.5
"""What a term keeps of its merit in labels where no title of the group has it."""
_ALIKE = 5
_LED_BY = 15
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
    near = np.clip(nearness.astype(np.float64), 0.05, 1.0)
    used = {_sense(label) for label in taken}
    found: dict[int, Description] = {}
    sizes = np.bincount(labels[labels >= 0], minlength=counts.shape[0])
    shown = np.zeros(len(corpus.stems))
    for one in np.argsort(-sizes, kind="stable").tolist():
        members = np.flatnonzero(labels == one)
        group = _Group.of(corpus, members, weights[[one]], counts[[one]], everywhere)
        parts = np.zeros(len(labels), dtype=np.int64) if inner is None else np.where(labels == one, inner, -1)
        chosen = _keywords(corpus, group, group.merit * _REPEATED ** shown[group.columns])
        shown[group.columns[chosen]] += 1
        terms = group.terms(corpus, chosen)
        label = _label(corpus, group, near, parts, used, kinds) or _of_words(terms, used)
        used.add(_sense(label))
        found[one] = Description(label, terms)
    return tuple(found[one] for one in sorted(found))


@dataclass(frozen=True)
class _Group:
    """The terms of a group, in the order of the corpus: their columns, weights, and merit, which is the
    weight times the root of the share of the term that is in the group; how many of the group's texts,
    `members`, have each, and whether one has it in its title."""

    members: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: NDArray[np.float64]
    merit: NDArray[np.float64]
    documents: NDArray[np.int64]
    titled: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        members: NDArray[np.int64],
        weights: csr_array,
        counts: csr_array,
        everywhere: NDArray[np.float64],
    ) -> _Group:
        columns = weights.indices.astype(np.int64)
        merit = weights.data * np.sqrt(counts.data / everywhere[columns])
        inside = corpus.presence[members]
        documents, titled = documents_of(inside), documents_of(inside == TITLE) > 0
        return cls(members, columns, weights.data, merit, documents[columns], titled[columns])

    def terms(self, corpus: Corpus, chosen: NDArray[np.int64]) -> tuple[Term, ...]:
        return tuple(
            Term(
                corpus.stems[self.columns[i]],
                corpus.forms[self.columns[i]],
                round(float(self.weights[i]), 6),
                int(self.documents[i]),
            )
            for i in chosen.tolist()
        )


def _keywords(corpus: Corpus, group: _Group, merit: NDArray[np.float64]) -> NDArray[np.int64]:
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


def _label(
    corpus: Corpus,
    group: _Group,
    near: NDArray[np.float64],
    parts: NDArray[np.int64],
    used: Collection[frozenset[str]],
    kinds: Collection[str],
) -> str:
    """Return the phrase whose stems are nearest to the group's weights by cosine, "" without any.

    One of the terms that weigh most leads it; or, where no such phrase stands, any of the group's.
    """
    merit = group.merit * np.where(group.titled, 1.0, _UNTITLED)
    order = np.argsort(-merit, kind="stable")
    for led_by in (_LED_BY, len(order)):
        if label := _led(corpus, group, near, parts, used, kinds, merit, order[:led_by]):
            return label
    return ""


def _led(
    corpus: Corpus,
    group: _Group,
    near: NDArray[np.float64],
    parts: NDArray[np.int64],
    used: Collection[frozenset[str]],
    kinds: Collection[str],
    merits: NDArray[np.float64],
    heaviest: NDArray[np.int64],
) -> str:
    members = group.members
    stems_of = [corpus.stems[column] for column in group.columns.tolist()]
    weight = dict(zip(stems_of, merits.tolist(), strict=True))
    nearest = members[np.argsort(-near[members], kind="stable")[:_PHRASED]]
    leading = {stems_of[i] for i in heaviest.tolist()}
    usual = {stems_of[i] for i in np.flatnonzero(group.documents >= _OF_NAME * len(members)).tolist()}
    # Of a large group a phrase must cover something.
    enough = max(2.0, _COVERED * len(nearest))
    best, label = (False, 0.0), ""
    for stems, phrase in sorted(phrases_of(corpus, nearest, leading).items()):
        cosine = sum(weight.get(stem, 0.0) for stem in set(stems)) / np.sqrt(len(set(stems)))
        support = sum(near[i] * whole for i, whole in phrase.texts.items())
        # What a single text says is a label only where no two say the same.
        shared, value = len(phrase.texts) > 1, cosine * support / (support + enough)
        if (shared, value) <= best:
            continue
        # Less than what is told already tells nothing more, nor do both genders of one word.
        alike = len({stem[:_ALIKE] for stem in stems}) == 1
        if stems[0] in kinds or phrase.is_part or alike or any(told.issuperset(stems) for told in used):
            continue
        written = phrase.written
        value *= _OF_PLACE if tells_where(written, corpus.grammar.names) else 1.0
        value *= _OF_PART if _of_one_part(phrase, parts, members) else 1.0
        if (shared, value) > best and _stands(corpus.grammar, phrase, written, usual):
            best, label = (shared, value), written
    return label[:1].upper() + label[1:]


def _of_one_part(phrase: Phrase, parts: NDArray[np.int64], members: NDArray[np.int64]) -> bool:
    """Whether most texts that have a phrase are in one part of the group, which is less than half of it."""
    of, count = np.unique(parts[list(phrase.texts)], return_counts=True)
    whole = np.count_nonzero(parts[members] == of[count.argmax()])
    return bool(count.max() >= _MOSTLY * count.sum() and whole < len(members) / 2)


def _stands(grammar: Grammar, phrase: Phrase, written: str, usual: set[str]) -> bool:
    """Whether a phrase is of nouns, not cut short, and none of them a name without being `usual` in the
    group."""
    cut = phrase.goes_on and grammar.is_cut(written)
    named = any(
        word.stem not in usual and written[word.start : word.end].casefold() in grammar.names
        for word in words(written)
    )
    return grammar.is_nominal(written) and not cut and not named


def _of_words(terms: Sequence[Term], used: set[frozenset[str]]) -> str:
    """Return the two heaviest words that make a label not yet given."""
    for last in range(1, len(terms)):
        label = f"{terms[0].word} et {terms[last].word}"
        if _sense(label) not in used:
            return label[:1].upper() + label[1:]
    return terms[0].word.capitalize() if terms else "Textes sans mots communs"


def _sense(label: str) -> frozenset[str]:
    return frozenset(word.stem for word in words(label))

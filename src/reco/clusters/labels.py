"""What a group is about, in the words of its own texts.

Terms are weighed by class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794), on stems; a stem is shown
as the word that its texts write most. The label is the phrase of two to five words of those texts that
is nearest to these weights.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.clusters.corpus import TITLE, Corpus, commonest, documents_of
from reco.words import Word, words

KEYWORDS = 10
"""Terms kept for each group."""

_READ = 400
"""Characters of a summary in which phrases are looked for: what a text is about comes first."""
_COVERED = 0.05
_PHRASED = 1000
"""Texts of a group, the nearest to its middle, in which phrases are looked for."""
_LONGEST_LABEL = 48
_LED_BY = 15
_CANDIDATES = 40
_CHANCE = 0.05
_LEAST = 3
_REPEATED = 0.25
"""What a term keeps of its merit for each larger group of the level that shows it: it tells less."""
_BREAK = re.compile(r"[^\w\s'’-]|\s[-–]\s|\n")
_CUT = 0.4
"""What a phrase keeps of its weight for each end at which it may be cut short."""
_FOREIGN_ENDS = frozenset(("the", "of", "and", "for", "in", "to", "on", "with", "your"))


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
    corpus: Corpus, labels: NDArray[np.int64], nearness: NDArray[np.float32], taken: Iterable[str] = ()
) -> tuple[Description, ...]:
    """Return a description of each group, (groups,). No label of `taken` is given, nor one twice.

    `nearness`, (texts,), is how near each text is to the middle of its group: of two phrases that say
    as much, the one of the nearer texts is taken.
    """
    weights = corpus.weights(labels)
    counts = corpus.counts(labels)
    precision = counts / np.maximum(counts.sum(axis=0), 1e-12)
    near = np.clip(nearness.astype(np.float64), 0.05, 1.0)
    used = {_sense(label) for label in taken}
    found: dict[int, Description] = {}
    sizes = np.bincount(labels[labels >= 0], minlength=len(weights))
    shown = np.zeros(len(corpus.stems))
    for one in np.argsort(-sizes, kind="stable").tolist():
        members = np.flatnonzero(labels == one)
        merit = weights[one] * np.sqrt(precision[one]) * _REPEATED**shown
        chosen, documents = _keywords(corpus, merit, members)
        shown[chosen] += 1
        terms = _as_terms(corpus, chosen, weights[one], documents)
        label = _label(corpus, weights[one] * np.sqrt(precision[one]), members, near, used)
        label = label or _of_words(terms, used)
        used.add(_sense(label))
        found[one] = Description(label, terms)
    return tuple(found[one] for one in sorted(found))


def _keywords(
    corpus: Corpus, merit: NDArray[np.float64], members: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the terms that say best what a group is about, heaviest first, and the texts of each term.

    `merit` is a term's weight times the root of its precision, the share of it that is in the group, less
    where larger groups show it already. The first term has the largest; each next one the largest of that
    times the square of one plus its mean NPMI with those chosen, counted as they are shown.
    """
    documents = documents_of(corpus.presence[members])
    shared = documents > 1 if (documents > 1).any() else documents > 0
    few = np.argsort(-merit * shared, kind="stable")[:_CANDIDATES]
    few = few[(merit * shared)[few] > 0]
    if not len(few):
        return few, documents
    few = few[_beyond_chance(corpus, few, documents[few], len(members))]
    there = corpus.shown[:, few]
    bound = npmi(np.asarray((there.T @ there).todense()) / there.shape[0])
    chosen = [0]
    while len(chosen) < min(KEYWORDS, len(few)):
        score = merit[few] * np.maximum(1.0 + bound[:, chosen].mean(axis=1), 0.01) ** 2
        score[chosen] = -1.0
        chosen.append(int(score.argmax()))
    return few[chosen], documents


def _beyond_chance(
    corpus: Corpus, few: NDArray[np.int64], documents: NDArray[np.int64], size: int
) -> NDArray[np.bool_]:
    """Return which terms more texts of a group have than chance explains, (few,), at least `_LEAST`.

    Drawing as many texts of all would give as many with the term less often than `_CHANCE`, shared out
    among the candidates (hypergeometric law; Bonferroni 1936).
    """
    from scipy.stats import hypergeom  # slow to import, and only to read a snapshot nobody needs it

    everywhere = documents_of(corpus.presence)[few]
    chance = hypergeom.sf(documents - 1, corpus.presence.shape[0], everywhere, size)
    enough = np.sort(chance)[min(_LEAST, len(few)) - 1]
    own: NDArray[np.bool_] = chance <= max(_CHANCE / _CANDIDATES, float(enough))
    return own


def _as_terms(
    corpus: Corpus, chosen: NDArray[np.int64], weights: NDArray[np.float64], documents: NDArray[np.int64]
) -> tuple[Term, ...]:
    return tuple(
        Term(corpus.stems[i], corpus.forms[i], round(float(weights[i]), 6), int(documents[i]))
        for i in chosen.tolist()
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


@dataclass
class _Phrase:
    """A phrase by its stems: how whole it is in each text that has it, and how it is written."""

    texts: dict[int, float]
    written: Counter[str]


def _label(
    corpus: Corpus,
    weights: NDArray[np.float64],
    members: NDArray[np.int64],
    near: NDArray[np.float64],
    used: set[frozenset[str]],
) -> str:
    """Return the phrase whose stems are nearest to the group's weights by cosine, "" without any."""
    weight = dict(zip(corpus.stems, weights.tolist(), strict=True))
    nearest = members[np.argsort(-near[members], kind="stable")[:_PHRASED]]
    leading = {corpus.stems[i] for i in np.argsort(-weights, kind="stable")[:_LED_BY].tolist()}
    phrases = _phrases(corpus, nearest, leading)
    # What a single text says is no label, and of a large group a phrase must cover something.
    enough = max(2.0, _COVERED * len(members))
    best, label = 0.0, ""
    for stems, phrase in sorted(phrases.items()):
        if frozenset(stems) in used:
            continue
        cosine = sum(weight.get(stem, 0.0) for stem in set(stems)) / np.sqrt(len(set(stems)))
        support = sum(near[i] * whole for i, whole in phrase.texts.items())
        score = cosine * support / (support + enough)
        if score > best:
            best, label = score, commonest(phrase.written)
    return label[:1].upper() + label[1:]


def _phrases(corpus: Corpus, members: NDArray[np.int64], leading: set[str]) -> dict[tuple[str, ...], _Phrase]:
    found: dict[tuple[str, ...], _Phrase] = {}
    for row in members.tolist():
        text = corpus.texts[row]
        for part, weight in ((text.title, TITLE), (text.summary[:_READ], 1.0)):
            for stems, written, whole in _runs(part, leading):
                phrase = found.setdefault(stems, _Phrase({}, Counter()))
                phrase.texts[row] = max(whole * weight, phrase.texts.get(row, 0.0))
                phrase.written[written] += 1
    return found


def _runs(text: str, leading: set[str]) -> Iterator[tuple[tuple[str, ...], str, float]]:
    """Yield the runs of two to five words that begin and end with a term, one of them leading.

    Each has its stems, how it is written, and how whole it is: French puts a noun's adjectives after
    it, so that a phrase begins after a small word or a pause, and ends before one.
    """
    start = 0
    for end in [*(match.start() for match in _BREAK.finditer(text)), len(text)]:
        piece = text[start:end]
        if start < end:
            yield from _runs_of(piece, leading)
        start = end + 1


def _runs_of(piece: str, leading: set[str]) -> Iterator[tuple[tuple[str, ...], str, float]]:
    terms = words(piece)
    if not any(term.stem in leading for term in terms):
        return
    for first, term in enumerate(terms):
        begins = 1.0 if not first or terms[first - 1].end + 1 < term.start else _CUT
        for last in range(first + 1, min(first + 4, len(terms))):
            end = terms[last].end
            written = piece[term.start : end]
            if len(written.replace("'", " ").replace("’", " ").split()) > 5 or len(written) > _LONGEST_LABEL:
                break
            stems = tuple(found.stem for found in terms[first : last + 1])
            if leading.isdisjoint(stems) or not _is_whole(piece, term, terms[last]):
                continue
            ends = 1.0 if last + 1 == len(terms) or end + 1 < terms[last + 1].start else _CUT
            yield stems, _decapitalised(written), begins * ends


def _is_whole(piece: str, first: Word, last: Word) -> bool:
    """Whether a run begins and ends with words that may, and cuts no compound such as "tiers-lieux"."""
    for term in (first, last):
        written = piece[term.start : term.end].casefold()
        if written[0].isdigit() or written in _FOREIGN_ENDS:
            return False
    before, after = piece[first.start - 1 : first.start], piece[last.end : last.end + 1]
    return " " in piece[first.start : last.end] and before != "-" and after not in ("-", "'", "’")


def _decapitalised(written: str) -> str:
    """Return a phrase without the capital of a title's first word, or those of a title all in capitals."""
    if written.isupper() and len(written) > 8:
        return written.casefold()
    head = written.split(maxsplit=1)[0]
    return written[:1].casefold() + written[1:] if head[1:].islower() or len(head) == 1 else written


def _of_words(terms: Sequence[Term], used: set[frozenset[str]]) -> str:
    """Return the two heaviest words that make a label not yet given."""
    for last in range(1, len(terms)):
        label = f"{terms[0].word} et {terms[last].word}"
        if _sense(label) not in used:
            return label[:1].upper() + label[1:]
    return terms[0].word.capitalize() if terms else "Textes sans mots communs"


def _sense(label: str) -> frozenset[str]:
    return frozenset(word.stem for word in words(label))

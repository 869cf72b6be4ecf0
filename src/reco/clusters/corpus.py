"""The words of a catalogue's texts: which stems each has, how they are written, and which name subjects."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.clusters.grammar import Grammar
from reco.words import Word, words

TITLE = 2.0
"""Weight of a term in a title; in a summary it is one, however often it comes."""

_LARGE = 20_000
_Z = 1.96
"""Standard deviations of the normal law on each side of which 95 % lie."""


@dataclass(frozen=True)
class Text:
    """What a resource says: its title and what is read of its summary."""

    title: str
    summary: str


@dataclass(frozen=True)
class Corpus:
    """Which stems each text has, (texts, stems), one or `TITLE`, and in `shown` whether it writes them as
    they are shown, which is in `forms`."""

    texts: tuple[Text, ...]
    presence: csr_array
    shown: csr_array
    stems: tuple[str, ...]
    forms: tuple[str, ...]

    @classmethod
    def read(cls, texts: Iterable[Text], least: int = 2) -> Corpus:
        """Read each text once. Stems of fewer than `least` texts, and numbers, are left out."""
        known: dict[str, int] = {}
        spelled: dict[int, Counter[str]] = defaultdict(Counter)
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        written: list[frozenset[str]] = []
        kept: list[Text] = []
        for row, text in enumerate(texts):
            kept.append(text)
            found: dict[int, float] = {}
            here: defaultdict[int, set[str]] = defaultdict(set)
            for part, weight in ((text.summary, 1.0), (text.title, TITLE)):
                for word in _terms(part):
                    column = known.setdefault(word.stem, len(known))
                    form = sys.intern(part[word.start : word.end].casefold())
                    spelled[column][form] += 1
                    here[column].add(form)
                    found[column] = weight
            rows.extend([row] * len(found))
            columns.extend(found)
            values.extend(found.values())
            written.extend(frozenset(here[column]) for column in found)
        forms = [commonest(spelled[column]) for column in range(len(known))]
        shape = (len(kept), len(known))
        matrix = csr_array((values, (rows, columns)), shape=shape, dtype=np.float64)
        as_shown = [float(forms[c] in all_forms) for c, all_forms in zip(columns, written, strict=True)]
        shown = csr_array((as_shown, (rows, columns)), shape=shape, dtype=np.float64)
        several = np.flatnonzero(documents_of(matrix) >= least)
        stems = list(known)
        return cls(
            tuple(kept),
            matrix[:, several].tocsr(),
            shown[:, several].tocsr(),
            tuple(stems[column] for column in several),
            tuple(forms[column] for column in several),
        )

    @cached_property
    def grammar(self) -> Grammar:
        """Which forms its texts use as verbs and as names; of more than `_LARGE`, some tell it as well."""
        some = self.texts[:: 1 + len(self.texts) // _LARGE]
        return Grammar.read(part for text in some for part in (text.title, text.summary))

    def weights(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the c-TF-IDF of each term in each group, (groups, terms); -1 belongs to none.

        W = tf / |group| · log(1 + A / f), where f is the term's count in all groups and A the mean
        count of a group's terms.
        """
        counts = self.counts(labels)
        totals = counts.sum(axis=1)
        frequency = np.maximum(counts.sum(axis=0), 1e-12)
        share = counts / np.maximum(totals, 1e-12)[:, None]
        weights: NDArray[np.float64] = share * np.log1p(totals.mean() / frequency) * self.naming()
        return weights

    def naming(self) -> NDArray[np.float64]:
        """Return how far each term names subjects, (stems,), at most one, by where its texts write it.

        Titles say what a text is of; a template's headings, its verbs and what all services do come in
        summaries alone. Of a term's texts, the share that have it in the title is compared with that of
        all terms: its upper bound at 95 % (Wilson 1927) is taken, so that few texts prove nothing.
        """
        texts = documents_of(self.presence).astype(np.float64)
        titles = documents_of(self.presence == TITLE)
        usual = titles.sum() / max(texts.sum(), 1.0)
        share, half = titles / texts, _Z * _Z / (2 * texts)
        spread = _Z * np.sqrt(share * (1 - share) / texts + half / (2 * texts))
        most = (share + half + spread) / (1 + 2 * half)
        naming: NDArray[np.float64] = np.minimum(most / max(usual, 1e-12), 1.0)
        return naming

    def counts(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much of each term each group has, (groups, terms)."""
        inside = np.flatnonzero(labels >= 0)
        shape = (int(labels.max()) + 1, len(labels))
        members = csr_array((np.ones(len(inside)), (labels[inside], inside)), shape=shape)
        return np.asarray((members @ self.presence).todense())


def _terms(text: str) -> list[Word]:
    return [word for word in words(text) if not word.stem[0].isdigit() and len(word.stem) > 1]


def documents_of(matrix: csr_array) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return counts


def commonest(written: Counter[str]) -> str:
    """Return the form that is written most; of those written as much, the first in the alphabet."""
    return min(written, key=lambda form: (-written[form], form))

"""The words of a catalogue's texts: which stems each has, how they are written, and which name subjects."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from reco.clusters.labelling.parts_of_speech import Grammar
from reco.text.tokens import Word, tokens, words

TITLE = 2.0
"""Weight of a term in a title; in a summary it is one, however often it comes."""

_LARGE = 10_000_000
"""Characters above which the grammar is read of some texts only."""
_AT_A_TIME = 4096
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
        spelling = _Spelling()
        kept: list[Text] = []
        for text in texts:
            kept.append(text)
            spelling.read(text.summary)
            spelling.read(text.title)
        shape = (len(kept), len(spelling.stems))
        rows, columns, weights, as_shown = spelling.entries()
        several = np.flatnonzero(np.bincount(columns, minlength=shape[1]) >= least)
        begins = np.concatenate(([0], np.bincount(rows, minlength=shape[0]).cumsum()))
        presence, shown = (
            csr_array((values, columns, begins), shape=shape)[:, several].tocsr()
            for values in (weights, as_shown)
        )
        shown.eliminate_zeros()
        return cls(
            tuple(kept),
            presence,
            shown,
            tuple(spelling.stems[column] for column in several.tolist()),
            tuple(spelling.written[form] for form in spelling.commonest[several].tolist()),
        )

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each stem."""
        return {stem: column for column, stem in enumerate(self.stems)}

    @cached_property
    def documents(self) -> NDArray[np.int64]:
        """How many texts have each stem, (stems,)."""
        return documents_of(self.presence)

    @cached_property
    def presence_by_stem(self) -> csc_array:
        """`presence`, of which a few columns are soon taken."""
        return self.presence.tocsc()

    @cached_property
    def shown_by_stem(self) -> csc_array:
        """`shown`, of which a few columns are soon taken."""
        return self.shown.tocsc()

    @cached_property
    def grammar(self) -> Grammar:
        """Which forms its texts use as verbs and as names; where there is more to read than `_LARGE`, some
        of them tell it as well."""
        length = sum(len(text.title) + len(text.summary) for text in self.texts)
        some = self.texts[:: 1 + length // _LARGE]
        return Grammar.read(part for text in some for part in (text.title, text.summary))

    def weights(self, counts: csr_array) -> csr_array:
        """Return the c-TF-IDF of each term in each group, (groups, terms), from how much of it each has.

        W = tf / |group| · log(1 + A / f), where f is the term's count in all groups and A the mean
        count of a group's terms.
        """
        totals = counts.sum(axis=1)
        frequency = np.maximum(counts.sum(axis=0), 1e-12)
        share = counts.data / np.repeat(np.maximum(totals, 1e-12), np.diff(counts.indptr))
        rarity = np.log1p(totals.mean() / frequency)
        values = share * rarity[counts.indices] * self.naming()[counts.indices]
        return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)

    def naming(self) -> NDArray[np.float64]:
        """Return how far each term names subjects, (stems,), at most one, by where its texts write it.

        Titles say what a text is of; a template's headings, a licence, its verbs and what all services do
        come in summaries alone. Of a term's texts, the share that have it in the title is compared with
        that of a word taken from any title: the root of their ratio, the upper bound at 95 % (Wilson 1927)
        being taken, so that few texts prove little.
        """
        texts = self.documents.astype(np.float64)
        titles = documents_of(self.presence == TITLE).astype(np.float64)
        share, half = titles / texts, _Z * _Z / (2 * texts)
        usual = float(titles @ share) / max(titles.sum(), 1.0)
        spread = _Z * np.sqrt(share * (1 - share) / texts + half / (2 * texts))
        most = (share + half + spread) / (1 + 2 * half)
        naming: NDArray[np.float64] = np.sqrt(np.minimum(most / max(usual, 1e-12), 1.0))
        return naming

    def counts(self, labels: NDArray[np.int64]) -> csr_array:
        """Return how much of each term each group has, (groups, terms); -1 belongs to none."""
        inside = np.flatnonzero(labels >= 0)
        shape = (int(labels.max()) + 1, len(labels))
        members = csr_array((np.ones(len(inside)), (labels[inside], inside)), shape=shape)
        counts = (members @ self.presence).tocsr()
        counts.sort_indices()
        return counts


class _Read(dict[str, tuple[int, ...]]):
    """The forms of each token, read once."""

    def __init__(self, read: Callable[[str], tuple[int, ...]]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, token: str) -> tuple[int, ...]:
        return self.setdefault(token, self._read(token))


class _Spelling:
    """How texts write their stems: each occurrence as the number of its form, a few bytes."""

    def __init__(self) -> None:
        self.stems: list[str] = []
        self.written: list[str] = []
        self._of_form: list[int] = []
        self._numbers: dict[str, int] = {}
        self._forms: dict[str, int] = {}
        self._forms_of = _Read(self._read)
        self._found = array("i")
        self._ends = array("q")

    def read(self, part: str) -> None:
        """Read the next part: a text's summary, then its title."""
        self._found.extend(chain.from_iterable(map(self._forms_of.__getitem__, tokens(part))))
        self._ends.append(len(self._found))

    def _read(self, token: str) -> tuple[int, ...]:
        forms = []
        for word in _terms(token):
            stem = self._numbers.setdefault(word.stem, len(self._numbers))
            if stem == len(self.stems):
                self.stems.append(word.stem)
            written = token[word.start : word.end].casefold()
            form = self._forms.setdefault(written, len(self._forms))
            if form == len(self.written):
                self.written.append(written)
                self._of_form.append(stem)
            forms.append(form)
        return tuple(forms)

    @cached_property
    def commonest(self) -> NDArray[np.int64]:
        """The form of each stem that is written most, (stems,); of those, the first in the alphabet."""
        times = np.bincount(np.frombuffer(self._found, dtype=np.int32), minlength=len(self.written))
        alphabet = np.argsort(np.asarray(self.written, dtype=object), kind="stable")
        order = alphabet[np.argsort(-times[alphabet], kind="stable")]
        _, first = np.unique(np.asarray(self._of_form, dtype=np.int64)[order], return_index=True)
        return order[first]

    def entries(self) -> tuple[NDArray[Any], ...]:
        """Return the text, the stem, the weight, and whether it is written as shown, of each stem of each
        text, (entries,), in the order of both."""
        found = np.frombuffer(self._found, dtype=np.int32)
        ends = np.frombuffer(self._ends, dtype=np.int64)
        of_form = np.asarray(self._of_form, dtype=np.int64)
        parts = [self._some(found, ends, of_form, start) for start in range(0, len(ends), 2 * _AT_A_TIME)]
        if not parts:
            return tuple(np.zeros(0, dtype=kind) for kind in (np.int32, np.int32, float, float))
        return tuple(np.concatenate(several) for several in zip(*parts, strict=True))

    def _some(
        self, found: NDArray[np.int32], ends: NDArray[np.int64], of_form: NDArray[np.int64], start: int
    ) -> tuple[NDArray[Any], ...]:
        begins = np.concatenate((ends[start - 1 : start] if start else [0], ends[start:]))
        begins = begins[: 2 * _AT_A_TIME + 1]
        forms = found[begins[0] : begins[-1]]
        parts = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
        stems = of_form[forms]
        keys = (parts // 2) * len(self.stems) + stems
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else keys
        if not len(first):
            return tuple(np.zeros(0, dtype=kind) for kind in (np.int32, np.int32, float, float))
        weights = np.where(parts % 2, TITLE, 1.0)[order]
        as_shown = (forms == self.commonest[stems])[order].astype(np.float64)
        return (
            (start // 2 + keys[first] // len(self.stems)).astype(np.int32),
            (keys[first] % len(self.stems)).astype(np.int32),
            np.maximum.reduceat(weights, first),
            np.maximum.reduceat(as_shown, first),
        )


def _terms(text: str) -> list[Word]:
    return [word for word in words(text) if not word.stem[0].isdigit() and len(word.stem) > 1]


def documents_of(matrix: csr_array) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return counts


def commonest(written: Counter[str]) -> str:
    """Return the form that is written most; of those written as much, the first in the alphabet."""
    return min(written, key=lambda form: (-written[form], form))

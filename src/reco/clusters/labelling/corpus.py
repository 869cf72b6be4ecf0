"""The corpus of a catalogue's texts: stems of each text, their written forms, and their weights."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from reco.clusters.labelling.parts_of_speech import Grammar
from reco.text.tokens import tokens, words

TITLE = 2.0
"""Weight of a term in a title. In a summary it is one, for any number of occurrences."""

_LARGE = 10_000_000
"""Characters above which a sample of the texts gives the grammar."""
_AT_A_TIME = 4096
_Z = 1.96
"""Standard deviations on each side of the mean of a normal law that hold 95 %."""


@dataclass(frozen=True)
class Text:
    """The text of a resource: its title, and its summary as the encoder reads it."""

    title: str
    summary: str


@dataclass(frozen=True)
class Corpus:
    """The stems of each text: `presence`, (texts, stems), is 1 for a summary, `TITLE` for a title, else 0.

    `forms` is the most frequent form of each stem; `shown`, (texts, stems), is 1 where the text writes it.
    """

    texts: tuple[Text, ...]
    presence: csr_array
    shown: csr_array
    stems: tuple[str, ...]
    forms: tuple[str, ...]

    @classmethod
    def read(cls, texts: Iterable[Text], least: int = 2) -> Corpus:
        """Read each text once, without numbers and stems of fewer than `least` texts."""
        spelling = _Spelling()
        kept_texts: list[Text] = []
        for text in texts:
            kept_texts.append(text)
            spelling.read(text.summary)
            spelling.read(text.title)
        shape = (len(kept_texts), len(spelling.stems))
        rows, columns, weights, as_shown = spelling.entries()
        frequent = np.flatnonzero(np.bincount(columns, minlength=shape[1]) >= least)
        begins = np.concatenate(([0], np.bincount(rows, minlength=shape[0]).cumsum()))
        presence, shown = (
            csr_array((values, columns, begins), shape=shape)[:, frequent].tocsr()
            for values in (weights, as_shown)
        )
        shown.eliminate_zeros()
        return cls(
            tuple(kept_texts),
            presence,
            shown,
            tuple(spelling.stems[column] for column in frequent.tolist()),
            tuple(spelling.written[form] for form in spelling.commonest[frequent].tolist()),
        )

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each stem."""
        return {stem: column for column, stem in enumerate(self.stems)}

    @cached_property
    def documents(self) -> NDArray[np.int64]:
        """The number of texts with each stem, (stems,)."""
        return documents_of(self.presence)

    @cached_property
    def presence_by_stem(self) -> csc_array:
        """`presence` by column, for fast access to a few stems."""
        return self.presence.tocsc()

    @cached_property
    def shown_by_stem(self) -> csc_array:
        """`shown` by column, for fast access to a few stems."""
        return self.shown.tocsc()

    @cached_property
    def grammar(self) -> Grammar:
        """The grammar of its texts, from a sample above `_LARGE` characters."""
        length = sum(len(text.title) + len(text.summary) for text in self.texts)
        sample = self.texts[:: 1 + length // _LARGE]
        return Grammar.read(part for text in sample for part in (text.title, text.summary))

    def weights(self, counts: csr_array) -> csr_array:
        """Return the weight of each term in each group, (groups, terms), from `counts`.

        c-TF-IDF: W = tf / |group| · log(1 + A / f), with f the term's count in all groups and A the mean
        total count of a group, times `naming`.
        """
        totals = counts.sum(axis=1)
        frequency = np.maximum(counts.sum(axis=0), 1e-12)
        share = counts.data / np.repeat(np.maximum(totals, 1e-12), np.diff(counts.indptr))
        rarity = np.log1p(totals.mean() / frequency)
        values = share * rarity[counts.indices] * self.naming()[counts.indices]
        return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)

    def naming(self) -> NDArray[np.float64]:
        """Return the factor of each term as a name of subjects, (stems,), at most 1.

        Titles name subjects; template headings, licences, verbs and common services are in summaries only.
        The factor is the root of the ratio of two shares of texts with the term in the title: the term's
        share (its upper bound at 95 %, Wilson 1927, so a few texts prove little) and the mean share of a
        title word.
        """
        texts = self.documents.astype(np.float64)
        titles = documents_of(self.presence == TITLE).astype(np.float64)
        share, half = titles / texts, _Z * _Z / (2 * texts)
        title_share = float(titles @ share) / max(titles.sum(), 1.0)
        spread = _Z * np.sqrt(share * (1 - share) / texts + half / (2 * texts))
        upper = (share + half + spread) / (1 + 2 * half)
        naming: NDArray[np.float64] = np.sqrt(np.minimum(upper / max(title_share, 1e-12), 1.0))
        return naming

    def counts(self, labels: NDArray[np.int64]) -> csr_array:
        """Return the count of each term in each group, (groups, terms). Label -1 has no group."""
        inside = np.flatnonzero(labels >= 0)
        shape = (int(labels.max()) + 1, len(labels))
        members = csr_array((np.ones(len(inside)), (labels[inside], inside)), shape=shape)
        counts = (members @ self.presence).tocsr()
        counts.sort_indices()
        return counts


class _Spelling:
    """The written forms of stems. Each occurrence is the number of its form, in a few bytes."""

    def __init__(self) -> None:
        self.stems: list[str] = []
        self.written: list[str] = []
        self._stem_of_form: list[int] = []
        self._stem_numbers: dict[str, int] = {}
        self._form_numbers: dict[str, int] = {}
        self._forms_of_token = cache(self._read)
        self._occurrences = array("i")
        self._ends = array("q")

    def read(self, part: str) -> None:
        """Read the next part: a text's summary, then its title."""
        self._occurrences.extend(chain.from_iterable(map(self._forms_of_token, tokens(part))))
        self._ends.append(len(self._occurrences))

    def _read(self, token: str) -> tuple[int, ...]:
        forms = []
        for word in words(token):
            if word.stem[0].isdigit() or len(word.stem) < 2:
                continue
            stem = self._stem_numbers.setdefault(word.stem, len(self._stem_numbers))
            if stem == len(self.stems):
                self.stems.append(word.stem)
            written = token[word.start : word.end].casefold()
            form = self._form_numbers.setdefault(written, len(self._form_numbers))
            if form == len(self.written):
                self.written.append(written)
                self._stem_of_form.append(stem)
            forms.append(form)
        return tuple(forms)

    @cached_property
    def commonest(self) -> NDArray[np.int64]:
        """The most frequent form of each stem, (stems,); the first in the alphabet among equals."""
        times = np.bincount(np.frombuffer(self._occurrences, dtype=np.int32), minlength=len(self.written))
        alphabet = np.argsort(np.asarray(self.written, dtype=object), kind="stable")
        order = alphabet[np.argsort(-times[alphabet], kind="stable")]
        _, first = np.unique(np.asarray(self._stem_of_form, dtype=np.int64)[order], return_index=True)
        return order[first]

    def entries(self) -> tuple[NDArray[Any], ...]:
        """Return text, stem, weight and written-as-shown (1 or 0), (entries,) each, by text and stem."""
        occurrences = np.frombuffer(self._occurrences, dtype=np.int32)
        ends = np.frombuffer(self._ends, dtype=np.int64)
        stem_of_form = np.asarray(self._stem_of_form, dtype=np.int64)
        parts = [
            self._block_entries(occurrences, ends, stem_of_form, start)
            for start in range(0, len(ends), 2 * _AT_A_TIME)
        ]
        if not parts:
            return tuple(np.zeros(0, dtype=kind) for kind in (np.int32, np.int32, float, float))
        return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))

    def _block_entries(
        self,
        occurrences: NDArray[np.int32],
        ends: NDArray[np.int64],
        stem_of_form: NDArray[np.int64],
        start: int,
    ) -> tuple[NDArray[Any], ...]:
        begins = np.concatenate((ends[start - 1 : start] if start else [0], ends[start:]))
        begins = begins[: 2 * _AT_A_TIME + 1]
        forms = occurrences[begins[0] : begins[-1]]
        parts = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
        stems = stem_of_form[forms]
        keys = (parts // 2) * len(self.stems) + stems
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        weights = np.where(parts % 2, TITLE, 1.0)[order]
        as_shown = (forms == self.commonest[stems])[order].astype(np.float64)
        return (
            (start // 2 + keys[first] // len(self.stems)).astype(np.int32),
            (keys[first] % len(self.stems)).astype(np.int32),
            np.maximum.reduceat(weights, first),
            np.maximum.reduceat(as_shown, first),
        )


def documents_of(matrix: csr_array) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return counts


def commonest(written: Counter[str]) -> str:
    """Return the most frequent form; the first in the alphabet among equals."""
    return min(written, key=lambda form: (-written[form], form))

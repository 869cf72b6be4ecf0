"""The choice of a label: the phrase of a group's texts that is complete and nearest to the group's terms."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.catalogue.places.gazetteer import bundled, is_collectivity
from reco.clusters.labelling.corpus import TITLE, Corpus, documents_of
from reco.clusters.labelling.phrases import Phrase, phrases_of
from reco.text.tokens import words

_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_COVERED_SHARE = 0.1
_MOST_TEXTS = 500
"""Texts of a group, the nearest to its centre, that give phrases."""
_NAME_SHARE = 0.5
"""Share of a group's texts that a proper name needs to be in the label. A mayor or a place of one
publication is not the subject of the others."""
_PLACE_FACTOR = 0.1
"""Factor of the merit of a phrase that names a place or a collectivity: a label only if no other is left."""
_PART_SHARE = 0.7
"""Share of the texts of a phrase in one part of the group from which the phrase is about that part."""
_UNTITLED_FACTOR = 0.5
"""Factor of the merit of a term that no title of the group has."""
_COMMON_LETTERS = 5
_MOST_LEADING = 15
_LONGEST = 5
"""The most words of a place name."""


@dataclass(frozen=True)
class Group:
    """A group to label: its texts `members`, the `parts` (groups of the level below) they are in, its terms.

    The other arrays have one value per term of the group: its column in the corpus, its weight, its merit
    (the weight times the root of the group's share of the term's count), the number of the group's texts
    that have it, and whether a title has it.
    """

    members: NDArray[np.int64]
    parts: NDArray[np.int64]
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
        parts: NDArray[np.int64],
        weights: csr_array,
        counts: csr_array,
        everywhere: NDArray[np.float64],
    ) -> Group:
        """Make a group from its weights and counts, (1, terms), and the total count of each term."""
        columns = weights.indices.astype(np.int64)
        merit = weights.data * np.sqrt(counts.data / everywhere[columns])
        inside = corpus.presence[members]
        documents, titled = documents_of(inside), documents_of(inside == TITLE) > 0
        return cls(members, parts, columns, weights.data, merit, documents[columns], titled[columns])


@dataclass(frozen=True)
class LabelChoice:
    """Chooses labels. `near`, (texts,), weighs the texts; no label begins with a stem of `kinds`."""

    corpus: Corpus
    near: NDArray[np.float64]
    kinds: frozenset[str]

    def label(self, group: Group, used: Collection[frozenset[str]]) -> str:
        """Return the phrase nearest to the group's weights by cosine of stems, "" without a phrase.

        The phrase has one of the heaviest terms or, if no such phrase is complete, any term of the group.
        `used` are the stems of earlier labels.
        """
        merit = group.merit * np.where(group.titled, 1.0, _UNTITLED_FACTOR)
        stems = [self.corpus.stems[column] for column in group.columns.tolist()]
        weight = dict(zip(stems, merit.tolist(), strict=True))
        order = [stems[place] for place in np.argsort(-merit, kind="stable").tolist()]
        for count in (_MOST_LEADING, len(order)):
            if label := self._best_phrase(group, used, weight, set(order[:count])):
                return label[:1].upper() + label[1:]
        return ""

    def _best_phrase(
        self, group: Group, used: Collection[frozenset[str]], weight: dict[str, float], leading: set[str]
    ) -> str:
        nearest = group.members[np.argsort(-self.near[group.members], kind="stable")[:_MOST_TEXTS]]
        # A phrase must cover some share of a large group.
        smoothing = max(2.0, _COVERED_SHARE * len(nearest))
        part_of = dict(zip(group.members.tolist(), group.parts.tolist(), strict=True))
        best, label = (False, 0.0), ""
        for stems, phrase in sorted(phrases_of(self.corpus, nearest, leading).items()):
            cosine = sum(weight.get(stem, 0.0) for stem in set(stems)) / np.sqrt(len(set(stems)))
            support = sum(self.near[row] * wholeness for row, wholeness in phrase.texts.items())
            # A phrase of a single text is a label only if no phrase has two texts.
            shared, value = len(phrase.texts) > 1, cosine * support / (support + smoothing)
            if (shared, value) <= best or self._is_redundant(stems, phrase, used):
                continue
            written = phrase.written
            value *= _PLACE_FACTOR if tells_where(written, self.corpus.grammar.names) else 1.0
            value *= _breadth(phrase, part_of, group)
            if (shared, value) > best and self._is_complete(group, phrase, written):
                best, label = (shared, value), written
        return label

    def _is_redundant(self, stems: tuple[str, ...], phrase: Phrase, used: Collection[frozenset[str]]) -> bool:
        """Whether a phrase is a document type, part of a longer phrase, part of an earlier label, or one word
        in two forms."""
        one_word = len({stem[:_COMMON_LETTERS] for stem in stems}) == 1
        return (
            stems[0] in self.kinds
            or one_word
            or phrase.is_part
            or any(label_stems.issuperset(stems) for label_stems in used)
        )

    def _is_complete(self, group: Group, phrase: Phrase, written: str) -> bool:
        """Whether a phrase is nominal, complete, and without proper names of few texts of the group."""
        grammar = self.corpus.grammar
        if not grammar.is_nominal(written) or (phrase.goes_on and grammar.is_cut(written)):
            return False
        names = [
            word.stem for word in words(written) if written[word.start : word.end].casefold() in grammar.names
        ]
        frequent = group.columns[group.documents >= _NAME_SHARE * len(group.members)] if names else ()
        return all(self.corpus.columns.get(name, -1) in frequent for name in names)


def _breadth(phrase: Phrase, part_of: dict[int, int], group: Group) -> float:
    """Return the root of the share of the group that a phrase is about.

    That is the share of the part that most of its texts are in; 1 if the part is half of the group, or if
    the texts are in several parts.
    """
    parts, count = np.unique([part_of[row] for row in phrase.texts], return_counts=True)
    share = np.count_nonzero(group.parts == parts[count.argmax()]) / len(group.parts)
    in_one_part = count.max() >= _PART_SHARE * count.sum() and share < 0.5
    return float(np.sqrt(share)) if in_one_part else 1.0


def tells_where(phrase: str, names: Collection[str]) -> bool:
    """Whether a phrase names a commune, an EPCI, a département, a région or a kind of collectivity.

    `names` are the words, in lower case, with a capital inside sentences. A place name without a capital
    is a common word: "Bois" and "Rue" are communes too.
    """
    if is_collectivity(phrase):
        return True
    tokens = list(_TOKEN.finditer(phrase))
    for first, start in enumerate(tokens):
        for end in tokens[first : first + _LONGEST]:
            part = phrase[start.start() : end.end()]
            if any(piece.casefold() in names for piece in re.split(r"[\s'’-]", part)) and bundled().named(
                part
            ):
                return True
    return False

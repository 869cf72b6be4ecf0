"""The label of a group: the phrase of its texts that is nearest to what it is about, and stands by itself."""

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

_COVERED = 0.1
_PHRASED = 500
"""Texts of a group, the nearest to its middle, in which phrases are looked for."""
_OF_NAME = 0.5
"""Share of a group's texts that must have a name before it is part of the label: a mayor or a place met in
one publication is not what the others are about."""
_OF_PLACE = 0.1
"""What a phrase keeps of its merit where it says whose a text is, or of where: that is no subject, unless
nothing else is said."""
_MOSTLY = 0.7
"""Share of the texts that have a phrase from which it is of the part of the group that they are in."""
_UNTITLED = 0.5
"""What a term keeps of its merit in labels where no title of the group has it."""
_ALIKE = 5
_LED_BY = 15


@dataclass(frozen=True)
class Group:
    """The texts of a group, `members`, and the part of it, a group of the level below, that each is in.

    Of its terms, in the order of the corpus: their columns, weights, and merit, which is the weight times the
    root of the share of the term that is in the group; how many of its texts have each, and whether one has
    it in its title.
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
        """Return a group from its row of weights and counts, (1, terms), and each term's count in all."""
        columns = weights.indices.astype(np.int64)
        merit = weights.data * np.sqrt(counts.data / everywhere[columns])
        inside = corpus.presence[members]
        documents, titled = documents_of(inside), documents_of(inside == TITLE) > 0
        return cls(members, parts, columns, weights.data, merit, documents[columns], titled[columns])


@dataclass(frozen=True)
class LabelChoice:
    """Names groups. `near`, (texts,), weighs the texts; no label begins with a stem of `kinds`."""

    corpus: Corpus
    near: NDArray[np.float64]
    kinds: frozenset[str]

    def label(self, group: Group, used: Collection[frozenset[str]]) -> str:
        """Return the phrase whose stems are nearest to the group's weights by cosine, "" without any.

        One of the terms that weigh most leads it; or, where no such phrase stands, any of the group's.
        `used` are the stems of the labels given already.
        """
        merit = group.merit * np.where(group.titled, 1.0, _UNTITLED)
        stems = [self.corpus.stems[column] for column in group.columns.tolist()]
        weight = dict(zip(stems, merit.tolist(), strict=True))
        order = [stems[place] for place in np.argsort(-merit, kind="stable").tolist()]
        for led_by in (_LED_BY, len(order)):
            if label := self._led(group, used, weight, set(order[:led_by])):
                return label[:1].upper() + label[1:]
        return ""

    def _led(
        self, group: Group, used: Collection[frozenset[str]], weight: dict[str, float], leading: set[str]
    ) -> str:
        nearest = group.members[np.argsort(-self.near[group.members], kind="stable")[:_PHRASED]]
        # Of a large group a phrase must cover something.
        enough = max(2.0, _COVERED * len(nearest))
        part_of = dict(zip(group.members.tolist(), group.parts.tolist(), strict=True))
        best, label = (False, 0.0), ""
        for stems, phrase in sorted(phrases_of(self.corpus, nearest, leading).items()):
            cosine = sum(weight.get(stem, 0.0) for stem in set(stems)) / np.sqrt(len(set(stems)))
            support = sum(self.near[row] * whole for row, whole in phrase.texts.items())
            # What a single text says is a label only where no two say the same.
            shared, value = len(phrase.texts) > 1, cosine * support / (support + enough)
            if (shared, value) <= best or self._tells_nothing(stems, phrase, used):
                continue
            written = phrase.written
            value *= _OF_PLACE if tells_where(written, self.corpus.grammar.names) else 1.0
            value *= _breadth(phrase, part_of, group)
            if (shared, value) > best and self._stands(group, phrase, written):
                best, label = (shared, value), written
        return label

    def _tells_nothing(
        self, stems: tuple[str, ...], phrase: Phrase, used: Collection[frozenset[str]]
    ) -> bool:
        """Whether a phrase is a kind of document, a part of a longer one or of what is told already, or both
        genders of one word."""
        alike = len({stem[:_ALIKE] for stem in stems}) == 1
        return (
            stems[0] in self.kinds or alike or phrase.is_part or any(told.issuperset(stems) for told in used)
        )

    def _stands(self, group: Group, phrase: Phrase, written: str) -> bool:
        """Whether a phrase is of nouns, not cut short, and with no name that few texts of the group have."""
        grammar = self.corpus.grammar
        if not grammar.is_nominal(written) or (phrase.goes_on and grammar.is_cut(written)):
            return False
        names = [
            word.stem for word in words(written) if written[word.start : word.end].casefold() in grammar.names
        ]
        usual = group.columns[group.documents >= _OF_NAME * len(group.members)] if names else ()
        return all(self.corpus.columns.get(name, -1) in usual for name in names)


def _breadth(phrase: Phrase, part_of: dict[int, int], group: Group) -> float:
    """Return how much of a group a phrase speaks of: the root of the share of the part that most of its texts
    are in, one where that is half of the group or they are in several."""
    of, count = np.unique([part_of[row] for row in phrase.texts], return_counts=True)
    share = np.count_nonzero(group.parts == of[count.argmax()]) / len(group.parts)
    alone = count.max() >= _MOSTLY * count.sum() and share < 0.5
    return float(np.sqrt(share)) if alone else 1.0


_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


_LONGEST = 5
"""Words of the names of places that are looked for."""


def tells_where(phrase: str, names: Collection[str]) -> bool:
    """Whether a phrase has the name of a commune, an EPCI, a département or a région, or is that of a kind of
    collectivity.

    `names` are the words, in lower case, that keep their capital within sentences: a place without one is a
    common word, as "bois" and "rue" are.
    """
    if is_collectivity(phrase):
        return True
    found = list(_TOKEN.finditer(phrase))
    for first, start in enumerate(found):
        for end in found[first : first + _LONGEST]:
            part = phrase[start.start() : end.end()]
            if any(piece.casefold() in names for piece in re.split(r"[\s'’-]", part)) and bundled().named(
                part
            ):
                return True
    return False

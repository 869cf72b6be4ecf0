"""The words of a vocabulary that a misspelt one may stand for, with the cost of each reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from reco.text.clean import fold
from reco.text.sounds import keys

ACCENTS = 0.3
"""Cost of a reading that only adds accents."""
_SOUND = 0.4
_PER_SIGN = 0.35
"""Costs of a reading that sounds the same, and of each sign by which it differs."""
_PER_LETTER = 1.2
"""Cost of each wrong letter of a reading that sounds otherwise."""
_SHORTEST = 4
"""Letters below which a single wrong one could make any word."""
_LONG = 9
"""Letters from which two may be wrong."""


class Neighbours:
    """A vocabulary of lower-case words, searched by letters without accents and by sound.

    It has the words of `others` too, which several vocabularies may share. The distance is rapidfuzz's
    optimal string alignment. A mask of the letters of each word leaves it a few hundred words of the tens of
    thousands.
    """

    def __init__(self, words: Iterable[str], others: Neighbours | None = None) -> None:
        self.words, self._others = tuple(dict.fromkeys(words)), others
        self._bare = [fold(word) for word in self.words]
        self._masks = np.fromiter(map(_mask, self._bare), dtype=np.uint32, count=len(self.words))
        self._lengths = np.fromiter(map(len, self._bare), dtype=np.int16, count=len(self.words))
        self._firsts = np.fromiter((ord(bare[0]) for bare in self._bare), np.uint32, len(self.words))

    def accented(self, word: str) -> tuple[str, ...]:
        """Return the words that differ from this one by their accents only, and keep those it has."""
        return tuple(one for one in self.same_letters(word) if _keeps_accents(word, one))

    def same_letters(self, word: str) -> tuple[str, ...]:
        """Return the words that differ from this one by their accents only, whatever its own."""
        found = self._others.same_letters(word) if self._others else ()
        return (*found, *(self.words[place] for place in self._by_bare.get(fold(word), ())))

    def near(self, word: str) -> dict[str, float]:
        """Return the cost of each reading of a lower-case word; none for a word of three letters."""
        written = fold(word)
        if len(written) < _SHORTEST:
            return {}
        found = self._others.near(word) if self._others else {}
        for place in self._by_sound.get(keys([word])[0], ()):
            distance = OSA.distance(written.replace("k", "qu"), self._bare[place].replace("k", "qu"))
            found[self.words[place]] = _SOUND + _PER_SIGN * distance
        for place, distance in self._by_letters(written):
            cost = _PER_LETTER * distance
            found[self.words[place]] = min(cost, found.get(self.words[place], cost))
        return found

    def sounding(self, word: str) -> tuple[str, ...]:
        """Return the words that sound like this one."""
        found = self._others.sounding(word) if self._others else ()
        return (*found, *(self.words[place] for place in self._by_sound.get(keys([word])[0], ())))

    def _by_letters(self, written: str) -> list[tuple[int, int]]:
        """Return the places within the distance that a word of this length allows."""
        most = 2 if len(written) >= _LONG else 1
        differing = np.bitwise_count(self._masks ^ np.uint32(_mask(written)))
        close = (differing <= 2 * most) & (np.abs(self._lengths - len(written)) <= 1)
        close &= self._firsts == ord(written[0])  # the first letter is nearly always right
        places = np.flatnonzero(close).tolist()
        bare = [self._bare[place] for place in places]
        near = process.extract(written, bare, scorer=OSA.distance, score_cutoff=most, limit=None)
        return [(places[at], int(distance)) for _, distance, at in near]

    @cached_property
    def _by_bare(self) -> Mapping[str, list[int]]:
        return _grouped(self._bare)

    @cached_property
    def _by_sound(self) -> Mapping[str, list[int]]:
        return _grouped(keys(self.words))


def cost_of_accents(word: str, reading: str) -> float:
    """Return the cost of a reading with the same letters. Nothing is left out as often as accents."""
    return ACCENTS + _PER_SIGN * (OSA.distance(word, reading) - 1)


def _keeps_accents(word: str, reading: str) -> bool:
    pairs = zip(word, reading, strict=False)
    return all(sign.isascii() or sign == other for sign, other in pairs)


def _mask(bare: str) -> int:
    """Return the letters of a word as bits."""
    mask = 0
    for letter in set(bare):
        mask |= 1 << (ord(letter) - 97 if "a" <= letter <= "z" else 26)
    return mask


def _grouped(values: Iterable[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        places[value].append(place)
    return dict(places)

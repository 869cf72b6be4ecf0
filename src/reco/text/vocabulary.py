"""The words that a request may mean: those of French and those of a catalogue, and the likeliest of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import islice, product

from reco.text.clean import fold
from reco.text.french import French, french
from reco.text.neighbours import ACCENTS, Neighbours, cost_of_accents

_PER_COST = 2.5
"""Points, in powers of ten of frequency, that a reading loses for each unit of its cost."""
_MOST_COST = 1.4
_MOST_COST_OF_LONG = 2.4
_LONG = 8
_GUARDED_COST = 1.15
"""The most cost of a reading of a word that may be a name: it must sound the same."""
_ELIDED = 0.4
_GLUED = 1.0
_RETYPED = 0.6
_COMMON = 14
"""Frequency class of words that are cut from a longer one: they must be frequent."""
_FEW = 3
"""Mentions in the catalogue that make a word as good as frequent."""
_ELISION = re.compile(
    r"((?:jus|pres|quel|lors|puis|quoi)?qu|[ldjnscmt])([aeiouyhàâéèêëîïôœùû].+|(?<=squ)[aà])"
)
_BEFORE_VERBS = frozenset("jnscmt")
_VERBS = frozenset(
    "ai avais avons avez aurais aimerais aimerait attends aide habite est était étaient ont agit occupe "
    "appelle organise engage installe".split()
)
_ELIDED_WORDS = frozenset(("qu", "jusqu", "lorsqu"))
_LINKS = frozenset(
    "de la le les des du et en un une pour dans avec sur par au aux sans ou que qui il on ils nous "
    "vous".split()
)
"""Words that are glued to their neighbour in a hurry; two nouns may be one new word."""
_LIKELIER = 0.7
"""Points by which a word with accents must be likelier than the same one without: five times as frequent."""
_VOWELS = {"e": "eéèê", "a": "aàâ", "i": "iîï", "o": "oô", "u": "uûù", "c": "cç"}
_INFINITIVE = re.compile(r"a(.{4,}(?:er|ir|re))")
_QWERTY = str.maketrans("qw", "az")
"""A keyboard set to English gives these letters for those of a French one."""
_FRENCH_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzàâæçéèêëîïôœùûüÿ")
_MOST_ACCENTED = 500
"""Ways to put accents on a word that are tried."""
_PREFIXES = re.compile(
    r"(?:agri|agro|anti|auto|bio|co|dé|des|dés|éco|géo|hydro|hyper|infra|inter|intra|macro|maxi|méga|micro|mini"
    r"|mono|multi|néo|non|para|péri|photo|pluri|poly|post|pré|pro|re|ré|semi|sous|sur|super|supra|télé|thermo"
    r"|trans|tri|ultra|uni|vidéo|cyber|socio|quasi|ex)(?=.{6})"
)


class Vocabulary:
    """The words of French and of a catalogue, which mentions `counts[word]` times each lower-case word.

    `has_stem` says whether the index of the catalogue has the stem of a word.
    """

    def __init__(self, counts: Mapping[str, int], has_stem: Callable[[str], bool]) -> None:
        self._counts, self._has_stem = counts, has_stem
        self._french: French = french()

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is correct: French, of the catalogue, or built on such a word.

        A word of the catalogue that only lacks its accents is not correct: titles in capitals have none.
        """
        if self._french.knows(word) or word in _ELIDED_WORDS or word in _other_words():
            return True
        others = [one for one in self._neighbours.accented(word) if one != word]
        if any(map(self._french.knows, others)):
            return False
        if word in self._counts or (word[-1] in "sx" and word[:-1] in self._counts):
            return True
        prefix = _PREFIXES.match(word)
        if prefix is not None and self._french.knows(word[prefix.end() :]):
            return True
        # "agricultur" has a stem of the catalogue too, but it sounds like a word, and lacks an "e".
        return (
            len(word) >= _LONG
            and self._has_stem(word)
            and set(self._neighbours.sounding(word)) <= {word}
            and not self._french.knows(word + "e")
        )

    def is_french(self, words: Sequence[str]) -> bool:
        """Whether lower-case words are more French than of another language."""
        foreign = sum(word in _foreign() or _is_strange(word) for word in words)
        return not foreign or 2 * foreign <= sum(map(self._french.knows, words))

    def has_french(self, words: Sequence[str]) -> bool:
        """Whether one of the lower-case words is French."""
        return any(map(self._french.knows, words))

    def whole(self, word: str) -> str | None:
        """Return a frequent word, whatever its accents, or None."""
        readings = [one for one in self._neighbours.accented(word) if self._is_common(one)]
        return max(readings, key=self._weight, default=None)

    def is_everyday(self, word: str) -> bool:
        """Whether a word, with accents or not, is a frequent word of French."""
        classes = self._french.classes
        return any(classes.get(one, 0) >= _COMMON for one in self._neighbours.accented(word))

    def without_accents(self, word: str) -> str | None:
        """Return what a correct word stands for where accents are lost: "pavé" for "pave", or None."""
        weights = {one: self._weight(one) for one in self._neighbours.accented(word)}
        best = max(weights, key=lambda one: (weights[one], one), default=word)
        return best if best != word and weights[best] - self._weight(word) >= _LIKELIER else None

    def best(self, word: str, guarded: bool = False) -> str | None:
        """Return the likeliest reading of an unknown lower-case word, None without a likely one.

        A `guarded` word may be a name: its reading must have the same letters or sound.
        """
        if _is_strange(word):
            return None
        readings = self._by_accents(word) or self._by_letters(word, guarded)  # accents first: see their cost
        most = _GUARDED_COST if guarded else _MOST_COST_OF_LONG if len(word) >= _LONG else _MOST_COST
        if word in _foreign():
            most = ACCENTS
        likely = [(self._points(one, cost), one) for one, cost in readings.items() if cost <= most]
        return max(likely)[1] if likely else None

    def _by_accents(self, word: str) -> dict[str, float]:
        """Return the readings with the same letters; the accents that were typed are meant."""
        near = self._neighbours
        found = near.accented(word) or self._rarely_accented(word) or near.same_letters(word)
        return {one: cost_of_accents(word, one) for one in found}

    def _by_letters(self, word: str, guarded: bool) -> dict[str, float]:
        found = {
            one: cost
            for one, cost in self._neighbours.near(word).items()
            if cost < _MOST_COST_OF_LONG or one in self._counts
        }
        found |= self._elided(word)
        if not guarded:
            found |= self._split(word) | self._retyped(word)
        return found or self._prefixed(word)

    def _retyped(self, word: str) -> dict[str, float]:
        """Return what the keys of a word give on a French keyboard: "la" for "lq"."""
        other = word.translate(_QWERTY)
        return {other: _RETYPED} if other != word and self._french.classes.get(other, 0) >= _COMMON else {}

    def _prefixed(self, word: str) -> dict[str, float]:
        """Return rare words of French whose part after a prefix was misspelt."""
        prefix = _PREFIXES.match(word)
        if prefix is None:
            return {}
        near = self._neighbours.near(word[prefix.end() :])
        readings = {prefix.group() + one: cost for one, cost in near.items()}
        return {one: cost for one, cost in readings.items() if self._french.knows(one)}

    def _rarely_accented(self, word: str) -> list[str]:
        """Return the rare words of French that differ from a word by their accents only."""
        ways = [_VOWELS.get(sign, sign) for sign in word]
        if math.prod(map(len, ways)) > _MOST_ACCENTED:
            ways = ["eéè" if sign == "e" else sign for sign in word]
        tried = islice(product(*ways), _MOST_ACCENTED)
        return [one for one in map("".join, tried) if self._french.knows(one)]

    def _points(self, reading: str, cost: float) -> float:
        weight = min(self._weight(part.rpartition("'")[2]) for part in reading.split(" "))
        return weight - _PER_COST * cost

    def _weight(self, word: str) -> float:
        """Return how frequent a word is, in powers of ten: in French, and more so in the catalogue."""
        return self._french.classes.get(word, 0) / 5 + 1.2 * math.log10(1 + self._counts.get(word, 0))

    def _is_common(self, word: str) -> bool:
        return self._french.classes.get(word, 0) >= _COMMON or self._counts.get(word, 0) >= _FEW

    def _elided(self, word: str) -> dict[str, float]:
        """Return readings with an apostrophe that was left out: "lecole" is "l'école"."""
        match = _ELISION.fullmatch(word)
        if match is None:
            return {}
        prefix, rest = match.groups()
        if prefix in _BEFORE_VERBS:
            readings = {one: ACCENTS for one in (rest, *self._neighbours.accented(rest)) if one in _VERBS}
        elif rest == "a":
            readings = {"à": 0.0}
        elif self._french.knows(rest) and self._is_common(rest):
            readings = {rest: 0.0}
        else:
            accented = self._neighbours.accented(rest) or self._neighbours.same_letters(rest)
            near = {one: cost_of_accents(rest, one) for one in accented} or self._neighbours.near(rest)
            readings = {one: cost for one, cost in near.items() if self._is_common(one)}
        return {f"{prefix}'{one}": _ELIDED + cost for one, cost in readings.items() if _starts_open(one)}

    def _split(self, word: str) -> dict[str, float]:
        """Return readings as two frequent words that were glued: "salledes" is "salle des"."""
        if len(word) < 6:
            return {}
        pairs = ((word[:at], word[at:]) for at in range(2, len(word) - 1))
        found = {f"{one} {other}": _GLUED for one, other in pairs if self._both_common(one, other)}
        verb = _INFINITIVE.fullmatch(word)
        if verb is not None and self._french.knows(verb.group(1)) and self._is_common(verb.group(1)):
            found[f"à {verb.group(1)}"] = _GLUED
        return found

    def _both_common(self, one: str, other: str) -> bool:
        frequent = (self._french.knows(word) and self._is_common(word) for word in (one, other))
        return all(frequent) and not _LINKS.isdisjoint((one, other))

    @cached_property
    def _neighbours(self) -> Neighbours:
        classes = self._french.classes
        of_catalogue = (w for w, n in self._counts.items() if n >= _FEW or self._french.knows(w))
        return Neighbours((w for w in of_catalogue if w not in classes), _of_french())


@lru_cache(maxsize=1)
def _of_french() -> Neighbours:
    """Return the common words of French, which each catalogue adds its own to."""
    return Neighbours(french().classes)


def _starts_open(word: str) -> bool:
    return fold(word)[:1] in tuple("aeiouyh")


def _is_strange(word: str) -> bool:
    """Whether a word has a letter that French has not."""
    return not _FRENCH_LETTERS.issuperset(word)


@lru_cache(maxsize=1)
def _other_words() -> frozenset[str]:
    """Return frequent words of French texts that no dictionary has: names, brands, words from English."""
    return frozenset((files("reco.text") / "other_words.txt").read_text("utf-8").split())


@lru_cache(maxsize=1)
def _foreign() -> frozenset[str]:
    """Return frequent words of other languages that are no French words."""
    return frozenset((files("reco.text") / "foreign_words.txt").read_text("utf-8").split())

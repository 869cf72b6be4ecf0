"""Spelling of a request: what its writer meant by words that neither French nor the catalogue has.

Only a French request is read so. An acronym, a proper noun, the name of a place, and a word that French or
the catalogue knows stay as they are. Nothing is silent: each change is a `Correction`.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice

from reco.catalogue.places.gazetteer import bundled
from reco.index.capitals import Capitals
from reco.ranking.typed_words import TypedWord, typed_words, within
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import fold
from reco.text.tokens import stem
from reco.text.vocabulary import Vocabulary

EVERYTHING = "*"
"""In `Query.exact`: search every word as it is typed."""

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_PLACES = ("commune", "department", "region")
_MOST_READ = 5_000_000
"""Characters of a catalogue that are read for its words: five thousand long summaries, in a second."""
_MOST = 64
"""Different unknown words of a request that are looked up, so that a long text costs little more."""
_FEW_CAPITALS = 4
"""Words of a text for each one in capitals, from which those tell acronyms."""
_LONGEST_CODE = 6
_LONGEST_WORD = 40
"""Letters of a word; a longer one is the data of a file."""
_LONGEST_NAME = 5
"""Words of a place's name around an unknown word."""
_FEWEST_SHOUTED = 3
"""Words of a line or a part in capitals, such as the object of a deliberation, in a text that is not."""
_PIECES = frozenset("aujourd hui quelqu presqu prud entr jusqu lorsqu puisqu quoiqu qu".split())


@dataclass(frozen=True)
class Correction:
    """What was read for the words `text[start:end]` of a request: "l'école" for "lecol"."""

    written: str
    understood: str
    start: int
    end: int


@dataclass(frozen=True)
class Understood:
    """The text that is searched, and how it differs from the text that was typed."""

    text: str
    corrections: tuple[Correction, ...] = ()


class Speller:
    """Reads requests with the words of one catalogue.

    `is_place` says whether a name is a place's. `is_acronym` says whether a word is an acronym, given whether
    its text is all in capitals.
    """

    def __init__(
        self, vocabulary: Vocabulary, is_place: Callable[[str], bool], is_acronym: Callable[[str, bool], bool]
    ) -> None:
        self._vocabulary, self._is_place, self._is_acronym = vocabulary, is_place, is_acronym
        self._best = lru_cache(maxsize=10_000)(vocabulary.best)

    def read(
        self, text: str, exact: Sequence[str] = (), parts: Sequence[tuple[int, int]] | None = None
    ) -> Understood:
        """Return what a text means. The words of `exact` stay; all do with `EVERYTHING`.

        With `parts`, only words in them are mended: the start and end of each, in characters, in order.
        """
        if EVERYTHING in exact:
            return Understood(text)
        loud = self._shouted(text, parts)
        plain = self._in_small_letters(text, loud)
        tokens = typed_words(text)
        aloud = set(within(tokens, loud))
        unknown = [
            at
            for at in within(tokens, parts)
            if not self._is_name(tokens[at], at in aloud) and self._may_change(tokens[at], at in aloud)
        ]
        words = [token.plain for token in tokens]
        if not unknown or not self._vocabulary.is_french(words):
            return Understood(plain)
        unsure = len(words) > 1 and not self._vocabulary.has_french(words)
        kept = set(map(fold, exact))
        first = frozenset(islice(dict.fromkeys(words[at] for at in unknown), _MOST))
        corrections: list[Correction] = []
        for at in (at for at in unknown if words[at] in first):
            found = self._correction(text, tokens, at, at in aloud, unsure)
            if found is None or fold(found.written) in kept or self._in_place(tokens, at):
                continue
            if not corrections or found.start >= corrections[-1].end:
                corrections.append(found)
        return Understood(_replaced(plain, corrections), tuple(corrections))

    def _shouted(self, text: str, parts: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
        """Return the start and end of what is all in capitals: the text, or each part, or each line of it."""
        if self._is_shouted(text):
            return [(0, len(text))]
        if parts is None:
            ends = [at for at, letter in enumerate(text) if letter == "\n"]
            parts = list(zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True))
        longer = (part for part in parts if len(_WORD.findall(text, *part)) >= _FEWEST_SHOUTED)
        return [part for part in longer if self._is_shouted(text[slice(*part)])]

    def _is_shouted(self, text: str) -> bool:
        return Capitals(text, lambda word: self._is_acronym(word, False)).shouted

    def _in_small_letters(self, text: str, loud: Sequence[tuple[int, int]]) -> str:
        """Return a text with these parts in small letters, as the model reads words; acronyms stay."""
        pieces, at = list[str](), 0
        for start, end in loud:
            pieces += [text[at:start], _WORD.sub(lambda word: self._small(word.group()), text[start:end])]
            at = end
        return "".join([*pieces, text[at:]])

    def _small(self, word: str) -> str:
        lower = word.lower()
        return word if self._is_acronym(word, True) or len(lower) != len(word) else lower

    def _may_change(self, token: TypedWord, shouted: bool) -> bool:
        plain = token.plain
        if not token.text.isalpha() or len(plain) > _LONGEST_WORD or plain in _PIECES:
            return False
        shortest = 2 if "q" in plain else 3  # "lq" is "la" on another keyboard
        if plain in _hurried() or (len(plain) >= shortest and not self._vocabulary.knows(plain)):
            return True
        return shouted and len(plain) > 3 and self._vocabulary.without_accents(plain) is not None

    def _correction(
        self, text: str, tokens: Sequence[TypedWord], at: int, shouted: bool, unsure: bool
    ) -> Correction | None:
        token = tokens[at]
        if not shouted and token.text.islower() and token.plain in _hurried():
            return _as_written(text, token.start, token.end, _hurried()[token.plain])
        if shouted and self._vocabulary.knows(token.plain):
            accented = self._vocabulary.without_accents(token.plain)
            return None if accented is None else _as_written(text, token.start, token.end, accented)
        joined = self._joined(text, tokens, at)
        if joined is not None:
            return joined
        guarded = unsure or (token.first and token.text[0].isupper() and not shouted)
        understood = self._best(token.plain, guarded)
        return None if understood is None else _as_written(text, token.start, token.end, understood)

    def _is_name(self, token: TypedWord, shouted: bool) -> bool:
        """Whether capitals tell a name or an acronym. In a text all in capitals they tell nothing."""
        if self._is_acronym(token.text, shouted):
            return True
        inner = any(c.isupper() for c in token.text[1:])
        return not shouted and (inner or (token.text[0].isupper() and not token.first))

    def _in_place(self, tokens: Sequence[TypedWord], at: int) -> bool:
        for first in range(max(0, at - _LONGEST_NAME + 1), at + 1):
            for last in range(at, min(len(tokens), first + _LONGEST_NAME)):
                if self._is_place(" ".join(token.plain for token in tokens[first : last + 1])):
                    return True
        return False

    def _joined(self, text: str, tokens: Sequence[TypedWord], at: int) -> Correction | None:
        """Return a word that a space cut in two: "amena gement"."""
        for one, other in zip(tokens[max(0, at - 1) : at + 1], tokens[at : at + 2], strict=False):
            if text[one.end : other.start] == " " and not self._vocabulary.knows(other.plain):
                whole = self._vocabulary.whole(one.plain + other.plain)
                if whole is not None:
                    return _as_written(text, one.start, other.end, whole)
        return None


def speller_of(snapshot: Snapshot) -> Speller:
    """Return the speller of a snapshot: its catalogue's words, its acronyms, and the places of France."""
    index = snapshot.words
    counts, codes = _mentions(snapshot)
    vocabulary = Vocabulary(counts, lambda word: stem(word) in index)
    entries = [entry for entry in snapshot.acronyms.entries if entry.is_acronym]
    shorts = {entry.short.casefold() for entry in entries if not entry.needs_capitals}
    exact = {entry.short for entry in entries}
    names = words_of_places()

    def is_place(name: str) -> bool:
        # "ecole" is the word before it is the commune of that name.
        if name.isalpha() and vocabulary.is_everyday(name):
            return False
        return fold(name) in names or bool(bundled().named(name, _PLACES))

    def is_acronym(word: str, shouted: bool) -> bool:
        if word.casefold() in shorts or (word in exact and not shouted):
            return True
        return word.casefold() in codes and not vocabulary.knows(word.lower())

    return Speller(vocabulary, is_place, is_acronym)


def _mentions(snapshot: Snapshot) -> tuple[Counter[str], frozenset[str]]:
    """Count the words of a catalogue, and find its acronyms, both in lower case.

    Words in capitals tell no accents: they are not counted. The short ones among small letters are acronyms.
    """
    counts: Counter[str] = Counter()
    codes: set[str] = set()
    left = _MOST_READ
    for resource in snapshot.catalogue:
        text = f"{resource.title}\n{resource.read_summary}"[:left]
        left -= len(text)
        words = _LETTERS.findall(text)
        capitals = [word for word in words if word.isupper()]
        counts.update(word.lower() for word in words if not word.isupper())
        if _FEW_CAPITALS * len(capitals) <= len(words):
            codes.update(word.lower() for word in capitals if 2 < len(word) <= _LONGEST_CODE)
        if left <= 0:
            break
    return counts, frozenset(codes)


@lru_cache(maxsize=1)
def words_of_places() -> frozenset[str]:
    """Return the long words in the names of communes and EPCIs, folded."""
    places = (*bundled().all("commune"), *bundled().all("epci"))
    names = _LETTERS.findall(fold("\n".join(place.name for place in places)))
    return frozenset(name for name in names if len(name) > 4)


def _as_written(text: str, start: int, end: int, understood: str) -> Correction:
    """Return a correction with the first capital of what was written, unless all of it is in capitals."""
    written = text[start:end]
    if written[0].isupper() and not written.isupper():
        understood = understood[0].upper() + understood[1:]
    return Correction(written, understood, start, end)


def _replaced(text: str, corrections: Iterable[Correction]) -> str:
    parts, at = [], 0
    for one in corrections:
        parts += [text[at : one.start], one.understood]
        at = one.end
    return "".join([*parts, text[at:]])


@lru_cache(maxsize=1)
def _hurried() -> Mapping[str, str]:
    """Return the abbreviations of messages, such as "bcp", with what they stand for."""
    lines = (files("reco.text") / "hurried.csv").read_text("utf-8").splitlines()
    return {row["written"]: row["understood"] for row in csv.DictReader(lines)}

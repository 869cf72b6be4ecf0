"""Spelling of a request: what its writer meant by words that neither French nor the catalogue has.

Only a French request is read so. An acronym, a proper noun, the name of a place, and a word that French or
the catalogue knows stay as they are. Nothing is silent: each change is a `Correction`.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from reco.catalogue.places.gazetteer import bundled
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import fold
from reco.text.tokens import stem
from reco.text.vocabulary import Vocabulary

EVERYTHING = "*"
"""In `Query.exact`: search every word as it is typed."""

_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(
    r"\S*(?:://|@)\S*|\bwww\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:fr|com|org|eu|net)\b\S*", re.ASCII
)
_SENTENCE_END = ".!?:\n•-–«"
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_PLACES = ("commune", "department", "region")
_MOST_READ = 5_000_000
"""Characters of a catalogue that are read for its words: five thousand long summaries, in a second."""
_MOST = 64
"""Unknown words of a request that are looked up, so that a long text costs no more than a short one."""
_LONGEST_NAME = 5
"""Words of a place's name around an unknown word."""
_MARKS = 20
"""Signs before a word among which the end of a sentence is sought."""
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

_FEWEST_SHOUTED = 3
"""Words of a line or a part in capitals, such as the object of a deliberation, in a text that is not."""


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int
    first: bool
    """Whether a sentence starts here."""

    @property
    def plain(self) -> str:
        return self.text.lower()


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
        loud = _shouted(text, parts)
        plain = self._in_small_letters(text, loud)
        tokens = _tokens(text)
        aloud = set(_within(tokens, loud))
        unknown = [at for at in _within(tokens, parts) if self._may_change(tokens[at], at in aloud)]
        if not unknown or not self._vocabulary.is_french([token.plain for token in tokens]):
            return Understood(plain)
        kept = set(map(fold, exact))
        corrections: list[Correction] = []
        for at in unknown[:_MOST]:
            found = self._correction(text, tokens, at, at in aloud)
            after = not corrections or (found is not None and found.start >= corrections[-1].end)
            if found is not None and after and fold(found.written) not in kept:
                corrections.append(found)
        return Understood(_replaced(plain, corrections), tuple(corrections))

    def _in_small_letters(self, text: str, loud: Sequence[tuple[int, int]]) -> str:
        """Return a text with these parts in small letters, but for acronyms: a model reads capitals as others."""
        pieces, at = list[str](), 0
        for start, end in loud:
            pieces += [text[at:start], _WORD.sub(lambda word: self._small(word.group()), text[start:end])]
            at = end
        return "".join([*pieces, text[at:]])

    def _small(self, word: str) -> str:
        lower = word.lower()
        return word if self._is_acronym(word, True) or len(lower) != len(word) else lower

    def _may_change(self, token: _Token, shouted: bool) -> bool:
        plain = token.plain
        if not token.text.isalpha() or plain in _PIECES:
            return False
        if plain in _hurried() or (len(plain) > 2 and not self._vocabulary.knows(plain)):
            return True
        return shouted and len(plain) > 3 and self._vocabulary.without_accents(plain) is not None

    def _correction(self, text: str, tokens: Sequence[_Token], at: int, shouted: bool) -> Correction | None:
        token = tokens[at]
        if self._is_name(token, shouted) or self._in_place(tokens, at):
            return None
        if not shouted and token.text.islower() and token.plain in _hurried():
            return _as_written(text, token.start, token.end, _hurried()[token.plain])
        if shouted and self._vocabulary.knows(token.plain):
            accented = self._vocabulary.without_accents(token.plain)
            return None if accented is None else _as_written(text, token.start, token.end, accented)
        joined = self._joined(text, tokens, at)
        if joined is not None:
            return joined
        guarded = token.first and token.text[0].isupper() and not shouted
        understood = self._best(token.plain, guarded)
        return None if understood is None else _as_written(text, token.start, token.end, understood)

    def _is_name(self, token: _Token, shouted: bool) -> bool:
        """Whether capitals tell a name or an acronym. In a text all in capitals they tell nothing."""
        if self._is_acronym(token.text, shouted):
            return True
        inner = any(c.isupper() for c in token.text[1:])
        return not shouted and (inner or (token.text[0].isupper() and not token.first))

    def _in_place(self, tokens: Sequence[_Token], at: int) -> bool:
        for first in range(max(0, at - _LONGEST_NAME + 1), at + 1):
            for last in range(at, min(len(tokens), first + _LONGEST_NAME)):
                if self._is_place(" ".join(token.plain for token in tokens[first : last + 1])):
                    return True
        return False

    def _joined(self, text: str, tokens: Sequence[_Token], at: int) -> Correction | None:
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
    vocabulary = Vocabulary(_mentions(snapshot), lambda word: stem(word) in index)
    entries = [entry for entry in snapshot.acronyms.entries if entry.is_acronym]
    shorts = {entry.short.casefold() for entry in entries if not entry.needs_capitals}
    exact = {entry.short for entry in entries}
    names = _words_of_places()

    def is_place(name: str) -> bool:
        # "ecole" is the word before it is the commune of that name.
        if name.isalpha() and vocabulary.is_everyday(name):
            return False
        return fold(name) in names or bool(bundled().named(name, _PLACES))

    def is_acronym(word: str, shouted: bool) -> bool:
        return word.casefold() in shorts or (word in exact and not shouted)

    return Speller(vocabulary, is_place, is_acronym)


def _mentions(snapshot: Snapshot) -> Counter[str]:
    """Count the words of a catalogue in lower case; those in capitals tell no accents and are left out."""
    counts: Counter[str] = Counter()
    left = _MOST_READ
    for resource in snapshot.catalogue:
        text = f"{resource.title}\n{resource.read_summary}"[:left]
        left -= len(text)
        counts.update(word.lower() for word in _LETTERS.findall(text) if not word.isupper())
        if left <= 0:
            break
    return counts


@lru_cache(maxsize=1)
def _words_of_places() -> frozenset[str]:
    """Return the long words in the names of communes and EPCIs, folded."""
    places = (*bundled().all("commune"), *bundled().all("epci"))
    names = _LETTERS.findall("\n".join(place.name for place in places))
    return frozenset(fold(name) for name in set(names) if len(name) > 4)


def is_shouted(text: str) -> bool:
    """Whether a text is all in capitals, so that they tell neither names nor acronyms."""
    letters = [c for c in text if c.isalpha()]
    lower = sum(c.islower() for c in letters)
    return lower * 20 <= len(letters) and any(len(w) > 4 and w.isupper() for w in _WORD.findall(text))


def _shouted(text: str, parts: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
    """Return the start and end of what is all in capitals: the text, or each part, or each line of it."""
    if is_shouted(text):
        return [(0, len(text))]
    if parts is None:
        ends = [at for at, letter in enumerate(text) if letter == "\n"]
        parts = list(zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True))
    longer = (part for part in parts if len(_WORD.findall(text, *part)) >= _FEWEST_SHOUTED)
    return [part for part in longer if is_shouted(text[slice(*part)])]


def _tokens(text: str) -> list[_Token]:
    """Return the words of a text outside addresses."""
    blanked = _ADDRESS.sub(lambda found: " " * len(found.group()), text)
    found = []
    for match in _WORD.finditer(blanked):
        before = blanked[max(0, match.start() - _MARKS) : match.start()].rstrip(" \"'’(")[-1:]
        found.append(_Token(match.group(), match.start(), match.end(), not before or before in _SENTENCE_END))
    return found


def _within(tokens: Sequence[_Token], parts: Sequence[tuple[int, int]] | None) -> Iterable[int]:
    """Return the places of the tokens that start in a part; of all tokens without parts."""
    if parts is None:
        return range(len(tokens))
    starts = [token.start for token in tokens]
    return [at for start, end in parts for at in range(bisect_left(starts, start), bisect_left(starts, end))]


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

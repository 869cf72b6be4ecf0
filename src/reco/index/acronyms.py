"""Acronyms and near-synonyms of local public action: an editable table, and what texts define.

Both sides of a search use it. A document that writes an acronym, its full form or a synonym also has
the concept's own term; a request that does so asks for that term, and for the other forms.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from reco.errors import InvalidInput
from reco.text.clean import fold
from reco.text.tokens import STOP_WORDS, Word, stems, words

CASE_MATTERS = "respecter la casse"
"""In a row's note: the acronym is also an everyday word, so only its exact spelling counts."""

_SHORT = re.compile(r"[^\W_]+(?:[-&][^\W_]+)*")
_DEFINED = re.compile(r" \(([A-Z][\w&-]{1,9})\)")
_BEFORE = re.compile(r"(?:[\w'’-]+[ ,]+){2,12}[\w'’-]+\Z")
_FURTHEST = 400
"""Characters before a parenthesis among which its full form is looked for."""

_RUN = re.compile(r"[^\W_]+")
_CONCEPT = "§"


@dataclass(frozen=True)
class Acronym:
    """One concept: `short` is an acronym, or a phrase; `synonyms` are other ways to write `full`."""

    short: str
    full: str
    synonyms: tuple[str, ...] = ()
    exact: bool = False

    @property
    def is_acronym(self) -> bool:
        """Whether `short` stands for the full form letter by letter, rather than being a phrase."""
        return " " not in self.short and any(c.isupper() for c in self.short[1:])

    @property
    def concept(self) -> str:
        """The term that documents and requests share."""
        return _CONCEPT + fold(self.full)


@dataclass(frozen=True)
class Expansion:
    """An entry found in a text: `text[start:end]` as written, and the terms it is made of."""

    entry: Acronym
    written: str
    start: int
    end: int
    terms: tuple[str, ...]

    @property
    def short(self) -> str:
        """The name under which a user can take the expansion away."""
        return self.entry.short


class Acronyms:
    """Finds the entries of a table in texts, the longest first."""

    def __init__(self, entries: Iterable[Acronym] = ()) -> None:
        self.entries = tuple(entries)

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def read(cls, path: Path) -> Acronyms:
        """Read a CSV table: short, full, synonyms (`;` between), note. Raises InvalidInput."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InvalidInput(
                f"The table of acronyms {path} cannot be read: {error}.", "Check `acronyms` under [ranking]."
            ) from error
        bad = [line for line, row in enumerate(rows, start=2) if not (row.get("short") and row.get("full"))]
        if bad:
            raise InvalidInput(
                f"{path}, line {bad[0]}: an acronym needs `short` and `full`.", "Fill the row or remove it."
            )
        return cls(_entry(row) for row in rows)

    def extended(self, learnt: Iterable[Acronym]) -> Acronyms:
        """Return this table with definitions learnt from texts; what the table says wins."""
        known = {fold(entry.short) for entry in self.entries}
        return Acronyms((*self.entries, *(entry for entry in learnt if fold(entry.short) not in known)))

    def unlike(self, before: Acronyms) -> Acronyms:
        """Return the entries that only one of two tables has; all where others have another order."""
        mine, theirs = frozenset(self.entries), frozenset(before.entries)
        kept = [entry for entry in self.entries if entry in theirs]
        if kept != [entry for entry in before.entries if entry in mine]:
            return Acronyms((*self.entries, *before.entries))
        return Acronyms(sorted(mine ^ theirs, key=lambda entry: entry.short))

    def to_bytes(self) -> bytes:
        """Return the table as JSON."""
        return json.dumps([asdict(entry) for entry in self.entries], ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Acronyms:
        """Read what `to_bytes` wrote."""
        return cls(Acronym(**{**row, "synonyms": tuple(row["synonyms"])}) for row in json.loads(data))

    def find(self, text: str) -> list[Expansion]:
        """Return the entries that a text uses, each once, in the order of the text."""
        found = [*self._shorts(text), *self._phrases(text)]
        found.sort(key=lambda e: (e.start, e.start - e.end))
        kept: dict[str, Expansion] = {}
        end = -1
        for expansion in found:
            if expansion.start >= end:
                end = expansion.end
                kept.setdefault(expansion.entry.concept, expansion)
        return list(kept.values())

    def concepts(self, text: str) -> list[str]:
        """Return the concept terms of a document."""
        return [expansion.entry.concept for expansion in self.find(text)]

    def may_begin(self, token: str) -> bool:
        """Whether an entry may begin in a token: a text without such a token has no concept."""
        return not self._firsts.isdisjoint(_RUN.findall(token.casefold())) or any(
            stem in self._longest for stem in stems(token)
        )

    @cached_property
    def _firsts(self) -> frozenset[str]:
        """What every acronym begins with."""
        return frozenset(match.group() for short in self._by_short if (match := _RUN.match(short)))

    def _shorts(self, text: str) -> list[Expansion]:
        found = []
        for match in _SHORT.finditer(text):
            entry = self._by_short.get(match.group().casefold())
            if entry is not None and _spelt(entry, match.group()):
                terms = tuple(word.stem for word in words(match.group()))
                found.append(Expansion(entry, match.group(), match.start(), match.end(), terms))
        return found

    def _phrases(self, text: str) -> list[Expansion]:
        read = words(text)
        found = []
        for at in range(len(read)):
            longest = self._longest.get(read[at].stem, 0)
            for length in range(min(longest, len(read) - at), 0, -1):
                entry = self._by_phrase.get(tuple(word.stem for word in read[at : at + length]))
                if entry is not None:
                    found.append(_expansion(entry, text, read[at : at + length]))
                    break
        return found

    @cached_property
    def _by_short(self) -> Mapping[str, Acronym]:
        return {entry.short.casefold(): entry for entry in self.entries if entry.is_acronym}

    @cached_property
    def _by_phrase(self) -> Mapping[tuple[str, ...], Acronym]:
        table: dict[tuple[str, ...], Acronym] = {}
        for entry in self.entries:
            forms = (
                (entry.full, *entry.synonyms)
                if entry.is_acronym
                else (entry.short, entry.full, *entry.synonyms)
            )
            for form in forms:
                key = tuple(word.stem for word in words(form))
                if len(key) > 1 or (key and not entry.is_acronym):
                    table.setdefault(key, entry)
        return table

    @cached_property
    def _longest(self) -> Mapping[str, int]:
        """How many words the longest phrase beginning with a stem has."""
        longest: dict[str, int] = {}
        for key in self._by_phrase:
            longest[key[0]] = max(len(key), longest.get(key[0], 0))
        return longest


def learn(texts: Iterable[str]) -> list[Acronym]:
    """Return the acronyms that texts define as "full form (ACRONYM)", once two letters in three fit.

    The full form is the shortest run of words before the parenthesis whose initials give the
    acronym (after Schwartz and Hearst 2003, "A simple algorithm for identifying abbreviation
    definitions in biomedical text").
    """
    found: dict[str, Acronym] = {}
    for text in texts:
        for match in _DEFINED.finditer(text):
            before = _BEFORE.search(text, max(0, match.start() - _FURTHEST), match.start())
            full = _full_form(before.group(), match.group(1)) if before is not None else ""
            if full:
                found.setdefault(match.group(1), Acronym(match.group(1), full, exact=True))
    return list(found.values())


def _full_form(before: str, short: str) -> str:
    letters = [c for c in fold(short) if c.isalpha()]
    if len(letters) < 3:
        return ""
    tokens = [m for m in re.finditer(r"[^\W_]+", before) if m.group().casefold() not in STOP_WORDS]
    for first in range(len(tokens) - 1, -1, -1):
        initials = iter([fold(token.group())[:1] for token in tokens[first:]])
        if fold(tokens[first].group())[:1] == letters[0] and all(letter in initials for letter in letters):
            return before[tokens[first].start() :].strip(" ,")
    return ""


def _entry(row: Mapping[str, str]) -> Acronym:
    synonyms = tuple(part.strip() for part in (row.get("synonyms") or "").split(";") if part.strip())
    exact = CASE_MATTERS in (row.get("note") or "") or len(row["short"].strip()) <= 2
    return Acronym(row["short"].strip(), row["full"].strip(), synonyms, exact)


def _spelt(entry: Acronym, written: str) -> bool:
    return written == entry.short if entry.exact else True


def _expansion(entry: Acronym, text: str, read: Sequence[Word]) -> Expansion:
    start, end = read[0].start, read[-1].end
    return Expansion(entry, text[start:end], start, end, tuple(word.stem for word in read))

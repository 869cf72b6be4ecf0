"""Acronyms and near-synonyms of local public action: an editable table, and definitions in texts.

Each entry is a concept, such as "PLU", "plan local d'urbanisme". A document that contains any form of it
gets the term of the concept. A query that contains one gets that term and the other forms.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter

from reco.errors import InvalidInput
from reco.index.capitals import Capitals
from reco.text.clean import fold
from reco.text.decoding import decoded
from reco.text.tokens import STOP_WORDS, stems, words

CASE_MATTERS = "respecter la casse"
"""In the `note` of a row: the acronym is also an ordinary word, so only its exact case matches."""

READING = 2
"""Version of what is found in a text. Raise it with every change here: older indexes are then rebuilt."""

_SHORT = re.compile(r"[^\W_]+(?:[-&][^\W_]+)*")
_DEFINITION = re.compile(r" \(([A-Z][\w&-]{1,9})\)")
_WORDS_BEFORE = re.compile(r"(?:[\w'’-]+[ ,]+){2,12}[\w'’-]+\Z")
_LONGEST_BEFORE = 400
"""Characters before a parenthesis that may hold the full form."""

_RUN = re.compile(r"[^\W_]+")
_CONCEPT = "§"


@dataclass(frozen=True)
class Acronym:
    """One concept. `short` is an acronym or a phrase; `synonyms` are other forms of `full`.

    If `exact`, `short` matches in its own case only, and only where capitals say something. So does an
    acronym that is also one of the words of `ordinary_words.csv`, in any table.
    """

    short: str
    full: str
    synonyms: tuple[str, ...] = ()
    exact: bool = False

    @property
    def is_acronym(self) -> bool:
        """Whether `short` is an acronym, rather than a phrase."""
        return " " not in self.short and any(c.isupper() for c in self.short[1:])

    @property
    def needs_capitals(self) -> bool:
        """Whether only the acronym's own case may mean it."""
        return self.exact or (self.is_acronym and fold(self.short) in _ordinary())

    @property
    def concept(self) -> str:
        """The term of the concept in documents and queries: `"§plan local d'urbanisme"`."""
        return _CONCEPT + fold(self.full)


_ENTRIES = TypeAdapter(tuple[Acronym, ...])


@dataclass(frozen=True)
class Expansion:
    """An entry found in a text: `written` is `text[start:end]`, `terms` are its stems."""

    entry: Acronym
    written: str
    start: int
    end: int
    terms: tuple[str, ...]

    @property
    def short(self) -> str:
        """The name by which a user can remove the expansion."""
        return self.entry.short


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    """Return the everyday words that are also acronyms, folded."""
    lines = (files("reco.index") / "ordinary_words.csv").read_text("utf-8").splitlines()
    return frozenset(row["word"] for row in csv.DictReader(lines))


class Acronyms:
    """A table of acronyms that finds its entries in texts; the longest match wins."""

    def __init__(self, entries: Iterable[Acronym] = ()) -> None:
        self.entries = tuple(entries)

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def read(cls, path: Path) -> Acronyms:
        """Read a CSV table with the columns short, full, synonyms (separated by `;`) and note.

        Raises InvalidInput.
        """
        try:
            rows = list(csv.DictReader(io.StringIO(decoded(path.read_bytes()), newline="")))
        except (OSError, csv.Error) as error:
            raise InvalidInput(
                f"The table of acronyms {path} cannot be read: {error}.", "Check `acronyms` under [ranking]."
            ) from error
        bad = [line for line, row in enumerate(rows, start=2) if not (row.get("short") and row.get("full"))]
        if bad:
            raise InvalidInput(
                f"{path}, line {bad[0]}: an acronym needs `short` and `full`.", "Complete or remove the row."
            )
        return cls(_entry(row) for row in rows)

    def extended(self, learnt: Iterable[Acronym]) -> Acronyms:
        """Return this table with entries learnt from texts; an entry of this table wins over a learnt one."""
        known = {fold(entry.short) for entry in self.entries}
        return Acronyms((*self.entries, *(entry for entry in learnt if fold(entry.short) not in known)))

    def unlike(self, before: Acronyms) -> Acronyms:
        """Return the entries that only one of two tables has; all if their common entries changed order."""
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
        """Read the bytes of `to_bytes`."""
        return cls(_ENTRIES.validate_json(data))

    def has_short(self, word: str) -> bool:
        """Whether a word may be an acronym of the table: "NOTRE" is not "NOTRe"."""
        entry = self._by_short.get(word.casefold())
        return entry is not None and (word == entry.short or not entry.needs_capitals)

    def find(self, text: str) -> list[Expansion]:
        """Return the entries that a text contains, each once, in order of position."""
        found = [*self._find_acronyms(text), *self._find_phrases(text)]
        found.sort(key=lambda e: (e.start, e.start - e.end))
        kept: dict[str, Expansion] = {}
        end = -1
        for expansion in found:
            if expansion.start >= end:
                end = expansion.end
                kept.setdefault(expansion.entry.concept, expansion)
        return list(kept.values())

    def concepts(self, text: str) -> list[str]:
        """Return the concept terms of a text."""
        return [expansion.entry.concept for expansion in self.find(text)]

    def may_begin(self, token: str) -> bool:
        """Whether an entry may start in a token. A text without such a token has no concept."""
        return not self._first_runs.isdisjoint(_RUN.findall(token.casefold())) or any(
            stem in self._longest_phrase for stem in stems(token)
        )

    @cached_property
    def _first_runs(self) -> frozenset[str]:
        """The first run of letters and digits of each acronym, case-folded."""
        return frozenset(match.group() for short in self._by_short if (match := _RUN.match(short)))

    def _find_acronyms(self, text: str) -> list[Expansion]:
        found = []
        capitals: Capitals | None = None
        for match in _SHORT.finditer(text):
            entry = self._by_short.get(match.group().casefold())
            if entry is None:
                continue
            if entry.needs_capitals:
                capitals = capitals or Capitals(text, self.has_short)
                if match.group() != entry.short or not capitals.say_something(match.start()):
                    continue
            terms = tuple(word.stem for word in words(match.group()))
            found.append(Expansion(entry, match.group(), match.start(), match.end(), terms))
        return found

    def _find_phrases(self, text: str) -> list[Expansion]:
        text_words = words(text)
        found = []
        for at in range(len(text_words)):
            longest = self._longest_phrase.get(text_words[at].stem, 0)
            for length in range(min(longest, len(text_words) - at), 0, -1):
                terms = tuple(word.stem for word in text_words[at : at + length])
                start, end = text_words[at].start, text_words[at + length - 1].end
                if (entry := self._by_phrase.get(terms)) is not None and not (
                    length == 1 and _is_root(text[start:end], entry)
                ):
                    found.append(Expansion(entry, text[start:end], start, end, terms))
                    break
        return found

    @cached_property
    def _by_short(self) -> Mapping[str, Acronym]:
        return {entry.short.casefold(): entry for entry in self.entries if entry.is_acronym}

    @cached_property
    def _by_phrase(self) -> Mapping[tuple[str, ...], Acronym]:
        table: dict[tuple[str, ...], Acronym] = {}
        for entry in self.entries:
            shorts = () if entry.is_acronym else (entry.short,)
            for form in (*shorts, entry.full, *entry.synonyms):
                key = tuple(word.stem for word in words(form))
                if len(key) > 1 or (key and not entry.is_acronym):
                    table.setdefault(key, entry)
        return table

    @cached_property
    def _longest_phrase(self) -> Mapping[str, int]:
        """The number of words in the longest phrase that starts with each stem."""
        longest: dict[str, int] = {}
        for key in self._by_phrase:
            longest[key[0]] = max(len(key), longest.get(key[0], 0))
        return longest


def _is_root(written: str, entry: Acronym) -> bool:
    """Whether a word is only the start of the entry's: "concert" has the stem of "concertation"."""
    word, stem = fold(written).rstrip("sx"), stems(written)
    forms = [
        fold(form).rstrip("sx") for form in (entry.short, entry.full, *entry.synonyms) if stems(form) == stem
    ]
    return all(len(word) < len(form) and form.startswith(word) for form in forms)


def learn(texts: Iterable[str]) -> list[Acronym]:
    """Return the acronyms that texts define: `"plan local d'urbanisme (PLU)"` gives "PLU".

    The full form is the shortest run of words before the parenthesis whose initials contain the letters
    of the acronym in order, at least three (after Schwartz and Hearst 2003, "A simple algorithm for
    identifying abbreviation definitions in biomedical text").
    """
    found: dict[str, Acronym] = {}
    for text in texts:
        for match in _DEFINITION.finditer(text):
            before = _WORDS_BEFORE.search(text, max(0, match.start() - _LONGEST_BEFORE), match.start())
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

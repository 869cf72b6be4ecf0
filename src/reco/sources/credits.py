"""The credits of a resource: one line that names people, organisations or both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from rapidfuzz import fuzz

from reco.text.clean import fold

ORGANISATIONS = frozenset((files("reco.sources") / "organisations.txt").read_text("utf-8").split())
"""Folded words that only the name of an organisation holds."""

_ARTICLES = ("le ", "la ", "les ", "l'", "the ")
_PARTICLES = frozenset("de du des d la le von van der den di da del dos el al ben bin y".split())
# Matches from the first of several spaces only: matching from each takes quadratic time.
_SPACE_BEFORE = r"(?:(?<!\s)\s+)?"
_SEPARATOR = re.compile(rf"{_SPACE_BEFORE}[,;|]\s*|(?<!\s)\s+/\s+")
_AND = re.compile(r"(?<!\s)\s+(?:et|and|&)\s+")
_ROLE = re.compile(
    _SPACE_BEFORE + r"\((?:sous la |co-?)?(?:dir|direction|coord|éd|ed|eds|préf|ill)[^)]*\)", re.IGNORECASE
)
_ACRONYM = re.compile(r"^\(?[A-ZÀ-Þ][A-ZÀ-Þ0-9&.-]*[A-ZÀ-Þ0-9]\)?$")
_INITIAL = re.compile(r"^(?:[A-ZÀ-Þ]\.?-?){1,2}\.$")
_CAPITALISED = re.compile(r"^(?:[dDlL]['’])?[A-ZÀ-Þ][\w'’.-]*$")
_NAME_IN_TEXT = r"\b{first}\s+((?:d[eu]s?\s+|d['’])?[A-ZÀ-Þ][\w'’-]+)"

_ALIKE = 75
"""Similarity, of 100, from which two surnames after the same first name count as one misspelt name."""


@dataclass(frozen=True)
class Credit:
    """The people and organisations of a line, in order, and the confidence of the division, 0 to 1."""

    authors: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    confidence: float = 1.0


def divide(line: str) -> Credit:
    """Divide a line of credits: "Jean Dupont, ADEME" -> author "Jean Dupont", publisher "ADEME"."""
    parts = [(part, *_is_person(part)) for part in _parts(line)]
    return Credit(
        authors=tuple(part for part, person, _ in parts if person),
        publishers=tuple(part for part, person, _ in parts if not person),
        confidence=min((confidence for _, _, confidence in parts), default=1.0),
    )


def is_likely(line: str) -> bool:
    """Return whether a line looks like credits rather than a sentence or a title."""
    if len(line) > 200:
        return False
    credit = divide(line)
    return credit.confidence >= 0.8 and bool(credit.authors or credit.publishers)


def misspellings(author: str, text: str) -> tuple[str, ...]:
    """Return the full names in `text` with an author's first name and a slightly different surname."""
    first, _, surname = _without_role(author).partition(" ")
    if not surname or first not in text:
        return ()
    surnames = dict.fromkeys(re.findall(_NAME_IN_TEXT.format(first=re.escape(first)), text))
    return tuple(f"{first} {other}" for other in surnames if _differs_slightly(surname, other))


def _differs_slightly(surname: str, other: str) -> bool:
    mine, theirs = fold(surname), fold(other)
    return mine != theirs and theirs not in mine.split() and fuzz.ratio(mine, theirs) >= _ALIKE


def _parts(line: str) -> Iterator[str]:
    """Cut a line at its separators, but not at a comma inside an organisation's name."""
    parts: list[list[str]] = []
    for part in _SEPARATOR.split(line.strip(" ,;|/")):
        if parts and part[:1].islower() and not part.startswith("et "):
            parts[-1].append(part)
        elif part:
            parts.append([part.removeprefix("et ")])
    for pieces in parts:
        part = ", ".join(pieces)
        pair = _AND.split(part)
        yield from pair if all(_is_person(name)[0] for name in pair) else [part]


def _without_role(part: str) -> str:
    end = part.rfind(")") + 1  # no role can end after it
    return _ROLE.sub("", part[:end]) + part[end:]


def _is_person(part: str) -> tuple[bool, float]:
    """Return whether a part names a person, and the confidence, 0 to 1."""
    words = _without_role(part).replace("’", "'").split()
    if _names_organisation(part, words):
        return False, 1.0
    acronyms = [word for word in words if _ACRONYM.match(word) and not _INITIAL.match(word)]
    if len(words) == 1 or (acronyms and words[0] == acronyms[0]) or any("(" in word for word in words):
        shouted = len(words) > 1 and len(acronyms) == len(words)  # a name in capitals looks the same
        return False, 0.9 if acronyms and not shouted else 0.7
    named = [word for word in words if word not in _PARTICLES]
    if all(_CAPITALISED.match(word) for word in named) and 2 <= len(named) <= 4:
        return True, 0.8 if acronyms else 0.95
    return False, 0.7


def _names_organisation(part: str, words: list[str]) -> bool:
    folded = fold(part)
    marks = ORGANISATIONS & set(re.split(r"[^a-z0-9]+", folded))
    digits = any(character.isdigit() for character in folded)
    return bool(marks) or digits or folded.startswith(_ARTICLES)

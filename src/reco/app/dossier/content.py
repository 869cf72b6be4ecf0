"""Content of a dossier, and the headings of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reco.catalogue.resource import Resource
from reco.ranking.explain import Explanation
from reco.text.clean import clean, quotation

LONGEST_CELL = 32_767
"""Most characters of a cell, in UTF-16 units. A spreadsheet cuts or drops a longer cell."""

CUT = " […]"
_UNWRITABLE = re.compile("[\ufffe\uffff]")
_MOST_QUOTES = 2


@dataclass(frozen=True)
class Item:
    """A kept resource: the passages that answer the query, the reasons of its score, the visitor's note.

    The caller words `level` and `reasons`; the reasons come from the contributions of the score.
    """

    resource: Resource
    quotes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    level: str = ""
    note: str = ""


@dataclass(frozen=True)
class Dossier:
    """A dossier: title and query in the visitor's words, items in the visitor's order.

    `foot` names the snapshot and its date, in words.
    """

    title: str
    request: str
    items: tuple[Item, ...]
    foot: str


@dataclass(frozen=True)
class Headings:
    """The fixed words of a file, in the reader's language."""

    request: str
    resources: str
    rank: str
    title: str
    level: str
    publisher: str
    authors: str
    year: str
    type: str
    theme: str
    place: str
    quotes: str
    reasons: str
    note: str
    link: str
    source: str
    id: str
    open_quote: str
    close_quote: str


def quotes_of(explanation: Explanation) -> tuple[str, ...]:
    """Return at most two passages, the nearest to the query, in the order of the summary."""
    best = sorted(explanation.passages[:_MOST_QUOTES], key=lambda quote: quote.start)
    return tuple(quotation(quote.text) for quote in best)


def sound(text: str) -> str:
    """Return a text that every format can hold: no control character, surrogate or non-character."""
    return _UNWRITABLE.sub("\ufffd", clean(text))


def one_line(text: str) -> str:
    """Return a `sound` text on one line."""
    return " ".join(sound(text).split())


def address(resource: Resource) -> str:
    """Return the resource's link on one line, empty if a browser cannot follow it."""
    return one_line(resource.link)


def cut(text: str) -> str:
    """Return a `sound` text that fits in a cell. A text that is cut ends with `CUT`."""
    text = sound(text)
    if len(text.encode("utf-16-le")) // 2 <= LONGEST_CELL:
        return text
    kept = text.encode("utf-16-le")[: 2 * (LONGEST_CELL - len(CUT))]
    return kept.decode("utf-16-le", "ignore") + CUT


def facts(item: Item) -> list[str]:
    """Return publisher, authors, year, type and place, without the unknown ones."""
    resource = item.resource
    values = (resource.publisher, resource.authors, str(resource.year or ""), resource.type, resource.place)
    return [one_line(value) for value in values if value]

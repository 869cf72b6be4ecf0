"""What a dossier holds, and the words under which it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reco.catalogue.resource import Resource
from reco.ranking.explain import Explanation
from reco.text.clean import clean, quotation

LONGEST_CELL = 32_767
"""Characters of a cell, in UTF-16 units: a spreadsheet drops what is longer, or the whole cell."""

CUT = " […]"
_UNWRITABLE = re.compile("[\ufffe\uffff]")
_MOST_QUOTES = 2


@dataclass(frozen=True)
class Item:
    """A resource kept: the passages that answered, why, the visitor's note, and the request they answer.

    `reasons` are worded by whoever shows them, from the contributions of a score; `level` too.
    """

    resource: Resource
    quotes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    level: str = ""
    note: str = ""


@dataclass(frozen=True)
class Dossier:
    """A title and a request in the visitor's words, items in the visitor's order, and what they come from.

    `foot` says in words which catalogue was read and when.
    """

    title: str
    request: str
    items: tuple[Item, ...]
    foot: str


@dataclass(frozen=True)
class Headings:
    """The fixed words of a document, in the language of who reads it."""

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
    """Return the passages nearest to the request, in the order of their summary."""
    best = sorted(explanation.passages[:_MOST_QUOTES], key=lambda quote: quote.start)
    return tuple(quotation(quote.text) for quote in best)


def sound(text: str) -> str:
    """Return a text that every format can hold: no control, no surrogate, nothing that is no character."""
    return _UNWRITABLE.sub("\ufffd", clean(text))


def one_line(text: str) -> str:
    """Return a sound text without line ends."""
    return " ".join(sound(text).split())


def address(resource: Resource) -> str:
    """Return the resource's address when a browser may follow it, else an empty string."""
    return one_line(resource.link)


def cut(text: str) -> str:
    """Return a sound text that fits in a cell, with a mark where it is cut."""
    text = sound(text)
    if len(text.encode("utf-16-le")) // 2 <= LONGEST_CELL:
        return text
    kept = text.encode("utf-16-le")[: 2 * (LONGEST_CELL - len(CUT))]
    return kept.decode("utf-16-le", "ignore") + CUT


def facts(item: Item) -> list[str]:
    """Return who made a resource, when, and what it is, without what is not said."""
    found = item.resource
    values = (found.publisher, found.authors, str(found.year or ""), found.type, found.place)
    return [one_line(value) for value in values if value]

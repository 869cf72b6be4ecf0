"""The pages of a document as one text, without the header, footer and number that each page repeats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from reco.text.clean import fold

_EDGE = 3
"""Lines at the top and at the bottom of a page that may be of its header or footer."""
_LONGEST = 200
"""Characters of such a line."""
_LETTERS = dict(zip("\x1b\x1c\x1d\x1e\x1f", ("ff", "fi", "fl", "ffi", "ffl"), strict=True))
"""LaTeX's fonts hold ligatures at these places (Cork encoding), and its files often do not say so."""
_LIGATURE = re.compile(f"[{''.join(_LETTERS)}]")
_LINE_END = re.compile(r"\r\n?|\u2028|\u2029|[\x0b\x0c]")
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(
    r"(?:page|p\.?)? ?[-–—]? ?#(?: ?(?:/|sur|de|of) ?#)? ?[-–—]?"
    r"|#/#/#,? #:#(?: [ap]m)?.*|(?:file|https?)://\S+ #/#|.{4,} [-–—|] ?(?:page )?#/#"
)
"""The number of a page, or what a browser prints at the edges of a page."""
_NUMBERED = re.compile(r".{8,}[-–—|] ?(?:page #|#/#)")
_PLAIN_NUMBER = re.compile(r"(?:.* )?page # ?(?:/|sur) ?#|page #|[-–—] ?# ?[-–—]")
"""The number of a page wherever it is: "12" or "3/12" alone may be a quantity or a date."""


def joined(pages: Sequence[str]) -> str:
    """Return the text of pages, in order. A line at an edge of most pages, but for its digits, is left out.

    The time is linear in the length of the text.
    """
    pages = [spelt(page) for page in pages]
    lines = [[line for line in page.split("\n") if line.strip()] for page in pages]
    counts = Counter(key for page in lines for key in {_key(page[place]) for place in _edges(page)})
    repeated = {key for key, number in counts.items() if number > 1 and number * 2 >= len(pages)}
    kept = []
    for page, of_page in zip(pages, lines, strict=True):
        left_out = {place for place in _edges(of_page) if _is_running(of_page[place], repeated)}
        kept.append(_without(page, left_out))
    return "\n".join(kept)


def body(text: str) -> str:
    """Return a text without the page numbers and footers that its pages left in it.

    Form feeds say where its pages end. Without them, a line goes that is a page number, or that comes
    again and ends with one. The time is linear in the length of the text.
    """
    if "\x0c" in text:
        return joined(text.split("\x0c"))
    lines = text.split("\n")
    keys = [_key(line.strip()) if len(line) <= _LONGEST and _DIGITS.search(line) else "" for line in lines]
    counts = Counter(keys)
    kept = [
        line
        for line, key in zip(lines, keys, strict=True)
        if not _PLAIN_NUMBER.fullmatch(key) and not (counts[key] > 1 and _NUMBERED.fullmatch(key))
    ]
    return "\n".join(kept) if any(line.strip() for line in kept) else text


def spelt(page: str) -> str:
    """Return the text of a page with the ligatures of LaTeX as letters."""
    page = _LINE_END.sub("\n", page)
    return _LIGATURE.sub(lambda found: _LETTERS[found.group()], page)


def _edges(page: Sequence[str]) -> set[int]:
    if len(page) < _EDGE:
        return set()
    deep = min(_EDGE, max(1, len(page) // 4))  # most of a short page is its body
    return {*range(deep), *range(len(page) - deep, len(page))}


def _key(line: str) -> str:
    return _DIGITS.sub("#", fold(line[:_LONGEST]))


def _is_running(line: str, repeated: set[str]) -> bool:
    key = _key(line)
    bare = _NUMBER.fullmatch(key) is not None
    return len(line) <= _LONGEST and (bare or key in repeated)


def _without(page: str, places: set[int]) -> str:
    """Return a page without the lines at these places; blank lines have no place."""
    kept, place = [], 0
    for line in page.split("\n"):
        if not line.strip():
            kept.append(line)
            continue
        if place not in places:
            kept.append(line)
        place += 1
    return "\n".join(kept).strip("\n")

"""The items of an XML text that is not well-formed, found without a parser, in linear time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_OPENER = re.compile(r"<!\[CDATA\[|<!--|<\?")
_CLOSERS = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_SWALLOWED = re.compile(
    r"<!\[CDATA\[[^<]*+(?:<(?!!\[CDATA\[)[^<]*+)*?</(?:[\w.-]{1,40}:)?(?:item|entry|record)>"
)
_MOST_TAG = 2_000


@dataclass
class Parts:
    """An XML text in parts: what stands before its items, the items, what stands between and after them."""

    head: str
    items: list[str]
    gaps: list[str]
    """What follows each item: spaces, most often."""
    tail: str
    unclosed: bool = False
    """Whether the tail starts with an item that has no end tag."""


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a text in order, and whether each is markup: not CDATA, a comment or the like.

    What is opened and never closed is markup, and so is a section that another one of its kind interrupts.
    """
    start = position = 0
    ends: dict[str, int] = {}
    while opener := _OPENER.search(text, position):
        kind = opener[0]
        if ends.get(kind, -2) != -1 and ends.get(kind, -2) < opener.end():
            ends[kind] = text.find(_CLOSERS[kind], opener.end())
        end = ends[kind]
        position = opener.end()
        if end < 0 or text.find(kind, position, end) >= 0:
            continue
        position = end + len(_CLOSERS[kind])
        if opener.start() > start:
            yield text[start : opener.start()], True
        yield text[opener.start() : position], False
        start = position
    if start < len(text):
        yield text[start:], True


def outside(text: str, change: Callable[[str], str]) -> str:
    """Return `text` with its markup changed, and its CDATA sections and comments as they are."""
    return "".join(change(piece) if is_markup else piece for piece, is_markup in pieces(text))


def is_interrupted(text: str) -> bool:
    """Return whether a CDATA section goes on into the next item, up to the end of a section there.

    Such a text is well-formed, but the items between are lost.
    """
    return any(
        is_markup and _SWALLOWED.search(piece) is not None
        for piece, is_markup in (pieces(text) if text.count("<![CDATA[") > text.count("]]>") else ())
    )


def parted(text: str, names: Sequence[str], first: str = "") -> Parts:
    """Cut a text at its items, which are elements of these names; `first` is how an item's content starts.

    An item without an end tag ends where the next one starts; the last one is then left in the tail.
    """
    local = "|".join(names)
    tag = re.compile(rf"<((?:[\w.-]{{1,40}}:)?(?:{local}))(?=[\s>/])[^<>]{{0,{_MOST_TAG}}}>{first}")
    starts = [(found.start(), found.end(), found[1], found[0]) for found in _tags(text, tag)]
    if not starts:
        return Parts(text, [], [], "")
    parts = Parts(text[: starts[0][0]], [], [], "")
    bounds = [start[0] for start in starts[1:]] + [len(text)]
    for (start, inside, name, written), bound in zip(starts, bounds, strict=True):
        end = _end(text, name, inside, bound) if not written.endswith("/>") else inside
        is_last = bound == len(text)
        if end < 0 and is_last:
            parts.tail, parts.unclosed = text[start:], True
            break
        parts.items.append(text[start : end if end >= 0 else bound])
        parts.gaps.append("" if is_last or end < 0 else text[end:bound])
        parts.tail = text[end:] if is_last else ""
    return parts


def _tags(text: str, tag: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield the start tags that stand in markup."""
    position = 0
    for piece, is_markup in pieces(text):
        if is_markup:
            yield from tag.finditer(text, position, position + len(piece))
        position += len(piece)


def _end(text: str, name: str, start: int, bound: int) -> int:
    """Return where the last end tag of an element ends before `bound`, or -1."""
    found = text.rfind(f"</{name}", start, bound)
    closed = text.find(">", found, bound) if found >= 0 else -1
    return closed + 1 if closed >= 0 and not text[found + len(name) + 2 : closed].strip() else -1

"""Splitting a summary into passages that can be quoted: French sentences and list items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sentencex import segment

SHORTEST = 40
"""Characters below which a sentence is read with its neighbour: a lone "Oui." proves nothing."""

_NOT_AN_END = re.compile(
    r"\b(?:M|MM|Mme|Mlle|Dr|Pr|Me|St|Ste|art|al|av|env|ex|cf|fig|hab|chap|n°|no|p|pp|réf|tél|vol|éd|"
    r"janv|févr|avr|juil|sept|oct|nov|déc|[A-ZÉ])\.$"
)
_LONGEST_END = 6
"""Characters in which such an end is seen, with the one before it."""

_PLAIN = re.compile(r"[\w ,;:'’]*")
"""A line that is one sentence: nothing in it ends one, nor marks an item of a list."""
_PAIRED = re.compile(r"[\"`«»‹›“”„‟‘‚‛《》「」()（）\[\]{}<>@]|(?<!\w)'|'(?!\w)")
"""Marks from which the library looks through the rest of a line for another."""
_MOST_LOOKED_AT = 50_000_000
"""Characters of a line times its marks, above which it is read in pieces: a mark may cost the whole line."""
_AT_ONCE = 2_000
"""Characters of such a piece."""

_LINE = re.compile(r"[^\n]+")


@dataclass(frozen=True)
class Span:
    """A passage of a text: `text[start:end]`, in characters."""

    start: int
    end: int


def split(text: str, aside: Sequence[Span] = ()) -> list[Span]:
    """Split `text` into spans that do not overlap, in order, and leave out only white space.

    What `aside` covers, in order, is left out as well: no span reaches over it.
    """
    spans: list[Span] = []
    for start, end in _kept(text, aside):
        found = [s for line in _lines(text, start, end) for s in _sentences(text, *line)]
        spans.extend(_merge_short(found))
    return spans


def without(text: str, aside: Sequence[Span]) -> str:
    """Return `text` with spaces in place of what is set aside, in order, so that positions stay."""
    pieces, at = [], 0
    for span in aside:
        pieces += [text[at : span.start], " " * (span.end - span.start)]
        at = span.end
    return "".join([*pieces, text[at:]])


def sentences(line: str) -> Iterator[str]:
    """Yield the sentences of a line, in order, in a time proportional to its length."""
    if _PLAIN.fullmatch(line):
        yield line
        return
    at = 0
    costly = len(line) > _AT_ONCE and len(_PAIRED.findall(line)) * len(line) > _MOST_LOOKED_AT
    while costly and len(line) - at > _AT_ONCE:
        found = list(segment("fr", line[at : at + _AT_ONCE]))
        # Where the last one ends is not known yet; a sentence that is all of it ends here.
        for sentence in found[:-1] or found:
            at = line.index(sentence, at) + len(sentence)
            yield sentence
    yield from segment("fr", line[at:])


def _kept(text: str, aside: Sequence[Span]) -> list[tuple[int, int]]:
    edges = [0, *(edge for span in aside for edge in (span.start, span.end)), len(text)]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [(m.start(), m.end()) for m in _LINE.finditer(text, start, end) if m.group().strip()]


def _sentences(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    at = begin = last = start
    for sentence in sentences(text[start:end]):
        at = text.index(sentence, at, end) + len(sentence)
        if body := sentence.rstrip():
            last = at - len(sentence) + len(body)
        if at < end and _NOT_AN_END.search(text[max(begin, last - _LONGEST_END) : last]):
            continue
        spans.append(_trim(text, begin, at))
        begin = at
    if text[begin:end].strip():
        spans.append(_trim(text, begin, end))
    return [span for span in spans if span.end > span.start]


def _trim(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return Span(start + left, start + max(left, len(piece.rstrip())))


def _merge_short(spans: list[Span]) -> list[Span]:
    """Join a span that is too short to quote with the one it introduces, or else with the one before."""
    merged: list[Span] = []
    begin: int | None = None
    for span in spans:
        start = span.start if begin is None else begin
        begin = start if span.end - start < SHORTEST else None
        if begin is None:
            merged.append(Span(start, span.end))
    if begin is not None:
        last = merged.pop().start if merged else begin
        merged.append(Span(last, spans[-1].end))
    return merged

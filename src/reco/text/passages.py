"""The passages of a summary: French sentences and list items that can be quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sentencex import segment

SHORTEST = 40
"""Characters. A shorter sentence is joined to its neighbour: a lone "Oui." proves nothing."""

_ABBREVIATION = re.compile(
    r"\b(?:M|MM|Mme|Mlle|Dr|Pr|Me|St|Ste|art|al|av|env|ex|cf|fig|hab|chap|n°|no|p|pp|réf|tél|vol|éd|"
    r"janv|févr|avr|juil|sept|oct|nov|déc|[A-ZÉ])\.$"
)
_LONGEST_ABBREVIATION = 6
"""Characters that hold any such abbreviation and the character before it."""

_PLAIN = re.compile(r"[\w ,;:'’]*")
"""A line that is one sentence: it holds no end of sentence and no list bullet."""
_PAIRED = re.compile(r"[\"`«»‹›“”„‟‘‚‛《》「」()（）\[\]{}<>@]|(?<!\w)'|'(?!\w)")
"""Marks that make `sentencex` search the rest of the line for their partner."""
_MOST_SCANNED = 50_000_000
"""Characters of a line times its paired marks. Above it, the line is cut in pieces: each mark may cost
a scan of the whole line."""
_PIECE = 2_000
"""Characters in each piece."""

_LINE = re.compile(r"[^\n]+")


@dataclass(frozen=True)
class Span:
    """A passage of a text: `text[start:end]`, in characters."""

    start: int
    end: int


def split(text: str, aside: Sequence[Span] = ()) -> list[Span]:
    """Split `text` into passages, in order, without overlap. Only white space is left out.

    The spans of `aside`, in order, are left out too, and no passage crosses one.
    """
    passages: list[Span] = []
    for start, end in _kept(text, aside):
        spans = [s for line in _lines(text, start, end) for s in _sentences(text, *line)]
        passages.extend(_merge_short(spans))
    return passages


def without(text: str, aside: Sequence[Span]) -> str:
    """Return `text` with the spans of `aside`, in order, blanked by spaces: positions do not move."""
    pieces, at = [], 0
    for span in aside:
        pieces += [text[at : span.start], " " * (span.end - span.start)]
        at = span.end
    return "".join([*pieces, text[at:]])


def sentences(line: str) -> Iterator[str]:
    """Yield the sentences of a line, in order, in time linear in its length."""
    if _PLAIN.fullmatch(line):
        yield line
        return
    at = 0
    costly = len(line) > _PIECE and len(_PAIRED.findall(line)) * len(line) > _MOST_SCANNED
    while costly and len(line) - at > _PIECE:
        complete = list(segment("fr", line[at : at + _PIECE]))
        # The last sentence may go on in the next piece; one that fills the whole piece is cut here.
        for sentence in complete[:-1] or complete:
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
        if at < end and _ABBREVIATION.search(text[max(begin, last - _LONGEST_ABBREVIATION) : last]):
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
    """Join a span that is too short to quote to the next one; the last one, to the one before."""
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

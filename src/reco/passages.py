"""Splitting a summary into passages that can be quoted: French sentences and list items."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sentencex import segment

SHORTEST = 40
"""Characters below which a sentence is read with its neighbour: a lone "Oui." proves nothing."""

_NOT_AN_END = re.compile(
    r"(?:\b(?:M|MM|Mme|Mlle|Dr|Pr|Me|St|Ste|art|al|av|env|ex|cf|fig|hab|chap|n°|no|p|pp|réf|tél|vol|éd|"
    r"janv|févr|avr|juil|sept|oct|nov|déc|[A-ZÉ])\.)\s*$"
)


@dataclass(frozen=True)
class Span:
    """A passage of a text: `text[start:end]`, in characters."""

    start: int
    end: int


def split(text: str) -> list[Span]:
    """Split `text` into spans that do not overlap, in order, and leave out only white space."""
    spans: list[Span] = []
    for start, end in _lines(text):
        spans.extend(_sentences(text, start, end))
    return _merge_short(spans)


def _lines(text: str) -> list[tuple[int, int]]:
    return [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", text) if m.group().strip()]


def _sentences(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    at = start
    begin = start
    for sentence in segment("fr", text[start:end]):
        at = text.index(sentence, at, end) + len(sentence)
        if _NOT_AN_END.search(text[begin:at]) and at < end:
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

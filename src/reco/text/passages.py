"""Splitting a summary into passages that can be quoted: French sentences and list items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sentencex import segment

SHORTEST = 40
"""Characters below which a sentence is read with its neighbour: a lone "Oui." proves nothing."""

_NOT_AN_END = re.compile(
    r"(?:\b(?:M|MM|Mme|Mlle|Dr|Pr|Me|St|Ste|art|al|av|env|ex|cf|fig|hab|chap|n°|no|p|pp|réf|tél|vol|éd|"
    r"janv|févr|avr|juil|sept|oct|nov|déc|[A-ZÉ])\.)\s*$"
)

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
        sentences = [s for line in _lines(text, start, end) for s in _sentences(text, *line)]
        spans.extend(_merge_short(sentences))
    return spans


def without(text: str, aside: Sequence[Span]) -> str:
    """Return `text` with spaces in place of what is set aside, so that positions stay."""
    for span in aside:
        text = f"{text[: span.start]}{' ' * (span.end - span.start)}{text[span.end :]}"
    return text


def _kept(text: str, aside: Sequence[Span]) -> list[tuple[int, int]]:
    edges = [0, *(edge for span in aside for edge in (span.start, span.end)), len(text)]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [(m.start(), m.end()) for m in _LINE.finditer(text, start, end) if m.group().strip()]


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

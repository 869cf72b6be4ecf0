"""The explanation of a score: shares that add up to it exactly, as bars and sentences, and matched words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from reco.app.markup import plain, shortened, with_words
from reco.app.phrases import count, decimal, say
from reco.ranking.explain import Contribution, Explanation, QuotedPassage
from reco.text.clean import quotation
from reco.text.tokens import words

SHOWN = 8
LONGEST_QUOTE = 150
KINDS = ("passage", "title", "word", "form", "rerank", "feedback")
"""Kinds of contributions, in the order of the sum."""
TOLD = 4
"""Most reasons in a document, which has no room for all."""


@dataclass(frozen=True)
class ShownShare:
    """A contribution in whole tenths of a point, so that the displayed numbers add up.

    `without` is the score of the resource without this contribution, in points.
    """

    kind: str
    text: str
    tenths: int
    without: float


def shares(contributions: Sequence[Contribution]) -> list[ShownShare]:
    """Round contributions to tenths of a point (a thousandth of the score) and keep their sum.

    Largest remainder method: all are rounded down, then the largest remainders get the missing tenths.
    """
    exact = [1000 * line.value for line in contributions]
    down = [math.floor(value) for value in exact]
    missing = round(sum(exact)) - sum(down)
    by_remainder = sorted(range(len(exact)), key=lambda i: down[i] - exact[i])
    raised = frozenset(by_remainder[:missing])
    return [
        ShownShare(line.kind, line.text, down[i] + (i in raised), 100 * line.without)
        for i, line in enumerate(contributions)
    ]


def show(explanation: Explanation, request: str) -> None:
    """Draw the explanation of one result of a query."""
    lines = shares(explanation.contributions)
    st.markdown(_summary(lines))
    first, rest = lines[:SHOWN], lines[SHOWN:]
    longest = max((abs(line.tenths) for line in first), default=0) or 1
    for line in first:
        st.progress(abs(line.tenths) / longest, text=_label(line))
    if rest:
        st.caption(say("why.rest", count=len(rest), points=_signed(sum(line.tenths for line in rest))))
    st.caption(say("why.unit"))
    _answers(explanation.passages, {word.stem for word in words(request)})


def _answers(quotes: Sequence[QuotedPassage], stems: set[str]) -> None:
    """List the query's words that each nearest passage answers, the passage of the card first."""
    if not quotes:
        return
    lines = [f"- {say('why.best')}{_met(quotes[0])}"]
    for quote in quotes[1:]:
        text = with_words(quotation(quote.text), stems)
        lines.append(f"- {say('quote.open')}{text}{say('quote.close')}{_met(quote)}")
    st.markdown(f"{say('why.answers')}\n\n" + "\n".join(lines))


def _met(quote: QuotedPassage) -> str:
    if not quote.words:
        return say("why.met_none")
    return say("why.met", words=", ".join(f"**{plain(word)}**" for word in quote.words))


def reasons(contributions: Sequence[Contribution]) -> tuple[str, ...]:
    """Return the largest shares as plain sentences, for a document."""
    return tuple(
        say("why.reason", what=_named(line, _short(line)), points=_signed(line.tenths))
        for line in shares(contributions)[:TOLD]
        if line.tenths
    )


def _summary(lines: Sequence[ShownShare]) -> str:
    sums = dict.fromkeys(KINDS, 0)
    for line in lines:
        sums[line.kind] += line.tenths
    parts = [f"{say('why.share.' + kind)} {_points(tenths)}" for kind, tenths in sums.items() if tenths]
    total = _points(sum(line.tenths for line in lines))
    return say("why.sum", parts=" + ".join(parts), total=total)


def _named(line: ShownShare, text: str) -> str:
    """Return the name of a share. `text` is the source's, already escaped if the output needs it."""
    if line.kind == "feedback":
        number = int(line.text)
        return count("why.raised", number) if line.tenths >= 0 else count("why.lowered", number)
    return say(f"why.one.{line.kind}", text=text)


def _short(line: ShownShare) -> str:
    return shortened(quotation(line.text), LONGEST_QUOTE)


def _label(line: ShownShare) -> str:
    label = f"{_named(line, plain(_short(line)))} : **{_signed(line.tenths)}**"
    lowers = f" {say('why.lowers')}" if line.tenths < 0 and line.kind != "feedback" else ""
    return f"{label}{lowers}{say('why.without', points=_points(round(10 * line.without)))}"


def _signed(tenths: int) -> str:
    return ("+" if tenths > 0 else "") + _points(tenths)


def _points(tenths: int) -> str:
    return decimal(tenths / 10).replace("-", "−")

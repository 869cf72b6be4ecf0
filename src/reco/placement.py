"""Why a result stands elsewhere than its score alone would put it."""

from __future__ import annotations

from dataclasses import dataclass

REASONS = ("diversity", "shelf", "need", "place")


@dataclass(frozen=True)
class Placement:
    """What moved a result without changing its score.

    `reason` is one of `REASONS`; `from_rank` is where its score alone puts it, from 1. `text` says more:
    the type whose slot it fills, or the title of the better result that it resembles.
    """

    reason: str
    from_rank: int
    text: str = ""

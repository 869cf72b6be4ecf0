"""The pairs of lists that a person judges blindly, and the key that tells which side made which list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reco.evaluation.compare import RequestComparison
from reco.storage.atomic import digest_of

FORMAT = 1
SHOWN = 5
"""Results of each list on the page."""

MOST = 40
"""Requests on the page: about an hour of judging."""

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Pair(BaseModel):
    """A request and the first results of both sides; `left` is the side whose list is the first."""

    model_config = _STRICT

    id: str
    text: str
    left: Literal["a", "b"]
    a: tuple[str, ...]
    b: tuple[str, ...]

    @property
    def lists(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The two lists in the order of the page."""
        return (self.a, self.b) if self.left == "a" else (self.b, self.a)


class Key(BaseModel):
    """What the page hides: the two sides, as in `reco compare --json`, and the order of each pair."""

    model_config = _STRICT

    format: Annotated[int, Field(le=FORMAT)] = FORMAT
    seed: int
    a: Mapping[str, Any]
    b: Mapping[str, Any]
    pairs: tuple[Pair, ...]

    def to_bytes(self) -> bytes:
        """Return the key as JSON, the same bytes for the same key."""
        document = self.model_dump(mode="json")
        return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")

    @property
    def digest(self) -> str:
        """The sha256 of the key's bytes, by which a page and its judgements name their comparison."""
        return digest_of(self.to_bytes())


def draw(
    differing: Sequence[RequestComparison], seed: int, most: int = MOST, shown: int = SHOWN
) -> tuple[Pair, ...]:
    """Draw at most `most` requests whose first `shown` results differ, in a random order.

    Which are drawn, their order and which list is on the left depend on the seed and on the request alone.
    A request that nothing fits, by every verdict there is, is left out: neither list would help.
    """
    unlike = [one for one in differing if one.a[:shown] != one.b[:shown] and _worth_judging(one)]
    drawn = sorted(unlike, key=lambda one: _chance(seed, "order", one))[:most]
    return tuple(
        Pair(
            id=one.id,
            text=one.text,
            left="a" if _chance(seed, "side", one)[0] % 2 else "b",
            a=one.a[:shown],
            b=one.b[:shown],
        )
        for one in drawn
    )


def _worth_judging(one: RequestComparison) -> bool:
    return {one.verdict_a, one.verdict_b} - {None} != {"nothing"}


def _chance(seed: int, purpose: str, one: RequestComparison) -> bytes:
    # A digest, and not a generator: the same on every version of NumPy, and for any other requests.
    return hashlib.sha256(json.dumps([seed, purpose, one.id, one.text]).encode()).digest()

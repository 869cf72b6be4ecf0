"""The second look: a cross-encoder reads the request with each of the first results, and moves them.

    score' = score + weight * fit,  for the first `FIRST` results,  fit from 0 to 1

The others keep their score, so no result outside the first ones comes before a better one among them. Like
opinions, it moves ranks and scores, never a level or a verdict: these were calibrated without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reco.index.hits import Hit
from reco.snapshots.snapshot import Snapshot

FIRST = 30
"""Results that are read again, for any k: a shorter list is the start of a longer one."""


class Reader(Protocol):
    """A model that reads a request and a text together."""

    @property
    def name(self) -> str:
        """The name shown in a proof."""

    @property
    def fingerprint(self) -> str:
        """What identifies its weights."""

    def fits(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text fits the query, 0 to 1, (texts,)."""


@dataclass(frozen=True)
class SecondLook:
    """A reader, and the points that a perfect fit is worth."""

    reader: Reader
    weight: float

    def points(self, query: str, snapshot: Snapshot, hits: Sequence[Hit]) -> Mapping[int, float]:
        """Return the points of the first hits, by row."""
        rows = [hit.row for hit in hits[:FIRST]]
        found = [snapshot.catalogue[row] for row in rows]
        texts = [f"{one.title}. {one.read_summary}" if one.summary else one.title for one in found]
        fits = self.reader.fits(query, texts)
        return {row: round(self.weight * float(fit), 9) for row, fit in zip(rows, fits, strict=True)}


def moved(hits: Sequence[Hit], points: Mapping[int, float]) -> list[Hit]:
    """Return hits with their points, best first; ties keep their order by row."""
    scored = [Hit(hit.row, round(hit.score + points.get(hit.row, 0.0), 9)) for hit in hits]
    first = [hit for hit in scored if hit.row in points]
    rest = [hit for hit in scored if hit.row not in points]
    return [*sorted(first, key=lambda hit: (-hit.score, hit.row)), *rest]

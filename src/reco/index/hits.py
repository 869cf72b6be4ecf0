"""Hits and how they are ordered. Pure: arrays in, hits out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Hit:
    """One row of a snapshot with the score that one system gave it."""

    row: int
    score: float


def top(rows: Rows, scores: Scores, k: int) -> list[Hit]:
    """Return the `k` best of `rows`, best first; equal scores are ordered by row, lowest first.

    Rows follow the order of ids in a snapshot, so the tie-break is the id.
    """
    order = np.lexsort((rows, -scores))[:k]
    return [Hit(int(rows[i]), float(scores[i])) for i in order]

"""Hits and their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Hit:
    """A row of a snapshot with its score."""

    row: int
    score: float


def top(rows: Rows, scores: Scores, k: int) -> list[Hit]:
    """Return the `k` best of `rows`, best first. Equal scores are in row order, which is the order of ids."""
    order = np.lexsort((rows, -scores))[:k]
    return [Hit(int(rows[i]), float(scores[i])) for i in order]

"""Spreading a list over its subject. Pure: arrays in, an order out.

    next = argmax (1 - diversity) * merit(d) / merit(best) - diversity * max over chosen of repeats(d, e)

This is maximal marginal relevance (Carbonell and Goldstein 1998, SIGIR), but for what counts as a
repetition: two resources repeat each other by how far they are nearer than a resource of this catalogue
usually is to its nearest neighbour. Of e5-like cosines all are high, so that plain ones would push down
whatever is on the subject; here a list without near repetitions keeps its order at any setting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """An order of positions, and for each position the better one that it repeats most, or -1."""

    order: tuple[int, ...]
    repeats: tuple[int, ...]


def centred(vectors: NDArray[np.float32], average: NDArray[np.float64]) -> Matrix:
    """Return unit vectors seen from the catalogue's average, so that a cosine of 0 is the ordinary."""
    away = vectors.astype(np.float64) - average
    lengths = np.linalg.norm(away, axis=1, keepdims=True)
    found: Matrix = away / np.maximum(lengths, 1e-12)
    return found


def repetitions(directions: Matrix, usual: float) -> Matrix:
    """Return how much each two repeat each other, 0 to 1, shape (n, n), from unit vectors (n, dimension).

    0 is a cosine of `usual` or less, 1 a cosine of 1.
    """
    found: Matrix = np.clip((directions @ directions.T - usual) / max(1 - usual, 1e-9), 0.0, 1.0)
    return found


def spread(merits: NDArray[np.float64], repeating: Matrix, diversity: float) -> Spread:
    """Return the order of positions by marginal relevance; `merits` are in descending order.

    The first k of the order are the same whatever k is. Equal ones keep their order.
    """
    count = len(merits)
    scale = float(merits[0]) if count and merits[0] > 0 else 1.0
    relevance = (1 - diversity) * merits / scale
    most, nearest = np.zeros(count), np.full(count, -1)
    left = np.ones(count, dtype=bool)
    order = []
    for _ in range(count):
        # Rounded: the last bits of a matrix product must not decide a rank.
        marginal = np.round(np.where(left, relevance - diversity * most, -np.inf), 9)
        chosen = int(np.argmax(marginal))
        left[chosen] = False
        order.append(chosen)
        closer = left & (repeating[chosen] > most)
        most[closer], nearest[closer] = repeating[chosen][closer], chosen
    return Spread(tuple(order), tuple(int(position) for position in nearest))

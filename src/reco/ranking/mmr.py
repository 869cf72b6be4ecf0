"""Maximal marginal relevance (MMR): an order that spreads a list over its subject.

    next = argmax (1 - diversity) * merit(d) / merit(best) - diversity * max over chosen of repeats(d, e)

Carbonell and Goldstein 1998 (SIGIR), with another measure of repetition: two resources repeat each other
when their cosine is above the usual cosine of a resource with its nearest neighbour in this catalogue.
Cosines of e5-like encoders are all high, so plain cosines would push down every result on the subject.
Here, a list without near repetitions keeps its order at any `diversity`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """An order of positions, and for each position the one chosen before that it repeats most, or -1."""

    order: tuple[int, ...]
    repeats: tuple[int, ...]


def centred(vectors: NDArray[np.float32], average: NDArray[np.float64]) -> Matrix:
    """Centre vectors on the catalogue's average, at unit length: an average pair has a cosine near 0."""
    offsets = vectors.astype(np.float64) - average
    lengths = np.linalg.norm(offsets, axis=1, keepdims=True)
    directions: Matrix = offsets / np.maximum(lengths, 1e-12)
    return directions


def repetitions(directions: Matrix, usual: float) -> Matrix:
    """Return the repetition of each pair, (n, n), 0 to 1, from unit vectors, (n, dimension).

    0 is a cosine of `usual` or less; 1 is a cosine of 1.
    """
    repeated: Matrix = np.clip((directions @ directions.T - usual) / max(1 - usual, 1e-9), 0.0, 1.0)
    return repeated


def spread(merits: NDArray[np.float64], repeating: Matrix, diversity: float) -> Spread:
    """Order positions by marginal relevance. `merits` are in descending order.

    A shorter list is the start of a longer one. Ties keep their order.
    """
    count = len(merits)
    scale = float(merits[0]) if count and merits[0] > 0 else 1.0
    relevance = (1 - diversity) * merits / scale
    most, nearest = np.zeros(count), np.full(count, -1)
    remaining = np.ones(count, dtype=bool)
    order = []
    for _ in range(count):
        # Rounded, since the last bits of a matrix product must not decide a rank.
        marginal = np.round(np.where(remaining, relevance - diversity * most, -np.inf), 9)
        chosen = int(np.argmax(marginal))
        remaining[chosen] = False
        order.append(chosen)
        closer = remaining & (repeating[chosen] > most)
        most[closer], nearest[closer] = repeating[chosen][closer], chosen
    return Spread(tuple(order), tuple(int(position) for position in nearest))

"""Inner products that are the same whatever is computed beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256
"""Rows at a time: they stay in the processor's cache, and take no fresh memory for each request."""


def products(
    matrix: NDArray[np.float32], rows: NDArray[np.int64], vectors: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the inner products of some rows of a matrix with each of (vectors, dimension), (rows, vectors).

    In double precision: where nine digits are kept, single precision depends on the other rows.
    """
    found = np.empty((len(rows), len(vectors)))
    block = np.empty((min(_BLOCK, len(rows)), matrix.shape[1]))
    toward = np.ascontiguousarray(vectors.T, dtype=np.float64)
    for start in range(0, len(rows), _BLOCK):
        chosen = rows[start : start + _BLOCK]
        read = block[: len(chosen)]
        read[:] = matrix[chosen]
        np.matmul(read, toward, out=found[start : start + len(chosen)])
    return found

"""Where resources are grouped: vectors centred, reduced to their main axes, and scaled to length one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.encoder import unit

Points = NDArray[np.float32]

AXES = 30
"""Principal axes kept. On the catalogues of `docs/exploring.md`, fewer or more were less stable."""


@dataclass(frozen=True)
class Space:
    """A centre, (dimension,), and principal axes, (dimension, axes)."""

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Space:
        """Learn the space of unit vectors, (resources, dimension), from their covariance."""
        centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = np.zeros((vectors.shape[1],) * 2)
        for start in range(0, len(vectors), 8192):
            block = (vectors[start : start + 8192] - centre).astype(np.float64)
            spread += block.T @ block
        axes = np.linalg.eigh(spread)[1][:, ::-1][:, :AXES]
        # The sign of an eigenvector is arbitrary: its largest coordinate is made positive.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        return cls(centre, (axes * signs).astype(np.float32))

    def place(self, vectors: NDArray[np.float32]) -> Points:
        """Return the points of unit vectors, (resources, axes), of length one; an empty vector's is zero."""
        points = np.empty((len(vectors), self.axes.shape[1]), dtype=np.float32)
        for start in range(0, len(vectors), 8192):
            block = vectors[start : start + 8192]
            seen = unit((block - self.centre) @ self.axes)
            points[start : start + 8192] = np.where(np.any(block, axis=1, keepdims=True), seen, 0.0)
        return points

"""Dense search over the rows of a snapshot: FAISS, exact inner product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from reco.index.arrays import Pieces
from reco.index.hits import Rows, Scores

# One thread a query: on a flat index, OpenMP's overhead exceeds its gain.
faiss.omp_set_num_threads(1)

Mask = NDArray[np.bool_]

_COMPARED = 128
"""Vectors compared with all others at a time, so that their cosines take little memory beside an index."""
_BLOCK = 256
"""Rows multiplied at a time: they fit in the processor's cache, and one buffer serves a whole query."""


class DenseIndex:
    """An index of unit vectors by exact inner product, that is cosine; row i is vector i."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> DenseIndex:
        """Index vectors (rows, dimension). Raises ValueError unless all are finite."""
        return cls.of(vectors.shape[1], len(vectors), [vectors])

    @classmethod
    def of(cls, dimension: int, rows: int, blocks: Iterable[NDArray[np.float32]]) -> DenseIndex:
        """Index `rows` vectors that come in blocks. Raises ValueError unless all are finite."""
        index: Any = faiss.IndexFlatIP(dimension)
        # Allocate once: growing would hold the vectors twice.
        index.codes.resize(rows * index.code_size)
        for vectors in blocks:
            if not np.isfinite(vectors).all():
                raise ValueError("a vector is not finite")
            index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def search(
        self, vector: NDArray[np.float32], depth: int, allowed: Mask | None = None
    ) -> tuple[Rows, Scores]:
        """Return at most `depth` allowed rows and their cosines, best first."""
        self._check(vector)
        depth = min(depth, len(self) if allowed is None else int(allowed.sum()))
        if depth == 0:
            return np.empty(0, dtype=np.int64), np.empty(0)
        parameters = None if allowed is None else _selector(allowed)
        scores, rows = self._index.search(vector[None, :].astype(np.float32), depth, params=parameters)
        found = rows[0] >= 0
        return rows[0][found].astype(np.int64), scores[0][found].astype(np.float64)

    def search_all(
        self, vectors: NDArray[np.float32], depth: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the `depth` rows nearest to each of (vectors, dimension), best first, and their cosines.

        One pass over the index serves all vectors. Raises ValueError if `depth` exceeds the rows.
        """
        if depth > len(self):
            raise ValueError(f"an index of {len(self)} rows cannot return {depth}")
        cosines, rows = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), depth)
        return rows, cosines

    def scores(self, vector: NDArray[np.float32], rows: Rows) -> Scores:
        """Return the cosine of each of `rows`, (rows,)."""
        self._check(vector)
        return products(self.vectors(), rows, vector[None, :])[:, 0]

    def vectors(self, rows: Rows | None = None) -> NDArray[np.float32]:
        """Return the vectors of `rows`, or a read-only view of all vectors, (rows, dimension)."""
        every: NDArray[np.float32] = np.asarray(_BorrowedVectors(self._index))
        return every if rows is None else every[rows]

    def to_pieces(self) -> Pieces:
        """Return the index in FAISS's format: its header, then a view of the vectors.

        The caller writes the file, because FAISS's own writer can fail silently.
        """
        header = bytearray(faiss.serialize_index(faiss.IndexFlatIP(self.dimension)).tobytes())
        # Set the sizes that an empty index leaves at 0: rows after the dimension, values before the vectors.
        header[8:16] = len(self).to_bytes(8, "little")
        header[-8:] = (len(self) * self.dimension).to_bytes(8, "little")
        return bytes(header), self.vectors().reshape(-1).view(np.uint8).data

    @classmethod
    def from_bytes(cls, data: bytes) -> DenseIndex:
        """Read the bytes of `to_pieces`. The caller has checked their digest, which FAISS does not."""
        return cls(faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8)))

    def _check(self, vector: NDArray[np.float32]) -> None:
        if vector.shape != (self.dimension,) or not np.isfinite(vector).all():
            raise ValueError(f"a query vector must be {self.dimension} finite numbers, not {vector.shape}")


def nearest(
    vectors: NDArray[np.float32], rows: Sequence[int], depth: int, least: float
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield each of `rows` that has near rows, with those rows and their cosines.

    Near rows have a cosine of at least `least`; only the `depth` nearest are given. Few rows are that
    near, so this takes a tenth of the time of an index search.
    """
    for start in range(0, len(rows), _COMPARED):
        block = rows[start : start + _COMPARED]
        cosines = vectors[block] @ vectors.T
        cosines[np.arange(len(block)), block] = -np.inf
        for place in np.flatnonzero(cosines.max(axis=1) >= least).tolist():
            near = np.flatnonzero(cosines[place] >= least)
            if len(near) > depth:
                near = near[np.argsort(-cosines[place, near], kind="stable")[:depth]]
            yield block[place], near, cosines[place, near]


class _BorrowedVectors:
    """A read-only view of FAISS's memory that keeps the index alive."""

    def __init__(self, index: Any) -> None:
        self._index = index
        flat = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d)
        self.__array_interface__ = {
            "shape": (index.ntotal, index.d),
            "typestr": "<f4",
            "data": (flat.ctypes.data, True),
            "version": 3,
        }


def _selector(allowed: Mask) -> Any:
    # The stubs describe the C++ constructors, not FAISS's Python ones.
    library: Any = faiss
    bits = np.packbits(allowed, bitorder="little")
    return library.SearchParameters(sel=library.IDSelectorBitmap(bits))


def products(
    matrix: NDArray[np.float32], rows: NDArray[np.int64], vectors: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the inner products of `rows` of a matrix with `vectors` (vectors, dimension), (rows, vectors).

    They are in double precision: in single precision, the ninth digit depends on the other rows.
    """
    found = np.empty((len(rows), len(vectors)))
    block = np.empty((min(_BLOCK, len(rows)), matrix.shape[1]))
    columns = np.ascontiguousarray(vectors.T, dtype=np.float64)
    for start in range(0, len(rows), _BLOCK):
        chunk = rows[start : start + _BLOCK]
        values = block[: len(chunk)]
        values[:] = matrix[chunk]
        np.matmul(values, columns, out=found[start : start + len(chunk)])
    return found

"""Dense search (FAISS, exact inner product) and lexical search (BM25) over the rows of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from reco.index.arrays import Pieces
from reco.index.hits import Rows, Scores

# One query is one thread's work: OpenMP's hand-over costs more than it gains on a flat index.
faiss.omp_set_num_threads(1)

Mask = NDArray[np.bool_]


class DenseIndex:
    """Exact inner product over unit vectors, so cosine; row i is vector i."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> DenseIndex:
        """Index (rows, dimension) vectors, in order. Raises ValueError unless all are finite."""
        return cls.of(vectors.shape[1], len(vectors), [vectors])

    @classmethod
    def of(cls, dimension: int, rows: int, blocks: Iterable[NDArray[np.float32]]) -> DenseIndex:
        """Index `rows` vectors given some at a time, in order. Raises ValueError unless all are finite."""
        index: Any = faiss.IndexFlatIP(dimension)
        # Room for all at once: growing would hold them twice.
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
        parameters = None
        if allowed is not None:
            parameters = _selecting(allowed)
        scores, rows = self._index.search(vector[None, :].astype(np.float32), depth, params=parameters)
        found = rows[0] >= 0
        return rows[0][found].astype(np.int64), scores[0][found].astype(np.float64)

    def search_all(
        self, vectors: NDArray[np.float32], depth: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the `depth` rows nearest to each of (vectors, dimension), best first, and their cosines.

        One reading of the index serves all of them. Raises ValueError for a depth beyond its rows.
        """
        if depth > len(self):
            raise ValueError(f"{depth} rows are asked of an index of {len(self)}")
        cosines, rows = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), depth)
        return rows, cosines

    def scores(self, vector: NDArray[np.float32], rows: Rows) -> Scores:
        """Return the cosine of each of `rows`."""
        self._check(vector)
        return products(self.vectors(), rows, vector[None, :])[:, 0]

    def vectors(self, rows: Rows | None = None) -> NDArray[np.float32]:
        """Return the vectors of `rows`, or a read-only view of all, (rows, dimension)."""
        every: NDArray[np.float32] = np.asarray(_Lent(self._index))
        return every if rows is None else every[rows]

    def to_pieces(self) -> Pieces:
        """Serialise in FAISS's format: its header, then the vectors themselves, not a copy.

        The caller writes, for FAISS's own writing can fail without a word.
        """
        header = bytearray(faiss.serialize_index(faiss.IndexFlatIP(self.dimension)).tobytes())
        # What an empty index says of its size: rows after the dimension, numbers before the vectors.
        header[8:16] = len(self).to_bytes(8, "little")
        header[-8:] = (len(self) * self.dimension).to_bytes(8, "little")
        return bytes(header), self.vectors().reshape(-1).view(np.uint8).data

    @classmethod
    def from_bytes(cls, data: bytes) -> DenseIndex:
        """Read what `to_pieces` gave. The caller has checked the digest: FAISS would not notice."""
        return cls(faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8)))

    def _check(self, vector: NDArray[np.float32]) -> None:
        if vector.shape != (self.dimension,) or not np.isfinite(vector).all():
            raise ValueError(f"a query vector must be {self.dimension} finite numbers, not {vector.shape}")


def nearest(
    vectors: NDArray[np.float32], rows: Sequence[int], depth: int, least: float
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield each of `rows` with the other rows at `least` that cosine from it, and their cosines.

    At most `depth` of them, the nearest. Few are so near, so this takes a tenth of what an index takes.
    """
    for start in range(0, len(rows), _NEAR):
        block = rows[start : start + _NEAR]
        cosines = vectors[block] @ vectors.T
        cosines[np.arange(len(block)), block] = -np.inf
        for place in np.flatnonzero(cosines.max(axis=1) >= least).tolist():
            near = np.flatnonzero(cosines[place] >= least)
            if len(near) > depth:
                near = near[np.argsort(-cosines[place, near], kind="stable")[:depth]]
            yield block[place], near, cosines[place, near]


class _Lent:
    """FAISS's own memory as a read-only array that keeps the index alive as long as it is used."""

    def __init__(self, index: Any) -> None:
        self._index = index
        flat = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d)
        self.__array_interface__ = {
            "shape": (index.ntotal, index.d),
            "typestr": "<f4",
            "data": (flat.ctypes.data, True),
            "version": 3,
        }


_NEAR = 128
"""Vectors that are compared with all others at a time: their cosines are small beside an index."""


def _selecting(allowed: Mask) -> Any:
    # The stubs describe the C++ constructors, not FAISS's Python ones.
    library: Any = faiss
    bits = np.packbits(allowed, bitorder="little")
    return library.SearchParameters(sel=library.IDSelectorBitmap(bits))


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

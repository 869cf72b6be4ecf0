"""Dense search (FAISS, exact inner product) and lexical search (BM25) over the rows of a snapshot."""

from __future__ import annotations

import io
import json
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import faiss
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from scipy import sparse

from reco.precision import products
from reco.ranking import Rows, Scores

# One query is one thread's work: OpenMP's hand-over costs more than it gains on a flat index.
faiss.omp_set_num_threads(1)

Mask = NDArray[np.bool_]
Pieces = tuple[bytes | memoryview, ...]


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


_CHUNK = 4096
_NEAR = 128
"""Vectors that are compared with all others at a time: their cosines are small beside an index."""


@dataclass(frozen=True)
class Counts:
    """How often each document has each term: `matrix` (documents, terms), whole numbers as float32."""

    matrix: sparse.csr_array
    terms: tuple[str, ...]

    @classmethod
    def of(cls, documents: Iterable[Iterable[str]]) -> Counts:
        """Count documents given as terms, each read once and then forgotten."""
        columns: defaultdict[str, int] = defaultdict()
        columns.default_factory = columns.__len__
        chunks: list[sparse.csr_array] = []
        flat, bounds = array("i"), [0]
        for document in documents:
            flat.extend(map(columns.__getitem__, document))
            bounds.append(len(flat))
            if len(bounds) > _CHUNK:
                chunks.append(_chunk(flat, bounds))
                flat, bounds = array("i"), [0]
        chunks.append(_chunk(flat, bounds))
        for chunk in chunks:
            chunk.resize((chunk.shape[0], len(columns)))
        return cls(sparse.vstack(chunks, format="csr"), tuple(columns))

    def take(self, rows: Rows, fresh: Counts) -> Counts:
        """Return the counts of some rows, in their order; rows from `len(self)` on are those of `fresh`.

        A term that no row has any more is gone.
        """
        columns = {term: column for column, term in enumerate(self.terms)}
        places = [columns.setdefault(term, len(columns)) for term in fresh.terms]
        new = fresh.matrix
        moved = sparse.csr_array(
            (new.data, np.asarray(places, dtype=np.int32)[new.indices], new.indptr),
            shape=(new.shape[0], len(columns)),
        )
        old = self.matrix
        wider = sparse.csr_array((old.data, old.indices, old.indptr), shape=(old.shape[0], len(columns)))
        found = sparse.vstack([wider, moved], format="csr")[rows]
        used = np.bincount(found.indices, minlength=len(columns)) > 0
        narrow = (np.cumsum(used) - 1).astype(old.indices.dtype)
        kept = tuple(term for term, still in zip(columns, used.tolist(), strict=True) if still)
        # SciPy widens the numbers of places when it joins or takes rows.
        parts = (found.data, narrow[found.indices], found.indptr.astype(old.indptr.dtype))
        return Counts(sparse.csr_array(parts, shape=(len(rows), len(kept))), kept)

    def only(self, rows: Sequence[int]) -> Counts:
        """Return the counts of some rows, in their order, and the terms that those have."""
        return self.take(np.asarray(rows, dtype=np.int64), Counts.of(()))

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays, by name. No term may hold a line's end."""
        terms = "\n".join(self.terms).encode("utf-8", "surrogatepass")
        kind = np.min_scalar_type(int(self.matrix.data.max(initial=0)))
        return {
            "counts": self.matrix.data.astype(kind),
            "columns": self.matrix.indices.astype(np.int32),
            "bounds": self.matrix.indptr,
            "terms": np.frombuffer(terms, dtype=np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Counts:
        """Read what `to_arrays` gave. Raises KeyError or ValueError when it is not that."""
        written = arrays["terms"].tobytes().decode("utf-8", "surrogatepass")
        terms = tuple(written.split("\n")) if written else ()
        shape = (len(arrays["bounds"]) - 1, len(terms))
        parts = (arrays["counts"].astype(np.float32), arrays["columns"], arrays["bounds"])
        return cls(sparse.csr_array(parts, shape=shape), terms)

    def read(self, readings: Counts) -> Counts:
        """Return the counts of what each term is read as: row i of `readings` is that of term i.

        A million texts have few different terms.
        """
        read = readings.ordered()
        return Counts(sparse.csr_array(self.matrix @ read.matrix), read.terms)

    def ordered(self) -> Counts:
        """Return the same counts with the terms in alphabetical order."""
        order = sorted(range(len(self.terms)), key=self.terms.__getitem__)
        return Counts(self.matrix[:, order], tuple(self.terms[column] for column in order))

    def beside(self, other: Counts) -> Counts:
        """Return the counts of both; no term may be in both."""
        return Counts(sparse.hstack([self.matrix, other.matrix], format="csr"), self.terms + other.terms)

    def having(self, wanted: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return which documents have a term that is wanted, (documents,)."""
        chosen = np.fromiter(map(wanted, self.terms), dtype=np.float32, count=len(self.terms))
        return np.asarray(self.matrix @ chosen > 0)


def _chunk(flat: array[int], bounds: list[int]) -> sparse.csr_array:
    terms = np.asarray(flat, dtype=np.int32)
    width = int(terms.max(initial=-1)) + 1
    parts = (np.ones(len(terms), dtype=np.float32), terms.copy(), np.asarray(bounds, dtype=np.int32))
    counts = sparse.csr_array(parts, shape=(len(bounds) - 1, width))
    counts.sum_duplicates()
    return sparse.csr_array((counts.data.copy(), counts.indices.copy(), counts.indptr), shape=counts.shape)


class LexicalIndex:
    """BM25 weights of each (row, term), kept as a sparse matrix.

    A row's score is the sum of the weights of the query's terms (Robertson and Zaragoza 2009, in
    Lucene's form, k1 = 1.5 and b = 0.75: bm25s's defaults), so each term's share is known.
    """

    K1, B = 1.5, 0.75

    def __init__(self, weights: sparse.csc_array, vocabulary: Sequence[str]) -> None:
        self._weights = weights
        self._vocabulary = {term: column for column, term in enumerate(vocabulary)}

    @classmethod
    def build(cls, counts: Counts) -> LexicalIndex:
        """Index documents by how often they have each term, in row order."""
        lengths = np.asarray(counts.matrix.sum(axis=1), dtype=np.float64).ravel()
        order = sorted(range(len(counts.terms)), key=counts.terms.__getitem__)
        matrix = counts.matrix.tocsc()[:, order]
        matrix.sort_indices()
        cls._weigh(matrix, lengths)
        return cls(matrix, [counts.terms[column] for column in order])

    @classmethod
    def reading(cls, counts: Counts, readings: Counts) -> LexicalIndex:
        """Index documents by what each of their terms is read as: `build(counts.read(readings))`.

        Counted by term at once: an index of runs is large, and turning it would hold it twice.
        """
        read = readings.ordered()
        found = sparse.csr_array(read.matrix.T.tocsr() @ counts.matrix.T.tocsr())
        found.sort_indices()
        matrix = sparse.csc_array((found.data, found.indices, found.indptr), shape=found.shape[::-1])
        cls._weigh(matrix, np.asarray(found.sum(axis=0), dtype=np.float64).ravel())
        return cls(matrix, read.terms)

    @classmethod
    def _weigh(cls, counts: sparse.csc_array, lengths: NDArray[np.float64]) -> None:
        """Turn each term's count in each row into its weight, in place."""
        if not counts.nnz:
            return
        documents = np.diff(counts.indptr)
        idf = np.log1p((len(lengths) - documents + 0.5) / (documents + 0.5)).astype(np.float32)
        saturating = (cls.K1 * (1 - cls.B + cls.B * lengths / lengths.mean())).astype(np.float32)
        for first in range(0, len(documents), _CHUNK):
            terms = slice(first, first + _CHUNK)
            bounds = counts.indptr[first : first + _CHUNK + 1]
            data, rows = counts.data[bounds[0] : bounds[-1]], counts.indices[bounds[0] : bounds[-1]]
            data /= data + saturating[rows]
            data *= np.repeat(idf[terms], documents[terms])

    def __len__(self) -> int:
        return int(self._weights.shape[0])

    def known(self, terms: Sequence[str]) -> list[str]:
        """Return those of `terms` that some document has."""
        return [term for term in terms if term in self._vocabulary]

    def self_score(self, counts: Mapping[str, float]) -> float:
        """Return the most that a document could score on these terms: the sum of their idf.

        A term that no document has counts as much as the rarest, so a score divided by this says what
        share of the request's informative words a document answers.
        """
        rarity = np.log1p((len(self) + 0.5) / 0.5)
        columns = ((self._vocabulary.get(term), count) for term, count in counts.items())
        return float(sum(count * (self._idf[c] if c is not None else rarity) for c, count in columns))

    @cached_property
    def _idf(self) -> Scores:
        documents = np.diff(self._weights.indptr)
        idf: Scores = np.log1p((len(self) - documents + 0.5) / (documents + 0.5))
        return idf

    def term_weights(self, terms: Sequence[str], rows: Rows) -> Scores:
        """Return each term's weight in each row, (rows, terms); an unknown term weighs nothing."""
        weights = np.zeros((len(rows), len(terms)))
        places = [(i, self._vocabulary[term]) for i, term in enumerate(terms) if term in self._vocabulary]
        if places and len(rows):
            found = self._weights[:, [column for _, column in places]].tocsr()[rows]
            weights[:, [i for i, _ in places]] = found.toarray()
        return weights

    def scores(self, counts: Mapping[str, float]) -> Scores:
        """Return the score of every row for terms and their weights in the query, (rows,)."""
        scores = np.zeros(len(self))
        for term, count in counts.items():
            column = self._vocabulary.get(term)
            if column is not None:
                start, end = self._weights.indptr[column], self._weights.indptr[column + 1]
                scores[self._weights.indices[start:end]] += count * self._weights.data[start:end]
        return scores

    def to_files(self) -> Iterator[tuple[str, Pieces]]:
        """Serialise to named files without pickle."""
        arrays = {
            "weights": self._weights.data,
            "rows": self._weights.indices,
            "bounds": self._weights.indptr,
        }
        for name, values in arrays.items():
            yield f"{name}.npy", array_pieces(values)
        vocabulary = {"documents": len(self), "terms": list(self._vocabulary)}
        yield "vocabulary.json", (json.dumps(vocabulary, ensure_ascii=False).encode(),)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> LexicalIndex:
        """Read what `to_files` wrote."""
        vocabulary = json.loads(files["vocabulary.json"])
        data, rows, bounds = (array_of(files[f"{name}.npy"]) for name in ("weights", "rows", "bounds"))
        shape = (vocabulary["documents"], len(vocabulary["terms"]))
        return cls(sparse.csc_array((data, rows, bounds), shape=shape), vocabulary["terms"])


def _selecting(allowed: Mask) -> Any:
    # The stubs describe the C++ constructors, not FAISS's Python ones.
    library: Any = faiss
    bits = np.packbits(allowed, bitorder="little")
    return library.SearchParameters(sel=library.IDSelectorBitmap(bits))


def array_pieces(array: NDArray[Any]) -> Pieces:
    """Return an array in NumPy's own format: its header, then its memory itself, not a copy."""
    whole = np.ascontiguousarray(array)
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(whole))
    return header.getvalue(), whole.reshape(-1).view(np.uint8).data


def array_of(data: bytes) -> NDArray[Any]:
    """Read what `array_pieces` wrote, without a copy, read-only; pickled content is refused."""
    stream = io.BytesIO(data)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("an array is not in NumPy's format 1.0")
    shape, by_columns, kind = npy.read_array_header_1_0(stream)
    if kind.hasobject:
        raise ValueError("an array holds objects")
    start = stream.tell()
    values = np.frombuffer(data, dtype=kind, offset=start) if len(data) > start else np.empty(0, dtype=kind)
    return values.reshape(shape, order="F" if by_columns else "C")

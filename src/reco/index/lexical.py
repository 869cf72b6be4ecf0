"""Lexical search: term counts and the BM25 index."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reco.index.arrays import Pieces, array_of, array_pieces
from reco.index.hits import Rows, Scores

_CHUNK = 4096


@dataclass(frozen=True)
class Counts:
    """Term counts of documents: `matrix` (documents, terms), whole numbers as float32."""

    matrix: sparse.csr_array
    terms: tuple[str, ...]

    @classmethod
    def of(cls, documents: Iterable[Iterable[str]]) -> Counts:
        """Count the terms of documents. Each document is read once and not kept."""
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
        """Return the counts of `rows`, in that order; row `len(self) + i` means row i of `fresh`.

        Terms that no returned row has are dropped.
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
        # SciPy widens the index types when it stacks or takes rows.
        parts = (found.data, narrow[found.indices], found.indptr.astype(old.indptr.dtype))
        return Counts(sparse.csr_array(parts, shape=(len(rows), len(kept))), kept)

    def only(self, rows: Sequence[int]) -> Counts:
        """Return the counts of `rows`, in that order, with only their terms."""
        return self.take(np.asarray(rows, dtype=np.int64), Counts.of(()))

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name. No term may contain a newline."""
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
        """Read the arrays of `to_arrays`. Raises KeyError or ValueError for any others."""
        written = arrays["terms"].tobytes().decode("utf-8", "surrogatepass")
        terms = tuple(written.split("\n")) if written else ()
        shape = (len(arrays["bounds"]) - 1, len(terms))
        parts = (arrays["counts"].astype(np.float32), arrays["columns"], arrays["bounds"])
        return cls(sparse.csr_array(parts, shape=shape), terms)

    def read(self, readings: Counts) -> Counts:
        """Return the counts after replacing each term i by the terms in row i of `readings`.

        Stemming each distinct term once is cheap: a million texts have few distinct terms.
        """
        read = readings.ordered()
        return Counts(sparse.csr_array(self.matrix @ read.matrix), read.terms)

    def ordered(self) -> Counts:
        """Return the counts with the terms in alphabetical order."""
        order = sorted(range(len(self.terms)), key=self.terms.__getitem__)
        return Counts(self.matrix[:, order], tuple(self.terms[column] for column in order))

    def beside(self, other: Counts) -> Counts:
        """Return both counts side by side. No term may be in both."""
        return Counts(sparse.hstack([self.matrix, other.matrix], format="csr"), self.terms + other.terms)

    def having(self, wanted: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return the mask of the documents that have a wanted term, (documents,)."""
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
    """The BM25 index of one snapshot: a sparse matrix of the weight of each term in each row.

    The score of a row is the sum of the weights of the query's terms, so the share of each term is
    known. The formula is Lucene's (Robertson and Zaragoza 2009) with k1 = 1.5 and b = 0.75, the defaults
    of bm25s.
    """

    K1, B = 1.5, 0.75

    def __init__(self, weights: sparse.csc_array, vocabulary: Sequence[str]) -> None:
        self._weights = weights
        self._vocabulary = {term: column for column, term in enumerate(vocabulary)}

    @classmethod
    def build(cls, counts: Counts) -> LexicalIndex:
        """Build the index from term counts; document i is row i."""
        lengths = np.asarray(counts.matrix.sum(axis=1), dtype=np.float64).ravel()
        ordered = counts.ordered()
        matrix = ordered.matrix.tocsc()
        cls._weigh(matrix, lengths)
        return cls(matrix, ordered.terms)

    @classmethod
    def reading(cls, counts: Counts, readings: Counts) -> LexicalIndex:
        """Return `build(counts.read(readings))` in less memory: terms replaced as in `Counts.read`.

        The product is computed term by row. An index of character runs is large, and transposing it
        afterwards would hold it twice.
        """
        read = readings.ordered()
        found = sparse.csr_array(read.matrix.T.tocsr() @ counts.matrix.T.tocsr())
        found.sort_indices()
        matrix = sparse.csc_array((found.data, found.indices, found.indptr), shape=found.shape[::-1])
        cls._weigh(matrix, np.asarray(found.sum(axis=0), dtype=np.float64).ravel())
        return cls(matrix, read.terms)

    @classmethod
    def _weigh(cls, counts: sparse.csc_array, lengths: NDArray[np.float64]) -> None:
        """Replace each count by its BM25 weight, in place. `lengths` (rows,) are in terms."""
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

    def __contains__(self, term: str) -> bool:
        """Whether a document has this term."""
        return term in self._vocabulary

    def self_score(self, counts: Mapping[str, float]) -> float:
        """Return the highest score that a document could reach on these terms: the sum of their idf.

        A term that no document has counts as much as the rarest one. A score divided by this sum is the
        share of the query's informative words that the document contains.
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
        """Return the weight of each term in each of `rows`, (rows, terms); an unknown term weighs 0."""
        weights = np.zeros((len(rows), len(terms)))
        places = [(i, self._vocabulary[term]) for i, term in enumerate(terms) if term in self._vocabulary]
        if places and len(rows):
            found = self._weights[:, [column for _, column in places]].tocsr()[rows]
            weights[:, [i for i, _ in places]] = found.toarray()
        return weights

    def scores(self, counts: Mapping[str, float]) -> Scores:
        """Return the score of every row, (rows,), given the query's terms and their counts."""
        scores = np.zeros(len(self))
        for term, count in counts.items():
            column = self._vocabulary.get(term)
            if column is not None:
                start, end = self._weights.indptr[column], self._weights.indptr[column + 1]
                scores[self._weights.indices[start:end]] += count * self._weights.data[start:end]
        return scores

    def to_files(self) -> Iterator[tuple[str, Pieces]]:
        """Yield the files of the index by name, without pickle."""
        yield "weights.npy", array_pieces(self._weights.data)
        yield "rows.npy", array_pieces(self._weights.indices)
        yield "bounds.npy", array_pieces(self._weights.indptr)
        vocabulary = {"documents": len(self), "terms": list(self._vocabulary)}
        yield "vocabulary.json", (json.dumps(vocabulary, ensure_ascii=False).encode(),)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> LexicalIndex:
        """Read the files of `to_files`."""
        vocabulary = json.loads(files["vocabulary.json"])
        data, rows, bounds = (array_of(files[f"{name}.npy"]) for name in ("weights", "rows", "bounds"))
        shape = (vocabulary["documents"], len(vocabulary["terms"]))
        return cls(sparse.csc_array((data, rows, bounds), shape=shape), vocabulary["terms"])

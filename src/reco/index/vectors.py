"""The vectors of a catalogue's texts: one for each passage and one for the frame, keyed by content hash."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reco.catalogue.resource import Resource
from reco.encoder.protocol import Document, DocumentVectors, Encoder, Progress, unit
from reco.text.passages import Span

FRAME = Span(-1, -1)
"""The span of the frame, the part outside the passages: title, prompt and special tokens."""

CHUNK = 64
"""Documents encoded at a time, and the most that a killed refresh loses."""

_BLOCK = 1024


@dataclass(frozen=True)
class EncodedDocument:
    """The part vectors of a document and the summary span of each, in parallel."""

    vectors: DocumentVectors
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class VectorTable:
    """The part vectors of all documents, in row order.

    - `hashes`: the content hash of each row.
    - `parts` (parts, dimension): float32, not normalised.
    - `weights` (parts,): they sum to one within a document.
    - `spans` (parts, 2): start and end in the summary, -1 for the frame.
    - `bounds` (rows + 1,): the parts of row i are `bounds[i]:bounds[i + 1]`, frame first.
    """

    hashes: tuple[str, ...]
    parts: NDArray[np.float32]
    weights: NDArray[np.float32]
    spans: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.hashes)

    @classmethod
    def of(cls, hashes: Sequence[str], documents: Sequence[EncodedDocument], dimension: int) -> VectorTable:
        """Build a table from encoded documents in row order."""
        table = cls._empty(hashes, [len(document.spans) for document in documents], dimension)
        for row, document in enumerate(documents):
            table._fill(row, document)
        return table

    @classmethod
    def _empty(cls, hashes: Sequence[str], counts: Sequence[int], dimension: int) -> VectorTable:
        """Return a table of `counts` parts for each row, to be filled."""
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        total = int(bounds[-1])
        parts, weights = np.empty((total, dimension), np.float32), np.empty(total, np.float32)
        return cls(tuple(hashes), parts, weights, np.empty((total, 2), np.int32), bounds)

    def _fill(self, row: int, document: EncodedDocument) -> None:
        to = slice(self.bounds[row], self.bounds[row + 1])
        self.parts[to], self.weights[to] = document.vectors.parts, document.vectors.weights
        self.spans[to] = [(span.start, span.end) for span in document.spans]

    def document(self, row: int) -> EncodedDocument:
        """Return the encoded document of a row."""
        start, end = self.bounds[row], self.bounds[row + 1]
        spans = tuple(Span(int(a), int(b)) for a, b in self.spans[start:end])
        return EncodedDocument(DocumentVectors(self.parts[start:end], self.weights[start:end]), spans)

    @cached_property
    def by_hash(self) -> Mapping[str, int]:
        """Content hash -> one row that has it."""
        return {content: row for row, content in enumerate(self.hashes)}

    @cached_property
    def prints(self) -> NDArray[np.uint64]:
        """A hash of each row's parts, (rows,). Different parts share a hash with probability 2**-32.

        It is the multilinear hash of Carter and Wegman (1979) with fixed keys. On a large catalogue, a
        digest for each row takes ten times as long.
        """
        found = np.empty(len(self), dtype=np.uint64)
        keys = _hash_keys(self.parts.shape[1])
        for start in range(0, len(self), _BLOCK):
            bounds = self.bounds[start : start + _BLOCK + 1]
            bits = np.ascontiguousarray(self.parts[bounds[0] : bounds[-1]]).view(np.uint32)
            hashed = bits.astype(np.uint64) @ keys
            places = np.arange(bounds[-1] - bounds[0]) - np.repeat(bounds[:-1] - bounds[0], np.diff(bounds))
            hashed *= _hash_keys(int(places.max(initial=0)) + 1)[places]
            sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashed, dtype=np.uint64)])
            found[start : start + _BLOCK] = sums[bounds[1:] - bounds[0]] - sums[bounds[:-1] - bounds[0]]
        return found

    def pooled(self) -> NDArray[np.float32]:
        """Return the weighted mean of each document's parts, (rows, dimension), not normalised."""
        pooled = np.empty((len(self), self.parts.shape[1]), dtype=np.float32)
        for rows, block in self._pooled():
            pooled[rows] = block
        return pooled

    def directions(self, head: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return the unit vector of each document, after the head if given, (rows, dimension).

        A vector that is not finite becomes zero: it matches nothing, and a gate refuses the snapshot.
        """
        found = np.empty((len(self), self.parts.shape[1]), dtype=np.float32)
        for rows, block in self.directed(head):
            found[rows] = block
        return found

    def directed(
        self, head: NDArray[np.float32] | None = None
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield the result of `directions` in blocks of rows; as a whole it is as large as the index."""
        for rows, block in self._pooled():
            seen = block if head is None else block @ head.T
            finite = np.isfinite(seen).all(axis=1, keepdims=True)
            yield rows, unit(np.where(finite, seen, np.float32(0.0)))

    def _pooled(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        for start in range(0, len(self), _BLOCK):
            bounds = self.bounds[start : start + _BLOCK + 1]
            part = slice(bounds[0], bounds[-1])
            weights, places = self.weights[part].astype(np.float64), np.arange(bounds[-1] - bounds[0])
            mean = sparse.csr_array((weights, places, bounds - bounds[0]))
            block = mean @ self.parts[part].astype(np.float64)
            yield slice(start, start + len(block)), block.astype(np.float32)


def _hash_keys(count: int) -> NDArray[np.uint64]:
    """Return the first `count` numbers, all odd, of a fixed random sequence."""
    drawn = np.random.default_rng(20).integers(0, 2**64, size=count, dtype=np.uint64)
    return drawn | np.uint64(1)


class Memory(Protocol):
    """A store of encoded documents, so that the refresh after a killed one does not encode them again."""

    def recall(self, wanted: Collection[str]) -> Mapping[str, EncodedDocument]:
        """Return the kept documents among the content hashes `wanted`."""
        ...

    def keep(self, done: Mapping[str, EncodedDocument]) -> None:
        """Keep documents by content hash."""
        ...


def embed(
    resources: Sequence[Resource],
    encoder: Encoder,
    reuse: VectorTable | None = None,
    progress: Progress | None = None,
    memory: Memory | None = None,
) -> tuple[VectorTable, int]:
    """Encode the texts that `reuse` and `memory` lack; return the table and the number of encoded texts."""
    known = reuse.by_hash if reuse is not None else {}
    unseen: dict[str, Document] = {}
    for resource in resources:
        if resource.content_hash not in known:
            document = Document.of(resource.title, resource.summary, resource.set_aside)
            unseen.setdefault(resource.content_hash, document)
    fresh = _recall(unseen, memory)
    left = {content: document for content, document in unseen.items() if content not in fresh}
    for done in encode(left, encoder, progress):
        if memory is not None:
            memory.keep(done)
        fresh.update(done)
    hashes = [resource.content_hash for resource in resources]
    if reuse is None:
        return VectorTable.of(hashes, [fresh[content] for content in hashes], encoder.dimension), len(left)
    return _assemble(hashes, fresh, reuse), len(left)


def _assemble(hashes: Sequence[str], fresh: Mapping[str, EncodedDocument], reuse: VectorTable) -> VectorTable:
    """Build the table in row order; runs of rows that are consecutive in `reuse` are copied at once."""
    rows = np.asarray([reuse.by_hash.get(content, -1) for content in hashes], dtype=np.int64)
    sizes = np.diff(reuse.bounds)
    counts = [
        sizes[row] if row >= 0 else len(fresh[content].spans)
        for row, content in zip(rows, hashes, strict=True)
    ]
    table = VectorTable._empty(hashes, counts, reuse.parts.shape[1])
    starts = np.flatnonzero((np.diff(rows, prepend=-2) != 1) | (rows <= 0))
    for first, last in pairwise([*starts.tolist(), len(rows)]):
        if rows[first] < 0:
            table._fill(first, fresh[hashes[first]])
        else:
            taken = slice(reuse.bounds[rows[first]], reuse.bounds[rows[first] + last - first])
            to = slice(table.bounds[first], table.bounds[last])
            table.parts[to], table.weights[to] = reuse.parts[taken], reuse.weights[taken]
            table.spans[to] = reuse.spans[taken]
    return table


def _recall(unseen: Mapping[str, Document], memory: Memory | None) -> dict[str, EncodedDocument]:
    """Return the documents in memory, except those whose text is now cut into other passages."""
    if memory is None:
        return {}
    found = memory.recall(unseen.keys())
    return {key: kept for key, kept in found.items() if kept.spans == (FRAME, *unseen[key].spans)}


def encode(
    documents: Mapping[str, Document], encoder: Encoder, progress: Progress | None
) -> Iterator[dict[str, EncodedDocument]]:
    """Yield encoded documents by content hash, `CHUNK` at a time.

    Texts are sorted by length, longest first, so that batches contain little padding.
    """
    keys = sorted(documents, key=lambda key: len(documents[key].text), reverse=True)
    for start in range(0, len(keys), CHUNK):
        chunk = [documents[key] for key in keys[start : start + CHUNK]]
        advance = None if progress is None else _offset(start, len(keys), progress)
        vectors = encoder.encode_documents(chunk, advance)
        yield {
            key: EncodedDocument(found, (FRAME, *document.spans))
            for key, found, document in zip(keys[start : start + CHUNK], vectors, chunk, strict=True)
        }


def _offset(start: int, total: int, progress: Progress) -> Progress:
    return lambda done, _: progress(start + done, total)

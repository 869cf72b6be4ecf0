"""Token windows: the tokens that a model encodes together, and the part of the text that owns each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reco.encoder.protocol import Document, DocumentVectors

BATCH_TOKENS = 4096
"""Tokens in one forward pass, padding included. It bounds memory for any text."""


@dataclass(frozen=True)
class Window:
    """Tokens of a document, encoded together. `owners[t]` is the part of token t, -1 for none."""

    document: int
    ids: np.ndarray
    owners: np.ndarray


def owners_of(ends: np.ndarray, document: Document) -> np.ndarray:
    """Return the part of each token: 0 for the frame, then passages. `ends` are end positions in the text."""
    last = np.asarray([span.end for span in document.spans], dtype=np.int64) + document.summary_start
    in_summary = ends > document.summary_start
    if not len(last):
        return np.zeros(len(ends), dtype=np.int64)
    passage = np.minimum(np.searchsorted(last, ends, side="left"), len(last) - 1)
    return np.where(in_summary, 1 + passage, 0)


def cuts(owners: np.ndarray, room: int) -> Iterator[tuple[int, int]]:
    """Yield token ranges of at most `room` tokens, cut between passages if one ends in the second half."""
    start = 0
    while len(owners) - start > room:
        changes = np.flatnonzero(np.diff(owners[start : start + room + 1])) + 1
        late = changes[changes >= room // 2]
        end = start + (int(late[-1]) if len(late) else room)
        yield start, end
        start = end
    yield start, len(owners)


def batches(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Group windows of similar length, so that batches hold little padding."""
    batch: list[Window] = []
    for window in sorted(windows, key=lambda w: len(w.ids), reverse=True):
        if batch and (len(batch) + 1) * len(batch[0].ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def pooled(sums: np.ndarray, counts: np.ndarray) -> DocumentVectors:
    """Return a document's vectors from the sums, (parts, dimension), and counts, (parts,), of its tokens."""
    parts = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return DocumentVectors(parts, (counts / max(1, counts.sum())).astype(np.float32))

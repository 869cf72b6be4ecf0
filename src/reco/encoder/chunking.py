"""A text read in windows: which tokens are read together, and which part of the text each belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reco.encoder.protocol import Document, DocumentVectors

BATCH_TOKENS = 4096
"""Tokens in one forward pass, padding included: bounds memory whatever the texts."""


@dataclass(frozen=True)
class Window:
    """Tokens read together; `owners[t]` is the part token t belongs to, -1 for none."""

    document: int
    ids: np.ndarray
    owners: np.ndarray


def owners_of(ends: np.ndarray, document: Document) -> np.ndarray:
    """Return the part of each token, from the character after its last one."""
    last = np.asarray([span.end for span in document.spans], dtype=np.int64) + document.summary_start
    in_summary = ends > document.summary_start
    if not len(last):
        return np.zeros(len(ends), dtype=np.int64)
    passage = np.minimum(np.searchsorted(last, ends, side="left"), len(last) - 1)
    return np.where(in_summary, 1 + passage, 0)


def cuts(owners: np.ndarray, room: int) -> Iterator[tuple[int, int]]:
    """Yield token ranges no longer than `room`, cut between passages where one ends late enough."""
    start = 0
    while len(owners) - start > room:
        changes = np.flatnonzero(np.diff(owners[start : start + room + 1])) + 1
        late = changes[changes >= room // 2]
        end = start + (int(late[-1]) if len(late) else room)
        yield start, end
        start = end
    yield start, len(owners)


def batches(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Group windows of like length, so that little of a batch is padding."""
    batch: list[Window] = []
    for window in sorted(windows, key=lambda w: len(w.ids), reverse=True):
        if batch and (len(batch) + 1) * len(batch[0].ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def pooled(sums: np.ndarray, counts: np.ndarray) -> DocumentVectors:
    parts = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return DocumentVectors(parts, (counts / max(1, counts.sum())).astype(np.float32))

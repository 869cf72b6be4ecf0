"""Text that says nothing of a resource: what a publisher repeats, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.fingerprints import Traits
from reco.catalogue.resource import Resource
from reco.text.passages import Span

RECURRING = 3
"""Records of other titles in which a sentence must be found before it is a publisher's habit."""
SHARE = 0.05
"""Share of the publisher's records in which it must be found as well."""
KEPT = 40
"""Characters of a summary that are always left: a text that is all habit is read as it is."""


def set_aside(resources: Sequence[Resource], traits: Traits | None = None) -> dict[str, tuple[Span, ...]]:
    """Return, by id, what of each summary is kept out of the embedded text, in order.

    `traits` are those of the resources, where they have been read.
    """
    read = traits if traits is not None else Traits.read(resources)
    repeated = np.flatnonzero(_habitual(read))
    rows, tails = read.said_by[repeated], np.flatnonzero(read.one["tail"] >= 0)
    spans: dict[int, list[Span]] = {}
    for row, (_, start, end) in zip(rows.tolist(), read.sentences[repeated].tolist(), strict=True):
        spans.setdefault(row, []).append(Span(start, end))
    for row, start in zip(tails.tolist(), read.one["tail"][tails].tolist(), strict=True):
        spans.setdefault(row, []).append(Span(start, len(resources[row].summary)))
    found: dict[str, tuple[Span, ...]] = {}
    for row, several in spans.items():
        merged = _merged(several)
        if _left(resources[row].summary, merged) >= KEPT:
            found[resources[row].id] = merged
    return found


def _habitual(traits: Traits) -> NDArray[np.bool_]:
    """Return which sentences their publisher repeats, (sentences,). Re-listings of a title make no habit."""
    said, rows = traits.sentences["key"], traits.said_by
    if not len(said):
        return np.zeros(0, dtype=bool)
    publishers, titles = traits.one["publisher"][rows], traits.one["title"][rows]
    order = np.lexsort((titles, said, publishers))
    said, titles, publishers = said[order], titles[order], publishers[order]
    begins = _changes(publishers, said)
    # A title counts once for each sentence of a publisher.
    counts = np.add.reduceat(_changes(publishers, said, titles), np.flatnonzero(begins), dtype=np.int64)
    names, records = np.unique(traits.one["publisher"], return_counts=True)
    owned = records[np.searchsorted(names, publishers[begins])]
    often = counts >= np.maximum(RECURRING, SHARE * owned)
    found = np.empty(len(order), dtype=bool)
    found[order] = often[np.cumsum(begins) - 1]
    return found


def _changes(*columns: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return where a row of sorted columns differs from the one before it."""
    begins = np.zeros(len(columns[0]), dtype=bool)
    begins[:1] = True
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return begins


def _merged(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return tuple(merged)


def _left(text: str, spans: Sequence[Span]) -> int:
    return len(text.strip()) - sum(span.end - span.start for span in spans)

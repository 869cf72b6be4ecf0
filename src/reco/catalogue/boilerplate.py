"""Boilerplate: sentences that a publisher repeats, and paragraphs about the publisher or the authors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.fingerprints import Traits
from reco.catalogue.resource import Resource
from reco.text.passages import Span

RECURRING = 3
"""Titles of one publisher that must contain a sentence before it counts as boilerplate."""
SHARE = 0.05
"""Share of the publisher's resources that must contain it as well."""
KEPT = 40
"""Characters that must remain of a summary. If fewer would, the whole summary is embedded."""


def set_aside(resources: Sequence[Resource], traits: Traits | None = None) -> dict[str, tuple[Span, ...]]:
    """Return, by id, the spans of each summary that are not embedded, in order.

    `traits` are those of `resources`; they are computed if not given.
    """
    read = traits if traits is not None else Traits.read(resources)
    repeated = np.flatnonzero(_repeated(read))
    rows, tails = read.said_by[repeated], np.flatnonzero(read.one["tail"] >= 0)
    spans: dict[int, list[Span]] = {}
    for row, (_, start, end) in zip(rows.tolist(), read.sentences[repeated].tolist(), strict=True):
        spans.setdefault(row, []).append(Span(start, end))
    for row, start in zip(tails.tolist(), read.one["tail"][tails].tolist(), strict=True):
        spans.setdefault(row, []).append(Span(start, len(resources[row].summary)))
    found: dict[str, tuple[Span, ...]] = {}
    for row, several in spans.items():
        merged = _merged(several)
        left = len(resources[row].summary.strip()) - sum(span.end - span.start for span in merged)
        if left >= KEPT:
            found[resources[row].id] = merged
    return found


def _repeated(traits: Traits) -> NDArray[np.bool_]:
    """Return the mask of the sentences that their publisher repeats, (sentences,).

    Several listings of one title count once.
    """
    keys, rows = traits.sentences["key"], traits.said_by
    if not len(keys):
        return np.zeros(0, dtype=bool)
    publishers, titles = traits.one["publisher"][rows], traits.one["title"][rows]
    order = np.lexsort((titles, keys, publishers))
    keys, titles, publishers = keys[order], titles[order], publishers[order]
    begins = _changes(publishers, keys)
    # Each title counts once for a sentence of its publisher.
    counts = np.add.reduceat(_changes(publishers, keys, titles), np.flatnonzero(begins), dtype=np.int64)
    names, records = np.unique(traits.one["publisher"], return_counts=True)
    owned = records[np.searchsorted(names, publishers[begins])]
    often = counts >= np.maximum(RECURRING, SHARE * owned)
    found = np.empty(len(order), dtype=bool)
    found[order] = often[np.cumsum(begins) - 1]
    return found


def _changes(*columns: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return the mask of the rows of sorted columns that differ from the row before."""
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

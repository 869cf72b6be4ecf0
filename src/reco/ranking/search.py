"""Search of one snapshot: a query read as a vector and as words, and the rows that score best for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reco.encoder.protocol import Encoder, Vector
from reco.errors import EncoderMismatch
from reco.index.acronyms import Expansion
from reco.index.hits import Hit, Rows, top
from reco.ranking.query import Query
from reco.ranking.scoring import Fusion, ParsedQuery, Scorer
from reco.snapshots.snapshot import Snapshot


class Search:
    """Reads queries and ranks the rows of one snapshot by score. Holds no state that a query changes.

    Raises EncoderMismatch when the snapshot was made by another encoder.
    """

    def __init__(self, snapshot: Snapshot, encoder: Encoder, fusion: Fusion) -> None:
        if snapshot.manifest.encoder != encoder.fingerprint:
            raise EncoderMismatch(
                f"Snapshot {snapshot.id} was made by another encoder than the one in the settings.",
                "Run `reco refresh` to encode the catalogue with this one.",
            )
        self.snapshot = snapshot
        self.scorer = Scorer(snapshot, fusion)
        self._encoder = encoder

    def read(self, text: str, without: Sequence[str] = (), needs: Sequence[str] = ()) -> ParsedQuery:
        """Encode a query and its needs, and weigh its words. Acronyms named in `without` stay unexpanded."""
        expansions = self.scorer.expansions(text, without)
        vector = self._encoded(text, expansions)
        voices = [self._encoded(need, self.scorer.expansions(need, without)) for need in needs]
        seen = [self.snapshot.request(voice) for voice in voices]
        reading = self.scorer.read(self.snapshot.request(vector), text, expansions, seen)
        return replace(reading, encoded=vector)

    def read_resource(self, row: int, text: str) -> ParsedQuery:
        """Return a resource as a query: its own vector, and the words of `text`. Nothing is encoded."""
        vector = self.snapshot.dense.vectors(np.asarray([row]))[0]
        return self.scorer.read(vector, text)

    def best(self, reading: ParsedQuery, query: Query, k: int, leave_out: Sequence[int] = ()) -> list[Hit]:
        """Return the `k` best rows that pass the query's filters, one of each family, best first."""
        allowed = self.snapshot.catalogue.select(query.filters)
        allowed[list(leave_out)] = False
        rows = self._newest(self.scorer.candidates(reading, allowed, k))
        return top(rows, self.scorer.score(reading, rows), k)

    def _encoded(self, text: str, expansions: Sequence[Expansion]) -> Vector:
        return self._encoder.encode_query(expanded(text, expansions))

    def _newest(self, rows: Rows) -> Rows:
        """Return the rows without those of which a newer listing is among them."""
        families = self.snapshot.families
        if families is None or not families.families:
            return rows
        again = self.snapshot.listed_again
        there = set(rows[again[rows]].tolist())
        older = set()
        for row in there:
            listed = [found for found in self.snapshot.listings(row) if found in there]
            older.update(listed[1:])
        return rows[~np.isin(rows, list(older))]


def expanded(text: str, expansions: Sequence[Expansion]) -> str:
    """Return a query in which each acronym stands in both forms: "plan local d'urbanisme (PLU)"."""
    for expansion in sorted(expansions, key=lambda e: -e.start):
        if expansion.entry.is_acronym:
            both = f"{expansion.entry.full} ({expansion.entry.short})"
            text = text[: expansion.start] + both + text[expansion.end :]
    return text

"""Search in one snapshot: parse a query into vectors and terms, and rank the rows by score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reco.encoder.protocol import QueryEncoder, Vector
from reco.errors import EncoderMismatch
from reco.index.acronyms import Expansion
from reco.index.hits import Hit, Rows, top
from reco.ranking.query import Query
from reco.ranking.scoring import Fusion, ParsedQuery, Scorer
from reco.snapshots.snapshot import Snapshot


class Search:
    """Parses queries and ranks the rows of one snapshot by score. No query changes its state.

    Raises EncoderMismatch when another encoder made the snapshot.
    """

    def __init__(self, snapshot: Snapshot, encoder: QueryEncoder, fusion: Fusion) -> None:
        if snapshot.manifest.encoder != encoder.fingerprint:
            raise EncoderMismatch(
                f"Snapshot {snapshot.id} was made by another encoder than the one in the settings.",
                "Run `reco refresh` to encode the catalogue with the encoder in the settings.",
            )
        self.snapshot = snapshot
        self.scorer = Scorer(snapshot, fusion)
        self._encoder = encoder

    def read(
        self, text: str, without: Sequence[str] = (), needs: Sequence[str] = (), reasons: str = ""
    ) -> ParsedQuery:
        """Encode a query and its needs, and weigh its terms. Acronyms in `without` stay unexpanded.

        `reasons` are the text with what explains it, as in a deliberation; they count for `_REASONS`.
        """
        expansions = self.scorer.expansions(text, without)
        vector = self._encoded(text, expansions)
        if reasons:
            vector = _blended(vector, self._encoded(reasons, self.scorer.expansions(reasons, without)))
        need_vectors = [self._encoded(need, self.scorer.expansions(need, without)) for need in needs]
        projected = [self.snapshot.request(need_vector) for need_vector in need_vectors]
        parsed = self.scorer.read(self.snapshot.request(vector), text, expansions, projected)
        return replace(parsed, encoded=vector)

    def read_resource(self, row: int, text: str) -> ParsedQuery:
        """Return a resource as a query: its own vector and the terms of `text`. Encodes nothing."""
        vector = self.snapshot.dense.vectors(np.asarray([row]))[0]
        return self.scorer.read(vector, text, whole=True)

    def best(self, parsed: ParsedQuery, query: Query, k: int, leave_out: Sequence[int] = ()) -> list[Hit]:
        """Return the `k` best rows that pass the query's filters, best first, one listing per resource."""
        allowed = self.snapshot.catalogue.select(query.filters)
        allowed[list(leave_out)] = False
        rows = self._newest(self.scorer.candidates(parsed, allowed, k))
        return top(rows, self.scorer.score(parsed, rows), k)

    def _encoded(self, text: str, expansions: Sequence[Expansion]) -> Vector:
        return self._encoder.encode_query(expanded(text, expansions))

    def _newest(self, rows: Rows) -> Rows:
        """Drop each row when `rows` also hold a newer listing of the same resource."""
        families = self.snapshot.families
        if families is None or not families.families:
            return rows
        listed_again = self.snapshot.listed_again
        present = set(rows[listed_again[rows]].tolist())
        older = set()
        for row in present:
            listings = [other for other in self.snapshot.listings(row) if other in present]
            older.update(listings[1:])
        return rows[~np.isin(rows, list(older))]


_REASONS = 0.05
"""Share of the reasons in the meaning of a paper. With a tenth, they displace what a short object finds."""


def _blended(vector: Vector, reasons: Vector) -> Vector:
    """Return the unit vector of an object and its reasons."""
    both = (1 - _REASONS) * vector + _REASONS * reasons
    blended: Vector = (both / np.linalg.norm(both)).astype(np.float32)
    return blended


def expanded(text: str, expansions: Sequence[Expansion]) -> str:
    """Write each acronym of a query in both forms: "PLU" -> "plan local d'urbanisme (PLU)"."""
    for expansion in sorted(expansions, key=lambda e: -e.start):
        if expansion.entry.is_acronym:
            both = f"{expansion.entry.full} ({expansion.entry.short})"
            text = text[: expansion.start] + both + text[expansion.end :]
    return text

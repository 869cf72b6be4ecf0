"""Recommending: one query in, resources and their proofs out, from one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from reco.acronyms import Expansion
from reco.catalogue import Filters, values_of
from reco.encoder import Encoder
from reco.errors import EncoderMismatch, InvalidQuery, UnknownResource
from reco.explain import Explanation, WordShare, explain
from reco.judged import Moves, moves, neighbours
from reco.query import Query
from reco.ranking import Hit, Rows, top
from reco.resource import Resource
from reco.scoring import Fusion, Reading, Scorer
from reco.snapshot import Snapshot

__all__ = ["Answer", "Fusion", "Need", "Query", "Recommendation", "Recommender"]


@dataclass(frozen=True)
class Recommendation:
    """A resource, why it is here, and how sure we are (`level` is None until it is calibrated).

    `others` are the same thing under other ids, newest first: editions, and listings by other sources.
    """

    rank: int
    resource: Resource
    score: float
    explanation: Explanation
    level: str | None = None
    others: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class Need:
    """One thing that a request asks for, and the ranks of the results that cover it."""

    text: str
    level: str | None
    covered_by: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What one query gets from one snapshot. `expansions` are the acronyms that were read in full."""

    query: Query
    snapshot: str
    recommendations: tuple[Recommendation, ...]
    verdict: str | None = None
    needs: tuple[Need, ...] = ()
    expansions: tuple[Expansion, ...] = ()


class Recommender:
    """Answers queries from one snapshot. Holds no state that a query changes."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder, fusion: Fusion | None = None) -> None:
        if snapshot.manifest.encoder != encoder.fingerprint:
            raise EncoderMismatch(
                f"Snapshot {snapshot.id} was made by another encoder than the one in the settings.",
                "Run `reco refresh` to encode the catalogue with this one.",
            )
        self.snapshot = snapshot
        self._encoder = encoder
        self._scorer = Scorer(snapshot, fusion or Fusion())

    @property
    def fusion(self) -> Fusion:
        """The weights by which it scores."""
        return self._scorer.fusion

    def recommend(self, query: Query) -> Answer:
        """Return the best resources for a request, each with its proof.

        Raises InvalidQuery for a type or theme that the catalogue does not have.
        """
        self._require_known(query.filters)
        reading = self._read(query)
        return self._answer(query, reading, self._rank(reading, query))

    def rank(self, query: Query) -> list[Hit]:
        """Return the rows of `recommend` with their scores, without proofs."""
        self._require_known(query.filters)
        return self._rank(self._read(query), query)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one of the catalogue, never itself nor its other listings.

        Raises UnknownResource when the snapshot does not hold it.
        """
        row = self.snapshot.catalogue.row(identifier)
        if row is None:
            raise UnknownResource(f"There is no resource {identifier!r}.", self._suggest(identifier))
        resource = self.snapshot.catalogue[row]
        query = Query.of(f"{resource.title}. {resource.read_summary}", k, filters)
        self._require_known(query.filters)
        vector = self.snapshot.dense.vectors(np.asarray([row]))[0]
        reading = self._scorer.read(vector, query.text)
        return self._answer(query, reading, self._rank(reading, query, self._family(row)))

    def _read(self, query: Query) -> Reading:
        expansions = self._scorer.expansions(query.text, query.without)
        vector = self._encoder.encode_query(_expanded(query.text, expansions))
        return self._scorer.read(self.snapshot.request(vector), query.text, expansions)

    def _rank(self, reading: Reading, query: Query, leave_out: Sequence[int] = ()) -> list[Hit]:
        allowed = self.snapshot.catalogue.select(query.filters)
        allowed[list(leave_out)] = False
        rows = self._scorer.candidates(reading, allowed, query.k)
        moved = self._moves(reading, query)
        if moved is not None:
            rows = np.union1d(rows, neighbours(self.snapshot, query.opinions, query.k, allowed))
        rows = self._newest(rows)
        scores = self._scorer.score(reading, rows)
        return top(rows, scores if moved is None else scores + moved.points[rows], query.k)

    def _moves(self, reading: Reading, query: Query) -> Moves | None:
        """Return what the visitor's opinions change, in a span that no filter and no k changes."""
        if not query.opinions:
            return None
        everything = np.ones(len(self.snapshot.catalogue), dtype=np.bool_)
        scores = self._scorer.score(reading, self._scorer.candidates(reading, everything, 1))
        return moves(self.snapshot, query.opinions, float(np.ptp(scores)))

    def _family(self, row: int) -> list[int]:
        """Return the rows of the same thing, newest first: the row alone when it is listed once."""
        resource = self.snapshot.catalogue[row]
        families = self.snapshot.families
        if families is None or resource.id not in families.of:
            return [row]
        rows = (self.snapshot.catalogue.row(member) for member in families.of[resource.id].members)
        return [found for found in rows if found is not None]

    def _newest(self, rows: Rows) -> Rows:
        """Return the rows without those of which a newer listing is among them."""
        families = self.snapshot.families
        if families is None or not families.families:
            return rows
        there = set(rows.tolist())
        older = set()
        for row in there:
            listed = [found for found in self._family(row) if found in there]
            older.update(listed[1:])
        return np.asarray(sorted(there - older), dtype=np.int64)

    def _answer(self, query: Query, reading: Reading, hits: Sequence[Hit]) -> Answer:
        shares = self._scorer.shares(reading, np.asarray([hit.row for hit in hits], dtype=np.int64))
        moved = self._moves(reading, query)
        recommendations = tuple(
            Recommendation(
                rank,
                self.snapshot.catalogue[hit.row],
                hit.score,
                self._explain(reading, hit.row, words, moved),
                others=tuple(self.snapshot.catalogue[r] for r in self._family(hit.row) if r != hit.row),
            )
            for rank, (hit, words) in enumerate(zip(hits, shares, strict=True), start=1)
        )
        return Answer(query, self.snapshot.id, recommendations, expansions=reading.expansions)

    def _explain(
        self, reading: Reading, row: int, shares: Sequence[WordShare], moved: Moves | None
    ) -> Explanation:
        resource, document = self.snapshot.catalogue[row], self.snapshot.document(row)
        others = () if moved is None else moved.line(row)
        return explain(resource, document, self._scorer.meaning(reading), shares, others)

    def _require_known(self, filters: Filters) -> None:
        problems, hints = [], []
        for facet, values in filters.by_facet.items():
            known = sorted({v for r in self.snapshot.catalogue for v in values_of(r, facet)})
            for value in values:
                if not self.snapshot.catalogue.knows(facet, value):
                    problems.append(f"no resource has the {facet} {value!r}")
                    near = get_close_matches(value, known, n=3, cutoff=0.4) or known[:5]
                    hints.append(f"{facet}s in this catalogue include: {', '.join(near)}.")
        if problems:
            raise InvalidQuery(f"The request cannot be answered: {'; '.join(problems)}.", " ".join(hints))

    def _suggest(self, identifier: str) -> str:
        near = get_close_matches(identifier, [r.id for r in self.snapshot.catalogue], n=3)
        return f"Did you mean {' or '.join(near)}?" if near else "Ids are in the results of `reco recommend`."


def _expanded(text: str, expansions: Sequence[Expansion]) -> str:
    """Return a request with both forms of each acronym that it writes in one."""
    for expansion in sorted(expansions, key=lambda e: -e.start):
        if expansion.entry.is_acronym:
            both = f"{expansion.entry.full} ({expansion.entry.short})"
            text = text[: expansion.start] + both + text[expansion.end :]
    return text

"""Recommending: one query in, resources and their proofs out, from one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from reco import vigilance
from reco.acronyms import Expansion
from reco.arrangement import Arranged, Arranger, Placed
from reco.catalogue import Filters
from reco.encoder import Encoder
from reco.errors import EncoderMismatch, UnknownResource
from reco.explain import Explanation, WordShare, explain
from reco.likeness import Likeness
from reco.placement import Placement
from reco.query import Query
from reco.ranking import Hit, Rows, top
from reco.resource import Resource
from reco.scoring import Fusion, Reading, Scorer
from reco.shelf import Slot
from reco.snapshot import Snapshot
from reco.vigilance import Warned

__all__ = ["Answer", "Fusion", "Need", "Query", "Recommendation", "Recommender"]


@dataclass(frozen=True)
class Recommendation:
    """A resource, why it is here, and how sure we are (`level` is None until it is calibrated).

    `others` are the same thing under other ids, newest first: editions, and listings by other sources.
    `placement` says what moved it without changing its score, `vigilance` quotes what it says can go
    wrong, and `likeness` compares its place with the query's; None when there is nothing to say.
    """

    rank: int
    resource: Resource
    score: float
    explanation: Explanation
    level: str | None = None
    others: tuple[Resource, ...] = ()
    placement: Placement | None = None
    vigilance: tuple[Warned, ...] = ()
    likeness: Likeness | None = None


@dataclass(frozen=True)
class Need:
    """One thing that a request asks for, and the ranks of the results that cover it."""

    text: str
    level: str | None
    covered_by: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What one query gets from one snapshot. `expansions` are the acronyms that were read in full.

    `shelf` has the slots of a balanced shelf, in the order of types; it is empty unless one was asked for.
    """

    query: Query
    snapshot: str
    recommendations: tuple[Recommendation, ...]
    verdict: str | None = None
    needs: tuple[Need, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    shelf: tuple[Slot, ...] = ()


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
        self._arranger = Arranger(snapshot, self.fusion.diversity)

    @property
    def fusion(self) -> Fusion:
        """The weights by which it scores."""
        return self._scorer.fusion

    def recommend(self, query: Query) -> Answer:
        """Return the best resources for a request, each with its proof.

        Raises InvalidQuery for a filter on a value that the catalogue does not have.
        """
        self.snapshot.catalogue.require_known(query.filters)
        reading = self._read(query)
        return self._answer(query, reading, self._rank(reading, query))

    def rank(self, query: Query) -> list[Hit]:
        """Return the rows of `recommend` with their scores, without proofs."""
        self.snapshot.catalogue.require_known(query.filters)
        return [one.hit for one in self._rank(self._read(query), query).placed]

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one of the catalogue, never itself nor its other listings.

        Raises UnknownResource when the snapshot does not hold it.
        """
        row = self.snapshot.catalogue.row(identifier)
        if row is None:
            raise UnknownResource(f"There is no resource {identifier!r}.", self._suggest(identifier))
        resource = self.snapshot.catalogue[row]
        query = Query.of(f"{resource.title}. {resource.read_summary}", k, filters, diversity=0.0)
        self.snapshot.catalogue.require_known(query.filters)
        vector = self.snapshot.dense.vectors(np.asarray([row]))[0]
        reading = self._scorer.read(vector, query.text)
        return self._answer(query, reading, self._rank(reading, query, self._family(row)))

    def _read(self, query: Query) -> Reading:
        expansions = self._scorer.expansions(query.text, query.without)
        vector = self._encoder.encode_query(_expanded(query.text, expansions))
        reading = self._scorer.read(self.snapshot.request(vector), query.text, expansions)
        return self._scorer.judged(reading, query.opinions)

    def _rank(self, reading: Reading, query: Query, leave_out: Sequence[int] = ()) -> Arranged:
        depth = self._arranger.depth(query)
        allowed = self.snapshot.catalogue.select(query.filters)
        allowed[list(leave_out)] = False
        rows = self._newest(self._scorer.candidates(reading, allowed, query.k))
        hits = top(rows, self._scorer.score(reading, rows), depth)
        return self._arranger.arrange(query, hits, self._levels_of(hits))

    def _levels_of(self, hits: Sequence[Hit]) -> tuple[str | None, ...]:
        """Return how sure each hit is; None until levels are calibrated."""
        return (None,) * len(hits)

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

    def _answer(self, query: Query, reading: Reading, arranged: Arranged) -> Answer:
        rows = np.asarray([one.hit.row for one in arranged.placed], dtype=np.int64)
        shares = self._scorer.shares(reading, rows)
        recommendations = tuple(
            self._recommendation(reading, rank, one, words)
            for rank, (one, words) in enumerate(zip(arranged.placed, shares, strict=True), start=1)
        )
        return Answer(
            query, self.snapshot.id, recommendations, expansions=reading.expansions, shelf=arranged.shelf
        )

    def _recommendation(
        self, reading: Reading, rank: int, one: Placed, words: Sequence[WordShare]
    ) -> Recommendation:
        row = one.hit.row
        resource: Resource = self.snapshot.catalogue[row]
        spans = [span for span in self.snapshot.table.document(row).spans if span.start >= 0]
        return Recommendation(
            rank,
            resource,
            one.hit.score,
            self._explain(reading, row, words),
            level=one.level,
            others=tuple(self.snapshot.catalogue[r] for r in self._family(row) if r != row),
            placement=one.placement,
            vigilance=vigilance.points(resource.summary, spans),
            likeness=one.likeness,
        )

    def _explain(self, reading: Reading, row: int, shares: Sequence[WordShare]) -> Explanation:
        resource, document = self.snapshot.catalogue[row], self.snapshot.document(row)
        moved = () if reading.moves is None else reading.moves.line(row)
        return explain(resource, document, self._scorer.meaning(reading), shares, moved)

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

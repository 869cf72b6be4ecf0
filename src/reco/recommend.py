"""Recommending: one query in, resources and their proofs out, from one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from reco.acronyms import Expansion
from reco.catalogue import Filters, values_of
from reco.coverage import Covered, Coverer
from reco.encoder import Encoder
from reco.errors import EncoderMismatch, InvalidQuery, UnknownResource
from reco.explain import Explanation, RequestWords, Scored, WordShare, explain
from reco.levels import FARTHEST
from reco.needs import FIRST, Need
from reco.placement import Placement
from reco.query import Query
from reco.ranking import Hit, Rows, top
from reco.resource import Resource
from reco.scoring import Fusion, Reading, Scorer
from reco.snapshot import Snapshot

__all__ = ["Answer", "Fusion", "Need", "Query", "Recommendation", "Recommender"]


@dataclass(frozen=True)
class Recommendation:
    """A resource, why it is here, and how sure we are: a `level` of `LEVELS`, None where none is calibrated.

    `others` are the same thing under other ids, newest first: editions, and listings by other sources.
    `placement` says what moved it without changing its score; None where nothing did.
    """

    rank: int
    resource: Resource
    score: float
    explanation: Explanation
    level: str | None = None
    others: tuple[Resource, ...] = ()
    placement: Placement | None = None


@dataclass(frozen=True)
class Answer:
    """What one query gets from one snapshot. `expansions` are the acronyms that were read in full.

    `verdict` is "found", "weak" or "nothing", whose results are all *éloigné*; `confidence` is the
    probability (0 to 1) that the request belongs to the field. Both are None where levels are not
    calibrated, and for the neighbours of a resource.
    """

    query: Query
    snapshot: str
    recommendations: tuple[Recommendation, ...]
    verdict: str | None = None
    needs: tuple[Need, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True)
class _Sureness:
    levels: tuple[str | None, ...]
    verdict: str | None = None
    confidence: float | None = None


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
        levels = snapshot.levels
        self._levels = levels if levels is not None and levels.made_for == self.fusion.stamp else None
        self._coverer = Coverer(snapshot, self._scorer, self._levels, self._read, self._best)

    @property
    def fusion(self) -> Fusion:
        """The weights by which it scores."""
        return self._scorer.fusion

    def recommend(self, query: Query) -> Answer:
        """Return the best resources for a request, each with its proof.

        Raises InvalidQuery for a type or theme that the catalogue does not have.
        """
        self._require_known(query.filters)
        reading = self._read(query.text, query.without)
        return self._answer(query, reading, self._covering(reading, query))

    def rank(self, query: Query) -> list[Hit]:
        """Return the rows of `recommend` with their scores, without proofs."""
        self._require_known(query.filters)
        return self._covering(self._read(query.text, query.without), query).hits

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
        return self._answer(query, reading, Covered(self._best(reading, query, query.k, self._family(row))))

    def _read(self, text: str, without: Sequence[str]) -> Reading:
        expansions = self._scorer.expansions(text, without)
        vector = self._encoder.encode_query(expanded(text, expansions))
        return replace(self._scorer.read(self.snapshot.request(vector), text, expansions), encoded=vector)

    def _covering(self, reading: Reading, query: Query) -> Covered:
        return self._coverer.cover(query, reading, self._best(reading, query, max(query.k, FIRST)))

    def _best(self, reading: Reading, query: Query, k: int, leave_out: Sequence[int] = ()) -> list[Hit]:
        allowed = self.snapshot.catalogue.select(query.filters)
        allowed[list(leave_out)] = False
        rows = self._newest(self._scorer.candidates(reading, allowed, k))
        return top(rows, self._scorer.score(reading, rows), k)

    def _family(self, row: int) -> list[int]:
        """Return the rows of the same thing, newest first: the row alone when it is listed once."""
        return self.snapshot.listings(row)

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

    def _answer(self, query: Query, reading: Reading, covered: Covered) -> Answer:
        hits = covered.hits
        shares = self._scorer.shares(reading, np.asarray([hit.row for hit in hits], dtype=np.int64))
        sure = self._sureness(reading, hits)
        asked = RequestWords(query.text, reading.expansions, self.snapshot.acronyms)
        recommendations = tuple(
            Recommendation(
                rank,
                self.snapshot.catalogue[hit.row],
                hit.score,
                self._explain(reading, hit, words, asked),
                level,
                others=tuple(self.snapshot.catalogue[r] for r in self._family(hit.row) if r != hit.row),
                placement=covered.placements.get(hit.row),
            )
            for rank, (hit, words, level) in enumerate(zip(hits, shares, sure.levels, strict=True), start=1)
        )
        return Answer(
            query,
            self.snapshot.id,
            recommendations,
            sure.verdict,
            covered.needs,
            expansions=reading.expansions,
            confidence=sure.confidence,
        )

    def _sureness(self, reading: Reading, hits: Sequence[Hit]) -> _Sureness:
        """Return the level of each hit and the verdict; where the request does not fit, nothing is close."""
        if self._levels is None or reading.encoded is None:
            return _Sureness((None,) * len(hits))
        levels = tuple(self._levels.level(hit.score) for hit in hits)
        confidence = self._levels.confidence(reading.encoded, max((h.score for h in hits), default=0.0))
        verdict = self._levels.verdict(confidence, levels)
        if verdict == "nothing":
            levels = (FARTHEST,) * len(hits)
        return _Sureness(levels, verdict, confidence)

    def _explain(
        self, reading: Reading, hit: Hit, shares: Sequence[WordShare], asked: RequestWords
    ) -> Explanation:
        resource, document = self.snapshot.catalogue[hit.row], self.snapshot.document(hit.row)
        return explain(resource, document, Scored(hit.score, self._scorer.meaning(reading), shares), asked)

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


def expanded(text: str, expansions: Sequence[Expansion]) -> str:
    """Return a request with both forms of each acronym that it writes in one."""
    for expansion in sorted(expansions, key=lambda e: -e.start):
        if expansion.entry.is_acronym:
            both = f"{expansion.entry.full} ({expansion.entry.short})"
            text = text[: expansion.start] + both + text[expansion.end :]
    return text

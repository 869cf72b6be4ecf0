"""Recommending: one query in, resources and their proofs out, from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from reco.catalogue.catalogue import Filters
from reco.catalogue.places.similarity import Likeness
from reco.catalogue.resource import Resource
from reco.encoder.protocol import Encoder
from reco.errors import UnknownResource
from reco.index.acronyms import Expansion
from reco.index.calibration import FARTHEST, Levels
from reco.index.hits import Hit
from reco.ranking import cautions as vigilance
from reco.ranking.cautions import Caution
from reco.ranking.explain import Explanation, QueryWords, Scored, explain, with_opinions
from reco.ranking.needs import FIRST, Covered, Coverer, Need, split
from reco.ranking.query import Query
from reco.ranking.relevance_feedback import FeedbackShift
from reco.ranking.rerank import Arranger, Placed, Placement
from reco.ranking.scoring import Fusion, ParsedQuery, WordShare
from reco.ranking.search import Search
from reco.ranking.shelf import Slot
from reco.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Fusion", "Need", "Query", "Recommendation", "Recommender"]


@dataclass(frozen=True)
class Recommendation:
    """A resource, why it is here, and how sure we are: a `level` of `LEVELS`, None where none is calibrated.

    `others` are the same thing under other ids, newest first: editions, and listings by other sources.
    `placement` says what moved it without changing its score, `vigilance` quotes what it says can go
    wrong, and `likeness` compares its place with the query's; None when there is nothing to say.

    >>> first = home.recommend("un verger partagé", k=1)[0]
    >>> first.rank, first.resource.title
    (1, 'Un verger partagé derrière la mairie')
    """

    rank: int
    resource: Resource
    score: float
    explanation: Explanation
    level: str | None = None
    others: tuple[Resource, ...] = ()
    placement: Placement | None = None
    vigilance: tuple[Caution, ...] = ()
    likeness: Likeness | None = None

    @property
    def best_passage(self) -> str:
        """The quote nearest to the query; "" when the resource has none."""
        return self.explanation.passages[0].text if self.explanation.passages else ""


@dataclass(frozen=True)
class Answer:
    """What one query gets from one snapshot. `expansions` are the acronyms that were read in full.

    `verdict` is "found", "weak" or "nothing", whose results are all *éloigné*; `confidence` is the
    probability (0 to 1) that the request belongs to the field. Both are None where levels are not
    calibrated, and for the neighbours of a resource. `shelf` has the slots of a balanced shelf, in the
    order of types; it is empty unless one was asked for.

    It is a sequence of its recommendations:

    >>> answer = home.recommend("un verger partagé", k=2)
    >>> len(answer), answer[0].resource.id, [item.rank for item in answer]
    (2, 'r01', [1, 2])
    >>> list(answer.to_frame().columns)
    ['rank', 'score', 'level', 'title', 'best passage']
    """

    query: Query
    snapshot: str
    recommendations: tuple[Recommendation, ...]
    verdict: str | None = None
    needs: tuple[Need, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    confidence: float | None = None
    shelf: tuple[Slot, ...] = ()

    def __len__(self) -> int:
        return len(self.recommendations)

    def __bool__(self) -> bool:
        return True  # an answer without results is an answer

    def __getitem__(self, index: int) -> Recommendation:
        return self.recommendations[index]

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.recommendations)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per result, by id: rank, score, level, title, best passage ("" without any)."""
        import pandas as pd  # only who asks for a table waits for it

        rows = [
            (item.rank, item.score, item.level, item.resource.title, item.best_passage)
            for item in self.recommendations
        ]
        index = pd.Index([item.resource.id for item in self.recommendations], name="id", dtype=object)
        return pd.DataFrame(rows, index, ["rank", "score", "level", "title", "best passage"])


@dataclass(frozen=True)
class _Sureness:
    """What scores are worth for one request; where it does not fit, nothing is close.

    The visitor's own opinions change the order, never how sure a result or a verdict is.
    """

    levels: Levels | None = None
    verdict: str | None = None
    confidence: float | None = None
    moves: FeedbackShift | None = None

    def level(self, hit: Hit) -> str | None:
        if self.levels is None:
            return None
        return FARTHEST if self.verdict == "nothing" else self.levels.level(_own(hit, self.moves))


@dataclass(frozen=True)
class _Ranked:
    """Hits in the order in which they are shown, with all that was found on the way."""

    placed: tuple[Placed, ...]
    sure: _Sureness = _Sureness()
    needs: tuple[Need, ...] = ()
    shelf: tuple[Slot, ...] = ()


class Recommender:
    """Answers queries from one snapshot. Holds no state that a query changes.

    >>> recommender = Recommender(home.snapshot, home.encoder)
    >>> recommender.rank(Query.of("un verger partagé", k=1))[0].row
    1
    """

    def __init__(self, snapshot: Snapshot, encoder: Encoder, fusion: Fusion | None = None) -> None:
        self.snapshot = snapshot
        self._search = Search(snapshot, encoder, fusion or Fusion())
        levels = snapshot.levels
        self._levels = levels if levels is not None and levels.made_for == self.fusion.stamp else None
        self._arranger = Arranger(snapshot, self.fusion.diversity)
        self._coverer = Coverer(self._search, self._levels)

    @property
    def fusion(self) -> Fusion:
        """The weights by which it scores."""
        return self._search.scorer.fusion

    def recommend(self, query: Query) -> Answer:
        """Return the best resources for a request, each with its proof.

        Raises InvalidQuery for a filter on a value that the catalogue does not have.
        """
        self.snapshot.catalogue.require_known(query.filters)
        needs = split(query.text)
        reading = self._judged(query, needs)
        return self._answer(query, reading, self._ranked(reading, query, needs))

    def rank(self, query: Query) -> list[Hit]:
        """Return the rows of `recommend` with their scores, without proofs."""
        self.snapshot.catalogue.require_known(query.filters)
        needs = split(query.text)
        ranked = self._ranked(self._judged(query, needs), query, needs, telling=False)
        return [one.hit for one in ranked.placed]

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one of the catalogue, never itself nor its other listings.

        Raises UnknownResource when the snapshot does not hold it.
        """
        row = self.snapshot.catalogue.row(identifier)
        if row is None:
            raise UnknownResource(f"There is no resource {identifier!r}.", self._suggest(identifier))
        resource = self.snapshot.catalogue[row]
        query = Query.of(f"{resource.title}. {resource.read_summary}", k, filters)
        self.snapshot.catalogue.require_known(query.filters)
        reading = self._search.read_resource(row, query.text)
        hits = self._search.best(reading, query, query.k, self.snapshot.listings(row))
        return self._answer(query, reading, _Ranked(tuple(Placed(hit) for hit in hits)))

    def _judged(self, query: Query, needs: Sequence[str]) -> ParsedQuery:
        """Return a query as it is read, with what the visitor's opinions move."""
        reading = self._search.read(query.text, query.without, needs if self.fusion.need else ())
        return self._search.scorer.judged(reading, query.opinions)

    def _ranked(
        self, reading: ParsedQuery, query: Query, needs: Sequence[str], telling: bool = True
    ) -> _Ranked:
        """Order by score, then by what may move a result without changing it; needs have the last word.

        Without `telling`, needs that move nothing are not looked for.
        """
        hits = self._search.best(reading, query, max(self._arranger.depth(query), FIRST))
        sure = self._sureness(reading, hits)
        # Needs look at the first ones whatever k is, so that fewer results are the first of more.
        wide = replace(query, k=max(query.k, FIRST))
        arranged = self._arranger.arrange(wide, hits, tuple(map(sure.level, hits)))
        hits = [one.hit for one in arranged.placed]
        # Without levels nothing says that a need's best answer is close: it would displace better ones.
        moving = not query.shelf and self._levels is not None
        looked = telling or moving
        covered = (
            self._coverer.cover(query, needs, reading, hits, moving) if looked else Covered(hits[: query.k])
        )
        found = {one.hit.row: one for one in arranged.placed}
        placed = (self._placed(query, hit, found.get(hit.row), covered, sure) for hit in covered.hits)
        return _Ranked(tuple(placed), sure, covered.needs, arranged.shelf)

    def _placed(
        self, query: Query, hit: Hit, arranged: Placed | None, covered: Covered, sure: _Sureness
    ) -> Placed:
        """Return a hit as it is shown: as it was arranged, unless a need brought it here."""
        moved = covered.placements.get(hit.row)
        if arranged is not None:
            return arranged if moved is None else replace(arranged, placement=moved)
        return self._arranger.compared(query, Placed(hit, sure.level(hit), placement=moved))

    def _sureness(self, reading: ParsedQuery, hits: Sequence[Hit]) -> _Sureness:
        """Return what is known of a request from its hits, best first."""
        if self._levels is None or reading.encoded is None:
            return _Sureness()
        best = max((_own(hit, reading.moves) for hit in hits), default=None)
        confidence = self._levels.confidence(reading.encoded, best or 0.0)
        verdict = self._levels.verdict(confidence, None if best is None else self._levels.level(best))
        return _Sureness(self._levels, verdict, confidence, reading.moves)

    def _answer(self, query: Query, reading: ParsedQuery, ranked: _Ranked) -> Answer:
        rows = np.asarray([one.hit.row for one in ranked.placed], dtype=np.int64)
        shares = self._search.scorer.shares(reading, rows)
        asked = QueryWords(query.text, reading.expansions, self.snapshot.acronyms)
        recommendations = tuple(
            self._recommendation(reading, rank, one, words, asked)
            for rank, (one, words) in enumerate(zip(ranked.placed, shares, strict=True), start=1)
        )
        return Answer(
            query,
            self.snapshot.id,
            recommendations,
            ranked.sure.verdict,
            ranked.needs,
            reading.expansions,
            ranked.sure.confidence,
            ranked.shelf,
        )

    def _recommendation(
        self, reading: ParsedQuery, rank: int, one: Placed, words: Sequence[WordShare], asked: QueryWords
    ) -> Recommendation:
        row = one.hit.row
        resource: Resource = self.snapshot.catalogue[row]
        document = self.snapshot.document(row)
        scored = Scored(_own(one.hit, reading.moves), self._search.scorer.meaning(reading), words)
        explanation = explain(resource, document, scored, asked)
        return Recommendation(
            rank,
            resource,
            one.hit.score,
            explanation if reading.moves is None else with_opinions(explanation, reading.moves, one.hit),
            level=one.level,
            others=tuple(self.snapshot.catalogue[r] for r in self.snapshot.listings(row) if r != row),
            placement=one.placement,
            vigilance=vigilance.points(resource.summary, [s for s in document.spans if s.start >= 0]),
            likeness=one.likeness,
        )

    def _suggest(self, identifier: str) -> str:
        near = get_close_matches(identifier, [r.id for r in self.snapshot.catalogue], n=3)
        return f"Did you mean {' or '.join(near)}?" if near else "Ids are in the results of `reco recommend`."


def _own(hit: Hit, moves: FeedbackShift | None) -> float:
    """Return a hit's score without opinions."""
    return hit.score if moves is None else moves.own(hit)

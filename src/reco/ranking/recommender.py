"""The recommender: one query in, results with their explanations out, from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Filters
from reco.catalogue.places.similarity import Likeness
from reco.catalogue.resource import Resource
from reco.encoder.protocol import QueryEncoder
from reco.errors import UnknownResource
from reco.index.acronyms import Expansion
from reco.index.hits import Hit
from reco.ranking import cautions as vigilance
from reco.ranking.cautions import Caution
from reco.ranking.certainty import FIRST as ASSESSED
from reco.ranking.certainty import Assessor, Certainty, Chance
from reco.ranking.evidence import Witness
from reco.ranking.explain import (
    Explanation,
    QueryWords,
    Scored,
    explain,
    with_opinions,
    with_second_look,
)
from reco.ranking.needs import FIRST, Covered, Coverer, Need, needs_of, says_something
from reco.ranking.query import Query
from reco.ranking.rerank import Arranger, Placed, Placement
from reco.ranking.scoring import Fusion, ParsedQuery, WordShare
from reco.ranking.search import Search
from reco.ranking.second_look import FIRST as LOOKED_AT
from reco.ranking.second_look import SecondLook, moved
from reco.ranking.shelf import Slot
from reco.ranking.spelling import Correction, Speller, Understood, speller_of
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import fold
from reco.text.papers.reading import Reading

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Fusion", "Need", "Query", "Ranking", "Recommendation", "Recommender"]


@dataclass(frozen=True)
class Recommendation:
    """A result: a resource, its explanation, and its `level` in `LEVELS`, None without calibration.

    `chance` holds the probabilities behind the level.

    `others` are editions of the resource and its listings by other sources, newest first. `placement`
    says what moved it without changing its score. `vigilance` quotes what it says can go wrong.
    `likeness` compares its place with the query's.

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
    chance: Chance | None = None

    @property
    def best_passage(self) -> str:
        """The quote nearest to the query; "" when the resource has none."""
        return self.explanation.passages[0].text if self.explanation.passages else ""

    def row(self) -> dict[str, str | int | float | None]:
        """Return the rank, the fields that name the resource, the score and the level, by name."""
        names = ("id", "title", "type", "theme", "publisher", "year", "url")
        named = {name: getattr(self.resource, name) for name in names}
        return {"rank": self.rank, **named, "score": self.score, "level": self.level}


@dataclass(frozen=True)
class Answer:
    """The results of one query on one snapshot.

    `verdict` is "found" (something squarely about it is very likely), "weak" or "nothing" (then every level
    is *éloigné*). `confidence` is the probability, 0 to 1, that the query belongs to the field. Both are None
    without calibrated levels and for `similar`. `expansions` are the acronyms and synonyms that were
    expanded. `shelf` has the slots of a balanced shelf, in the order of types, when the query has `shelf`.
    `understood` is the text that was searched: the query's with its `corrections`, which give positions in
    the query's text. `like` is the id that `similar` was asked for, "" for a description. `chance` is the
    best probability, 0 to 1, that a result is useful: of ten requests like this one, so many tenths found
    something. `unmet` are the heaviest words of the query that no result has.

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
    understood: str = ""
    corrections: tuple[Correction, ...] = ()
    like: str = ""
    chance: float | None = None
    unmet: tuple[str, ...] = ()

    @property
    def misspelt(self) -> Mapping[str, Correction]:
        """The first correction of each word, by the word as written: a long text repeats its faults."""
        first: dict[str, Correction] = {}
        for one in self.corrections:
            first.setdefault(fold(one.written), one)
        return {one.written: one for one in first.values()}

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
        import pandas as pd  # slow to import, so only for a table

        rows = [
            (item.rank, item.score, item.level, item.resource.title, item.best_passage)
            for item in self.recommendations
        ]
        index = pd.Index([item.resource.id for item in self.recommendations], name="id", dtype=object)
        return pd.DataFrame(rows, index, ["rank", "score", "level", "title", "best passage"])


@dataclass(frozen=True)
class Ranking:
    """The hits of a query in the order shown, and the `verdict` of its `Answer`.

    >>> home.recommender.ranking(Query.of("un verger partagé", k=2)).hits[0].row
    1
    """

    hits: tuple[Hit, ...]
    verdict: str | None = None


@dataclass(frozen=True)
class _Asked:
    """What is searched for a query: its text as understood, what is read of that text, and its needs."""

    understood: Understood
    reading: Reading
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Ranked:
    """Hits in the order shown, with their calibration, needs and shelf."""

    placed: tuple[Placed, ...]
    certainty: Certainty = field(default_factory=Certainty)
    needs: tuple[Need, ...] = ()
    shelf: tuple[Slot, ...] = ()
    parsed: ParsedQuery | None = None
    """The query with the points of the second look."""


class Recommender:
    """Answers queries from one snapshot. No query changes its state.

    >>> recommender = Recommender(home.snapshot, home.encoder)
    >>> recommender.rank(Query.of("un verger partagé", k=1))[0].row
    1
    """

    def __init__(
        self,
        snapshot: Snapshot,
        encoder: QueryEncoder,
        fusion: Fusion | None = None,
        second: SecondLook | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.second = second
        self._search = Search(snapshot, encoder, fusion or Fusion())
        levels = snapshot.levels
        self._levels = levels if levels is not None and levels.made_for == self.fusion.stamp else None
        self._witness = Witness(snapshot, self._search.scorer)
        self._assessor = Assessor(self._levels, self._witness)
        self._arranger = Arranger(snapshot, self.fusion.diversity)
        self._coverer = Coverer(self._search, self._assessor)

    @property
    def fusion(self) -> Fusion:
        """The weights of the score."""
        return self._search.scorer.fusion

    def recommend(self, query: Query) -> Answer:
        """Return the best resources for a query, each with its explanation.

        Raises InvalidQuery for a filter on a value that the catalogue does not have.
        """
        self.snapshot.catalogue.require_known(query.filters)
        asked = self._asked(query)
        parsed = self._parse(query, asked)
        ranked = self._ranked(parsed, query, asked)
        return self._answer(query, asked, ranked.parsed or parsed, ranked)

    def rank(self, query: Query) -> list[Hit]:
        """Return the rows of `recommend` with their scores, without explanations."""
        return list(self.ranking(query).hits)

    def ranking(self, query: Query) -> Ranking:
        """Return the rows and the verdict of `recommend`, without explanations: for many queries at once."""
        self.snapshot.catalogue.require_known(query.filters)
        asked = self._asked(query)
        ranked = self._ranked(self._parse(query, asked), query, asked, with_needs=False)
        return Ranking(tuple(placed.hit for placed in ranked.placed), ranked.certainty.verdict)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        """Return the resources nearest to one of the catalogue, without itself and its other listings.

        Raises UnknownResource for an id that is not in the snapshot.
        """
        row = self.snapshot.catalogue.row(identifier)
        if row is None:
            raise UnknownResource(f"There is no resource {identifier!r}.", self._suggest(identifier))
        resource = self.snapshot.catalogue[row]
        query = Query.of(f"{resource.title}. {resource.read_summary}", k, filters, whole=True)
        self.snapshot.catalogue.require_known(query.filters)
        parsed = self._search.read_resource(row, query.text)
        hits = self._search.best(parsed, query, query.k, self.snapshot.listings(row))
        asked = _Asked(Understood(query.text), query.reading)
        found = self._answer(query, asked, parsed, _Ranked(tuple(Placed(hit) for hit in hits)))
        return replace(found, like=identifier)

    def understood(self, query: Query) -> Understood:
        """Return the text that is searched for a query: its own, or with the spelling of its words mended.

        Of a paper, only the words that are read are mended.
        """
        reading = query.reading
        parts = [(part.start, part.end) for part in reading.kept] if reading.kind else None
        return self._speller.read(query.text, query.exact, parts)

    def figures(self, query: Query) -> list[tuple[str, NDArray[np.float64]]]:
        """Return the ids of the first results by score, with the figures that tell their chances.

        The figures are in the order of `reco.ranking.evidence.NAMES`. Raises what `recommend` raises.
        """
        self.snapshot.catalogue.require_known(query.filters)
        parsed = self._parse(query, self._asked(query))
        rows = np.asarray([hit.row for hit in self._search.best(parsed, query, query.k)], dtype=np.int64)
        ids = [self.snapshot.catalogue[row].id for row in rows.tolist()]
        return list(zip(ids, self._witness.figures(parsed, rows), strict=True))

    def prepare(self) -> None:
        """Load the words by which requests are understood, so that the first one does not wait for them."""
        self.understood(Query.of("du bittume"))  # a fault that is sought in each of the lists

    @cached_property
    def _speller(self) -> Speller:
        return speller_of(self.snapshot)

    def _asked(self, query: Query) -> _Asked:
        understood = self.understood(query)
        reading = query.reading_of(understood.text)
        return _Asked(understood, reading, needs_of(reading))

    def _parse(self, query: Query, asked: _Asked) -> ParsedQuery:
        """Parse a query: vectors, terms and the points of the visitor's opinions."""
        reading, needs = asked.reading, asked.needs if self.fusion.need else ()
        parsed = self._search.read(reading.lead, query.without, needs, reading.reasons)
        return self._search.scorer.judged(parsed, query.opinions)

    def _ranked(self, parsed: ParsedQuery, query: Query, asked: _Asked, with_needs: bool = True) -> _Ranked:
        """Order hits by score, read the first ones again, rearrange them, spread them over the needs.

        Without `with_needs`, the needs are searched only when they can move a result.
        """
        depth = max(self._arranger.depth(query), ASSESSED if self.second is None else LOOKED_AT)
        hits = self._search.best(parsed, query, depth)
        certainty = self._assessor.assess(parsed, hits)
        if self.second is not None:
            looked = self.second.points(asked.reading.lead, self.snapshot, hits)
            parsed, hits = replace(parsed, looked=looked), moved(hits, looked)
        # Needs look at the first `FIRST` hits for any k, so a shorter list is the start of a longer one.
        wide = replace(query, k=max(query.k, FIRST))
        arranged = self._arranger.arrange(wide, hits, tuple(certainty.level(hit.row) for hit in hits))
        hits = [placed.hit for placed in arranged.placed]
        # Without levels, nothing shows that a need's best result is close: it could displace better ones.
        moving = not query.shelf and self._levels is not None
        search_needs = with_needs or moving
        covered = (
            self._coverer.cover(query, asked.needs, parsed, hits, moving)
            if search_needs
            else Covered(hits[: query.k])
        )
        certainty = certainty.with_needs((found.text, found.certainty) for found in covered.searched)
        by_row = {placed.hit.row: placed for placed in arranged.placed}
        shown = (self._placed(query, hit, by_row.get(hit.row), covered, certainty) for hit in covered.hits)
        return _Ranked(tuple(shown), certainty, covered.needs, arranged.shelf, parsed)

    def _placed(
        self, query: Query, hit: Hit, arranged: Placed | None, covered: Covered, certainty: Certainty
    ) -> Placed:
        """Return a hit as it is shown: as arranged, or as a need placed it."""
        placement = covered.placements.get(hit.row)
        level = certainty.level(hit.row)
        if arranged is not None:
            return replace(arranged, level=level, placement=placement or arranged.placement)
        return self._arranger.compared(query, Placed(hit, level, placement=placement))

    def _answer(self, query: Query, asked: _Asked, parsed: ParsedQuery, ranked: _Ranked) -> Answer:
        rows = np.asarray([placed.hit.row for placed in ranked.placed], dtype=np.int64)
        all_shares = self._search.scorer.shares(parsed, rows)
        query_words = QueryWords(asked.reading.lead, parsed.expansions, self.snapshot.acronyms)
        recommendations = tuple(
            self._recommendation(
                parsed, rank, placed, shares, query_words, ranked.certainty.chance(placed.hit.row)
            )
            for rank, (placed, shares) in enumerate(zip(ranked.placed, all_shares, strict=True), start=1)
        )
        return Answer(
            query,
            self.snapshot.id,
            recommendations,
            ranked.certainty.verdict,
            ranked.needs,
            parsed.expansions,
            ranked.certainty.confidence,
            ranked.shelf,
            asked.understood.text,
            asked.understood.corrections,
            chance=ranked.certainty.best,
            unmet=tuple(filter(says_something, self._search.scorer.unmet(parsed, all_shares))),
        )

    def _recommendation(
        self,
        parsed: ParsedQuery,
        rank: int,
        placed: Placed,
        shares: Sequence[WordShare],
        query_words: QueryWords,
        chance: Chance | None,
    ) -> Recommendation:
        row = placed.hit.row
        resource: Resource = self.snapshot.catalogue[row]
        document = self.snapshot.document(row)
        scored = Scored(_plain_score(placed.hit, parsed), self._search.scorer.meaning(parsed), shares)
        explanation = explain(resource, document, scored, query_words)
        if self.second is not None and row in parsed.looked:
            explanation = with_second_look(explanation, self.second.reader.name, parsed.looked[row])
        if parsed.moves is not None:
            explanation = with_opinions(explanation, parsed.moves, placed.hit)
        return Recommendation(
            rank,
            resource,
            placed.hit.score,
            explanation,
            level=placed.level,
            chance=chance,
            others=tuple(self.snapshot.catalogue[r] for r in self.snapshot.listings(row) if r != row),
            placement=placed.placement,
            vigilance=vigilance.points(resource.summary, [s for s in document.spans if s.start >= 0]),
            likeness=placed.likeness,
        )

    def _suggest(self, identifier: str) -> str:
        ids = [resource.id for resource in self.snapshot.catalogue]
        # An id that several sources use is served as SOURCE:ID.
        near = [known for known in ids if known.endswith(f":{identifier}")][:3]
        near = near or get_close_matches(identifier, ids, n=3)
        return f"Did you mean {' or '.join(near)}?" if near else "Ids are in the results of `reco recommend`."


def _plain_score(hit: Hit, parsed: ParsedQuery) -> float:
    """Return the score of a hit without opinions and without a second look."""
    score = round(hit.score - parsed.looked[hit.row], 9) if hit.row in parsed.looked else hit.score
    return score if parsed.moves is None else score - float(parsed.moves.points[hit.row])

"""Unmet demand: what the catalogue covers, and groups of queries that get no good answer.

These rules apply in order. A judged query has no good answer when none of its relevant resources is in its
first ten results. Another has none when its answer's verdict is not `found`. Without a verdict, a query has
none when at least 5 % of unrelated sentences reach its best score. This last rule is cautious on purpose:
it keeps only queries that look unrelated to local public action.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from reco.catalogue.catalogue import Filters
from reco.catalogue.coverage import Cell, Coverage, ThemeCoverage
from reco.clusters.labelling.corpus import Corpus, Text
from reco.clusters.labelling.labels import Description, describe
from reco.encoder.protocol import Encoder, Progress, unit
from reco.errors import InvalidQuery
from reco.evaluation.beir import Topic
from reco.evaluation.demand import Demand, DemandGroup, NearResource
from reco.index.hits import Hit
from reco.ranking.query import Query
from reco.ranking.recommender import Ranking, Recommender
from reco.text.background import background
from reco.text.clean import fold

GOLDEN, PROJECT, LOG = "golden", "project", "log"
SMALLEST_LOGGED = 5
"""The fewest queries, and the fewest different texts, of a shown group of logged queries.

Fewer texts could be one visitor who asks again, and the label would give the text away.
"""

_FIRST = 10
_UNRELATED = 0.95
_EVERY = 4
"""Step through the background sentences: ninety are enough for a quantile of 95 %."""
_TITLES = 100
"""Catalogue titles that measure how close unrelated queries are."""
_BY_CHANCE = 0.25
"""Number of other queries that may be near a query by chance; more queries need a stricter threshold."""
_EXAMPLES = 3
_NEAREST = 3
_SHARE = (0.001, 0.01)
"""Bounds of the share of title pairs that are near: a hundred titles cannot measure a smaller share."""


@dataclass(frozen=True)
class DemandQuery:
    """A query with its origin, and the resources judged relevant to it, None when it was not judged.

    `weight` is how many times it was asked.
    """

    id: str
    text: str
    origin: str
    relevant: frozenset[str] | None = None
    filters: Filters = field(default_factory=Filters)
    weight: int = 1

    @classmethod
    def of_topic(cls, topic: Topic) -> DemandQuery:
        """Return a judged query of a golden set."""
        relevant = frozenset(identifier for identifier, grade in topic.qrels.items() if grade > 0)
        return cls(topic.id, topic.text, GOLDEN, relevant or None)


@dataclass(frozen=True)
class UnmetQuery:
    """A query without a good answer.

    `why` is `none-left`, `not-found`, `nothing`, `weak`, `unrelated` or `no-result`. `text` is "" for a
    logged query that is not public. `weight` is how many times it was asked.
    """

    id: str
    origin: str
    why: str
    text: str
    weight: int = 1


@dataclass(frozen=True)
class Gap:
    """Unmet queries on one subject: their label, their number, and the nearest theme, "" without themes.

    A gap is `isolated` when it has a single query, asked once. `examples` are at most three of its texts,
    none when they are hidden: the most asked, then the nearest to the others. `nearest` are the resources
    that its queries rank best.
    """

    label: str
    keywords: tuple[str, ...]
    theme: str
    size: int
    requests: tuple[UnmetQuery, ...]
    isolated: bool = False
    examples: tuple[str, ...] = ()
    nearest: tuple[NearResource, ...] = ()


@dataclass(frozen=True)
class GapReport:
    """Coverage by theme, thinnest first, and the gaps in the catalogue, largest first.

    `cells` are the combinations of theme, type and scale that have a resource, fullest first. `asked` and
    `unmet` count queries by origin. `withheld` counts unmet logged queries in groups of fewer than five
    queries or five different texts.
    `without_verdict` is True when the cautious rule replaced a missing verdict. `demand` measures the logged
    queries, `saved` those of saved projects; None without any.
    """

    snapshot: str
    coverage: tuple[ThemeCoverage, ...]
    cells: tuple[Cell, ...]
    needs: tuple[Gap, ...]
    asked: Mapping[str, int]
    unmet: Mapping[str, int]
    withheld: int
    without_verdict: bool
    demand: Demand | None = None
    saved: Demand | None = None


@dataclass(frozen=True)
class _Judged:
    """A query, why it has no good answer, "" when it has one, and its first ten results."""

    query: DemandQuery
    why: str
    hits: tuple[Hit, ...] = ()
    vector: NDArray[np.float32] | None = None


def scan(
    recommender: Recommender,
    encoder: Encoder,
    requests: Sequence[DemandQuery],
    themes: Iterable[str] = (),
    progress: Progress | None = None,
    public: bool = False,
) -> GapReport:
    """Run every query on the served snapshot, and group those without a good answer.

    `themes` are those that the catalogue should cover, besides those that it has. `encoder` is the
    recommender's own. With `public`, logged queries are shown like others: nothing is hidden or withheld.
    """
    catalogue = recommender.snapshot.catalogue
    all_themes = tuple(dict.fromkeys([*themes, *(theme for r in catalogue for theme in r.themes)]))
    coverage = Coverage.of(catalogue)
    judge = _UnmetJudge(recommender, encoder)
    judged = []
    for count, query in enumerate(requests, start=1):
        judged.append(judge.judged(query))
        if progress is not None:
            progress(count, len(requests))
    namer = _GapNamer(recommender, encoder, all_themes, public)
    logged = [one for one in judged if one.query.origin == LOG]
    others = namer.gaps([one for one in judged if one.query.origin != LOG])
    shown, withheld = _shown(namer.gaps(logged), logged, public)
    saved = [one for one in judged if one.query.origin == PROJECT]
    return GapReport(
        snapshot=recommender.snapshot.id,
        coverage=coverage.by_theme(all_themes),
        cells=coverage.cells(),
        needs=tuple(sorted([*others, *shown], key=lambda need: (-need.size, need.label))),
        asked=_counts(judged),
        unmet=_counts(one for one in judged if one.why),
        withheld=withheld,
        without_verdict=judge.stood_in,
        demand=_demand(logged, shown, withheld, public) if logged else None,
        saved=_demand(saved, namer.gaps(saved), 0, True) if saved else None,
    )


def _counts(judged: Iterable[_Judged]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in judged:
        counts[one.query.origin] += one.query.weight
    return dict(counts)


def _shown(gaps: Sequence[Gap], logged: Iterable[_Judged], public: bool) -> tuple[list[Gap], int]:
    """Return the gaps of logged queries that may be shown, and the number of queries in the others."""
    texts = {one.query.id: fold(one.query.text) for one in logged}

    def large(gap: Gap) -> bool:
        different = {texts[request.id] for request in gap.requests}
        return min(gap.size, len(different)) >= SMALLEST_LOGGED

    shown = [gap for gap in gaps if public or large(gap)]
    return shown, sum(gap.size for gap in gaps) - sum(gap.size for gap in shown)


def _demand(judged: Sequence[_Judged], gaps: Sequence[Gap], withheld: int, public: bool) -> Demand:
    """Return the demand of queries with the same origin, from their gaps that are shown."""
    queries = sum(one.query.weight for one in judged)
    found = sum(one.query.weight for one in judged if not one.why)
    weak = sum(one.query.weight for one in judged if one.why == "weak")
    largest = sorted(gaps, key=lambda gap: (-gap.size, gap.label))
    groups = tuple(
        DemandGroup(gap.label, gap.size, gap.examples, gap.nearest) for gap in largest if not gap.isolated
    )
    return Demand(
        queries=queries,
        distinct=len(judged),
        found=found,
        weak=weak,
        nothing=queries - found - weak,
        groups=groups,
        isolated=sum(gap.isolated for gap in gaps),
        withheld=withheld,
        public=public,
    )


class _UnmetJudge:
    """Decides why a query has no good answer. Unrelated sentences are scored once."""

    def __init__(self, recommender: Recommender, encoder: Encoder) -> None:
        self.recommender = recommender
        self.stood_in = False
        self._encoder = encoder
        self._limit: float | None = None

    def judged(self, query: DemandQuery) -> _Judged:
        """Return the query with the reason why it is unmet, and what its group will need if it is."""
        try:
            found = self.recommender.ranking(Query.of(query.text, _FIRST, query.filters))
        except InvalidQuery:  # a filter on a value that no resource has now
            found = Ranking(())
        why = self._why_unmet(query, found)
        if not why:
            return _Judged(query, why)
        # Encoded now, while the encoder remembers the text: thousands of queries are more than it keeps.
        vector = self.recommender.snapshot.request(self._encoder.encode_query(query.text))
        return _Judged(query, why, found.hits, vector)

    def _why_unmet(self, query: DemandQuery, found: Ranking) -> str:
        """Return the reason, such as `weak`; "" for a query with a good answer."""
        catalogue = self.recommender.snapshot.catalogue
        if query.relevant is not None:
            if not any(catalogue.row(identifier) is not None for identifier in query.relevant):
                return "none-left"
            shown = {catalogue[hit.row].id for hit in found.hits}
            return "" if shown & query.relevant else "not-found"
        if not found.hits:
            return "no-result"
        if found.verdict is not None:
            return "" if found.verdict == "found" else found.verdict
        return "unrelated" if found.hits[0].score <= self._unrelated() else ""

    def _unrelated(self) -> float:
        self.stood_in = True
        if self._limit is None:
            sentences = background()[::_EVERY]
            rankings = (self.recommender.rank(Query.of(sentence, 1)) for sentence in sentences)
            best = [hits[0].score if hits else 0.0 for hits in rankings]
            self._limit = float(np.quantile(best, _UNRELATED))
        return self._limit


class _GapNamer:
    """Groups queries that are close in meaning, and labels each group with its queries' words."""

    def __init__(
        self, recommender: Recommender, encoder: Encoder, themes: Sequence[str], public: bool
    ) -> None:
        self._snapshot = recommender.snapshot
        self._encoder = encoder
        self._themes = themes
        self._public = public

    def gaps(self, judged: Sequence[_Judged]) -> list[Gap]:
        """Return the gaps that the unmet ones of these queries form."""
        unmet = [(one, one.vector) for one in judged if one.vector is not None]
        if not unmet:
            return []
        texts = [one.query.text for one, _ in unmet]
        queries = np.stack([vector for _, vector in unmet])
        common = self._common(queries)
        vectors = unit(queries - common)
        recurring = all(one.query.origin == LOG for one, _ in unmet)
        labels = _grouped(vectors, self._near(1 if recurring else len(texts)))
        corpus = Corpus.read((Text(text, "") for text in texts), least=1)
        centres = np.stack([vectors[labels == group].mean(axis=0) for group in range(int(labels.max()) + 1)])
        nearness = np.einsum("ij,ij->i", vectors, unit(centres)[labels])
        described = describe(corpus, labels, nearness.astype(np.float32))
        themes = unit(self._of_themes - common) if self._themes else None
        found = []
        for group, (description, centre) in enumerate(zip(described, centres, strict=True)):
            members = np.flatnonzero(labels == group)
            chosen = [unmet[member][0] for member in members]
            theme = self._themes[int((themes @ centre).argmax())] if themes is not None else ""
            found.append(self._gap(description, theme, chosen, nearness[members]))
        return found

    def _common(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vector that all queries share and that separates none (Mu and Viswanath 2018).

        Half of it is the mean of the queries, which has their style. Half is the mean of the titles:
        without it, many queries on one subject would cancel that subject out.
        """
        mean: NDArray[np.float32] = (queries.mean(axis=0) + self._of_titles.mean(axis=0)) / 2
        return mean

    def _near(self, requests: int) -> float:
        """Return the cosine from which two of `requests` queries are near; few pairs of titles reach it.

        A log counts as one query, whatever its length: its subjects come back, so most of its near pairs are
        no chance. With a stricter threshold, a longer log would have more and smaller groups.
        """
        titles = unit(self._of_titles - self._of_titles.mean(axis=0))
        pairs = (titles @ titles.T)[np.triu_indices(len(titles), 1)]
        share = float(np.clip(_BY_CHANCE / requests, *_SHARE))
        return float(np.quantile(pairs, 1.0 - share)) if len(pairs) else 1.0

    def _gap(
        self, description: Description, theme: str, chosen: Sequence[_Judged], nearness: NDArray[np.float32]
    ) -> Gap:
        requests = tuple(
            UnmetQuery(
                one.query.id,
                one.query.origin,
                one.why,
                "" if self._hidden(one.query) else one.query.text,
                one.query.weight,
            )
            for one in chosen
        )
        words = tuple(term.word for term in description.terms)
        size = sum(request.weight for request in requests)
        best = sorted(range(len(chosen)), key=lambda i: (-requests[i].weight, -float(nearness[i]), i))
        examples = tuple(requests[i].text for i in best if requests[i].text)[:_EXAMPLES]
        return Gap(
            description.label, words, theme, size, requests, size == 1, examples, self._nearest(chosen, size)
        )

    def _hidden(self, query: DemandQuery) -> bool:
        return query.origin == LOG and not self._public

    def _nearest(self, chosen: Sequence[_Judged], size: int) -> tuple[NearResource, ...]:
        points: defaultdict[int, float] = defaultdict(float)
        for one in chosen:
            for hit in one.hits:
                points[hit.row] += one.query.weight * hit.score
        best = sorted(points, key=lambda row: (-points[row], row))[:_NEAREST]
        resources = [(self._snapshot.catalogue[row], points[row] / size) for row in best]
        return tuple(NearResource(one.id, one.title, round(score, 4)) for one, score in resources)

    @cached_property
    def _of_themes(self) -> NDArray[np.float32]:
        return self._vectors(self._themes)

    @cached_property
    def _of_titles(self) -> NDArray[np.float32]:
        catalogue = self._snapshot.catalogue
        rows = np.unique(np.linspace(0, len(catalogue) - 1, _TITLES).astype(int)).tolist()
        return self._vectors([catalogue[row].title for row in rows])

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._snapshot.request(self._encoder.encode_query(text)) for text in texts])


def _grouped(vectors: NDArray[np.float32], near: float) -> NDArray[np.int64]:
    """Return the group of each query, (requests,).

    Average linkage on cosines (Sokal and Michener 1958) admits queries close to part of a group. A query
    whose mean cosine to the others is below `near` then leaves, the furthest first, and stands alone.
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    tree = linkage(vectors.astype(np.float64), "average", metric="cosine")
    labels = fcluster(np.nan_to_num(tree), max(1.0 - near, 0.0), "distance")
    alone = int(labels.max()) + 1
    for group in range(1, alone):
        inside = np.flatnonzero(labels == group)
        while len(inside) > 1:
            cosines = vectors[inside] @ vectors[inside].T
            others = (cosines.sum(axis=1) - np.diag(cosines)) / (len(inside) - 1)
            if others.min() >= near:
                break
            labels[inside[others.argmin()]] = alone
            alone += 1
            inside = np.delete(inside, others.argmin())
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

"""Unmet demand: what the catalogue covers, and groups of queries that get no good answer.

These rules apply in order. A judged query has no good answer when none of its relevant resources is in its
first ten results. Another has none when its answer's verdict is not `found`. Without a verdict, a query has
none when at least 5 % of unrelated sentences reach its best score. This last rule is cautious on purpose:
it keeps only queries that look unrelated to local public action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender
from reco.text.background import background

GOLDEN, PROJECT, LOG = "golden", "project", "log"
SMALLEST_LOGGED = 5
"""The smallest group of logged queries that is shown: fewer could be one visitor."""

_FIRST = 10
_UNRELATED = 0.95
_EVERY = 4
"""Step through the background sentences: ninety are enough for a quantile of 95 %."""
_TITLES = 100
"""Catalogue titles that measure how close unrelated queries are."""
_BY_CHANCE = 0.25
"""Number of other queries that may be near a query by chance; more queries need a stricter threshold."""
_SHARE = (0.001, 0.01)
"""Bounds of the share of title pairs that are near: a hundred titles cannot measure a smaller share."""


@dataclass(frozen=True)
class DemandQuery:
    """A query with its origin, and the resources judged relevant to it, None when it was not judged."""

    id: str
    text: str
    origin: str
    relevant: frozenset[str] | None = None
    filters: Filters = field(default_factory=Filters)

    @classmethod
    def of_topic(cls, topic: Topic) -> DemandQuery:
        """Return a judged query of a golden set."""
        relevant = frozenset(identifier for identifier, grade in topic.qrels.items() if grade > 0)
        return cls(topic.id, topic.text, GOLDEN, relevant or None)


@dataclass(frozen=True)
class UnmetQuery:
    """A query without a good answer.

    `why` is `none-left`, `not-found`, `nothing`, `weak`, `unrelated` or `no-result`. `text` is "" for a
    logged query.
    """

    id: str
    origin: str
    why: str
    text: str


@dataclass(frozen=True)
class Gap:
    """Unmet queries on one subject: their label, their number, and the nearest theme, "" without themes.

    A gap is `isolated` when it has a single query.
    """

    label: str
    keywords: tuple[str, ...]
    theme: str
    size: int
    requests: tuple[UnmetQuery, ...]
    isolated: bool = False


@dataclass(frozen=True)
class GapReport:
    """Coverage by theme, thinnest first, and the gaps in the catalogue, largest first.

    `cells` are the combinations of theme, type and scale that have a resource, fullest first. `asked` and
    `unmet` count queries by origin. `withheld` counts unmet logged queries in groups of fewer than five.
    `without_verdict` is True when the cautious rule replaced a missing verdict.
    """

    snapshot: str
    coverage: tuple[ThemeCoverage, ...]
    cells: tuple[Cell, ...]
    needs: tuple[Gap, ...]
    asked: Mapping[str, int]
    unmet: Mapping[str, int]
    withheld: int
    without_verdict: bool


def scan(
    recommender: Recommender,
    encoder: Encoder,
    requests: Sequence[DemandQuery],
    themes: Iterable[str] = (),
    progress: Progress | None = None,
) -> GapReport:
    """Run every query on the served snapshot, and group those without a good answer.

    `themes` are those that the catalogue should cover, besides those that it has. `encoder` is the
    recommender's own.
    """
    catalogue = recommender.snapshot.catalogue
    all_themes = tuple(dict.fromkeys([*themes, *(theme for r in catalogue for theme in r.themes)]))
    coverage = Coverage.of(catalogue)
    judge = _UnmetJudge(recommender)
    unmet = []
    for count, query in enumerate(requests, start=1):
        why = judge.why_unmet(query)
        if why:
            unmet.append((query, why))
        if progress is not None:
            progress(count, len(requests))
    needs, withheld = _needs(recommender, encoder, unmet, all_themes)
    return GapReport(
        snapshot=recommender.snapshot.id,
        coverage=coverage.by_theme(all_themes),
        cells=coverage.cells(),
        needs=needs,
        asked=dict(Counter(query.origin for query in requests)),
        unmet=dict(Counter(query.origin for query, _ in unmet)),
        withheld=withheld,
        without_verdict=judge.stood_in,
    )


class _UnmetJudge:
    """Decides why a query has no good answer. Unrelated sentences are scored once."""

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender
        self.stood_in = False
        self._limit: float | None = None

    def why_unmet(self, query: DemandQuery) -> str:
        """Return the reason, such as `weak`; "" for a query with a good answer."""
        catalogue = self.recommender.snapshot.catalogue
        if query.relevant is not None:
            if not any(catalogue.row(identifier) is not None for identifier in query.relevant):
                return "none-left"
            first = self.recommender.rank(Query.of(query.text, _FIRST, query.filters))
            shown = {catalogue[hit.row].id for hit in first}
            return "" if shown & query.relevant else "not-found"
        try:
            answer = self.recommender.recommend(Query.of(query.text, 1, query.filters))
        except InvalidQuery:  # a filter on a value that no resource has now
            return "no-result"
        if not answer.recommendations:
            return "no-result"
        if answer.verdict is not None:
            return "" if answer.verdict == "found" else answer.verdict
        return "unrelated" if answer.recommendations[0].score <= self._unrelated() else ""

    def _unrelated(self) -> float:
        self.stood_in = True
        if self._limit is None:
            sentences = background()[::_EVERY]
            rankings = (self.recommender.rank(Query.of(sentence, 1)) for sentence in sentences)
            best = [hits[0].score if hits else 0.0 for hits in rankings]
            self._limit = float(np.quantile(best, _UNRELATED))
        return self._limit


def _needs(
    recommender: Recommender,
    encoder: Encoder,
    unmet: Sequence[tuple[DemandQuery, str]],
    themes: Sequence[str],
) -> tuple[tuple[Gap, ...], int]:
    """Group logged queries apart from the others, and withhold small logged groups.

    Returns the gaps and the number of queries withheld.
    """
    needs, withheld = [], 0
    namer = _GapNamer(recommender, encoder, themes)
    for logged in (False, True):
        chosen = [(query, why) for query, why in unmet if (query.origin == LOG) == logged]
        if not chosen:
            continue
        for need in namer.group(chosen):
            if logged and need.size < SMALLEST_LOGGED:
                withheld += need.size
            else:
                needs.append(need)
    return tuple(sorted(needs, key=lambda need: (-need.size, need.label))), withheld


class _GapNamer:
    """Groups queries that are close in meaning, and labels each group with its queries' words."""

    def __init__(self, recommender: Recommender, encoder: Encoder, themes: Sequence[str]) -> None:
        self._snapshot = recommender.snapshot
        self._encoder = encoder
        self._themes = themes
        self._of_themes = self._vectors(themes) if themes else None
        catalogue = recommender.snapshot.catalogue
        rows = np.unique(np.linspace(0, len(catalogue) - 1, _TITLES).astype(int)).tolist()
        self._of_titles = self._vectors([catalogue[row].title for row in rows])

    def group(self, chosen: Sequence[tuple[DemandQuery, str]]) -> list[Gap]:
        """Return the gaps that these queries form."""
        texts = [query.text for query, _ in chosen]
        queries = self._vectors(texts)
        common = self._common(queries)
        vectors = unit(queries - common)
        labels = _grouped(vectors, self._near(len(texts)))
        corpus = Corpus.read((Text(text, "") for text in texts), least=1)
        centres = np.stack([vectors[labels == group].mean(axis=0) for group in range(int(labels.max()) + 1)])
        nearness = np.einsum("ij,ij->i", vectors, unit(centres)[labels])
        described = describe(corpus, labels, nearness.astype(np.float32))
        themes = None if self._of_themes is None else unit(self._of_themes - common)
        return [
            self._need(
                description, centre, themes, [c for c, of in zip(chosen, labels, strict=True) if of == group]
            )
            for group, (description, centre) in enumerate(zip(described, centres, strict=True))
        ]

    def _common(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vector that all queries share and that separates none (Mu and Viswanath 2018).

        Half of it is the mean of the queries, which has their style. Half is the mean of the titles:
        without it, many queries on one subject would cancel that subject out.
        """
        mean: NDArray[np.float32] = (queries.mean(axis=0) + self._of_titles.mean(axis=0)) / 2
        return mean

    def _near(self, requests: int) -> float:
        """Return the cosine from which two of `requests` queries are near; few pairs of titles reach it."""
        titles = unit(self._of_titles - self._of_titles.mean(axis=0))
        pairs = (titles @ titles.T)[np.triu_indices(len(titles), 1)]
        share = float(np.clip(_BY_CHANCE / requests, *_SHARE))
        return float(np.quantile(pairs, 1.0 - share)) if len(pairs) else 1.0

    def _need(
        self,
        description: Description,
        centre: NDArray[np.float32],
        themes: NDArray[np.float32] | None,
        chosen: Sequence[tuple[DemandQuery, str]],
    ) -> Gap:
        theme = self._themes[int((themes @ centre).argmax())] if themes is not None else ""
        requests = tuple(
            UnmetQuery(query.id, query.origin, why, "" if query.origin == LOG else query.text)
            for query, why in chosen
        )
        words = tuple(term.word for term in description.terms)
        return Gap(description.label, words, theme, len(requests), requests, len(requests) == 1)

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

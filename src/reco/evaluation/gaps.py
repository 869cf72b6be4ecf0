"""Unmet needs: what the catalogue covers, and the requests that it has no good answer to, grouped and named.

A request has no good answer when, in this order: it was judged, and none of its relevant resources is
among its first ten; else the answer's own verdict is not `found`; else, without a verdict, its best
score is one that a sentence which has nothing to do with local public action reaches as often as one
time in twenty. The last is deliberately cautious: it calls unmet only what looks unrelated.
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
"""Logged requests below which a group is not told: fewer could be one visitor."""

_FIRST = 10
_UNRELATED = 0.95
_EVERY = 4
"""Of the background sentences, every fourth is asked: ninety are enough for a quantile of 95 %."""
_TITLES = 100
"""Titles of the catalogue asked, to know how near two requests are by chance."""
_BY_CHANCE = 0.25
"""How many others a request may be near to by chance: the more requests, the nearer is near."""
_SHARE = (0.001, 0.01)
"""Bounds of the share of pairs of titles that are near: fewer cannot be told from a hundred titles."""


@dataclass(frozen=True)
class DemandQuery:
    """A request, where it comes from, and the resources judged relevant to it, None if it was not judged."""

    id: str
    text: str
    origin: str
    relevant: frozenset[str] | None = None
    filters: Filters = field(default_factory=Filters)

    @classmethod
    def of_topic(cls, topic: Topic) -> DemandQuery:
        """Return a judged request of a golden set."""
        relevant = frozenset(identifier for identifier, grade in topic.qrels.items() if grade > 0)
        return cls(topic.id, topic.text, GOLDEN, relevant or None)


@dataclass(frozen=True)
class UnmetQuery:
    """A request without a good answer. `why` is `none-left`, `not-found`, `nothing`, `weak`, `unrelated`
    or `no-result`; `text` is "" for a logged one."""

    id: str
    origin: str
    why: str
    text: str


@dataclass(frozen=True)
class Gap:
    """Unmet requests of one subject: its label, the theme nearest to it, "" without themes, and how many.

    A need of one request is `isolated`: no other is on its subject.
    """

    label: str
    keywords: tuple[str, ...]
    theme: str
    size: int
    requests: tuple[UnmetQuery, ...]
    isolated: bool = False


@dataclass(frozen=True)
class GapReport:
    """What is covered, theme by theme, thinnest first, and what is asked for in vain, largest first.

    `cells` are the combinations of theme, type and scale that have a resource, fullest first.
    `asked` and `unmet` count requests by origin; `withheld` counts unmet logged requests in groups of
    fewer than five. `without_verdict` says whether the cautious rule had to stand in for a verdict.
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
    """Ask every request of the served snapshot and group those without a good answer.

    `themes` are those that the catalogue should have, beside those that it has; `encoder` is the
    recommender's own.
    """
    catalogue = recommender.snapshot.catalogue
    wanted = tuple(dict.fromkeys([*themes, *(theme for r in catalogue for theme in r.themes)]))
    coverage = Coverage.of(catalogue)
    judge = _UnmetJudge(recommender)
    unmet = []
    for done, asked in enumerate(requests, start=1):
        why = judge.why_unmet(asked)
        if why:
            unmet.append((asked, why))
        if progress is not None:
            progress(done, len(requests))
    needs, withheld = _needs(recommender, encoder, unmet, wanted)
    return GapReport(
        snapshot=recommender.snapshot.id,
        coverage=coverage.by_theme(wanted),
        cells=coverage.cells(),
        needs=needs,
        asked=dict(Counter(asked.origin for asked in requests)),
        unmet=dict(Counter(asked.origin for asked, _ in unmet)),
        withheld=withheld,
        without_verdict=judge.stood_in,
    )


class _UnmetJudge:
    """Says why a request has no good answer. The scores of unrelated sentences are asked for once."""

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender
        self.stood_in = False
        self._limit: float | None = None

    def why_unmet(self, asked: DemandQuery) -> str:
        """Return the reason, "" for a request that has a good answer."""
        catalogue = self.recommender.snapshot.catalogue
        if asked.relevant is not None:
            if not any(catalogue.row(identifier) is not None for identifier in asked.relevant):
                return "none-left"
            first = self.recommender.rank(Query.of(asked.text, _FIRST, asked.filters))
            shown = {catalogue[hit.row].id for hit in first}
            return "" if shown & asked.relevant else "not-found"
        try:
            answer = self.recommender.recommend(Query.of(asked.text, 1, asked.filters))
        except InvalidQuery:  # a filter on a value that no resource has any more
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
            hits = (self.recommender.rank(Query.of(sentence, 1)) for sentence in sentences)
            scores = [found[0].score if found else 0.0 for found in hits]
            self._limit = float(np.quantile(scores, _UNRELATED))
        return self._limit


def _needs(
    recommender: Recommender,
    encoder: Encoder,
    unmet: Sequence[tuple[DemandQuery, str]],
    themes: Sequence[str],
) -> tuple[tuple[Gap, ...], int]:
    """Group what may be shown apart from what was logged, of which small groups are withheld."""
    needs, withheld = [], 0
    naming = _GapNamer(recommender, encoder, themes)
    for logged in (False, True):
        chosen = [(asked, why) for asked, why in unmet if (asked.origin == LOG) == logged]
        if not chosen:
            continue
        for need in naming.group(chosen):
            if logged and need.size < SMALLEST_LOGGED:
                withheld += need.size
            else:
                needs.append(need)
    return tuple(sorted(needs, key=lambda need: (-need.size, need.label))), withheld


class _GapNamer:
    """Groups requests near in meaning, and names each group in its requests' own words."""

    def __init__(self, recommender: Recommender, encoder: Encoder, themes: Sequence[str]) -> None:
        self._snapshot = recommender.snapshot
        self._encoder = encoder
        self._themes = themes
        self._of_themes = self._vectors(themes) if themes else None
        catalogue = recommender.snapshot.catalogue
        rows = np.unique(np.linspace(0, len(catalogue) - 1, _TITLES).astype(int)).tolist()
        self._of_titles = self._vectors([catalogue[row].title for row in rows])

    def group(self, chosen: Sequence[tuple[DemandQuery, str]]) -> list[Gap]:
        """Return the groups of these requests."""
        texts = [asked.text for asked, _ in chosen]
        asked_for = self._vectors(texts)
        usual = self._usual(asked_for)
        vectors = unit(asked_for - usual)
        labels = _grouped(vectors, self._near(len(texts)))
        corpus = Corpus.read((Text(text, "") for text in texts), least=1)
        centres = np.stack([vectors[labels == one].mean(axis=0) for one in range(int(labels.max()) + 1)])
        nearness = np.einsum("ij,ij->i", vectors, unit(centres)[labels])
        described = describe(corpus, labels, nearness.astype(np.float32))
        themes = None if self._of_themes is None else unit(self._of_themes - usual)
        return [
            self._need(
                description, centre, themes, [c for c, of in zip(chosen, labels, strict=True) if of == one]
            )
            for one, (description, centre) in enumerate(zip(described, centres, strict=True))
        ]

    def _usual(self, asked_for: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what requests here have in common, which tells none apart (Mu and Viswanath 2018).

        Half of it is the mean of the requests, which has their manner of speaking, half that of the
        titles: many requests on one subject would else leave nothing of it.
        """
        usual: NDArray[np.float32] = (asked_for.mean(axis=0) + self._of_titles.mean(axis=0)) / 2
        return usual

    def _near(self, requests: int) -> float:
        """Return the cosine from which two of so many requests are near: what few pairs of titles reach."""
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
            UnmetQuery(asked.id, asked.origin, why, "" if asked.origin == LOG else asked.text)
            for asked, why in chosen
        )
        words = tuple(term.word for term in description.terms)
        return Gap(description.label, words, theme, len(requests), requests, len(requests) == 1)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._snapshot.request(self._encoder.encode_query(text)) for text in texts])


def _grouped(vectors: NDArray[np.float32], near: float) -> NDArray[np.int64]:
    """Return the group of each request, (requests,), by average linkage (Sokal and Michener 1958) on cosines.

    Linkage lets in what is near to some of a group: whoever is not as near as `near` to the others on
    average leaves it, the furthest first, and stands alone.
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    tree = linkage(vectors.astype(np.float64), "average", metric="cosine")
    labels = fcluster(np.nan_to_num(tree), max(1.0 - near, 0.0), "distance")
    alone = int(labels.max()) + 1
    for one in range(1, alone):
        inside = np.flatnonzero(labels == one)
        while len(inside) > 1:
            cosines = vectors[inside] @ vectors[inside].T
            others = (cosines.sum(axis=1) - np.diag(cosines)) / (len(inside) - 1)
            if others.min() >= near:
                break
            labels[inside[others.argmin()]] = alone
            alone += 1
            inside = np.delete(inside, others.argmin())
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

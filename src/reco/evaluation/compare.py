"""Two configurations side by side: judged quality, and where their answers to real requests differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reco.catalogue.catalogue import Catalogue
from reco.errors import InvalidInput, InvalidQuery
from reco.evaluation import runs
from reco.evaluation.beir import Topic
from reco.ranking.measures import randomisation_test
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender

_MOST = 10
"""Topics told of each set: those that differ most."""


@dataclass(frozen=True)
class SetComparison:
    """A judged set: mean nDCG@10 of both configurations, the p-value, and the topics that differ most."""

    topics: int
    a: float
    b: float
    p: float
    most: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class RequestComparison:
    """A request, the ids that each configuration lists, and their verdicts.

    `overlap` is the share of the first list that is in the second.
    """

    id: str
    text: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    verdicts: tuple[str | None, str | None]

    @property
    def overlap(self) -> float:
        return len(set(self.a) & set(self.b)) / max(1, len(self.a), len(self.b))

    @property
    def differs(self) -> bool:
        """Whether the lists differ, in their resources or in their order."""
        return self.a != self.b


def require_one_catalogue(a: Catalogue, b: Catalogue) -> None:
    """Raise InvalidInput unless both catalogues have the same ids with the same texts."""
    texts = [{one.id: one.content_hash for one in catalogue} for catalogue in (a, b)]
    other = sum(texts[0].get(name) != texts[1].get(name) for name in {*texts[0], *texts[1]})
    if other:
        raise InvalidInput(
            f"The two configurations serve different catalogues: {other} resources differ.",
            "Refresh both from the same sources, then compare them.",
        )


def judged(topics: Sequence[Topic], a: Mapping[str, float], b: Mapping[str, float]) -> SetComparison:
    """Compare two systems on the same topics from their nDCG@10 by topic."""
    names = [topic.id for topic in topics]
    first, second = (np.asarray([scores[name] for name in names]) for scores in (a, b))
    order = np.argsort(-np.abs(second - first), kind="stable")[:_MOST]
    most = tuple((names[place], float(second[place] - first[place])) for place in order)
    return SetComparison(
        len(names),
        float(first.mean()) if names else 0.0,
        float(second.mean()) if names else 0.0,
        randomisation_test(second, first) if names else 1.0,
        tuple((name, gain) for name, gain in most if gain),
    )


def golden(topics: Sequence[Topic], a: Recommender, b: Recommender) -> SetComparison:
    """Compare both on a golden set, on the topics whose relevant resources are in the catalogue."""
    ids = frozenset(resource.id for resource in a.snapshot.catalogue)
    kept = runs.among(topics, ids)
    return judged(kept, runs.quality(a, kept), runs.quality(b, kept))


def requests(asked: Mapping[str, str], a: Recommender, b: Recommender, k: int) -> list[RequestComparison]:
    """Ask both the same requests. One without words is left out."""
    found = []
    for name, text in asked.items():
        try:
            query = Query.of(text, k)
            lists = [recommender.ranking(query) for recommender in (a, b)]
        except InvalidQuery:
            continue
        first, second = (
            tuple(recommender.snapshot.catalogue[hit.row].id for hit in ranking.hits)
            for recommender, ranking in zip((a, b), lists, strict=True)
        )
        verdicts = lists[0].verdict, lists[1].verdict
        found.append(RequestComparison(name, text, first, second, verdicts))
    return found

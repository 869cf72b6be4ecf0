"""The comparison of two snapshots on the same queries: judged quality, and churn of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reco.catalogue.catalogue import Catalogue
from reco.errors import InvalidQuery
from reco.evaluation.beir import Topic
from reco.ranking.measures import ndcg, randomisation_test
from reco.ranking.recommender import Query, Recommender
from reco.snapshots.snapshot import Snapshot

DEPTH = 50
"""Results kept per query: enough for ten once the new resources are left out."""

FIRST = 10

Rankings = Mapping[str, Sequence[str]]
"""Ids of the results, best first, by the key of each query."""


@dataclass(frozen=True)
class Loss:
    """The loss from one system to another: mean nDCG@10 of each on the same topics, and the p-value."""

    before: float
    after: float
    p: float
    topics: int

    @property
    def drop(self) -> float:
        """Mean nDCG@10 lost; negative for a gain."""
        return self.before - self.after


def every_listing(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot without families, since qrels judge each listing by its id."""
    if snapshot.families is None or not snapshot.families.families:
        return snapshot
    return replace(snapshot, families=None)


def rank(recommender: Recommender, requests: Mapping[str, str], depth: int = DEPTH) -> dict[str, list[str]]:
    """Return the ids of each query's results, best first; a query without words is left out."""
    catalogue = recommender.snapshot.catalogue
    rankings: dict[str, list[str]] = {}
    for key, text in requests.items():
        try:
            hits = recommender.rank(Query.of(text, depth))
        except InvalidQuery:
            continue
        rankings[key] = [catalogue[hit.row].id for hit in hits]
    return rankings


def scores(topics: Sequence[Topic], rankings: Rankings) -> dict[str, float]:
    """Return the nDCG@10 of each topic."""
    return {topic.id: ndcg(topic.qrels, rankings.get(topic.id, ())) for topic in topics}


def quality(recommender: Recommender, topics: Sequence[Topic]) -> dict[str, float]:
    """Return the nDCG@10 of each topic, as `reco evaluate --golden` computes it for the product."""
    return scores(topics, rank(recommender, {topic.id: topic.text for topic in topics}))


def among(topics: Sequence[Topic], ids: frozenset[str]) -> tuple[Topic, ...]:
    """Return the topics with only the judgements of `ids`, without topics that lose all relevant ones."""
    kept = (Topic(t.id, t.text, {i: rel for i, rel in t.qrels.items() if i in ids}) for t in topics)
    return tuple(topic for topic in kept if any(rel > 0 for rel in topic.qrels.values()))


def only(rankings: Rankings, ids: frozenset[str]) -> dict[str, list[str]]:
    """Return rankings with only these ids."""
    return {key: [i for i in ranked if i in ids] for key, ranked in rankings.items()}


def covered(topics: Sequence[Topic], ids: frozenset[str]) -> float:
    """Return the share of the relevant judgements whose resource is in `ids`."""
    relevant = [i for topic in topics for i, rel in topic.qrels.items() if rel > 0]
    return sum(i in ids for i in relevant) / len(relevant) if relevant else 0.0


def loss(before: Mapping[str, float], after: Mapping[str, float]) -> Loss:
    """Compare two systems on their common topics. Raises ValueError when there is none."""
    topics = [topic for topic in before if topic in after]
    if not topics:
        raise ValueError("no topic in common")
    old = np.asarray([before[topic] for topic in topics])
    new = np.asarray([after[topic] for topic in topics])
    return Loss(float(old.mean()), float(new.mean()), randomisation_test(new, old), len(topics))


def unchanged(before: Catalogue, after: Catalogue) -> frozenset[str]:
    """Return the ids that both catalogues have with the same text."""
    texts = {resource.id: resource.content_hash for resource in before}
    return frozenset(r.id for r in after if texts.get(r.id) == r.content_hash)


def probes(catalogue: Catalogue, ids: frozenset[str], count: int) -> dict[str, str]:
    """Return the titles of at most `count` of `ids`, evenly spaced in their order, by id."""
    ordered = sorted(ids)
    places = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).astype(int))
    rows = ((ordered[place], catalogue.row(ordered[place])) for place in places)
    return {identifier: catalogue[row].title for identifier, row in rows if row is not None}


def churn(before: Rankings, after: Rankings, stable: frozenset[str]) -> float | None:
    """Return the share of the old first ten results that left without a change of the catalogue.

    Only `stable` ids count, in both rankings: a new, edited or removed resource counts neither itself nor
    for the rank that it takes or frees. None when there is nothing to compare.
    """
    left = compared = 0
    for key, ranked in before.items():
        old = [i for i in ranked[:FIRST] if i in stable]
        new = [i for i in after.get(key, ()) if i in stable][: len(old)]
        left += len(set(old) - set(new))
        compared += len(old)
    return left / compared if compared else None

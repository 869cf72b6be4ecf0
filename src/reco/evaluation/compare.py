"""Two configurations on one catalogue: judged quality side by side, and how their results differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reco.catalogue.catalogue import Catalogue
from reco.encoder.protocol import Progress
from reco.errors import InvalidInput, InvalidQuery
from reco.evaluation import runs
from reco.evaluation.beir import JudgedSet, Topic
from reco.evaluation.evaluate import Tried, snapshot_of
from reco.ranking.measures import randomisation_test, rank_biased_overlap
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender
from reco.snapshots.snapshot import Snapshot

_MOST = 10
"""Topics that are told apart: those whose nDCG@10 differs most."""


@dataclass(frozen=True)
class Side:
    """One of two configurations: its name, and the snapshot, encoder and weights that it answers with."""

    name: str
    snapshot: Snapshot
    tried: Tried

    @property
    def recommender(self) -> Recommender:
        """What answers requests. Raises EncoderMismatch when another encoder made the snapshot."""
        return self.recommender_of(self.snapshot)

    def recommender_of(self, snapshot: Snapshot) -> Recommender:
        """Return what answers requests from a snapshot in the same way."""
        return Recommender(snapshot, self.tried.encoder, self.tried.fusion, self.tried.second)


@dataclass(frozen=True)
class TopicDifference:
    """A judged query, and its nDCG@10 on each side."""

    topic: str
    text: str
    a: float
    b: float


@dataclass(frozen=True)
class SetComparison:
    """One judged set: mean nDCG@10 of each side on the same topics, and the two-sided p-value.

    `left_out` counts the topics without a relevant resource in the catalogue. `most` are the topics that
    differ most, the largest difference first.
    """

    set: str
    topics: int
    a: float
    b: float
    difference: float
    p: float
    left_out: int = 0
    most: tuple[TopicDifference, ...] = ()


@dataclass(frozen=True)
class RequestComparison:
    """One request: the first ids and the verdict of each side, and how alike the two lists are.

    `overlap` is the share of the longer list that both have, `rbo` their rank-biased overlap.
    """

    id: str
    text: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    overlap: float
    rbo: float
    verdict_a: str | None = None
    verdict_b: str | None = None


@dataclass(frozen=True)
class VerdictChange:
    """How many requests have one verdict on side a and another on side b; None without calibration."""

    a: str | None
    b: str | None
    requests: int


@dataclass(frozen=True)
class RequestsComparison:
    """All requests: `same_list` counts equal lists, `same_results` equal sets of results in any order.

    `same_first` counts equal first results, `overlap` and `rbo` are means, and `differing` are the requests
    whose list or verdict differs, the least alike first.
    """

    k: int
    requests: int
    same_list: int
    same_results: int
    same_first: int
    overlap: float
    rbo: float
    verdicts: tuple[VerdictChange, ...] = ()
    differing: tuple[RequestComparison, ...] = ()


def require_same_catalogue(a: Side, b: Side) -> None:
    """Raise InvalidInput unless both sides serve the same ids with the same titles and texts."""
    one, other = a.snapshot.catalogue, b.snapshot.catalogue
    ids, others = _ids(one), _ids(other)
    both = len(ids & others)
    edited = both - len(runs.unchanged(one, other))
    if len(ids) == len(others) == both and not edited:
        return
    raise InvalidInput(
        f"The two homes serve different catalogues: {len(ids) - both} resources are only in that of "
        f"{a.name}, {len(others) - both} only in that of {b.name}, and {edited} have another text.",
        f"Refresh both from the same sources: `reco refresh --config {a.name}`, then with {b.name}.",
    )


def _ids(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(resource.id for resource in catalogue)


def on_catalogue(
    name: str, topics: Sequence[Topic], a: Side, b: Side, progress: Progress | None = None
) -> SetComparison:
    """Compare both sides on queries judged on the catalogue that they serve, each listing by its own id.

    Raises InvalidInput when the catalogue has no relevant resource of any topic.
    """
    kept = runs.among(topics, _ids(a.snapshot.catalogue))
    if not kept:
        raise InvalidInput(
            f"No resource of the catalogue is relevant to the {len(topics)} queries of {name}.",
            "They were judged on another catalogue: leave this set out.",
        )
    sides = [side.recommender_of(runs.every_listing(side.snapshot)) for side in (a, b)]
    return _compared(name, kept, sides, len(topics) - len(kept), progress)


def on_documents(judged: JudgedSet, a: Side, b: Side, progress: Progress | None = None) -> SetComparison:
    """Compare both sides on a judged set with documents of its own, which each side encodes."""
    sides = [side.recommender_of(snapshot_of(judged, side.tried)) for side in (a, b)]
    return _compared(judged.name, judged.topics, sides, 0, progress)


def _compared(
    name: str,
    topics: Sequence[Topic],
    sides: Sequence[Recommender],
    left_out: int,
    progress: Progress | None,
) -> SetComparison:
    found: list[TopicDifference] = []
    for count, topic in enumerate(topics, start=1):
        a, b = (runs.quality(side, [topic])[topic.id] for side in sides)
        found.append(TopicDifference(topic.id, topic.text, a, b))
        if progress is not None:
            progress(count, len(topics))
    ones, others = np.asarray([one.a for one in found]), np.asarray([one.b for one in found])
    differing = sorted((one for one in found if one.a != one.b), key=lambda one: -abs(one.b - one.a))
    return SetComparison(
        name,
        len(found),
        float(ones.mean()),
        float(others.mean()),
        float((others - ones).mean()),
        randomisation_test(others, ones),
        left_out,
        tuple(differing[:_MOST]),
    )


def on_requests(
    requests: Mapping[str, str], a: Side, b: Side, k: int = 10, progress: Progress | None = None
) -> RequestsComparison:
    """Compare the first `k` results and the verdicts of both sides on requests, by id; each counts once.

    Raises InvalidInput when no request can be searched.
    """
    one, other = a.recommender, b.recommender
    found: list[RequestComparison] = []
    for count, (identifier, text) in enumerate(requests.items(), start=1):
        try:
            query = Query.of(text, k)
        except InvalidQuery:
            continue
        found.append(_request(identifier, query, one, other))
        if progress is not None:
            progress(count, len(requests))
    if not found:
        raise InvalidInput("None of the requests can be searched.", "Describe a project on each line.")
    return _requests(found, k)


def _request(identifier: str, query: Query, one: Recommender, other: Recommender) -> RequestComparison:
    (a, verdict_a), (b, verdict_b) = _list(one, query), _list(other, query)
    longest = max(len(a), len(b))
    overlap = len(set(a) & set(b)) / longest if longest else 1.0
    rbo = rank_biased_overlap(a, b, query.k)
    return RequestComparison(identifier, query.text, a, b, overlap, rbo, verdict_a, verdict_b)


def _list(recommender: Recommender, query: Query) -> tuple[tuple[str, ...], str | None]:
    ranking = recommender.ranking(query)
    catalogue = recommender.snapshot.catalogue
    return tuple(catalogue[hit.row].id for hit in ranking.hits), ranking.verdict


def _requests(found: Sequence[RequestComparison], k: int) -> RequestsComparison:
    changes = Counter((one.verdict_a, one.verdict_b) for one in found if one.verdict_a != one.verdict_b)
    ordered = sorted(changes.items(), key=lambda item: (-item[1], str(item[0])))
    differing = [one for one in found if one.a != one.b or one.verdict_a != one.verdict_b]
    return RequestsComparison(
        k,
        len(found),
        sum(one.a == one.b for one in found),
        sum(set(one.a) == set(one.b) for one in found),
        sum(one.a[:1] == one.b[:1] for one in found),
        float(np.mean([one.overlap for one in found])),
        float(np.mean([one.rbo for one in found])),
        tuple(VerdictChange(before, after, count) for (before, after), count in ordered),
        tuple(sorted(differing, key=lambda one: one.rbo)),
    )

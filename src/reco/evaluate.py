"""Judged evaluation: the very code path of `recommend` beside two fixed references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reco.acronyms import Acronyms
from reco.beir import JudgedSet, Topic
from reco.catalogue import Catalogue
from reco.encoder import Encoder, Progress
from reco.measures import NAMES, Scores, measure, randomisation_test
from reco.recommend import Fusion, Query, Recommender
from reco.reference import Bm25Reference
from reco.resource import Resource
from reco.snapshot import Manifest, Snapshot, build
from reco.vectors import VectorTable, embed

DEPTH = 100
"""How many documents each system returns per topic: what recall@100 needs."""

Ranked = Sequence[str]
System = Callable[[Topic], Ranked]


@dataclass(frozen=True)
class Tried:
    """What the product runs with: its encoder, fusion, and the head its snapshot learnt, if any."""

    encoder: Encoder
    fusion: Fusion
    head: NDArray[np.float32] | None = None
    acronyms: Acronyms = field(default_factory=Acronyms)


@dataclass(frozen=True)
class SetResult:
    """Scores of each system on one judged set, on the same topics."""

    documents: int
    topics: tuple[Topic, ...]
    systems: Mapping[str, Scores]
    runs: Mapping[str, Mapping[str, Ranked]] = field(default_factory=dict)

    def differences(self) -> Iterator[tuple[str, str, float, float]]:
        """Yield (a, b, mean nDCG@10 of b less a, p-value) for every two systems."""
        for a, b in combinations(self.systems, 2):
            first, second = self.systems[a].column("ndcg@10"), self.systems[b].column("ndcg@10")
            yield a, b, float((second - first).mean()), randomisation_test(second, first)


def evaluate(
    judged: JudgedSet, tried: Tried, plain: Encoder, systems: Sequence[str], progress: Progress | None = None
) -> SetResult:
    """Run the named systems over a judged set. `plain` is the encoder without any adaptation.

    Every document is admitted as it is and no family is collapsed. Systems: `bm25`, `dense`,
    `product`, and the ablations of `ABLATIONS`. Raises KeyError for any other name.
    """
    made = {name: _system(name, judged, tried, plain, shared) for shared in [_Shared()] for name in systems}
    runs: dict[str, dict[str, Ranked]] = {name: {} for name in systems}
    for done, topic in enumerate(judged.topics, start=1):
        for name, system in made.items():
            runs[name][topic.id] = system(topic)
        if progress is not None:
            progress(done, len(judged.topics))
    qrels = {topic.id: topic.qrels for topic in judged.topics}
    scores = {name: measure(qrels, run) for name, run in runs.items()}
    return SetResult(len(judged.documents), judged.topics, scores, runs)


def _lexical(tried: Tried) -> float:
    return tried.fusion.words + tried.fusion.grams


ABLATIONS: Mapping[str, Callable[[Tried], Tried]] = {
    "product": lambda tried: tried,
    "meaning-only": lambda tried: replace(tried, fusion=replace(tried.fusion, words=0.0, grams=0.0)),
    "words-only": lambda tried: replace(tried, fusion=replace(tried.fusion, meaning=0.0)),
    "no-head": lambda tried: replace(tried, head=None),
    "no-passages": lambda tried: replace(tried, fusion=replace(tried.fusion, passage=0.0)),
    "no-grams": lambda tried: replace(tried, fusion=replace(tried.fusion, words=_lexical(tried), grams=0.0)),
    "no-acronyms": lambda tried: replace(tried, acronyms=Acronyms()),
}

SYSTEMS = ("bm25", "dense", *ABLATIONS)


class _Shared:
    """Tables of vectors already made for this set, by encoder."""

    def __init__(self) -> None:
        self.tables: dict[str, VectorTable] = {}


def _system(name: str, judged: JudgedSet, tried: Tried, plain: Encoder, shared: _Shared) -> System:
    if name == "bm25":
        reference = Bm25Reference([_composed(d.title, d.text) for d in judged.documents])
        ids = [d.id for d in judged.documents]
        return lambda topic: [ids[row] for row in reference.rank(topic.text, DEPTH)]
    if name == "dense":
        return _dense(judged, plain)
    return _product(judged, ABLATIONS[name](tried), shared)


def _composed(title: str, text: str) -> str:
    return f"{title}. {text}" if title and text else title or text


def _catalogue(judged: JudgedSet) -> Catalogue:
    return Catalogue(Resource(d.id, d.title, judged.name, summary=d.text) for d in judged.documents)


def _table(catalogue: Catalogue, encoder: Encoder, shared: _Shared) -> VectorTable:
    if encoder.fingerprint not in shared.tables:
        shared.tables[encoder.fingerprint] = embed(catalogue, encoder)[0]
    return shared.tables[encoder.fingerprint]


def _dense(judged: JudgedSet, plain: Encoder) -> System:
    catalogue = _catalogue(judged)
    vectors = plain.encode_truncated([_composed(r.title, r.summary) for r in catalogue])

    def rank(topic: Topic) -> Ranked:
        cosines = vectors @ plain.encode_query(topic.text)
        order = np.lexsort((np.arange(len(cosines)), -cosines))[:DEPTH]
        return [catalogue[row].id for row in order]

    return rank


def _product(judged: JudgedSet, tried: Tried, shared: _Shared) -> System:
    snapshot = snapshot_of(judged, tried, _table(_catalogue(judged), tried.encoder, shared))
    recommender = Recommender(snapshot, tried.encoder, tried.fusion)

    def rank(topic: Topic) -> Ranked:
        return [snapshot.catalogue[hit.row].id for hit in recommender.rank(Query.of(topic.text, DEPTH))]

    return rank


def snapshot_of(judged: JudgedSet, tried: Tried, table: VectorTable) -> Snapshot:
    """Return a snapshot in memory of a judged set's documents."""
    manifest = Manifest(
        snapshot=judged.name,
        created="",
        encoder=tried.encoder.fingerprint,
        dimension=tried.encoder.dimension,
        resources=len(judged.documents),
        passages=int((table.spans[:, 0] >= 0).sum()),
    )
    return build(manifest, _catalogue(judged), table, tried.head, tried.acronyms)


def document(results: Mapping[str, SetResult]) -> dict[str, object]:
    """Return results as the JSON interface has them, with means over sets and significance."""
    sets = {
        name: {
            "documents": result.documents,
            "topics": len(result.topics),
            "systems": {system: scores.means for system, scores in result.systems.items()},
            "differences": [
                {"from": a, "to": b, "ndcg@10": gain, "p": p} for a, b, gain, p in result.differences()
            ],
        }
        for name, result in results.items()
    }
    names = list(next(iter(results.values())).systems)
    means = {
        system: {
            name: float(np.mean([result.systems[system].means[name] for result in results.values()]))
            for name in NAMES
        }
        for system in names
    }
    return {"sets": sets, "means": means}

"""The trial of what was learnt: the product's own answers, without it and with it.

A better rank of vectors is not a better answer: words have their say, and passages. So a head or deep
weights are kept only for what `recommend` gains, on records that they were not learnt from. Each is asked
for by its title, which it then lacks, and by one of its passages, which it then lacks too. The judged
queries of the golden set must not lose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.encoder.protocol import DocumentVectors, Encoder
from reco.errors import InvalidQuery
from reco.evaluation import runs
from reco.evaluation.beir import Topic
from reco.index.vectors import EncodedDocument, VectorTable
from reco.ranking.measures import ndcg, randomisation_test
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.snapshots.snapshot import Snapshot, build
from reco.text.passages import Span

ASKED = 120
"""Held-out records asked for: their time does not grow with the catalogue."""

_SIGNIFICANT = 0.05
_LOSS = 0.002
_DEPTH = 10


@dataclass(frozen=True)
class Trial:
    """Means of nDCG@10 without and with what was learnt, and p-values of their differences.

    `product_*` are over `asked` queries for held-out records, `golden_*` over `judged_queries` of the golden
    set, all zero and p one without one.
    """

    asked: int
    product_before: float
    product_after: float
    product_p: float
    judged_queries: int = 0
    golden_before: float = 0.0
    golden_after: float = 0.0
    golden_p: float = 1.0

    @classmethod
    def none(cls) -> Trial:
        """Return the trial of what was not worth one: nothing was asked."""
        return cls(0, 0.0, 0.0, 1.0)

    @property
    def kept(self) -> bool:
        """Whether the product gains beyond noise, and the golden set loses nothing.

        The golden set may be lower by 0.002, or by what is noise: p of at least 0.05.
        """
        gained = self.product_after > self.product_before and self.product_p < _SIGNIFICANT
        loss = self.golden_before - self.golden_after
        return gained and (loss <= _LOSS or (loss <= 5 * _LOSS and self.golden_p >= _SIGNIFICANT))

    @property
    def figures(self) -> Mapping[str, float]:
        """Every number, by name."""
        return asdict(self)


@dataclass(frozen=True)
class Side:
    """One side of a trial: the encoder, the snapshot that answers golden queries, and a probe for each fold.

    A probe is a snapshot without the titles and passages that are asked for.
    """

    encoder: Encoder
    whole: Snapshot
    probes: Sequence[Snapshot]


@dataclass(frozen=True)
class Asked:
    """A query for a held-out record: its text, the record's id, and the fold that held it out."""

    text: str
    id: str
    fold: int


def compared(
    asked: Sequence[Asked], golden: Sequence[Topic], fusion: Fusion, before: Side, after: Side
) -> Trial:
    """Ask both sides for the held-out records, and the golden queries of resources that they have."""
    first, second = (_gains(asked, side, fusion) for side in (before, after))
    ids = frozenset(resource.id for resource in before.whole.catalogue)
    topics = runs.among(golden, ids)
    old, new = (_judged(topics, side, fusion) for side in (before, after))
    return Trial(
        asked=len(asked),
        product_before=float(first.mean()) if len(asked) else 0.0,
        product_after=float(second.mean()) if len(asked) else 0.0,
        product_p=randomisation_test(second, first) if len(asked) else 1.0,
        judged_queries=len(topics),
        golden_before=float(old.mean()) if topics else 0.0,
        golden_after=float(new.mean()) if topics else 0.0,
        golden_p=randomisation_test(new, old) if topics else 1.0,
    )


def _gains(asked: Sequence[Asked], side: Side, fusion: Fusion) -> NDArray[np.float64]:
    recommenders = [Recommender(probe, side.encoder, fusion) for probe in side.probes]
    found = np.zeros(len(asked))
    for number, one in enumerate(asked):
        recommender = recommenders[one.fold]
        try:
            hits = recommender.rank(Query.of(one.text, _DEPTH))
        except InvalidQuery:
            continue
        found[number] = ndcg({one.id: 1}, [recommender.snapshot.catalogue[hit.row].id for hit in hits])
    return found


def _judged(topics: Sequence[Topic], side: Side, fusion: Fusion) -> NDArray[np.float64]:
    if not topics:
        return np.zeros(0)
    recommender = Recommender(runs.every_listing(side.whole), side.encoder, fusion)
    return np.asarray(list(runs.quality(recommender, topics).values()))


def questions(
    snapshot: Snapshot, rows: Sequence[int], folds: int, seed: int = 0
) -> tuple[list[Asked], dict[int, int]]:
    """Return the queries for some of the held-out `rows`, and the part that each of these records loses.

    Record i of `rows` is of fold i modulo `folds`. A record with one passage keeps it: its part is 0.
    """
    generator = np.random.default_rng([seed, 8])
    drawn = np.sort(generator.permutation(len(rows))[:ASKED])
    asked: list[Asked] = []
    lost: dict[int, int] = {}
    for place in drawn.tolist():
        row, fold = rows[place], place % folds
        resource, spans = snapshot.catalogue[row], snapshot.table.document(row).spans
        asked.append(Asked(resource.title, resource.id, fold))
        lost[row] = 0
        if len(spans) > 2:
            part = 1 + int(generator.integers(len(spans) - 1))
            lost[row] = part
            passage = resource.summary[spans[part].start : spans[part].end]
            asked.append(Asked(passage, resource.id, fold))
    return asked, lost


def probe(snapshot: Snapshot, table: VectorTable, lost: Mapping[int, int]) -> Snapshot:
    """Return the snapshot with `table` as vectors, its records of `lost` without title and that part."""
    resources: list[Resource] = []
    documents: list[EncodedDocument] = []
    for row, resource in enumerate(snapshot.catalogue):
        whole = resource, table.document(row)
        asked, document = _without(*whole, lost[row]) if row in lost else whole
        resources.append(asked)
        documents.append(document)
    hashes = [resource.content_hash for resource in resources]
    altered = VectorTable.of(hashes, documents, table.parts.shape[1])
    return build(snapshot.manifest, Catalogue(resources), altered, None, snapshot.acronyms)


def _without(resource: Resource, document: EncodedDocument, part: int) -> tuple[Resource, EncodedDocument]:
    spans, vectors = document.spans, document.vectors
    aside = (*resource.set_aside, Span(spans[part].start, spans[part].end)) if part else resource.set_aside
    kept = [number for number in range(len(spans)) if number == 0 or number != part]
    weights = vectors.weights[kept].copy()
    weights[0] = 0.0
    left = DocumentVectors(vectors.parts[kept], weights / max(float(weights.sum()), 1e-9))
    bare = replace(resource, title="", set_aside=tuple(sorted(aside, key=lambda span: span.start)))
    return bare, EncodedDocument(left, tuple(spans[number] for number in kept))

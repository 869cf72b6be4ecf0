"""The trial of what was learnt: the product's own answers, without it and with it.

A better rank of vectors is not a better answer: words have their say, and passages. So a head or deep
weights are kept only for what `recommend` gains, on records that they were not learnt from. Each is asked
for by its title, which it then lacks, and by one of its passages, which it then lacks too. The judged
queries of the golden set must not lose.

Both sides answer without calibrated levels, which are measured once it is known what is kept, and with every
listing, since each query asks for one id. The parts of a record were encoded with the title and the passage
beside them: both sides gain by that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.encoder.protocol import DocumentVectors, Encoder, QueryEncoder, Vector
from reco.errors import InvalidQuery
from reco.evaluation import runs
from reco.evaluation.beir import Topic
from reco.index.acronyms import Acronyms
from reco.index.terms import CatalogueTerms, count
from reco.index.vectors import EncodedDocument, VectorTable
from reco.ranking.measures import ndcg, randomisation_test
from reco.ranking.needs import needs_of
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.ranking.search import expanded
from reco.snapshots.snapshot import Snapshot, build
from reco.text.clean import fold as bare
from reco.text.passages import Span

ASKED = 120
"""Held-out records asked for: their time does not grow with the catalogue."""

AMONG = 5_000
"""Records of a probe, for the same reason: those asked for, and others drawn evenly."""

_SIGNIFICANT = 0.05
_LOSS = 0.002
_DOUBTFUL_LOSS = 0.01
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

        The golden set may be lower by 0.002, and by 0.01 when that may be noise: p of at least 0.05. A larger
        loss is none to take a chance on, since a golden set has few queries.
        """
        gained = self.product_after > self.product_before and self.product_p < _SIGNIFICANT
        loss = self.golden_before - self.golden_after
        return gained and (loss <= _LOSS or (loss <= _DOUBTFUL_LOSS and self.golden_p >= _SIGNIFICANT))

    @property
    def figures(self) -> Mapping[str, float]:
        """Every number, by name."""
        return asdict(self)


@dataclass(frozen=True)
class Side:
    """One side of a trial: the encoder, the snapshot that answers golden queries, and a probe for each fold.

    A probe is a snapshot without the titles and passages that are asked for. `whole` makes the other one when
    it is needed, since it may be as large as the catalogue.
    """

    encoder: Encoder
    whole: Callable[[], Snapshot]
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
    """Ask both sides for the held-out records, and the queries that `judging` leaves of the golden set."""
    # Not the golden queries: the publish gates ask them again, and the encoder remembers single queries.
    texts = [text for one in asked for text in _read(one.text, before.probes[one.fold].acronyms)]
    first_encoder = _AtOnce.of(before.encoder, texts)
    same = after.encoder.fingerprint == first_encoder.fingerprint
    second_encoder = first_encoder if same else _AtOnce.of(after.encoder, texts)
    first = _gains(asked, before.probes, first_encoder, fusion)
    second = _gains(asked, after.probes, second_encoder, fusion)
    old = _judged(golden, before.whole, first_encoder, fusion)
    new = _judged(golden, after.whole, second_encoder, fusion)
    return Trial(
        asked=len(asked),
        product_before=float(first.mean()) if len(asked) else 0.0,
        product_after=float(second.mean()) if len(asked) else 0.0,
        product_p=randomisation_test(second, first) if len(asked) else 1.0,
        judged_queries=len(golden),
        golden_before=float(old.mean()) if golden else 0.0,
        golden_after=float(new.mean()) if golden else 0.0,
        golden_p=randomisation_test(new, old) if golden else 1.0,
    )


@dataclass(frozen=True)
class _AtOnce:
    """An encoder that read some queries in batches, in half the time; it reads any other text as ever."""

    encoder: Encoder
    vectors: Mapping[str, Vector]

    @classmethod
    def of(cls, encoder: Encoder, texts: Sequence[str]) -> _AtOnce:
        once = list(dict.fromkeys(texts))
        vectors = encoder.encode_queries(once) if once else ()
        return cls(encoder, dict(zip(once, vectors, strict=True)))

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    def encode_query(self, text: str) -> Vector:
        found = self.vectors.get(text)
        return self.encoder.encode_query(text) if found is None else found


def _query(text: str) -> Query | None:
    """Return the query of a text; None for a text without words, which finds nothing on either side."""
    try:
        return Query.of(text, _DEPTH)
    except InvalidQuery:
        return None


def _read(text: str, acronyms: Acronyms) -> list[str]:
    """Return what is encoded for a query whose words are well spelt: itself and its needs, expanded."""
    query = _query(text)
    pieces = () if query is None else (query.text, *needs_of(query.reading))
    return [expanded(piece, tuple(acronyms.find(piece))) for piece in pieces]


def _gains(
    asked: Sequence[Asked], probes: Sequence[Snapshot], encoder: QueryEncoder, fusion: Fusion
) -> NDArray[np.float64]:
    made = {id(one): Recommender(one, encoder, fusion) for one in probes}
    found = np.zeros(len(asked))
    for number, one in enumerate(asked):
        recommender, query = made[id(probes[one.fold])], _query(one.text)
        if query is not None:
            ids = [recommender.snapshot.catalogue[hit.row].id for hit in recommender.rank(query)]
            found[number] = ndcg({one.id: 1}, ids)
    return found


def _judged(
    golden: Sequence[Topic], whole: Callable[[], Snapshot], encoder: QueryEncoder, fusion: Fusion
) -> NDArray[np.float64]:
    if not golden:
        return np.zeros(0)
    recommender = Recommender(runs.every_listing(whole()), encoder, fusion)
    return np.asarray(list(runs.quality(recommender, golden).values()))


def judging(golden: Sequence[Topic], catalogue: Catalogue, learnt: Collection[str]) -> tuple[Topic, ...]:
    """Return the topics that can judge: of resources of the catalogue, and not in `learnt`.

    `learnt` are the texts of the requests that were learnt from.
    """
    known = frozenset(map(bare, learnt))
    unseen = [topic for topic in golden if bare(topic.text) not in known]
    return runs.among(unseen, frozenset(resource.id for resource in catalogue))


def questions(
    snapshot: Snapshot, rows: Sequence[int], folds: int, seed: int = 0
) -> tuple[list[Asked], dict[int, int]]:
    """Return the queries for some of the held-out `rows`, and the part that each of these records loses.

    Record i of `rows` is of fold i modulo `folds`. A record with one passage keeps it: its part is 0. One
    that is listed again is not asked for, nor one whose title another record has: the other would do as well.
    """
    generator = np.random.default_rng([seed, 8])
    titles = Counter(bare(resource.title) for resource in snapshot.catalogue)
    places = [
        place
        for place, row in enumerate(rows)
        if snapshot.catalogue[row].title
        and titles[bare(snapshot.catalogue[row].title)] == 1
        and not snapshot.listed_again[row]
    ]
    drawn = np.sort(generator.permutation(np.asarray(places, dtype=np.int64))[:ASKED])
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
    """Return the snapshot with `table` as vectors, its records of `lost` without title and that part.

    Of a catalogue of more than `AMONG` records, it has those of `lost` and as many others as fit.
    """
    resources: list[Resource] = []
    documents: list[EncodedDocument] = []
    for row in _among(len(snapshot.catalogue), lost):
        whole = snapshot.catalogue[row], table.document(row)
        resource, document = _without(*whole, lost[row]) if row in lost else whole
        resources.append(resource)
        documents.append(document)
    hashes = [resource.content_hash for resource in resources]
    altered = VectorTable.of(hashes, documents, table.parts.shape[1])
    catalogue = Catalogue(resources)
    terms = CatalogueTerms(snapshot.acronyms, count(catalogue, hashes, snapshot.acronyms, None))
    return build(snapshot.manifest, catalogue, altered, said=terms)


def _among(count: int, needed: Collection[int]) -> list[int]:
    """Return the rows of a probe of `count` records, in order: all, or the needed ones and others evenly."""
    if count <= AMONG:
        return list(range(count))
    others = np.setdiff1d(np.arange(count), list(needed))
    drawn = np.linspace(0, len(others) - 1, AMONG - len(needed)).astype(np.int64)
    return sorted({*needed, *others[drawn].tolist()})


def _without(resource: Resource, document: EncodedDocument, part: int) -> tuple[Resource, EncodedDocument]:
    spans, vectors = document.spans, document.vectors
    aside = (*resource.set_aside, Span(spans[part].start, spans[part].end)) if part else resource.set_aside
    kept = [number for number in range(len(spans)) if number == 0 or number != part]
    weights = vectors.weights[kept].copy()
    weights[0] = 0.0
    left = DocumentVectors(vectors.parts[kept], weights / max(float(weights.sum()), 1e-9))
    bare = replace(resource, title="", set_aside=tuple(sorted(aside, key=lambda span: span.start)))
    return bare, EncodedDocument(left, tuple(spans[number] for number in kept))

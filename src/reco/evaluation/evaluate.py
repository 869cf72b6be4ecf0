"""Evaluation on judged sets: the same code as `recommend`, its ablations, and two baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.encoder.protocol import Encoder, Matrix, Progress, unit
from reco.errors import InvalidInput
from reco.evaluation import runs as behaviour
from reco.evaluation.beir import JudgedSet, Topic
from reco.evaluation.bm25 import Bm25Reference
from reco.index.acronyms import Acronyms
from reco.index.vectors import VectorTable, embed
from reco.ranking.measures import NAMES, Scores, measure, randomisation_test
from reco.ranking.recommender import Fusion, Recommender
from reco.ranking.second_look import SecondLook
from reco.snapshots.snapshot import Manifest, Snapshot, build

if TYPE_CHECKING:
    import pandas as pd

DEPTH = 100
"""Documents that each system returns per topic; recall@100 needs 100."""

Ranked = Sequence[str]
System = Callable[[Topic], Ranked]


@dataclass(frozen=True)
class Tried:
    """The configuration of the product under test; the head and the second look may be None."""

    encoder: Encoder
    fusion: Fusion
    head: NDArray[np.float32] | None = None
    acronyms: Acronyms = field(default_factory=Acronyms)
    second: SecondLook | None = None


@dataclass(frozen=True)
class LeftOut:
    """The judgements that a catalogue cannot use.

    `ids` are the resources it lacks, `judgements` counts theirs, and `topics` have no relevant resource
    left.
    """

    ids: tuple[str, ...]
    judgements: int
    topics: tuple[str, ...]


@dataclass(frozen=True)
class SetResult:
    """The scores and runs of each system on the same topics of one judged set.

    `titles` are the titles of the documents, by id.
    """

    documents: int
    topics: tuple[Topic, ...]
    systems: Mapping[str, Scores]
    runs: Mapping[str, Mapping[str, Ranked]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    left_out: LeftOut | None = None

    @property
    def subject(self) -> str:
        """The system under study: the product, or the last system when the product was not run."""
        return "product" if "product" in self.systems else list(self.systems)[-1]

    @property
    def reference(self) -> str:
        """The system that the others are compared with: the first."""
        return next(iter(self.systems))

    def differences(self) -> Iterator[tuple[str, str, float, float]]:
        """Yield (a, b, mean nDCG@10 of b minus a, p-value) for each pair of systems."""
        for a, b in combinations(self.systems, 2):
            ndcg_a, ndcg_b = self.systems[a].column("ndcg@10"), self.systems[b].column("ndcg@10")
            yield a, b, float((ndcg_b - ndcg_a).mean()), randomisation_test(ndcg_b, ndcg_a)


@dataclass(frozen=True)
class Evaluation:
    """The results by judged set, in the order of the runs.

    >>> home.evaluate(systems=["bm25", "product"]).summary()[["set", "system", "topics"]].values.tolist()
    [['golden', 'bm25', 3], ['golden', 'product', 3]]
    """

    results: Mapping[str, SetResult]

    def summary(self) -> pd.DataFrame:
        """Return a row per set and system: documents, topics, and the mean of each measure in `NAMES`."""
        import pandas as pd  # slow to import, and only tables need it

        rows = [
            {"set": name, "system": system, "documents": result.documents, "topics": len(result.topics)}
            | {measured: scores.means[measured] for measured in NAMES}
            for name, result in self.results.items()
            for system, scores in result.systems.items()
        ]
        return pd.DataFrame(rows)

    def differences(self) -> pd.DataFrame:
        """Return a row per set and pair of systems: the gain in nDCG@10 of the second, and the p-value."""
        import pandas as pd

        rows = [(name, *pair) for name, result in self.results.items() for pair in result.differences()]
        return pd.DataFrame(rows, columns=["set", "from", "to", "ndcg@10", "p"])


def evaluate(
    judged: JudgedSet, tried: Tried, plain: Encoder, systems: Sequence[str], progress: Progress | None = None
) -> SetResult:
    """Run the named systems over a judged set. `plain` is the encoder without adaptation.

    Every document is admitted, and no family is collapsed. The systems are `bm25`, `dense`, `product`, and
    the other `ABLATIONS`. Raises KeyError for any other name.
    """
    return _run(_Documents(judged), judged.topics, tried, plain, systems, progress)


def evaluate_served(
    topics: Sequence[Topic],
    snapshot: Snapshot,
    tried: Tried,
    plain: Encoder,
    systems: Sequence[str],
    progress: Progress | None = None,
) -> SetResult:
    """Run the named systems over a snapshot's own resources, with queries judged on them.

    No family is collapsed, since qrels judge each id. Judgements of resources that the snapshot lacks are
    left out and reported in `left_out`. Raises InvalidInput when none is left.
    """
    ids = frozenset(resource.id for resource in snapshot.catalogue)
    kept = behaviour.among(topics, ids)
    if not kept:
        raise InvalidInput(
            f"Snapshot {snapshot.id} has no resource that is relevant to these {len(topics)} queries.",
            "They were judged on another catalogue: serve that one, or judge queries on this one.",
        )
    result = _run(_Served(snapshot, tried), kept, tried, plain, systems, progress)
    missing = [i for topic in topics for i in topic.qrels if i not in ids]
    unanswered = {topic.id for topic in topics} - {topic.id for topic in kept}
    left_out = LeftOut(tuple(sorted(set(missing))), len(missing), tuple(sorted(unanswered)))
    return replace(result, left_out=left_out)


def _lexical(tried: Tried) -> float:
    return tried.fusion.words + tried.fusion.grams


ABLATIONS: Mapping[str, Callable[[Tried], Tried]] = {
    "product": lambda tried: tried,
    "meaning-only": lambda tried: replace(tried, fusion=replace(tried.fusion, words=0.0, grams=0.0)),
    "words-only": lambda tried: replace(tried, fusion=replace(tried.fusion, meaning=0.0)),
    "no-head": lambda tried: replace(tried, head=None),
    "no-passages": lambda tried: replace(tried, fusion=replace(tried.fusion, passage=0.0)),
    "no-needs": lambda tried: replace(tried, fusion=replace(tried.fusion, need=0.0)),
    "no-grams": lambda tried: replace(tried, fusion=replace(tried.fusion, words=_lexical(tried), grams=0.0)),
    "no-acronyms": lambda tried: replace(tried, acronyms=Acronyms()),
}

SYSTEMS = ("bm25", "dense", *ABLATIONS)


class _Documents:
    """The documents of a judged set, encoded once by each encoder."""

    def __init__(self, judged: JudgedSet) -> None:
        self._judged = judged
        self._tables: dict[str, VectorTable] = {}

    @property
    def texts(self) -> Mapping[str, tuple[str, str]]:
        """Title and text of each document by id, in the order that breaks ties of the baselines."""
        return {document.id: (document.title, document.text) for document in self._judged.documents}

    def snapshot(self, tried: Tried) -> Snapshot:
        """Return the documents as a snapshot, as the product searches them."""
        if tried.encoder.fingerprint not in self._tables:
            table, _ = embed(_catalogue(self._judged), tried.encoder)
            self._tables[tried.encoder.fingerprint] = table
        return snapshot_of(self._judged, tried, self._tables[tried.encoder.fingerprint])

    def plain(self, encoder: Encoder) -> Matrix:
        """Return one unit vector per document from the unadapted encoder, in the order of `texts`."""
        table, texts = self._tables.get(encoder.fingerprint), self.texts
        if table is None:
            return _truncated(texts, encoder)
        # The rows of the table are in the order of the catalogue, which sorts ids.
        rows = {resource.id: row for row, resource in enumerate(_catalogue(self._judged))}
        vectors = unit(table.pooled())[[rows[identifier] for identifier in texts]]
        # Most texts fit in the encoder's window: their pooled vector is the truncated one too.
        cut = {i: row for row, i in enumerate(texts) if not encoder.reads_whole(_composed(*texts[i]))}
        if cut:
            vectors[list(cut.values())] = _truncated({i: texts[i] for i in cut}, encoder)
        return vectors


class _Served:
    """The same of the served snapshot's resources, each listing on its own; nothing is encoded again."""

    def __init__(self, snapshot: Snapshot, tried: Tried) -> None:
        self._snapshot = behaviour.every_listing(snapshot)
        self._tried = tried

    @property
    def texts(self) -> Mapping[str, tuple[str, str]]:
        return {r.id: (r.title, r.read_summary) for r in self._snapshot.catalogue}

    def snapshot(self, tried: Tried) -> Snapshot:
        snapshot = self._snapshot
        if tried.acronyms is not self._tried.acronyms:
            return build(snapshot.manifest, snapshot.catalogue, snapshot.table, tried.head, tried.acronyms)
        return snapshot if tried.head is self._tried.head else snapshot.with_head(tried.head)

    def plain(self, encoder: Encoder) -> Matrix:
        if encoder.fingerprint == self._snapshot.manifest.encoder:
            return unit(self._snapshot.table.pooled())
        return _truncated(self.texts, encoder)


def _run(
    bench: _Documents | _Served,
    topics: Sequence[Topic],
    tried: Tried,
    plain: Encoder,
    systems: Sequence[str],
    progress: Progress | None,
) -> SetResult:
    # `dense` comes last: it reuses the vectors that the others encoded.
    order = sorted(systems, key=lambda name: name == "dense")
    systems_by_name = {name: _system(name, bench, tried, plain) for name in order}
    in_order = {name: systems_by_name[name] for name in systems}
    runs: dict[str, dict[str, Ranked]] = {name: {} for name in systems}
    for count, topic in enumerate(topics, start=1):
        for name, system in in_order.items():
            runs[name][topic.id] = system(topic)
        if progress is not None:
            progress(count, len(topics))
    qrels = {topic.id: topic.qrels for topic in topics}
    scores = {name: measure(qrels, run) for name, run in runs.items()}
    titles = {identifier: title or text for identifier, (title, text) in bench.texts.items()}
    return SetResult(len(titles), tuple(topics), scores, runs, titles)


def _system(name: str, bench: _Documents | _Served, tried: Tried, plain: Encoder) -> System:
    if name == "bm25":
        reference = Bm25Reference([_composed(*text) for text in bench.texts.values()])
        ids = list(bench.texts)
        return lambda topic: [ids[row] for row in reference.rank(topic.text, DEPTH)]
    if name == "dense":
        return _dense(list(bench.texts), bench.plain(plain), plain)
    return _product(bench, ABLATIONS[name](tried))


def _composed(title: str, text: str) -> str:
    return f"{title}. {text}" if title and text else title or text


def _truncated(texts: Mapping[str, tuple[str, str]], encoder: Encoder) -> Matrix:
    return encoder.encode_truncated([_composed(*text) for text in texts.values()])


def _dense(ids: Sequence[str], vectors: Matrix, plain: Encoder) -> System:
    def rank(topic: Topic) -> Ranked:
        cosines = vectors @ plain.encode_query(topic.text)
        order = np.lexsort((np.arange(len(cosines)), -cosines))[:DEPTH]
        return [ids[row] for row in order]

    return rank


def _product(bench: _Documents | _Served, tried: Tried) -> System:
    recommender = Recommender(bench.snapshot(tried), tried.encoder, tried.fusion, tried.second)

    def rank(topic: Topic) -> Ranked:
        # A query that `recommend` refuses has no results, and scores zero.
        return behaviour.rank(recommender, {topic.id: topic.text}, DEPTH).get(topic.id, ())

    return rank


def _catalogue(judged: JudgedSet) -> Catalogue:
    return Catalogue(Resource(d.id, d.title, judged.name, summary=d.text) for d in judged.documents)


def snapshot_of(judged: JudgedSet, tried: Tried, table: VectorTable | None = None) -> Snapshot:
    """Return a judged set's documents as a snapshot in memory, encoded unless `table` is given."""
    catalogue = _catalogue(judged)
    vectors = table if table is not None else embed(catalogue, tried.encoder)[0]
    manifest = Manifest(
        snapshot=judged.name,
        created="",
        encoder=tried.encoder.fingerprint,
        dimension=tried.encoder.dimension,
        resources=len(judged.documents),
        passages=int((vectors.spans[:, 0] >= 0).sum()),
    )
    return build(manifest, catalogue, vectors, tried.head, tried.acronyms)


def document(results: Mapping[str, SetResult]) -> dict[str, object]:
    """Return results in the layout of the JSON interface, with means over sets and p-values."""
    names = list(next(iter(results.values())).systems)
    means = {
        system: {
            name: float(np.mean([result.systems[system].means[name] for result in results.values()]))
            for name in NAMES
        }
        for system in names
    }
    return {"sets": {name: _set_document(result) for name, result in results.items()}, "means": means}


def _set_document(result: SetResult) -> dict[str, object]:
    return {
        "documents": result.documents,
        "topics": len(result.topics),
        "systems": {system: scores.means for system, scores in result.systems.items()},
        "differences": [
            {"from": a, "to": b, "ndcg@10": gain, "p": p} for a, b, gain, p in result.differences()
        ],
        **({"left_out": asdict(result.left_out)} if result.left_out is not None else {}),
    }

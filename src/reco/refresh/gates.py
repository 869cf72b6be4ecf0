"""The gates that a new snapshot must pass before it is served. Pure: snapshots in, findings out.

Each gate has a figure, and a threshold of the same name. It objects when the figure is above the
threshold. When it cannot be applied, the manifest records why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from reco.catalogue.catalogue import Catalogue
from reco.encoder.protocol import Encoder
from reco.evaluation import runs
from reco.evaluation.beir import Topic
from reco.ranking.recommender import Fusion, Recommender
from reco.refresh.baseline import Baseline
from reco.snapshots.check import lost
from reco.snapshots.snapshot import Snapshot, same_head
from reco.text.clean import digest

_NO_PREVIOUS = "there is no previous snapshot"
_BROKEN = "the vectors are not sound"
_FORCED = "the previous snapshot was published in spite of a gate about its vectors"
_WRONG = {
    "invalid_vectors": "have an invalid vector (NaN, infinite, or not of length 1)",
    "identical_vectors": "have the same vector as another text",
    "unmatched_vectors": "do not have the vector of their own text",
}
"""What each gate about vectors says of the resources that it counts."""
_UNIT = 1e-3
_FEWEST_PROBES = 5
_SEARCHED = 50


@dataclass(frozen=True)
class Objection:
    """The objection of one gate: its figure, and the threshold that the figure exceeds."""

    gate: str
    figure: float
    threshold: float
    message: str


_Share = Annotated[float, Field(ge=0, le=1)]
_Some = Annotated[float, Field(gt=0, le=1)]


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Thresholds:
    """The most that each gate lets through, under the gate's name: `[gates]` of the settings.

    Shares are of the resources. Raises ValueError for a threshold out of its bounds.

    `golden_drop` is in points of nDCG@10, and counts only when its p-value is below `golden_p`. The golden
    set is skipped when the catalogue holds less than `golden_coverage` of its relevant resources. `churn`
    is a share of first-page results, over `probes` titles.
    """

    row_drop: _Share = 0.2
    invalid_vectors: _Share = 0.0
    identical_vectors: _Share = 0.02
    unmatched_vectors: _Share = 0.0
    lost_resources: _Share = 0.0
    golden_drop: _Share = 0.03
    golden_p: _Some = 0.05
    golden_coverage: _Some = 0.5
    churn: _Share = 0.2
    probes: Annotated[int, Field(ge=5, le=1000)] = 20


@dataclass(frozen=True)
class GateFinding:
    """The finding of one gate. `figure` is None without one; `skipped` says why the gate was not applied."""

    gate: str
    figure: float | None
    threshold: float
    message: str = ""
    skipped: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
    excused: bool = False
    """Whether the figure may be due to chance: the gate then does not object."""

    @property
    def objection(self) -> Objection | None:
        """The objection, if the figure is above the threshold."""
        if self.skipped or self.excused or self.figure is None or self.figure <= self.threshold:
            return None
        return Objection(self.gate, self.figure, self.threshold, self.message)


@dataclass(frozen=True)
class Verdict:
    """The findings of all gates, and the golden set's scores to compare the next snapshot with."""

    findings: tuple[GateFinding, ...]
    golden: Mapping[str, Any] = field(default_factory=dict)

    @property
    def objections(self) -> tuple[Objection, ...]:
        """The objections, in the order of the gates."""
        return tuple(found for finding in self.findings if (found := finding.objection) is not None)

    def record(self) -> dict[str, Any]:
        """Return the manifest's record: the figure of every gate, or why it has none."""
        gates = {
            f.gate: {
                "figure": f.figure,
                "threshold": f.threshold,
                **({"skipped": f.skipped} if f.skipped else {}),
                **f.details,
            }
            for f in self.findings
        }
        return {"gates": gates, **({"golden": dict(self.golden)} if self.golden else {})}


@dataclass(frozen=True)
class Gates:
    """The thresholds, the golden set (`topics`, empty for none), and the weights that rank results."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    topics: tuple[Topic, ...] = ()
    fusion: Fusion = field(default_factory=Fusion)


def remember(
    previous: Snapshot | None, catalogue: Catalogue, encoder: Encoder, gates: Gates
) -> Baseline | None:
    """Return the baseline of the served snapshot, to make and judge a snapshot of `catalogue`."""
    if previous is None:
        return None
    common = frozenset(r.id for r in catalogue if previous.catalogue.row(r.id) is not None)
    judged = runs.covered(gates.topics, common) >= gates.thresholds.golden_coverage
    topics = gates.topics if judged else ()
    return Baseline.of(previous, catalogue, encoder, topics, gates.thresholds.probes, gates.fusion)


def judge(candidate: Snapshot, previous: Baseline | None, encoder: Encoder, gates: Gates) -> Verdict:
    """Apply every gate to a snapshot that was read back from the disk.

    `previous` is what `remember` returned for the candidate's catalogue, whichever encoder made it.
    `encoder` is the candidate's.
    """
    limits = gates.thresholds
    wrong = {
        "invalid_vectors": _invalid(candidate),
        "identical_vectors": _identical(candidate),
        "unmatched_vectors": _unmatched(candidate, previous),
    }
    vectors = (_about_vectors(gate, rows, candidate, limits) for gate, rows in wrong.items())
    structural = (_row_drop(candidate, previous, limits), *vectors)
    if len(wrong["invalid_vectors"]):
        skipped = ("lost_resources", "golden_drop", "churn")
        return Verdict((*structural, *(_skip(gate, limits, _BROKEN) for gate in skipped)))
    # Large matrix products release the interpreter's lock, so results are ranked meanwhile.
    with ThreadPoolExecutor(1) as pool:
        lost_finding = pool.submit(_lost, candidate, limits)
        behaviour = _Behaviour(candidate, previous, encoder, gates)
        golden, scores = behaviour.golden()
        churn = behaviour.churn()
    return Verdict((*structural, lost_finding.result(), golden, churn), scores)


def _skip(gate: str, limits: Thresholds, why: str, figure: float | None = None) -> GateFinding:
    return GateFinding(gate, figure, getattr(limits, gate), skipped=why)


def _about_vectors(
    gate: str, rows: NDArray[np.int64], candidate: Snapshot, limits: Thresholds
) -> GateFinding:
    """Return the finding of a gate about vectors: the share of the resources that `rows` are."""
    count = len(candidate.catalogue)
    share = len(rows) / count if count else 0.0
    names = ", ".join(candidate.catalogue[int(row)].id for row in rows[:3])
    message = f"{len(rows)} of {count} resources {_WRONG[gate]} ({names}{', ...' if len(rows) > 3 else ''})."
    return GateFinding(gate, share, getattr(limits, gate), message)


def _row_drop(candidate: Snapshot, previous: Baseline | None, limits: Thresholds) -> GateFinding:
    if previous is None or not previous.texts:
        return _skip("row_drop", limits, _NO_PREVIOUS)
    before, after = len(previous.texts), len(candidate.catalogue)
    drop = (before - after) / before
    message = f"The catalogue would go from {before} resources to {after} ({drop:.0%} fewer)."
    return GateFinding("row_drop", max(0.0, drop), limits.row_drop, message)


def _invalid(candidate: Snapshot) -> NDArray[np.int64]:
    """Return the rows whose vector is not of length one, or whose vector or parts are not finite."""
    vectors, table = candidate.dense.vectors(), candidate.table
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    # Negated, because a comparison with NaN is false.
    wrong = ~(np.abs(lengths - 1.0) <= _UNIT)
    parts = np.flatnonzero(~np.isfinite(table.parts.sum(axis=1) + table.weights))
    wrong[np.searchsorted(table.bounds, parts, side="right") - 1] = True
    return np.flatnonzero(wrong).astype(np.int64)


def _identical(candidate: Snapshot) -> NDArray[np.int64]:
    """Return the rows that have the same vector as a row with another text."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    vectors = candidate.dense.vectors()
    for row in _sharing_a_start(vectors):
        # Adding zero gives 0 and -0 the same bytes. The bytes themselves would double the memory.
        groups[sha256((vectors[row] + np.float32(0.0)).data).digest()].append(row)
    texts = candidate.table.hashes
    shared = (group for group in groups.values() if len({texts[row] for row in group}) > 1)
    return np.asarray(sorted(row for group in shared for row in group), dtype=np.int64)


def _sharing_a_start(vectors: NDArray[np.float32]) -> list[int]:
    """Return the rows that share their first two numbers with another row: nearly all are equal vectors."""
    first = np.ascontiguousarray(vectors[:, :2] + np.float32(0.0))
    _, groups, sizes = np.unique(first, axis=0, return_inverse=True, return_counts=True)
    rows: list[int] = np.flatnonzero(sizes[groups] > 1).tolist()
    return rows


def _unmatched(candidate: Snapshot, previous: Baseline | None) -> NDArray[np.int64]:
    """Return the rows without parts, with a part beyond their text, or with other parts than before.

    The same encoder gives an unchanged text the same parts, to the last bit.
    """
    table, catalogue = candidate.table, candidate.catalogue
    counts = np.diff(table.bounds)
    ends = np.zeros(len(catalogue), dtype=np.int64)
    np.maximum.at(ends, np.repeat(np.arange(len(catalogue)), counts), table.spans[:, 1])
    wrong = (counts < 1) | (ends > [len(resource.summary) for resource in catalogue])
    if previous is not None and previous.prints is not None and _same_encoder(previous, candidate):
        at = {content: row for row, content in enumerate(previous.texts.values())}
        rows = np.asarray([at.get(content, -1) for content in table.hashes], dtype=np.int64)
        known = np.flatnonzero(rows >= 0)
        wrong[known] |= previous.prints[rows[known]] != table.prints[known]
    return np.flatnonzero(wrong).astype(np.int64)


def _same_encoder(previous: Baseline, candidate: Snapshot) -> bool:
    return previous.manifest.encoder == candidate.manifest.encoder


def _lost(candidate: Snapshot, limits: Thresholds) -> GateFinding:
    problems = lost(candidate, _SEARCHED)
    count = len(candidate.catalogue)
    share = len(problems) / count if count else 0.0
    message = f"{len(problems)} of {count} resources are not found by their own vector."
    return GateFinding("lost_resources", share, limits.lost_resources, message)


class _Behaviour:
    """The rankings of two snapshots. The previous one has some only if this encoder made it, and soundly."""

    def __init__(
        self, candidate: Snapshot, previous: Baseline | None, encoder: Encoder, gates: Gates
    ) -> None:
        self._candidate, self._previous = candidate, previous
        self._gates, self._limits, self._encoder = gates, gates.thresholds, encoder
        self._new = Recommender(candidate, encoder, gates.fusion)
        same = previous is not None and previous.manifest.encoder == encoder.fingerprint
        self._old = previous.answers if previous is not None and same else None
        self._no_answers = _FORCED if same else "another encoder made the previous snapshot"

    def golden(self) -> tuple[GateFinding, dict[str, Any]]:
        """Return the golden set's finding, and the scores to keep in the manifest."""
        topics = self._gates.topics
        if not topics:
            return _skip("golden_drop", self._limits, "no golden set is configured"), {}
        common = _ids(self._candidate)
        if self._previous is not None:
            common &= self._previous.texts.keys()
        share = runs.covered(topics, common)
        if share < self._limits.golden_coverage:
            why = f"only {share:.0%} of its relevant resources are in the catalogue"
            return _skip("golden_drop", self._limits, why), {}
        queries = {topic.id: topic.text for topic in topics}
        whole = runs.every_listing(self._candidate)
        # With every listing, as in `reco evaluate --golden`: the judges saw each id.
        rankings = runs.rank(Recommender(whole, self._encoder, self._gates.fusion), queries)
        report = {"set": _stamp(topics), "ndcg@10": runs.scores(topics, rankings)}
        if self._previous is None:
            return _skip("golden_drop", self._limits, _NO_PREVIOUS), report
        if self._old is None:
            before = self._previous.manifest.report.get("golden", {})
            if before.get("set") != report["set"]:
                why = f"{self._no_answers}, and its scores were not kept"
                return _skip("golden_drop", self._limits, why), report
            return self._golden_finding(runs.loss(before["ndcg@10"], runs.scores(topics, rankings))), report
        # Only resources of both snapshots count: a new one has no judgement, and one that left has no rank.
        judged = runs.among(topics, common)
        loss = runs.loss(
            runs.scores(judged, runs.only(self._old.golden, common)),
            runs.scores(judged, runs.only(rankings, common)),
        )
        return self._golden_finding(loss), report

    def _golden_finding(self, loss: runs.Loss) -> GateFinding:
        message = (
            f"The nDCG@10 of the golden queries would go from {loss.before:.3f} to {loss.after:.3f} "
            f"(p = {loss.p:.4f}, {loss.topics} queries)."
        )
        return GateFinding(
            "golden_drop",
            loss.drop,
            self._limits.golden_drop,
            message,
            details=asdict(loss),
            excused=loss.p >= self._limits.golden_p,
        )

    def churn(self) -> GateFinding:
        """Return the finding on first pages that change more than the catalogue's changes explain."""
        if self._previous is None:
            return _skip("churn", self._limits, _NO_PREVIOUS)
        if self._old is None:
            return _skip("churn", self._limits, self._no_answers)
        queries, stable = self._previous.probes, self._previous.stable
        if len(queries) < _FEWEST_PROBES:
            return _skip("churn", self._limits, f"only {len(queries)} resources stayed as they were")
        figure = runs.churn(self._old.probes, runs.rank(self._new, queries), stable)
        if figure is None:
            return _skip("churn", self._limits, "no probe has a result")
        if why := _ranking_change(self._previous, self._candidate):
            return _skip("churn", self._limits, why, figure)
        message = (
            f"{figure:.0%} of the first ten results of {len(queries)} titles would change, "
            "and no changed or new resource explains it."
        )
        return GateFinding("churn", figure, self._limits.churn, message, details={"probes": len(queries)})


def _ranking_change(previous: Baseline, candidate: Snapshot) -> str:
    """Return what changed the ranking beside the catalogue: head, settings or version; "" for nothing."""
    if not same_head(previous.head, candidate.head):
        return "another head was learnt"
    if previous.manifest.settings.get("making") != candidate.manifest.settings.get("making"):
        return "the settings changed"
    if previous.manifest.version != candidate.manifest.version:
        return "another version of reco made the previous snapshot"
    return ""


def _ids(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(resource.id for resource in snapshot.catalogue)


def _stamp(topics: Sequence[Topic]) -> str:
    """Return a digest of a golden set: scores on different sets are not comparable."""
    lines = (f"{i} {rel}" for topic in topics for i, rel in sorted(topic.qrels.items()))
    return digest(*(f"{topic.id} {topic.text}" for topic in topics), *lines)[:16]

"""What a new snapshot must pass before it is served. Pure: snapshots in, findings out.

Each gate has a name, a figure and a threshold of the same name; it objects when the figure is above
the threshold. A gate that cannot be applied says why, and the reason is recorded.
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
from reco.snapshots.snapshot import Snapshot
from reco.text.clean import digest

_NO_PREVIOUS = "there is no previous snapshot"
_BROKEN = "the vectors are not sound"
_FORCED = "the previous snapshot was published in spite of a gate about its vectors"
_UNIT = 1e-3
_FEWEST_PROBES = 5
_SEARCHED = 50


@dataclass(frozen=True)
class Objection:
    """Why a snapshot is not published: the gate, its figure, and the threshold that it passed."""

    gate: str
    figure: float
    threshold: float
    message: str


_Share = Annotated[float, Field(ge=0, le=1)]
_Some = Annotated[float, Field(gt=0, le=1)]


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Thresholds:
    """The most that each gate lets through, named as the gate: `[gates]` of the settings.

    Shares are of the resources. Raises ValueError for a threshold out of its bounds.

    `golden_drop` is in points of nDCG@10 and counts only when its p-value is below `golden_p`; the
    golden set is not used when less than `golden_coverage` of its relevant resources are here.
    `churn` is a share of first-page results, over `probes` titles.
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
    """What one gate found: no `figure` where it could not be had, `skipped` says why it did not judge."""

    gate: str
    figure: float | None
    threshold: float
    message: str = ""
    skipped: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
    excused: bool = False
    """Whether the figure may be chance: it then objects to nothing."""

    @property
    def objection(self) -> Objection | None:
        """The objection, if the figure is above the threshold."""
        if self.skipped or self.excused or self.figure is None or self.figure <= self.threshold:
            return None
        return Objection(self.gate, self.figure, self.threshold, self.message)


@dataclass(frozen=True)
class Verdict:
    """What all gates found, and the golden set's scores for the next snapshot to be compared with."""

    findings: tuple[GateFinding, ...]
    golden: Mapping[str, Any] = field(default_factory=dict)

    @property
    def objections(self) -> tuple[Objection, ...]:
        """The objections, in the order of the gates."""
        return tuple(found for finding in self.findings if (found := finding.objection) is not None)

    def record(self) -> dict[str, Any]:
        """Return what a manifest keeps: every gate's figure, or why it has none."""
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
    """The thresholds, the golden set (none when `topics` is empty), and how results are ranked."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    topics: tuple[Topic, ...] = ()
    fusion: Fusion = field(default_factory=Fusion)


def remember(
    previous: Snapshot | None, catalogue: Catalogue, encoder: Encoder, gates: Gates
) -> Baseline | None:
    """Return what is kept of what is served now, to make and judge a snapshot of `catalogue`."""
    if previous is None:
        return None
    common = frozenset(r.id for r in catalogue if previous.catalogue.row(r.id) is not None)
    judged = runs.covered(gates.topics, common) >= gates.thresholds.golden_coverage
    topics = gates.topics if judged else ()
    return Baseline.of(previous, catalogue, encoder, topics, gates.thresholds.probes, gates.fusion)


def judge(candidate: Snapshot, previous: Baseline | None, encoder: Encoder, gates: Gates) -> Verdict:
    """Put a snapshot, as read back from the disk, through every gate.

    `previous` is what is served now, whoever encoded it, as `remember` returned it for the candidate's
    catalogue; `encoder` is the candidate's.
    """
    limits = gates.thresholds
    invalid = _invalid(candidate)
    structural = (
        _row_drop(candidate, previous, limits),
        _finding("invalid_vectors", invalid, candidate, limits, "have a vector that is not a direction"),
        _identical(candidate, limits),
        _finding(
            "unmatched_vectors",
            _unmatched(candidate, previous),
            candidate,
            limits,
            "do not have the vector of their own text",
        ),
    )
    if len(invalid):
        skipped = ("lost_resources", "golden_drop", "churn")
        return Verdict((*structural, *(_skip(gate, limits, _BROKEN) for gate in skipped)))
    # Vectors are compared in large products, which leave the interpreter to who ranks.
    with ThreadPoolExecutor(1) as beside:
        found_again = beside.submit(_lost, candidate, limits)
        found = _Behaviour(candidate, previous, encoder, gates)
        golden, kept = found.golden()
        churn = found.churn()
    return Verdict((*structural, found_again.result(), golden, churn), kept)


def _skip(gate: str, limits: Thresholds, why: str, figure: float | None = None) -> GateFinding:
    return GateFinding(gate, figure, getattr(limits, gate), skipped=why)


def _finding(
    gate: str, rows: NDArray[np.int64], candidate: Snapshot, limits: Thresholds, what: str
) -> GateFinding:
    """Return a gate's finding: the share of resources that are in `rows`."""
    count = len(candidate.catalogue)
    share = len(rows) / count if count else 0.0
    names = ", ".join(candidate.catalogue[int(row)].id for row in rows[:3])
    message = f"{len(rows)} of {count} resources {what} ({names}{', ...' if len(rows) > 3 else ''})."
    return GateFinding(gate, share, getattr(limits, gate), message)


def _row_drop(candidate: Snapshot, previous: Baseline | None, limits: Thresholds) -> GateFinding:
    if previous is None or not previous.texts:
        return _skip("row_drop", limits, _NO_PREVIOUS)
    before, after = len(previous.texts), len(candidate.catalogue)
    drop = (before - after) / before
    message = f"The catalogue would go from {before} resources to {after} ({drop:.0%} fewer)."
    return GateFinding("row_drop", max(0.0, drop), limits.row_drop, message)


def _invalid(candidate: Snapshot) -> NDArray[np.int64]:
    """Return the rows whose vector has a NaN, an infinity or not the length one, or such a part."""
    vectors, table = candidate.dense.vectors(), candidate.table
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    # A comparison with NaN is false: what is not shown to be sound is not.
    wrong = ~(np.abs(lengths - 1.0) <= _UNIT)
    parts = np.flatnonzero(~np.isfinite(table.parts.sum(axis=1) + table.weights))
    wrong[np.searchsorted(table.bounds, parts, side="right") - 1] = True
    return np.flatnonzero(wrong).astype(np.int64)


def _identical(candidate: Snapshot, limits: Thresholds) -> GateFinding:
    groups: dict[bytes, list[int]] = defaultdict(list)
    vectors = candidate.dense.vectors()
    for row in _beginning_alike(vectors):
        # Adding zero makes 0 and -0 the same bytes. Digests, for the bytes would be another index.
        groups[sha256((vectors[row] + np.float32(0.0)).data).digest()].append(row)
    texts = candidate.table.hashes
    shared = (group for group in groups.values() if len({texts[row] for row in group}) > 1)
    rows = [row for group in shared for row in group]
    what = "have the same vector as another text"
    return _finding("identical_vectors", np.asarray(sorted(rows), dtype=np.int64), candidate, limits, what)


def _beginning_alike(vectors: NDArray[np.float32]) -> list[int]:
    """Return the rows whose first two numbers are another's too: hardly any but those of equal vectors."""
    first = np.ascontiguousarray(vectors[:, :2] + np.float32(0.0))
    _, groups, sizes = np.unique(first, axis=0, return_inverse=True, return_counts=True)
    found: list[int] = np.flatnonzero(sizes[groups] > 1).tolist()
    return found


def _unmatched(candidate: Snapshot, previous: Baseline | None) -> NDArray[np.int64]:
    """Return the rows that have no part, a part beyond their text, or another vector than yesterday's.

    A text that was there yesterday, read by the same encoder, has the same parts to the last bit.
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
    """Compares what two snapshots answer; the previous one was asked only if this encoder made it, well."""

    def __init__(
        self, candidate: Snapshot, previous: Baseline | None, encoder: Encoder, gates: Gates
    ) -> None:
        self._candidate, self._previous = candidate, previous
        self._gates, self._limits, self._encoder = gates, gates.thresholds, encoder
        self._new = Recommender(candidate, encoder, gates.fusion)
        same = previous is not None and previous.manifest.encoder == encoder.fingerprint
        self._old = previous.answers if previous is not None and same else None
        self._unasked = _FORCED if same else "another encoder made the previous snapshot"

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
            why = f"only {share:.0%} of the resources that it judges relevant are in the catalogue"
            return _skip("golden_drop", self._limits, why), {}
        requests = {topic.id: topic.text for topic in topics}
        whole = runs.every_listing(self._candidate)
        # Every listing, as `reco evaluate --golden` has them: each id was judged.
        new = runs.rank(Recommender(whole, self._encoder, self._gates.fusion), requests)
        kept = {"set": _stamp(topics), "ndcg@10": runs.scores(topics, new)}
        if self._previous is None:
            return _skip("golden_drop", self._limits, _NO_PREVIOUS), kept
        if self._old is None:
            before = self._previous.manifest.report.get("golden", {})
            if before.get("set") != kept["set"]:
                why = f"{self._unasked}, and its scores were not kept"
                return _skip("golden_drop", self._limits, why), kept
            return self._golden(runs.loss(before["ndcg@10"], runs.scores(topics, new))), kept
        # Judged among what both hold: a newcomer nobody judged, or a judged one that left, says nothing.
        judged = runs.among(topics, common)
        found = runs.loss(
            runs.scores(judged, runs.only(self._old.golden, common)),
            runs.scores(judged, runs.only(new, common)),
        )
        return self._golden(found), kept

    def _golden(self, found: runs.Loss) -> GateFinding:
        message = (
            f"The golden requests' nDCG@10 would go from {found.before:.3f} to {found.after:.3f} "
            f"(p = {found.p:.4f}, {found.topics} requests)."
        )
        return GateFinding(
            "golden_drop",
            found.drop,
            self._limits.golden_drop,
            message,
            details=asdict(found),
            excused=found.p >= self._limits.golden_p,
        )

    def churn(self) -> GateFinding:
        """Return how much first pages change beyond what the catalogue's own change explains."""
        if self._previous is None:
            return _skip("churn", self._limits, _NO_PREVIOUS)
        if self._old is None:
            return _skip("churn", self._limits, self._unasked)
        requests, stable = self._previous.probes, self._previous.stable
        if len(requests) < _FEWEST_PROBES:
            return _skip("churn", self._limits, f"only {len(requests)} resources stayed as they were")
        figure = runs.churn(self._old.probes, runs.rank(self._new, requests), stable)
        if figure is None:
            return _skip("churn", self._limits, "no request of the probes has a result")
        if why := _remade(self._previous, self._candidate):
            return _skip("churn", self._limits, why, figure)
        message = (
            f"{figure:.0%} of the first ten results of {len(requests)} titles would change, "
            "though neither they nor newcomers explain it."
        )
        return GateFinding("churn", figure, self._limits.churn, message, details={"probes": len(requests)})


def _remade(previous: Baseline, candidate: Snapshot) -> str:
    """Return which of what decides a ranking, beside the catalogue, is not the previous snapshot's."""
    if not previous.has_head(candidate.head):
        return "another head was learnt"
    if previous.manifest.settings.get("making") != candidate.manifest.settings.get("making"):
        return "the settings changed"
    if previous.manifest.version != candidate.manifest.version:
        return "another version of reco made the previous snapshot"
    return ""


def _ids(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(resource.id for resource in snapshot.catalogue)


def _stamp(topics: Sequence[Topic]) -> str:
    """Return a digest of a golden set: scores on another one are not comparable."""
    lines = (f"{i} {rel}" for topic in topics for i, rel in sorted(topic.qrels.items()))
    return digest(*(f"{topic.id} {topic.text}" for topic in topics), *lines)[:16]

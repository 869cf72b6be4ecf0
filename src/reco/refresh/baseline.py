"""The baseline: the previous snapshot without its vectors and indexes, to compare the next one with.

A large catalogue fits in memory once. The previous snapshot therefore ranks its probes and the golden
queries before the next one is made, and is then released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.clusters.model import Clusters
from reco.encoder.adapter import Adapter
from reco.encoder.protocol import Encoder
from reco.evaluation import runs
from reco.evaluation.beir import Topic
from reco.evaluation.runs import Rankings
from reco.index.calibration import Levels
from reco.index.duplicates import Families
from reco.ranking.recommender import Fusion, Recommender
from reco.snapshots.snapshot import Manifest, Snapshot

ABOUT_VECTORS = frozenset(("invalid_vectors", "identical_vectors", "unmatched_vectors"))
"""Gates about the vectors. When one objects, the encoded texts are not kept for the next try."""


@dataclass(frozen=True)
class Answers:
    """The rankings of the previous snapshot for the probes and for the golden queries."""

    probes: Rankings
    golden: Rankings


@dataclass(frozen=True)
class Baseline:
    """The facts kept of the previous snapshot.

    `texts` maps ids to content hashes, in row order; `prints` (rows,) are hashes of the parts. `stable` are
    the ids whose text stays the same; `probes` maps some of them to a query. `answers` and `prints` are
    None when another encoder made the previous snapshot, or when its vectors are doubted.
    """

    manifest: Manifest
    texts: Mapping[str, str]
    families: Families | None = None
    head: NDArray[np.float32] | None = None
    adapter: Adapter | None = None
    levels: Levels | None = None
    clusters: Clusters | None = None
    prints: NDArray[np.uint64] | None = None
    stable: frozenset[str] = frozenset()
    probes: Mapping[str, str] = field(default_factory=dict)
    answers: Answers | None = None

    @classmethod
    def of(
        cls,
        previous: Snapshot,
        catalogue: Catalogue,
        encoder: Encoder,
        topics: Sequence[Topic] = (),
        probes: int = 0,
        fusion: Fusion | None = None,
    ) -> Baseline:
        """Return the baseline for the next snapshot: the one of `catalogue`, made by `encoder`."""
        stable = runs.unchanged(previous.catalogue, catalogue)
        baseline = cls(
            previous.manifest,
            {resource.id: resource.content_hash for resource in previous.catalogue},
            previous.families,
            previous.head,
            previous.adapter,
            previous.levels,
            previous.clusters,
            stable=stable,
            probes=runs.probes(catalogue, stable, probes),
        )
        if previous.manifest.encoder != encoder.fingerprint or baseline.doubted:
            return baseline
        all_listings = Recommender(runs.every_listing(previous), encoder, fusion)
        answers = Answers(
            probes=runs.rank(Recommender(previous, encoder, fusion), baseline.probes),
            golden=runs.rank(all_listings, {topic.id: topic.text for topic in topics}),
        )
        return replace(baseline, prints=previous.table.prints, answers=answers)

    @property
    def doubted(self) -> bool:
        """Whether its vectors must be encoded again."""
        return is_doubted(self.manifest)

    @property
    def known(self) -> frozenset[str]:
        """Content hashes of the texts whose vectors can be reused."""
        return frozenset() if self.doubted else frozenset(self.texts.values())

    def drift(self, report: str, hashes: Sequence[str]) -> float:
        """Return the share of texts that are new since the last run of one step; 1 if it never ran.

        `report` names the step: "deep", "adapt" or "levels". `hashes` are the content hashes of the next
        snapshot.
        """
        last = self.manifest.report.get(report)
        if not last:
            return 1.0
        return float(last.get("drift", 0.0)) + len(set(hashes) - self.known) / max(1, len(hashes))


def is_doubted(manifest: Manifest) -> bool:
    """Whether a snapshot was published against a gate about its vectors. They are then encoded again.

    Otherwise a model that failed one night would leave resources that no query finds, and every later
    night would be refused.
    """
    objections = manifest.report.get("forced", {}).get("objections", ())
    return any(objection["gate"] in ABOUT_VECTORS for objection in objections)


def comparable(baseline: Baseline | None, encoder: str) -> Baseline | None:
    """Return the baseline if the encoder with this fingerprint made it: what it learnt can be kept."""
    return baseline if baseline is not None and baseline.manifest.encoder == encoder else None

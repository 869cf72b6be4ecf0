"""What the next snapshot is compared with: the one served before it, without its vectors and indexes.

A large catalogue fits in memory once: what the previous snapshot answers, and what its vectors were,
is asked before the next one is made, so that it can be let go.
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
"""Gates whose objection casts doubt on what was encoded: it is not kept for the next try."""


@dataclass(frozen=True)
class Answers:
    """What the previous snapshot answers to the probes, and to the golden requests."""

    probes: Rankings
    golden: Rankings


@dataclass(frozen=True)
class Baseline:
    """The previous snapshot as it is remembered.

    `texts` are content hashes by id, in the order of the rows; `prints` (rows,) are hashes of the parts.
    `stable` are the ids that stay with the same text, `probes` requests about some of them, by id. There
    are no `answers` and no `prints` when another encoder made the previous snapshot.
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
        """Remember a snapshot, to compare it with the one of `catalogue` that `encoder` will have made."""
        stable = runs.unchanged(previous.catalogue, catalogue)
        found = cls(
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
        if previous.manifest.encoder != encoder.fingerprint or found.doubted:
            return found
        judged = Recommender(runs.every_listing(previous), encoder, fusion)
        answers = Answers(
            probes=runs.rank(Recommender(previous, encoder, fusion), found.probes),
            golden=runs.rank(judged, {topic.id: topic.text for topic in topics}),
        )
        return replace(found, prints=previous.table.prints, answers=answers)

    @property
    def doubted(self) -> bool:
        """Whether its vectors are not to be used again."""
        return is_doubted(self.manifest)

    @property
    def known(self) -> frozenset[str]:
        """Content hashes of the texts whose vectors can be used again."""
        return frozenset() if self.doubted else frozenset(self.texts.values())

    def drift(self, report: str, hashes: Sequence[str]) -> float:
        """Return the share of texts that are new since what a report is about was last made.

        `report` is "deep", "adapt" or "levels", and `hashes` are those of the next snapshot; 1 where it
        was never made.
        """
        last = self.manifest.report.get(report)
        if not last:
            return 1.0
        return float(last.get("drift", 0.0)) + len(set(hashes) - self.known) / max(1, len(hashes))

    def has_head(self, head: NDArray[np.float32] | None) -> bool:
        """Whether it was searched through that very head, or through none where that is None."""
        if self.head is None or head is None:
            return self.head is head
        return np.array_equal(self.head, head)


def is_doubted(manifest: Manifest) -> bool:
    """Whether a snapshot was published in spite of a gate about its vectors: they are encoded again.

    Else a model that failed one night would leave resources that nothing finds, and be refused every night.
    """
    objections = manifest.report.get("forced", {}).get("objections", ())
    return any(objection["gate"] in ABOUT_VECTORS for objection in objections)


def comparable(baseline: Baseline | None, encoder: str) -> Baseline | None:
    """Return the baseline if the encoder of that fingerprint made it: what it had learnt can be kept."""
    return baseline if baseline is not None and baseline.manifest.encoder == encoder else None

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
        requests = runs.probes(catalogue, stable, probes)
        found = cls(
            previous.manifest,
            {resource.id: resource.content_hash for resource in previous.catalogue},
            previous.families,
            previous.head,
            previous.adapter,
            previous.levels,
            previous.clusters,
            stable=stable,
            probes=requests,
        )
        if previous.manifest.encoder != encoder.fingerprint:
            return found
        return found._answering(previous, encoder, topics, fusion)

    def to_judge(self) -> Baseline:
        """Return what the gates need of it, without what only helps to make the next snapshot."""
        return replace(self, families=None, levels=None, clusters=None)

    def _answering(
        self,
        previous: Snapshot,
        encoder: Encoder,
        topics: Sequence[Topic],
        fusion: Fusion | None,
    ) -> Baseline:
        judged = Recommender(runs.every_listing(previous), encoder, fusion)
        return replace(
            self,
            prints=previous.table.prints,
            answers=Answers(
                probes=runs.rank(Recommender(previous, encoder, fusion), self.probes),
                golden=runs.rank(judged, {topic.id: topic.text for topic in topics}),
            ),
        )

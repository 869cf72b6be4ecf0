"""What a refresh makes snapshots with, beside sources and encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reco.adapt.head import HeadReport
from reco.adapt.lora.learn import DeepReport
from reco.catalogue.catalogue import Catalogue
from reco.catalogue.curation import Curation
from reco.clusters.model import Clusters
from reco.encoder.protocol import Encoder, Matrix
from reco.index.acronyms import Acronyms
from reco.index.calibration import Levels, Vectors
from reco.index.duplicates import CuratorPairs
from reco.index.vectors import VectorTable
from reco.snapshots.snapshot import Snapshot
from reco.storage import atomic
from reco.text.tokens import READING

Learn = Callable[[Snapshot, Encoder], HeadReport]
Deepen = Callable[[Catalogue, VectorTable, Encoder, Path], DeepReport]
"""Learns low-rank weights from a catalogue, its vectors, the encoder without any, and a folder to work in."""
Group = Callable[[Snapshot, Clusters | None], Clusters]
"""Finds the clusters of a snapshot, from those of the night before if there are any."""
Start = Callable[[str], Matrix | None]
"""Gives the head that a first snapshot starts from, by the fingerprint of its encoder."""

Calibrate = Callable[[Snapshot, Encoder, Vectors], Levels | None]
"""Measures what the scores of a snapshot are worth, given the vectors of requests that its encoder gave."""


@dataclass(frozen=True)
class Making:
    """What a snapshot is made with beside its sources and encoder.

    `learn` tries a head on a candidate snapshot, `deepen` low-rank weights, and `group` finds its
    clusters; None never does. `start` gives the head that a first snapshot has until it learns one
    better, if any, by fingerprint. `drift` is the share of resources that must have changed since the
    last attempt to learn before another. `grouping` is the digest of how clusters are found and named.
    `calibrate` measures what scores are worth with what `measure` names; None never does.
    """

    acronyms: Acronyms = field(default_factory=Acronyms)
    learn: Learn | None = None
    deepen: Deepen | None = None
    start: Start | None = None
    drift: float = 0.1
    curation: Curation = field(default_factory=Curation)
    group: Group | None = None
    grouping: str = ""
    calibrate: Calibrate | None = None
    measure: str = ""

    @property
    def stamp(self) -> str:
        """Digest of what decides a snapshot's indexes: a change makes a new snapshot."""
        decided = f"{self.curation.stamp}{self.measure}{self.grouping}{READING}"
        return atomic.digest_of(self.acronyms.to_bytes() + decided.encode())[:16]

    @property
    def told(self) -> CuratorPairs:
        """What the curator said of what is listed twice."""
        decisions = self.curation.decisions
        return CuratorPairs(decisions.pairs("merge"), decisions.pairs("split"))

"""The recipe of a refresh: plain values that say how a snapshot is made, judged and kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from reco.adapt.deep.recipe import DeepRecipe
from reco.adapt.head import HeadRecipe
from reco.adapt.teaching.own import Replay
from reco.catalogue.curation import Curation
from reco.clusters.find import NAMING, RECIPE, Options
from reco.evaluation.beir import Topic
from reco.index.acronyms import READING as FINDING
from reco.index.acronyms import Acronyms
from reco.index.duplicates import CuratorPairs
from reco.index.promise import bundled
from reco.ranking.recommender import Fusion
from reco.refresh.gates import Gates, Thresholds
from reco.storage import atomic
from reco.text.background import unrelated
from reco.text.clean import digest
from reco.text.tokens import READING


@dataclass(frozen=True)
class Recipe:
    """The settings by which snapshots are made, judged and kept, beside their sources and encoder.

    `head` sets how a head is learnt, `deep` how low-rank weights are learnt, `replay` the requests that are
    learnt beside the catalogue then, `clusters` how clusters are found. None turns each off. `drift` is the
    share of resources that must change before anything is learnt again. `calibrate` measures scores against
    unrelated queries, and learns levels from the `judged` requests if there are any. `keep` is the number of
    snapshots left on disk.
    """

    acronyms: Acronyms = field(default_factory=Acronyms)
    curation: Curation = field(default_factory=Curation)
    fusion: Fusion = field(default_factory=Fusion)
    golden: tuple[Topic, ...] = ()
    judged: tuple[Topic, ...] = ()
    calibrate: bool = False
    clusters: Options | None = None
    head: HeadRecipe | None = None
    deep: DeepRecipe | None = None
    replay: Replay | None = None
    drift: float = 0.1
    thresholds: Thresholds = field(default_factory=Thresholds)
    keep: int = 7

    @property
    def gates(self) -> Gates:
        """The thresholds, the golden set and the ranking weights that the gates use."""
        return Gates(self.thresholds, self.golden, self.fusion)

    @property
    def told(self) -> CuratorPairs:
        """The curator's decisions on resources listed twice."""
        decisions = self.curation.decisions
        return CuratorPairs(decisions.pairs("merge"), decisions.pairs("split"))

    @property
    def stamp(self) -> str:
        """Digest of what decides a snapshot's indexes, levels and clusters. A change makes a new snapshot."""
        decided = f"{self.curation.stamp}{self._calibration}{self._grouping}{READING} {FINDING}"
        return atomic.digest_of(self.acronyms.to_bytes() + decided.encode())[:16]

    @property
    def _calibration(self) -> str:
        if not self.calibrate:
            return ""
        judged = (f"{topic.text} {sorted(topic.qrels.items())}" for topic in self.judged)
        return digest(self.fusion.stamp, repr(bundled()), *unrelated(), *judged)[:16]

    @property
    def _grouping(self) -> str:
        return digest(RECIPE, NAMING, repr(self.clusters)) if self.clusters is not None else ""

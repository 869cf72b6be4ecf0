"""What a refresh takes, as the settings describe it."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path

from reco.adapt.head import HeadReport, learn_head
from reco.adapt.lora.learn import learn_deep
from reco.adapt.starter import starting_head
from reco.clusters.find import NAMING, RECIPE, Options, find
from reco.clusters.model import Clusters
from reco.encoder.protocol import Encoder, Progress
from reco.evaluation.beir import Topic, read_topics
from reco.projects.judgements import approved_pairs
from reco.refresh.calibrate import calibrate
from reco.refresh.gates import Gates
from reco.refresh.publish import Forced, Publishing
from reco.refresh.recipe import Calibrate, Deepen, Group, Learn, Making
from reco.snapshots.snapshot import Snapshot
from reco.storage.atomic import digest_of
from reco.text.background import background, unrelated
from reco.text.clean import digest
from reco.workspace.settings import Settings


def home_of(settings: Settings, home: Path | None = None) -> Path:
    """Return where snapshots live: `home`, the settings' own, or the user's data directory."""
    return home or settings.home or user_data_path("reco")


def making_of(settings: Settings, progress: Progress | None = None, home: Path | None = None) -> Making:
    """Return what a refresh makes snapshots with. The test encoder knows nothing to learn from."""
    learns = settings.encoder.kind != "hashing-for-tests"
    grouping = settings.clusters.options() if settings.clusters.enabled else None
    return Making(
        acronyms=settings.ranking.table(),
        learn=head_of(settings, home) if learns else None,
        deepen=deepening(progress) if learns and settings.adapt.deep else None,
        start=starting_head if settings.adapt.head else None,
        drift=settings.adapt.drift,
        curation=settings.curation.curation(),
        group=grouped_by(grouping) if grouping is not None else None,
        grouping=digest(RECIPE, NAMING, repr(grouping)) if grouping is not None else "",
        calibrate=calibration_of(settings),
        measure=_measure_of(settings),
    )


def grouped_by(options: Options) -> Group:
    """Return how a snapshot's clusters are found, in the space that its own search uses."""

    def group(snapshot: Snapshot, previous: Clusters | None) -> Clusters:
        learnt = "" if snapshot.head is None else digest_of(snapshot.head.tobytes())
        vectors = snapshot.dense.vectors()
        return find(snapshot.catalogue, vectors, options, previous, snapshot.manifest.encoder + learnt)

    return group


def _measure_of(settings: Settings) -> str:
    """Name what levels are measured with: another set of weights, or of requests, measures them anew."""
    judged = _golden(settings)
    lines = (f"{topic.text} {sorted(topic.qrels.items())}" for topic in judged)
    return digest(settings.ranking.fusion().stamp, *unrelated(), *lines)[:16]


def _golden(settings: Settings) -> tuple[Topic, ...]:
    folder = settings.gates.golden
    return read_topics(folder) if folder is not None else ()


def calibration_of(settings: Settings) -> Calibrate:
    """Return how what scores are worth is measured, with the golden set where there is one."""
    topics, fusion = _golden(settings), settings.ranking.fusion()
    return lambda snapshot, encoder, known: calibrate(snapshot, encoder, fusion, unrelated(), topics, known)


def publishing_of(settings: Settings, forced: Forced | None = None) -> Publishing:
    """Return how a refresh publishes. Raises InvalidInput when the golden set cannot be used."""
    gates = Gates(settings.gates.thresholds(), _golden(settings), settings.ranking.fusion())
    return Publishing(gates, forced, settings.snapshots.keep)


def head_of(settings: Settings, home: Path | None = None) -> Learn | None:
    """Return how a head is learnt from a snapshot, None where the settings want none."""
    return learning_of(settings, home) if settings.adapt.head else None


def learning_of(settings: Settings, home: Path | None = None) -> Learn:
    """Return how a head is learnt from a snapshot and from the opinions approved in the home."""
    place = home_of(settings, home)

    def learn(snapshot: Snapshot, encoder: Encoder) -> HeadReport:
        return learn_head(snapshot, encoder, background(), pairs=approved_pairs(place, snapshot.catalogue))

    return learn


def deepening(progress: Progress | None = None) -> Deepen:
    """Return how low-rank weights are learnt from a catalogue."""
    return lambda catalogue, table, base, folder: learn_deep(
        catalogue, table, base, background(), folder, progress=progress
    )

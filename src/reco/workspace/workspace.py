"""What the settings describe, built."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from reco.adapt.head import HeadRecipe
from reco.adapt.lora.training import DeepRecipe
from reco.encoder.protocol import Encoder
from reco.encoder.settings import build_encoder
from reco.evaluation.beir import read_topics
from reco.ranking.recommender import Recommender
from reco.refresh.recipe import Recipe
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.workspace.settings import Settings


def home_of(settings: Settings, home: Path | None = None) -> Path:
    """Return where snapshots live: `home`, `RECO_HOME`, the settings, or the user's data directory."""
    if home is not None:
        return home
    if "RECO_HOME" in os.environ:
        return Path(os.environ["RECO_HOME"])
    return settings.home or user_data_path("reco")


def recipe_of(settings: Settings) -> Recipe:
    """Return how snapshots are made, judged and kept. The test encoder has nothing to learn from.

    Raises InvalidInput when a table or the golden set cannot be used.
    """
    learns = settings.encoder.kind != "hashing-for-tests"
    golden = settings.gates.golden
    return Recipe(
        acronyms=settings.ranking.table(),
        curation=settings.curation.curation(),
        fusion=settings.ranking.fusion(),
        golden=read_topics(golden) if golden is not None else (),
        calibrate=True,
        clusters=settings.clusters.options() if settings.clusters.enabled else None,
        head=HeadRecipe() if learns and settings.adapt.head else None,
        deep=DeepRecipe() if learns and settings.adapt.deep else None,
        drift=settings.adapt.drift,
        thresholds=settings.gates.thresholds(),
        keep=settings.snapshots.keep,
    )


def encoder_of(settings: Settings, snapshot: Snapshot) -> Encoder:
    """Return the encoder that `snapshot` was made by: the settings' own with what the snapshot learnt.

    Raises EncoderMismatch when that was learnt for another encoder.
    """
    base = build_encoder(settings.encoder)
    return base if snapshot.adapter is None else base.adapted(snapshot.adapter)


def recommender_of(settings: Settings, snapshot: Snapshot) -> Recommender:
    """Return what answers queries from `snapshot` under these settings."""
    return Recommender(snapshot, encoder_of(settings, snapshot), settings.ranking.fusion())


def store_of(settings: Settings, home: Path | None = None) -> SnapshotStore:
    """Return the store of snapshots under the chosen home."""
    return SnapshotStore(home_of(settings, home))

"""The folder and the recipe of a refresh, from the settings."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path

from reco.adapt.head import HeadRecipe
from reco.adapt.lora.training import DeepRecipe
from reco.evaluation.beir import read_topics
from reco.refresh.recipe import Recipe
from reco.workspace.settings import Settings


def home_of(settings: Settings, home: Path | None = None) -> Path:
    """Return the folder of the snapshots: `home`, that of the settings, or the user's data directory."""
    return home or settings.home or user_data_path("reco")


def recipe_of(settings: Settings) -> Recipe:
    """Return the recipe of a refresh. The test encoder learns no head and no weights.

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

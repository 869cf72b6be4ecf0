"""Reading `reco.toml`, and building what it describes."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from reco.catalogue.curation import Curation
from reco.catalogue.decisions import Decisions
from reco.clusters.curator_names import Names
from reco.clusters.find import Options
from reco.encoder.settings import EncoderSettings
from reco.errors import InvalidSettings
from reco.index.acronyms import Acronyms
from reco.ranking.recommender import Fusion
from reco.refresh.gates import Thresholds
from reco.refresh.recipe import Recipe
from reco.sources.config import SourceConfig


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RankingSettings(_Table):
    """`[ranking]`: how meaning and words share the points, how far a list is spread, and the acronyms."""

    meaning: float = Field(default=Fusion.meaning, ge=0)
    passage: float = Field(default=Fusion.passage, ge=0, le=1)
    need: float = Field(default=Fusion.need, ge=0, le=1)
    words: float = Field(default=Fusion.words, ge=0)
    grams: float = Field(default=Fusion.grams, ge=0)
    expansion: float = Field(default=Fusion.expansion, ge=0)
    emphasis: float = Field(default=Fusion.emphasis, ge=0, le=4)
    depth: int = Field(default=Fusion.depth, ge=10)
    diversity: float = Field(default=Fusion.diversity, ge=0, le=1)
    acronyms: Path | None = None

    def fusion(self) -> Fusion:
        """Return the settings as the recommender takes them."""
        return Fusion(**{field.name: getattr(self, field.name) for field in fields(Fusion)})

    def table(self) -> Acronyms:
        """Return the table of acronyms, empty without one."""
        return Acronyms.read(self.acronyms) if self.acronyms is not None else Acronyms()


class AdaptSettings(_Table):
    """`[adapt]`: whether refresh learns a head from the catalogue, and low-rank weights, which takes
    minutes more; both again once a share `drift` of the catalogue has changed."""

    head: bool = True
    deep: bool = False
    drift: float = Field(default=0.1, gt=0, le=1)


class CurationSettings(_Table):
    """`[curation]`: the file of a curator's decisions."""

    decisions: Path | None = None

    def curation(self) -> Curation:
        """Return what a catalogue is curated with. Raises InvalidDecisions for a file with bad lines."""
        return Curation(Decisions.read(self.decisions) if self.decisions is not None else Decisions())


class GateSettings(_Table):
    """`[gates]`: the most that each gate lets through, and the folder of the golden set."""

    row_drop: float = Field(default=Thresholds.row_drop, ge=0, le=1)
    invalid_vectors: float = Field(default=Thresholds.invalid_vectors, ge=0, le=1)
    identical_vectors: float = Field(default=Thresholds.identical_vectors, ge=0, le=1)
    unmatched_vectors: float = Field(default=Thresholds.unmatched_vectors, ge=0, le=1)
    lost_resources: float = Field(default=Thresholds.lost_resources, ge=0, le=1)
    golden: Path | None = None
    golden_drop: float = Field(default=Thresholds.golden_drop, ge=0, le=1)
    golden_p: float = Field(default=Thresholds.golden_p, gt=0, le=1)
    golden_coverage: float = Field(default=Thresholds.golden_coverage, gt=0, le=1)
    churn: float = Field(default=Thresholds.churn, ge=0, le=1)
    probes: int = Field(default=Thresholds.probes, ge=5, le=1000)

    def thresholds(self) -> Thresholds:
        """Return the settings as the gates take them."""
        return Thresholds(**{field.name: getattr(self, field.name) for field in fields(Thresholds)})


class ClusterSettings(_Table):
    """`[clusters]`: whether refresh looks for clusters, and how; the file of a curator's names."""

    enabled: bool = True
    seed: int = Field(default=Options.seed, ge=0, lt=2**32)
    levels: int | None = Field(default=None, ge=2, le=3)
    relayout: float = Field(default=Options.relayout, gt=0, le=1)
    names: Path | None = None

    def options(self) -> Options:
        """Return the settings as clusters take them. Raises InvalidDecisions for a file with bad lines."""
        names = Names.read(self.names) if self.names is not None else Names()
        return Options(self.seed, self.levels, self.relayout, names.lines)


class SnapshotSettings(_Table):
    """`[snapshots]`: how many of the newest are kept."""

    keep: int = Field(default=Recipe.keep, ge=3)


class OperationSettings(_Table):
    """`[operation]`: after how many hours without a successful refresh what is served is stale."""

    stale_hours: float = Field(default=36, gt=0)


class Settings(_Table):
    """All of `reco.toml`."""

    home: Path | None = None
    encoder: EncoderSettings = EncoderSettings()
    ranking: RankingSettings = RankingSettings()
    adapt: AdaptSettings = AdaptSettings()
    curation: CurationSettings = CurationSettings()
    gates: GateSettings = GateSettings()
    clusters: ClusterSettings = ClusterSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    operation: OperationSettings = OperationSettings()
    sources: tuple[SourceConfig, ...] = ()

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources have the name {', '.join(twice)}")
        return sources


def load(path: Path | None = None) -> Settings:
    """Read settings from `path`, `RECO_CONFIG` or ./reco.toml; without any, the defaults.

    Relative paths start at the file's own folder. Raises InvalidSettings with every problem.
    """
    named = path or (Path(os.environ["RECO_CONFIG"]) if "RECO_CONFIG" in os.environ else None)
    chosen = named or Path("reco.toml")
    if named is None and not chosen.is_file():
        return Settings()
    try:
        values = tomllib.loads(chosen.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"{chosen} cannot be read: {error.strerror}.", "Check --config.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            f"{chosen} is not valid TOML: {error}.", "Compare with reco.example.toml."
        ) from error
    return _located(_checked(values, chosen), chosen.resolve().parent)


def _checked(values: dict[str, Any], path: Path) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'file'}: {detail['msg']}" for detail in error.errors()
        )
        raise InvalidSettings(
            f"{path} cannot be used: {problems}.", "Compare with reco.example.toml."
        ) from error


def _located(settings: Settings, base: Path) -> Settings:
    """Make every relative path start at the settings file's folder."""
    encoder = settings.encoder
    places = {
        name: base / value for name in ("folder", "wheel") if (value := getattr(encoder, name)) is not None
    }
    return settings.model_copy(
        update={
            "home": base / settings.home if settings.home is not None else None,
            "encoder": encoder.model_copy(update=places),
            "ranking": settings.ranking.model_copy(
                update={"acronyms": base / settings.ranking.acronyms} if settings.ranking.acronyms else {}
            ),
            "curation": settings.curation.model_copy(
                update={"decisions": base / settings.curation.decisions}
                if settings.curation.decisions
                else {}
            ),
            "clusters": settings.clusters.model_copy(
                update={"names": base / settings.clusters.names} if settings.clusters.names else {}
            ),
            "gates": settings.gates.model_copy(
                update={"golden": base / settings.gates.golden} if settings.gates.golden else {}
            ),
            "sources": tuple(source.resolved(base) for source in settings.sources),
        }
    )

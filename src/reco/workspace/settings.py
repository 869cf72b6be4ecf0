"""`reco.toml` and the `RECO_*` variables, read and checked."""

from __future__ import annotations

import os
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from tomllib import TOMLDecodeError, loads
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.dataclasses import dataclass as checked
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from reco.adapt.teaching.own import Replay
from reco.catalogue.curation import Curation
from reco.catalogue.decisions import Decisions
from reco.clusters.curator_names import Names
from reco.clusters.find import Options, Tuning
from reco.encoder.settings import EncoderSettings
from reco.errors import InvalidSettings
from reco.index.acronyms import Acronyms
from reco.ranking.scoring import Fusion
from reco.ranking.second_look import SecondLook
from reco.refresh.gates import Thresholds
from reco.refresh.recipe import Recipe
from reco.sources.config import SourceConfig
from reco.storage.paths import FOLDER, Located, LocatedModel
from reco.text.decoding import decoded

if TYPE_CHECKING:
    from reco.encoder.cross import SecondReader

FILE = "reco.toml"

_PREFIX, _WITHIN = "RECO_", "__"
_STRICT = ConfigDict(extra="forbid")


class _Table(BaseModel):
    # The traceback of an error would show a secret that somebody wrote into the file.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@checked(frozen=True, config=_STRICT)
class RankingSettings(Fusion):
    """`[ranking]`: how meaning and words share the points, how far a list is spread, and the acronyms.

    `rerank` is the folder of a cross-encoder that reads the first results again or, with `rerank_revision`,
    its Hub id; a perfect fit is worth `rerank_weight` points.
    """

    acronyms: Located | None = None
    rerank: LocatedModel = ""
    rerank_revision: str = ""
    rerank_weight: float = Field(default=0.3, ge=0)

    def fusion(self) -> Fusion:
        """Return the weights alone, as the recommender keeps and records them."""
        return Fusion(**_values(Fusion, self))

    def second(self) -> SecondLook | None:
        """Return the second look, None without one. Its model is loaded at the first query."""
        reader = self._reader()
        return None if reader is None else SecondLook(reader, self.rerank_weight)

    def require_reranker(self) -> None:
        """Raise EncoderError when the folder of the reranker, if one is named, cannot be used.

        Nothing is loaded or fetched, so a Hub model is not checked.
        """
        if (reader := self._reader()) is not None:
            reader.require_usable()

    def _reader(self) -> SecondReader | None:
        if not self.rerank:
            return None
        from reco.encoder.cross import SecondReader
        from reco.encoder.loading import ModelSource

        folder = Path(self.rerank)
        local = folder.is_dir() or not self.rerank_revision
        return SecondReader(
            ModelSource(folder=folder if local else None, name=self.rerank, revision=self.rerank_revision)
        )

    def table(self) -> Acronyms:
        """Return the table of acronyms, empty without one."""
        return Acronyms.read(self.acronyms) if self.acronyms is not None else Acronyms()


class AdaptSettings(_Table):
    """`[adapt]`: whether a refresh learns a head, and low-rank weights (minutes more), from the catalogue.

    It learns both again once a share `drift` of the catalogue has changed. Low-rank weights are learnt with
    the written `requests` for resources of `catalogue` beside, both CSV files, if they are named.
    """

    head: bool = True
    deep: bool = False
    drift: float = Field(default=0.1, gt=0, le=1)
    requests: Located | None = None
    catalogue: Located | None = None

    @model_validator(mode="after")
    def _complete(self) -> AdaptSettings:
        if (self.requests is None) != (self.catalogue is None):
            raise ValueError("`requests` and `catalogue` are given together")
        return self

    def replay(self) -> Replay | None:
        """Return the files of the requests to replay, None without them."""
        if self.requests is None or self.catalogue is None:
            return None
        return Replay(self.requests, self.catalogue)


class CurationSettings(_Table):
    """`[curation]`: the file of a curator's decisions."""

    decisions: Located | None = None

    def curation(self) -> Curation:
        """Return the curation of the catalogue. Raises InvalidDecisions for a file with bad lines."""
        return Curation(Decisions.read(self.decisions) if self.decisions is not None else Decisions())


@checked(frozen=True, config=_STRICT)
class GateSettings(Thresholds):
    """`[gates]`: the most that each gate lets through, and the folder of the golden set."""

    golden: Located | None = None

    def thresholds(self) -> Thresholds:
        """Return the thresholds alone."""
        return Thresholds(**_values(Thresholds, self))


@checked(frozen=True, config=_STRICT)
class ClusterSettings(Tuning):
    """`[clusters]`: whether and how a refresh finds clusters, and the file of a curator's names."""

    enabled: bool = True
    names: Located | None = None

    def options(self) -> Options:
        """Return the options of `clusters.find`. Raises InvalidDecisions for a file with bad lines."""
        names = Names.read(self.names) if self.names is not None else Names()
        return Options(**_values(Tuning, self), names=names.lines)


class LevelSettings(_Table):
    """`[levels]`: the folder of requests judged on this catalogue, from which a refresh learns levels."""

    judged: Located | None = None


class RadarSettings(_Table):
    """`[radar]`: the file of logged queries that `reco radar` measures, and whether its texts are public.

    `column` names the column of the texts, "" for the usual ones.
    """

    logged: Located | None = None
    column: str = ""
    public: bool = False


class SnapshotSettings(_Table):
    """`[snapshots]`: how many of the newest stay on disk."""

    keep: int = Field(default=Recipe.keep, ge=3)


class OperationSettings(_Table):
    """`[operation]`: hours without a successful refresh after which the served snapshot is stale."""

    stale_hours: float = Field(default=36, gt=0)


class LinkSettings(_Table):
    """`[links]`: whether a night checks addresses, how many, and how gently."""

    check: bool = False
    per_night: int = Field(default=200, ge=1, le=10_000)
    delay_seconds: float = Field(default=1.0, ge=0, le=60)
    allow_private: bool = False


class Settings(_Table):
    """All of `reco.toml`. The constructor reads no file and no variable; `load` reads both."""

    home: Located | None = None
    encoder: EncoderSettings = EncoderSettings()
    ranking: RankingSettings = RankingSettings()
    adapt: AdaptSettings = AdaptSettings()
    curation: CurationSettings = CurationSettings()
    gates: GateSettings = GateSettings()
    levels: LevelSettings = LevelSettings()
    clusters: ClusterSettings = ClusterSettings()
    radar: RadarSettings = RadarSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    operation: OperationSettings = OperationSettings()
    links: LinkSettings = LinkSettings()
    sources: tuple[SourceConfig, ...] = ()

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources have the name {', '.join(twice)}")
        return sources


class _Read(Settings, BaseSettings):
    """The same settings, for pydantic-settings to read from the environment."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter=_WITHIN)


def _values(kind: type[Fusion | Thresholds | Tuning], table: object) -> dict[str, Any]:
    return {field.name: getattr(table, field.name) for field in fields(kind)}


def settings_file(path: Path | None = None, home: Path | None = None) -> Path:
    """Return the file that `load` reads for the same arguments. It exists, unless it was named."""
    named = path or _variable("CONFIG")
    place = home or _variable("HOME")
    candidates = [*([place / FILE] if place is not None else []), Path(FILE)]
    return named or next((file for file in candidates if file.is_file()), defaults() / FILE)


def _variable(name: str) -> Path | None:
    value = os.environ.get(_PREFIX + name)
    return None if value is None else Path(value)


def load(path: Path | None = None, home: Path | None = None) -> Settings:
    """Read the settings: the file, then the `RECO_*` variables on top of it.

    The file is `path`, else `RECO_CONFIG`, else the first that exists of `reco.toml` in `home` or in
    `RECO_HOME`, ./reco.toml, and the default file of reco. `RECO_TABLE__NAME` replaces `[table] name`,
    `RECO_HOME` replaces `home`. Paths in the file are relative to its folder, `RECO_HOME` to the current
    one. Raises InvalidSettings with every problem.
    """
    chosen = settings_file(path, home)
    return _validated(_of_file(chosen), chosen)


def parsed(text: str, file: Path) -> Settings:
    """Return the settings that `load` would give if `file` held `text`. Raises InvalidSettings."""
    try:
        return _validated(loads(text), file)
    except TOMLDecodeError as error:
        raise _not_toml(file, error) from error


def _validated(values: dict[str, Any], chosen: Path) -> Settings:
    for name, value in _of_environment().items():
        values[name] = {**values.get(name, {}), **value} if isinstance(value, dict) else value
    try:
        return Settings.model_validate(values, context={FOLDER: chosen.resolve().parent})
    except ValidationError as error:
        raise InvalidSettings(
            f"{chosen} cannot be used: {'; '.join(map(_problem, error.errors()))}.",
            "Compare with reco.example.toml.",
        ) from error


def defaults() -> Path:
    """Return the folder of the default settings file and its `data`.

    A wheel carries them beside this module; in a checkout it is the repository.
    """
    carried = Path(str(files("reco.workspace"))) / "defaults"
    return carried if carried.is_dir() else Path(__file__).resolve().parents[3]


def _of_file(path: Path) -> dict[str, Any]:
    try:
        return loads(decoded(path.read_bytes()))
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror}.", "Check --config.") from error
    except TOMLDecodeError as error:
        raise _not_toml(path, error) from error


def _not_toml(path: Path, error: Exception) -> InvalidSettings:
    return InvalidSettings(f"{path} is not valid TOML: {error}.", "Compare with reco.example.toml.")


def _of_environment() -> dict[str, Any]:
    try:
        values = EnvSettingsSource(_Read)()
    except SettingsError as error:
        raise InvalidSettings(
            f"A {_PREFIX} variable cannot be read: {error}.",
            f"Name one value, as in {_PREFIX}RANKING{_WITHIN}MEANING, or give a whole table as JSON.",
        ) from error
    if "home" in values:
        values["home"] = Path(values["home"]).absolute()
    return values


def _problem(problem: ErrorDetails) -> str:
    place = [str(part) for part in problem["loc"]]
    variable = _PREFIX + _WITHIN.join(place).upper()
    name = variable if variable in os.environ else ".".join(place) or "file"
    # For a dataclass table, pydantic calls an unknown key of the file an unexpected argument.
    unknown = problem["type"] == "unexpected_keyword_argument"
    return f"{name}: {'Extra inputs are not permitted' if unknown else problem['msg']}"

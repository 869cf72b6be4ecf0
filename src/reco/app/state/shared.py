"""What all visitors share: the settings, the snapshot served now, and the model.

`CURRENT` is read at every rerun and its number is the cache's key, so a publish is seen without a restart
while earlier visitors finish on the snapshot that they had. What is cached is shared and never changed.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from reco.app.experiences import Experience, experiences
from reco.catalogue.catalogue import Filters
from reco.catalogue.coverage import Coverage
from reco.catalogue.places import gazetteer
from reco.catalogue.places.cartography import Atlas
from reco.encoder.protocol import Encoder
from reco.errors import EncoderError, EncoderMismatch, SnapshotError
from reco.ranking.recommender import Recommender
from reco.serving.request_queue import QueuedRecommender
from reco.snapshots.snapshot import Manifest, Snapshot
from reco.snapshots.store import SnapshotStore
from reco.workspace import settings as configuration
from reco.workspace.home import Home
from reco.workspace.settings import RankingSettings, Settings
from reco.workspace.status import Freshness
from reco.workspace.status import freshness as freshness_of

RETRY_SECONDS = 30.0
"""How long an older snapshot is served before the damaged current one is tried again."""

Counts = Mapping[str, Mapping[str, int]]
"""How many resources have each value of each facet."""

logger = logging.getLogger(__name__)


class NoSnapshot(SnapshotError):
    """Nothing was ever published in this home."""


@dataclass(frozen=True)
class Opened:
    """The snapshot served, when it was opened, and whether it stands in for a damaged one."""

    snapshot: Snapshot
    instead: bool
    at: float


@dataclass
class Answered:
    """Which snapshot of a home last answered, and with which settings."""

    last: tuple[str, Settings | None] = ("", None)


def home() -> Home:
    """Return the home that is served; its settings are read again when their file changed."""
    path = configuration.settings_file()
    try:
        found = path.stat()
    except OSError:
        return Home.open()
    return Home(_settings(path.absolute(), found.st_mtime_ns, found.st_size, found.st_ino, _variables()))


def settings() -> Settings:
    """Return the settings of `home`."""
    return home().settings


def opened() -> Opened:
    """Return the snapshot that `CURRENT` names now, or the newest sound one before it.

    Raises NoSnapshot before the first refresh, SnapshotError when none is sound.
    """
    store = home().store
    number = store.named()
    if not number and not store.ids():
        raise NoSnapshot(f"There is no snapshot in {store.home} yet.", "Run `reco refresh`.")
    return _open(str(store.home), number)


def snapshot() -> Snapshot:
    """Return the snapshot that `opened` does."""
    return opened().snapshot


def recommender() -> Recommender:
    """Return what answers queries now. The first call prepares the model, which takes a while.

    From when the settings name another encoder until a refresh has made a snapshot with it, the one served
    is asked with the settings that it last answered with.
    """
    here, found = home(), opened().snapshot
    answered = _answered(str(here.path))
    try:
        made = _made(here, found)
    except (EncoderError, EncoderMismatch) as error:
        number, before = answered.last
        if before is None or number != found.id:
            raise
        logger.info("snapshot %s is asked with the settings that it last answered with: %s", number, error)
        return _made(Home(before, here.path), found)
    answered.last = found.id, here.settings
    return made


def _made(here: Home, found: Snapshot) -> Recommender:
    key = (str(here.path), found.id)
    return _recommender(key, _encoder_key(here, found), here.settings.ranking, found, here)


def recommender_from(found: Snapshot) -> Recommender:
    """Return what answers queries from an older snapshot, with the model that is there already.

    Raises EncoderMismatch when it was made by another encoder than the one in the settings.
    """
    here = home()
    encoder = _encoder(_encoder_key(here, found), here, found)
    return QueuedRecommender(found, encoder, here.settings.ranking.fusion())


def facets(found: Snapshot, filters: Filters) -> Counts:
    """Return the facets of what passes, computed once for a snapshot and a choice."""
    return _facets(str(home().path), found.id, found)(filters)


def atlas() -> Atlas:
    """Return the map of France. The first call draws its outlines."""
    return _atlas()


def experiences_of(found: Snapshot) -> tuple[Experience, ...]:
    """Return what a snapshot's resources say was done somewhere."""
    return _experiences(str(home().path), found.id, found)


def coverage_of(found: Snapshot) -> Coverage:
    """Return what a snapshot covers by theme, type and scale."""
    return _coverage(str(home().path), found.id, found)


def manifest() -> Manifest | None:
    """Return the manifest of the snapshot served now, without failing: a page's foot needs no more."""
    try:
        return snapshot().manifest
    except SnapshotError:
        return None


def freshness(found: Manifest) -> Freshness:
    """Return when the sources were last read with success, and whether the settings call that stale."""
    here = home()
    return freshness_of(here.path, found.created, here.settings.operation.stale_hours)


@lru_cache(maxsize=2)
def _settings(path: Path, *_state: object) -> Settings:
    return configuration.load(path)


def _variables() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith("RECO_")))


def _encoder_key(here: Home, found: Snapshot) -> str:
    learnt = found.adapter
    return here.settings.encoder.model_dump_json() + (learnt.digest if learnt is not None else "")


def _still_good(found: Opened) -> bool:
    return not found.instead or time.monotonic() - found.at < RETRY_SECONDS


@st.cache_resource(max_entries=2, show_spinner=False, validate=_still_good)
def _open(home: str, number: str) -> Opened:
    found, warning = SnapshotStore(Path(home)).serve()
    if warning:
        logger.warning("%s", warning)
    logger.info("snapshot opened: %s", found.id)
    return Opened(found, found.id != number, time.monotonic())


@st.cache_resource(max_entries=2, show_spinner=False)
def _encoder(key: str, _home: Home, _snapshot: Snapshot) -> Encoder:
    encoder = _home.encoder_for(_snapshot)
    encoder.encode_query("préparation")
    logger.info("model prepared")
    return encoder


@st.cache_resource(max_entries=2, show_spinner=False)
def _recommender(
    key: tuple[str, str],
    encoder_key: str,
    ranking: RankingSettings,
    _snapshot: Snapshot,
    _home: Home,
) -> Recommender:
    return QueuedRecommender(_snapshot, _encoder(encoder_key, _home, _snapshot), ranking.fusion())


@st.cache_resource(max_entries=2, show_spinner=False)
def _facets(home: str, number: str, _snapshot: Snapshot) -> Callable[[Filters], Counts]:
    return lru_cache(maxsize=256)(_snapshot.catalogue.facets)


@st.cache_resource(max_entries=2, show_spinner=False)
def _answered(home: str) -> Answered:
    return Answered()


@st.cache_resource(max_entries=1, show_spinner=False)
def _atlas() -> Atlas:
    return Atlas(gazetteer.bundled())


@st.cache_resource(max_entries=2, show_spinner=False)
def _experiences(home: str, number: str, _snapshot: Snapshot) -> tuple[Experience, ...]:
    return experiences(_snapshot.catalogue, _atlas())


@st.cache_resource(max_entries=2, show_spinner=False)
def _coverage(home: str, number: str, _snapshot: Snapshot) -> Coverage:
    return Coverage.of(_snapshot.catalogue)

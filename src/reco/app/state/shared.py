"""State shared by all visitors: the settings, the current snapshot and the model.

Each rerun reads `CURRENT`, and the snapshot number is the cache key. A publish therefore needs no restart,
and earlier visitors finish on their snapshot. Cached objects are shared and never changed.
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
from reco.catalogue import link_states
from reco.catalogue.catalogue import Filters
from reco.catalogue.coverage import Coverage
from reco.catalogue.link_states import Links
from reco.catalogue.places import gazetteer
from reco.catalogue.places.cartography import Atlas
from reco.encoder.protocol import Encoder
from reco.errors import EncoderError, EncoderMismatch, SnapshotError, StorageError
from reco.ranking.recommender import Recommender
from reco.ranking.second_look import SecondLook
from reco.serving.request_queue import QueuedRecommender
from reco.snapshots.snapshot import Manifest, Snapshot
from reco.snapshots.store import SnapshotStore
from reco.workspace import settings as configuration
from reco.workspace.home import Home
from reco.workspace.settings import RankingSettings, Settings
from reco.workspace.status import Freshness
from reco.workspace.status import freshness as freshness_of

RETRY_SECONDS = 30.0
"""Seconds that an older snapshot is served before another try of the damaged current one."""

Counts = Mapping[str, Mapping[str, int]]
"""Number of resources by facet and value."""

logger = logging.getLogger(__name__)


def content_of(found: Snapshot) -> tuple[str, str]:
    """Return the number of a snapshot and the digests of its files, as the key of a cache."""
    return found.id, str(found.manifest.files)


class NoSnapshot(SnapshotError):
    """No snapshot was ever published in this home."""


@dataclass(frozen=True)
class Opened:
    """The served snapshot, its opening time, and whether it replaces a damaged one."""

    snapshot: Snapshot
    instead: bool
    at: float


@dataclass
class Answered:
    """The last snapshot of a home that answered, and its settings."""

    last: tuple[str, Settings | None] = ("", None)


def home() -> Home:
    """Return the current home. A change of its settings file takes effect without a restart."""
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
    """Return the snapshot that `CURRENT` names, or the newest sound one before it.

    Raises NoSnapshot before the first refresh, SnapshotError if no snapshot is sound.
    """
    store = home().store
    number = store.named()
    if not number and not store.ids():
        raise NoSnapshot(f"There is no snapshot in {store.home} yet.", "Run `reco refresh`.")
    return _open(str(store.home), number)


def snapshot() -> Snapshot:
    """Return the snapshot of `opened`."""
    return opened().snapshot


def recommender() -> Recommender:
    """Return the current recommender. The first call loads the model, which takes a while.

    If the settings name another encoder than the snapshot's, the snapshot answers with its last working
    settings until a refresh publishes one for the new encoder.
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
    """Return a recommender over an older snapshot, with the model already in memory.

    Raises EncoderMismatch if another encoder than the one in the settings made the snapshot.
    """
    here = home()
    encoder = _encoder(_encoder_key(here, found), here, found)
    return QueuedRecommender(found, encoder, here.settings.ranking.fusion(), _second(here.settings.ranking))


def gone_links() -> Mapping[str, str]:
    """Return the addresses that are dead for good, with the date of their first failed night."""
    return link_states_of(home().path).gone


def link_states_of(folder: Path) -> Links:
    """Return what is known of addresses, read again when its file changes; nothing if it cannot be read."""
    try:
        found = (folder / link_states.NAME).stat()
    except OSError:
        return Links()
    return _links(folder, found.st_mtime_ns, found.st_size, found.st_ino)


def facets(found: Snapshot, filters: Filters) -> Counts:
    """Return the facet counts of the resources that pass `filters`, computed once per snapshot and filter."""
    return _facets(found)(filters)


@st.cache_resource(max_entries=1, show_spinner=False)
def atlas() -> Atlas:
    """Return the map of France. The first call draws its outlines."""
    return Atlas(gazetteer.bundled())


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Snapshot: content_of})
def experiences_of(found: Snapshot) -> tuple[Experience, ...]:
    """Return the local experiences in a snapshot."""
    return experiences(found.catalogue, atlas())


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Snapshot: content_of})
def coverage_of(found: Snapshot) -> Coverage:
    """Return the coverage of a snapshot by theme, type and scale."""
    return Coverage.of(found.catalogue)


def manifest() -> Manifest | None:
    """Return the manifest of the current snapshot, or None if it cannot be opened: a footer needs no more."""
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


@lru_cache(maxsize=2)
def _links(folder: Path, *_state: object) -> Links:
    try:
        return link_states.read(folder)
    except StorageError as error:
        logger.warning("no address is marked: %s %s", error, error.hint)
        return Links()


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
def _second(ranking: RankingSettings) -> SecondLook | None:
    """Return the second look of the settings: one model for all visitors."""
    return ranking.second()


@st.cache_resource(max_entries=2, show_spinner=False)
def _recommender(
    key: tuple[str, str],
    encoder_key: str,
    ranking: RankingSettings,
    _snapshot: Snapshot,
    _home: Home,
) -> Recommender:
    encoder = _encoder(encoder_key, _home, _snapshot)
    made = QueuedRecommender(_snapshot, encoder, ranking.fusion(), _second(ranking))
    made.prepare()
    return made


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Snapshot: content_of})
def _facets(found: Snapshot) -> Callable[[Filters], Counts]:
    return lru_cache(maxsize=256)(found.catalogue.facets)


@st.cache_resource(max_entries=2, show_spinner=False)
def _answered(home: str) -> Answered:
    return Answered()

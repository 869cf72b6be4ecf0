"""History for the pages: what each night changed, dates of a resource, saved projects, the feed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from reco.app.state import shared
from reco.projects.answers import answers
from reco.projects.changes import ProjectMoves, compare
from reco.projects.feed import arrivals, document
from reco.projects.store import Project
from reco.snapshots.history import Dates, History, NightChanges, read
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore

NEWEST = 50


def nights(found: Snapshot) -> tuple[NightChanges, ...]:
    """Return the changes of each night up to a snapshot."""
    return _history(found).nights


def dates_of(found: Snapshot, identifier: str) -> Dates:
    """Return when a resource first appeared and when it last changed."""
    return _history(found).dates(identifier)


def moves(night: NightChanges) -> tuple[ProjectMoves, ...]:
    """Return the moves of each saved project's results on a night, none on the first night."""
    store = _store()
    projects = shared.home().projects.read().projects
    if not night.before or not projects:
        return ()
    return _moves(str(store.home), night.before, night.after, projects)


def feed() -> bytes:
    """Return the Atom feed of the newest resources in the current snapshot."""
    found = shared.snapshot()
    return _feed(tuple(_store().ids()), found)


def _store() -> SnapshotStore:
    return shared.home().store


def _history(found: Snapshot) -> History:
    """Return the history of a snapshot. The first call opens every kept snapshot."""
    return _read(tuple(_store().ids()), found)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Snapshot: shared.content_of})
def _read(kept: tuple[str, ...], found: Snapshot) -> History:
    return read(_store(), found)


@st.cache_resource(max_entries=16, show_spinner=False)
def _moves(home: str, before: str, after: str, projects: tuple[Project, ...]) -> tuple[ProjectMoves, ...]:
    store = SnapshotStore(Path(home))
    old, new = store.open(before), store.open(after)
    return compare(
        old,
        new,
        projects,
        answers(store, old, projects, shared.recommender_from),
        answers(store, new, projects, shared.recommender_from),
    ).projects


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Snapshot: shared.content_of})
def _feed(kept: tuple[str, ...], found: Snapshot) -> bytes:
    return document(arrivals(_read(kept, found).nights, NEWEST), found.manifest.created)

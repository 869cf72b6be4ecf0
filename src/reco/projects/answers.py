"""What each snapshot answered to the saved projects, recorded while it could be asked.

A snapshot made by another encoder cannot be asked again, and the weights of a ranking are in the
settings, not in a snapshot: so the answer is kept beside the projects, `projects/answers/<number>.json`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reco.catalogue.catalogue import Catalogue, Filters
from reco.errors import EncoderMismatch
from reco.projects.store import Project, ProjectStore
from reco.ranking.query import Query
from reco.ranking.recommender import Fusion, Recommender
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.storage import atomic
from reco.version import __version__

logger = logging.getLogger(__name__)

DEPTH = 100
"""How many results are kept: those shown, and those that would take their places."""

Open = Callable[[Snapshot], Recommender]
"""Returns what answers from a snapshot. Raises EncoderMismatch when the settings' encoder cannot."""


@dataclass(frozen=True)
class RecordedAnswer:
    """A snapshot's answer to the request `key`: ids, best first, and what scored them."""

    key: str
    ids: tuple[str, ...] = ()
    fusion: Fusion = field(default_factory=Fusion)
    version: str = __version__


def rank(recommender: Recommender, project: Project) -> RecordedAnswer:
    """Return what a snapshot answers now. The first `project.k` are those of `Recommender.rank`."""
    found = RecordedAnswer(project.key, (), recommender.fusion)
    catalogue = recommender.snapshot.catalogue
    filters = _held(catalogue, project.filters)
    if filters is None:
        return found
    # Never beyond the first stage's depth: it would bring candidates that a page of k does not have.
    count = max(project.k, min(DEPTH, recommender.fusion.depth))
    hits = recommender.rank(Query(project.text, count, filters))
    return replace(found, ids=tuple(catalogue[hit.row].id for hit in hits))


def answers(
    store: SnapshotStore, snapshot: Snapshot, projects: Sequence[Project], open_with: Open
) -> dict[str, RecordedAnswer]:
    """Return the answer to each project by its id; one that can be neither asked nor read is left out.

    What is served now is asked now; an older snapshot's answer is the one recorded then, if there is one.
    """
    recorded = _of(projects, recorded_answers(store.home, snapshot.id))
    missing = [p for p in projects if p.id not in recorded]
    asked = list(projects) if snapshot.id == store.current() else missing
    if not asked:
        return recorded
    try:
        recommender = open_with(snapshot)
    except EncoderMismatch as error:
        logger.warning("%s", error)
        return recorded
    return {**recorded, **{project.id: rank(recommender, project) for project in asked}}


def record(store: SnapshotStore, open_with: Open) -> int:
    """Keep the served snapshot's answer to every project that has none yet; return how many.

    The first answer stays, so that a change of settings is seen at the next snapshot. Records of
    snapshots that are gone go too. Raises EncoderMismatch, SnapshotError and StorageError.
    """
    folder = ProjectStore(store.home)
    projects, number = folder.read().projects, store.current()
    if number is None or not projects:
        return 0
    known = _of(projects, recorded_answers(store.home, number))
    missing = [project for project in projects if project.id not in known]
    if not missing:
        return 0
    recommender = open_with(store.open(number))
    fresh = {project.id: rank(recommender, project) for project in missing}
    with folder.writing():
        _write(store, number, {**known, **fresh})
    return len(fresh)


def recorded_answers(home: Path, number: str) -> dict[str, RecordedAnswer]:
    """Return what was recorded for a snapshot, by project; nothing when the record cannot be read."""
    path = _folder(home) / f"{number}.json"
    try:
        return TypeAdapter(dict[str, RecordedAnswer]).validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        logger.warning("the record %s is skipped: %s", path, str(error).splitlines()[0])
        return {}


def _write(store: SnapshotStore, number: str, found: Mapping[str, RecordedAnswer]) -> None:
    folder = _folder(store.home)
    atomic.make_folder(folder)
    values = {identifier: asdict(ranked) for identifier, ranked in sorted(found.items())}
    atomic.replace(folder / f"{number}.json", json.dumps(values, ensure_ascii=False).encode())
    kept = set(store.ids())
    for path in folder.glob("*.json"):
        if path.stem not in kept:
            atomic.remove(path)


def _folder(home: Path) -> Path:
    return ProjectStore(home).folder / "answers"


def _of(projects: Iterable[Project], found: Mapping[str, RecordedAnswer]) -> dict[str, RecordedAnswer]:
    keys = {project.id: project.key for project in projects}
    return {name: ranked for name, ranked in found.items() if ranked.key == keys.get(name)}


def _held(catalogue: Catalogue, filters: Filters) -> Filters | None:
    """Return the filters without the values that no resource has; None when nothing can pass."""
    left: dict[str, Any] = {}
    for facet, values in filters.by_facet.items():
        held = tuple(value for value in values if catalogue.knows(facet, value))
        if not held:
            return None
        left[f"{facet}s"] = held
    return replace(filters, **left)

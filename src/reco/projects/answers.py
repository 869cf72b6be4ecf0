"""The recorded answers of each snapshot to the saved projects.

An answer cannot always be computed later: the snapshot may need another encoder, and the weights of the
ranking are in the settings, not in the snapshot. So `projects/answers/<number>.json` keeps it.
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
"""Results kept: those shown, and the next ones in line."""

Open = Callable[[Snapshot], Recommender]
"""Returns a recommender on a snapshot. Raises EncoderMismatch when the settings name another encoder."""


@dataclass(frozen=True)
class RecordedAnswer:
    """A snapshot's answer to the query with this `key`: ids, best first, and the weights that scored them."""

    key: str
    ids: tuple[str, ...] = ()
    fusion: Fusion = field(default_factory=Fusion)
    version: str = __version__


def rank(recommender: Recommender, project: Project) -> RecordedAnswer:
    """Return a snapshot's answer to a project. The first `project.k` ids are those of `Recommender.rank`."""
    answer = RecordedAnswer(project.key, (), recommender.fusion)
    catalogue = recommender.snapshot.catalogue
    filters = _usable(catalogue, project.filters)
    if filters is None:
        return answer
    # Never beyond the first stage's depth: a deeper one adds candidates that a page of k lacks.
    count = max(project.k, min(DEPTH, recommender.fusion.depth))
    hits = recommender.rank(Query(project.text, count, filters))
    return replace(answer, ids=tuple(catalogue[hit.row].id for hit in hits))


def answers(
    store: SnapshotStore, snapshot: Snapshot, projects: Sequence[Project], open_with: Open
) -> dict[str, RecordedAnswer]:
    """Return the answer to each project, by its id; a project without an answer is left out.

    The served snapshot ranks all projects now. An older snapshot ranks only those without a recorded
    answer.
    """
    recorded = _current(projects, recorded_answers(store.home, snapshot.id))
    missing = [p for p in projects if p.id not in recorded]
    pending = list(projects) if snapshot.id == store.current() else missing
    if not pending:
        return recorded
    try:
        recommender = open_with(snapshot)
    except EncoderMismatch as error:
        logger.warning("%s", error)
        return recorded
    return {**recorded, **{project.id: rank(recommender, project) for project in pending}}


def record(store: SnapshotStore, open_with: Open) -> int:
    """Record the served snapshot's answer to every project that has none yet; return how many.

    A recorded answer is never replaced, so that a change of settings shows at the next snapshot. Records of
    removed snapshots are deleted. Raises EncoderMismatch, SnapshotError and StorageError.
    """
    folder = ProjectStore(store.home)
    projects, number = folder.read().projects, store.current()
    if number is None or not projects:
        return 0
    known = _current(projects, recorded_answers(store.home, number))
    missing = [project for project in projects if project.id not in known]
    if not missing:
        return 0
    recommender = open_with(store.open(number))
    fresh = {project.id: rank(recommender, project) for project in missing}
    with folder.writing():
        _write(store, number, {**known, **fresh})
    return len(fresh)


def recorded_answers(home: Path, number: str) -> dict[str, RecordedAnswer]:
    """Return the recorded answers of a snapshot, by project; empty when the record cannot be read."""
    path = _folder(home) / f"{number}.json"
    try:
        return TypeAdapter(dict[str, RecordedAnswer]).validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        logger.warning("the record %s is skipped: %s", path, str(error).splitlines()[0])
        return {}


def _write(store: SnapshotStore, number: str, recorded: Mapping[str, RecordedAnswer]) -> None:
    folder = _folder(store.home)
    atomic.make_folder(folder)
    values = {identifier: asdict(ranked) for identifier, ranked in sorted(recorded.items())}
    atomic.replace(folder / f"{number}.json", json.dumps(values, ensure_ascii=False).encode())
    kept = set(store.ids())
    for path in folder.glob("*.json"):
        if path.stem not in kept:
            atomic.remove(path)


def _folder(home: Path) -> Path:
    return ProjectStore(home).folder / "answers"


def _current(
    projects: Iterable[Project], recorded: Mapping[str, RecordedAnswer]
) -> dict[str, RecordedAnswer]:
    keys = {project.id: project.key for project in projects}
    return {name: ranked for name, ranked in recorded.items() if ranked.key == keys.get(name)}


def _usable(catalogue: Catalogue, filters: Filters) -> Filters | None:
    """Return the filters without values that no resource has; None when a facet has no value left."""
    kept: dict[str, Any] = {}
    for facet, values in filters.by_facet.items():
        known = tuple(value for value in values if catalogue.knows(facet, value))
        if not known:
            return None
        kept[f"{facet}s"] = known
    return replace(filters, **kept)

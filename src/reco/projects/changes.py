"""The changes between two snapshots, and the cause of each move in a saved project's first results.

Every entry and every exit has one cause, the first of these that applies:

1. its own change. An entry is `new` when it came with the new snapshot, an exit is `removed` when it left
   the catalogue, and either is `edited` when its text or facets changed;
2. a neighbour's change. Remove the entries of rule 1 from the new ranking and put them back, best first:
   each one pushes the last of the first k out. An unchanged resource that is pushed out has the cause of
   the entry that pushed it. The reverse holds in the old ranking with the exits of rule 1: an unchanged
   resource that comes in has the cause of the exit whose rank it took;
3. `model`, when the encoder or the learnt head differs;
4. `settings`, when the weights of the ranking, the acronyms or the version of reco differ;
5. the commonest change of the catalogue; new, edited, removed in this order when equal. Words weigh by
   their rarity in the catalogue, so a resource far below can still change the order;
6. `settings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reco.catalogue.catalogue import Catalogue, Changes
from reco.catalogue.resource import Resource
from reco.errors import SnapshotError
from reco.projects.answers import RecordedAnswer
from reco.projects.store import Project
from reco.snapshots.history import between
from reco.snapshots.snapshot import Snapshot, same_head
from reco.snapshots.store import SnapshotStore


class Cause(StrEnum):
    """The reason why a resource entered or left a project's first results."""

    NEW = "new"
    EDITED = "edited"
    REMOVED = "removed"
    MODEL = "model"
    SETTINGS = "settings"


@dataclass(frozen=True)
class Listed:
    """A resource added or removed."""

    id: str
    title: str


@dataclass(frozen=True)
class Edited:
    """A resource that changed, and the names of its changed fields."""

    id: str
    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Move:
    """A resource that entered the first results, with its new rank, or left them, with its old rank."""

    id: str
    title: str
    rank: int
    cause: Cause


@dataclass(frozen=True)
class ProjectMoves:
    """The moves in one project's results. With a `problem`, the two snapshots cannot be compared."""

    id: str
    name: str
    entries: tuple[Move, ...] = ()
    exits: tuple[Move, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Comparison:
    """The changes from snapshot `before`, None for an empty one, to snapshot `after`."""

    before: str | None
    after: str
    added: tuple[Listed, ...]
    changed: tuple[Edited, ...]
    removed: tuple[Listed, ...]
    projects: tuple[ProjectMoves, ...] = ()


def pair(
    store: SnapshotStore, before: str | None = None, after: str | None = None
) -> tuple[Snapshot | None, Snapshot, str]:
    """Open two snapshots: by default the served one, and its parent.

    Returns the older one, None without a parent, then the newer one, and a sentence when they are not the
    expected ones. Raises SnapshotError when one is missing or damaged.
    """
    newer, note = (store.open(after), "") if after else store.serve()
    parent = newer.manifest.parent
    if not before and parent:
        older = store.lineage(newer.manifest)
        if not older:
            raise SnapshotError(
                f"Snapshot {parent}, from which {newer.id} was made, is no longer on disk.",
                "Nothing older is left to compare with; see `reco snapshots`.",
            )
        before = older[-1]
        if before != parent:
            note = f"{note} Snapshot {parent} is gone: {before} is compared instead.".strip()
    return (store.open(before) if before else None), newer, note


def compare(
    before: Snapshot | None,
    after: Snapshot,
    projects: Sequence[Project] = (),
    old: Mapping[str, RecordedAnswer] | None = None,
    new: Mapping[str, RecordedAnswer] | None = None,
) -> Comparison:
    """Return the changes. `old` and `new` are the recorded answers of each side, by project id."""
    night = between(before, after)
    sides = _TwoSnapshots(before, after, night.changes)
    return Comparison(
        before=night.before or None,
        after=night.after,
        added=tuple(Listed(item.id, item.title) for item in night.came),
        changed=tuple(Edited(item.resource.id, item.resource.title, item.fields) for item in night.changed),
        removed=tuple(Listed(item.id, item.title) for item in night.left),
        projects=tuple(sides.moves(project, old or {}, new or {}) for project in projects),
    )


def attribute(
    old: Sequence[str], new: Sequence[str], k: int, changes: Changes, otherwise: Cause
) -> tuple[dict[str, Cause], dict[str, Cause]]:
    """Return the entries and the exits of the first `k`, by rank, each with its cause.

    `old` and `new` are rankings of ids, best first, longer than k if possible. `otherwise` is the cause of
    a move that neither its own change nor a neighbour's explains.
    """
    came: dict[str, Cause] = {
        **dict.fromkeys(changes.added, Cause.NEW),
        **dict.fromkeys(changes.changed, Cause.EDITED),
    }
    left: dict[str, Cause] = {
        **dict.fromkeys(changes.removed, Cause.REMOVED),
        **dict.fromkeys(changes.changed, Cause.EDITED),
    }
    pushed_out = _displaced(new, k, came, frozenset(old[:k]))
    let_in = _displaced(old, k, left, frozenset(new[:k]))
    entries = [i for i in new[:k] if i not in old[:k]]
    exits = [i for i in old[:k] if i not in new[:k]]
    return (
        {i: came.get(i) or let_in.get(i) or otherwise for i in entries},
        {i: left.get(i) or pushed_out.get(i) or otherwise for i in exits},
    )


def _displaced(
    ranking: Sequence[str], k: int, own: Mapping[str, Cause], elsewhere: frozenset[str]
) -> dict[str, Cause]:
    """Return what the resources with a cause of their own push out of the first k of a ranking.

    Without them the first k are `rest[:k]`. Each one, put back best first, takes the last rank left.
    """
    moved = {i: cause for i, cause in own.items() if i not in elsewhere}
    rest = [i for i in ranking if i not in moved]
    causes = [moved[i] for i in ranking[:k] if i in moved]
    return {rest[k - j]: cause for j, cause in enumerate(causes, start=1) if k - j < len(rest)}


@dataclass(frozen=True)
class _TwoSnapshots:
    """Two snapshots and the changes of their catalogues."""

    before: Snapshot | None
    after: Snapshot
    changes: Changes

    def moves(
        self, project: Project, old: Mapping[str, RecordedAnswer], new: Mapping[str, RecordedAnswer]
    ) -> ProjectMoves:
        first = RecordedAnswer(project.key) if self.before is None else old.get(project.id)
        last = new.get(project.id)
        if first is None or last is None:
            unknown = self.before if self.before is not None and first is None else self.after
            problem = (
                f"Snapshot {unknown.id} was made by another encoder than the one in the settings, "
                "and has no recorded answer to this project."
            )
            return ProjectMoves(project.id, project.name, problem=problem)
        entries, exits = attribute(first.ids, last.ids, project.k, self.changes, self._otherwise(first, last))
        return ProjectMoves(
            project.id,
            project.name,
            _listed(entries, last.ids, self.after),
            _listed(exits, first.ids, self.before),
        )

    def _otherwise(self, old: RecordedAnswer, new: RecordedAnswer) -> Cause:
        if self._model_differs():
            return Cause.MODEL
        if self._settings_differ() or (old.fusion, old.version) != (new.fusion, new.version):
            return Cause.SETTINGS
        counts = {
            Cause.NEW: len(self.changes.added),
            Cause.EDITED: len(self.changes.changed),
            Cause.REMOVED: len(self.changes.removed),
        }
        return Cause.SETTINGS if self.changes.quiet else max(counts, key=lambda cause: counts[cause])

    def _model_differs(self) -> bool:
        if self.before is None:
            return False
        if self.before.manifest.encoder != self.after.manifest.encoder:
            return True
        return not same_head(self.before.head, self.after.head)

    def _settings_differ(self) -> bool:
        if self.before is None:
            return False
        old, new = self.before.manifest, self.after.manifest
        return (old.version, old.settings.get("making")) != (new.version, new.settings.get("making"))


def _listed(
    causes: Mapping[str, Cause], ranking: Sequence[str], snapshot: Snapshot | None
) -> tuple[Move, ...]:
    catalogue = snapshot.catalogue if snapshot is not None else Catalogue(())
    return tuple(
        Move(i, _resource(catalogue, i).title, ranking.index(i) + 1, cause) for i, cause in causes.items()
    )


def _resource(catalogue: Catalogue, identifier: str) -> Resource:
    row = catalogue.row(identifier)
    resource: Resource = catalogue[row] if row is not None else Resource(identifier, identifier, "")
    return resource

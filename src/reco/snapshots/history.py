"""The walk over the snapshots on disk: what changed between them, and the dates of resources.

The news page, the Atom feed, the dates of a resource and `reco changes` all compare snapshots here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields

from reco.catalogue.catalogue import Catalogue, Changes, diff
from reco.catalogue.resource import Resource
from reco.errors import SnapshotError
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Revised:
    """A resource after a change, and the names of its changed fields, derived fields included."""

    resource: Resource
    fields: tuple[str, ...]


@dataclass(frozen=True)
class NightChanges:
    """The difference between two snapshots in a row.

    `before` is "" for no snapshot; `after` was made at `created` (ISO 8601).
    """

    before: str
    after: str
    created: str
    came: tuple[Resource, ...]
    changed: tuple[Revised, ...]
    left: tuple[Resource, ...]
    changes: Changes


@dataclass(frozen=True)
class Dates:
    """The dates when a resource was first seen and last changed, in ISO 8601.

    `since` is False when the oldest snapshot on disk already has the resource: it came before `seen`.
    """

    seen: str
    since: bool
    changed: str = ""


@dataclass(frozen=True)
class History:
    """The differences between the snapshots on disk, newest first, and the date of the oldest snapshot."""

    nights: tuple[NightChanges, ...]
    oldest: str

    def dates(self, identifier: str) -> Dates:
        """Return the dates of a resource of the newest snapshot."""
        changed = ""
        for night in self.nights:
            if any(resource.id == identifier for resource in night.came):
                return Dates(night.created, True, changed)
            if not changed and any(revised.resource.id == identifier for revised in night.changed):
                changed = night.created
        return Dates(self.oldest, False, changed)


def read(store: SnapshotStore, served: Snapshot) -> History:
    """Return the history of the served snapshot, in one walk over its ancestors.

    A snapshot that is damaged, just pruned, or rolled back from is left out. The first snapshot ever made
    counts as a night on which every resource came; the oldest one left of a longer history does not. At
    most two snapshots are open at a time, beside the served one.
    """
    nights: list[NightChanges] = []
    oldest = ""
    before: Snapshot | None = None
    for after in _ancestors(store, served):
        oldest = oldest or after.manifest.created
        if before is not None or not after.manifest.parent:
            nights.append(between(before, after))
        before = after
    return History(tuple(reversed(nights)), oldest)


def _ancestors(store: SnapshotStore, served: Snapshot) -> Iterator[Snapshot]:
    """Yield the ancestors of the served snapshot that can be opened, oldest first, then the served one."""
    for number in store.lineage(served.manifest):
        try:
            snapshot = store.open(number)
        except SnapshotError as error:
            logger.warning("snapshot %s is skipped: %s", number, error)
            continue
        yield snapshot
    yield served


def between(before: Snapshot | None, after: Snapshot) -> NightChanges:
    """Return what changed from one snapshot, None for an empty one, to another."""
    old = before.catalogue if before is not None else Catalogue(())
    new = after.catalogue
    changes = diff(old, new)
    return NightChanges(
        before.id if before is not None else "",
        after.id,
        after.manifest.created,
        tuple(_resource(new, identifier) for identifier in changes.added),
        tuple(
            _revised(_resource(old, identifier), _resource(new, identifier)) for identifier in changes.changed
        ),
        tuple(_resource(old, identifier) for identifier in changes.removed),
        changes,
    )


def _revised(old: Resource, new: Resource) -> Revised:
    names = (field.name for field in fields(Resource))
    return Revised(new, tuple(name for name in names if getattr(old, name) != getattr(new, name)))


def _resource(catalogue: Catalogue, identifier: str) -> Resource:
    row = catalogue.row(identifier)
    if row is None:
        raise KeyError(identifier)
    resource: Resource = catalogue[row]
    return resource

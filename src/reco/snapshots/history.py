"""The walk over the snapshots on disk: what each night changed, and when a resource came.

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
    """A resource after a night, and the names of its fields that changed that night, derived ones too."""

    resource: Resource
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """What snapshot `after`, made at `created` (ISO 8601), changed of snapshot `before`, "" for none."""

    before: str
    after: str
    created: str
    came: tuple[Resource, ...]
    changed: tuple[Revised, ...]
    left: tuple[Resource, ...]
    changes: Changes


@dataclass(frozen=True)
class Dates:
    """When a resource was first seen and last changed, in ISO 8601.

    `since` False means that the oldest snapshot on disk already had it, so that it came before `seen`.
    """

    seen: str
    since: bool
    changed: str = ""


@dataclass(frozen=True)
class History:
    """The nights between the snapshots on disk, newest first, and when the oldest of these was made."""

    nights: tuple[Night, ...]
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
    """Return the history of the snapshot served, by one walk over those that it was made from.

    A snapshot that is damaged, pruned meanwhile, or rolled back from is left out. The first snapshot ever
    made is a night on which everything came; the oldest that is left of a longer history is none. At most
    two snapshots are open at a time, beside the one served.
    """
    found: list[Night] = []
    oldest = ""
    before: Snapshot | None = None
    for after in _kept(store, served):
        oldest = oldest or after.manifest.created
        if before is not None or not after.manifest.parent:
            found.append(between(before, after))
        before = after
    return History(tuple(reversed(found)), oldest)


def _kept(store: SnapshotStore, served: Snapshot) -> Iterator[Snapshot]:
    """Yield the snapshots that the served one was made from, and it, oldest first."""
    for number in store.lineage(served.manifest):
        try:
            snapshot = store.open(number)
        except SnapshotError as error:
            logger.warning("snapshot %s is passed over: %s", number, error)
            continue
        yield snapshot
    yield served


def between(before: Snapshot | None, after: Snapshot) -> Night:
    """Return what changed from one snapshot, None for an empty one, to another."""
    old = before.catalogue if before is not None else Catalogue(())
    new = after.catalogue
    found = diff(old, new)
    return Night(
        before.id if before is not None else "",
        after.id,
        after.manifest.created,
        tuple(_of(new, identifier) for identifier in found.added),
        tuple(_revised(_of(old, identifier), _of(new, identifier)) for identifier in found.changed),
        tuple(_of(old, identifier) for identifier in found.removed),
        found,
    )


def _revised(old: Resource, new: Resource) -> Revised:
    names = (field.name for field in fields(Resource))
    return Revised(new, tuple(name for name in names if getattr(old, name) != getattr(new, name)))


def _of(catalogue: Catalogue, identifier: str) -> Resource:
    row = catalogue.row(identifier)
    if row is None:
        raise KeyError(identifier)
    resource: Resource = catalogue[row]
    return resource

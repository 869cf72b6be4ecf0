"""What each night brought: the snapshots kept on disk, one compared with the one before it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from reco.catalogue.catalogue import Catalogue, diff
from reco.catalogue.resource import Resource
from reco.errors import SnapshotError
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Revised:
    """A resource as it is since a night, and the names of its fields that changed that night."""

    resource: Resource
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """What snapshot `after`, made at `created` (ISO 8601), changed of snapshot `before`."""

    before: str
    after: str
    created: str
    came: tuple[Resource, ...]
    changed: tuple[Revised, ...]
    left: tuple[Resource, ...]


@dataclass(frozen=True)
class Dates:
    """When a resource was first seen and last changed, in ISO 8601.

    `since` False means that the oldest snapshot on disk already had it, so that it came before `seen`.
    """

    seen: str
    since: bool
    changed: str = ""


def nights(store: SnapshotStore, served: Snapshot) -> tuple[Night, ...]:
    """Return the nights between the snapshots on disk up to the one served, newest first.

    A snapshot that is damaged, or that was rolled back from, is passed over. The first snapshot ever made
    is a night on which everything came; the oldest that is left of a longer history is none.
    """
    found: list[Night] = []
    before: Snapshot | None = None
    for snapshot in _kept(store, served):
        if before is not None or not snapshot.manifest.parent:
            found.append(_between(before, snapshot))
        before = snapshot
    return tuple(reversed(found))


def dates(found: Sequence[Night], oldest: str, identifier: str) -> Dates:
    """Return the dates of a resource that is served, from `nights`; `oldest` dates the oldest snapshot."""
    changed = ""
    for night in found:
        if any(resource.id == identifier for resource in night.came):
            return Dates(night.created, True, changed)
        if not changed and any(revised.resource.id == identifier for revised in night.changed):
            changed = night.created
    return Dates(oldest, False, changed)


def oldest(store: SnapshotStore, served: Snapshot) -> str:
    """Return when the oldest snapshot on disk that can be read was made."""
    for number in store.ids():
        try:
            return store.manifest(number).created
        except SnapshotError as error:
            logger.warning("snapshot %s is passed over: %s", number, error)
    return served.manifest.created


def _kept(store: SnapshotStore, served: Snapshot) -> Iterator[Snapshot]:
    """Yield those that the one served was made from, and it, oldest first: two are in memory at a time."""
    for number in store.lineage(served.manifest):
        try:
            snapshot = store.open(number)
        except SnapshotError as error:
            logger.warning("snapshot %s is passed over: %s", number, error)
            continue
        yield snapshot
    yield served


def _between(before: Snapshot | None, after: Snapshot) -> Night:
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
    )


def _revised(old: Resource, new: Resource) -> Revised:
    names = (field.name for field in fields(Resource) if field.compare)
    return Revised(new, tuple(name for name in names if getattr(old, name) != getattr(new, name)))


def _of(catalogue: Catalogue, identifier: str) -> Resource:
    row = catalogue.row(identifier)
    if row is None:
        raise KeyError(identifier)
    resource: Resource = catalogue[row]
    return resource

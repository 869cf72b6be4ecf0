"""Collect: read the sources, curate their rows, and compare them with the served snapshot."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reco.catalogue import identifiers, quarantine
from reco.catalogue.admission import Rules
from reco.catalogue.catalogue import Catalogue, Changes, diff
from reco.catalogue.curation import Curation
from reco.catalogue.decisions import Stale
from reco.catalogue.identifiers import Before, Ids
from reco.catalogue.resource import Rejection, Remark, Resource
from reco.encoder.protocol import Encoder
from reco.errors import SnapshotError, SourceError
from reco.index.vectors import VectorTable
from reco.refresh import held, memory
from reco.refresh.baseline import is_doubted
from reco.refresh.gathering import Gathering, named, owned
from reco.refresh.held import Held
from reco.refresh.readings import Reading, is_held, reading_of
from reco.refresh.recipe import Recipe
from reco.snapshots.carryover import Carried, origins_of
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.sources.config import SourceConfig

logger = logging.getLogger(__name__)


@dataclass
class Night:
    """A refresh in progress: the served snapshot, what the sources gave, and how they differ.

    A large catalogue is in memory once: `last_vectors` releases `previous`, and `let_go` releases
    `catalogue` and `carried`. `carried` is the work on the catalogue's rows that the next night reuses.
    `collected` has no resources: they are in `catalogue`.
    """

    previous: Snapshot | None
    catalogue: Catalogue
    carried: Carried
    collected: Collected
    changes: Changes
    quarantine: Path | None
    served: str | None

    @memory.step
    def last_vectors(self, encoder: Encoder) -> VectorTable | None:
        """Release the previous snapshot; return its vectors if `encoder` made them and no gate objected."""
        previous, self.previous = self.previous, None
        if previous is None or previous.manifest.encoder != encoder.fingerprint:
            return None
        return None if is_doubted(previous.manifest) else previous.table

    def let_go(self) -> None:
        """Release the catalogue and the work on its rows."""
        self.catalogue = Catalogue(())
        self.carried = self.carried.take(np.empty(0, dtype=np.int64))
        self.collected = replace(self.collected, carried=self.carried)


def collect_night(store: SnapshotStore, sources: Sequence[SourceConfig], curation: Curation) -> Night:
    """Read the sources and compare them with the served snapshot. Raises SourceError when all fail."""
    _warn_of_strays(store.home, sources)
    previous = _previous(store)
    carried = store.carried(previous.id) if previous is not None else None
    collected = collect(sources, previous, store.home / "cache", curation, carried, store.home)
    refused = quarantine.write(store.home, collected.rejections)
    if len(collected.failures) == len(sources):
        raise SourceError(
            "Every source failed: " + " ".join(f"{n}: {why}" for n, why in collected.failures.items()),
            "The served snapshot is untouched. Check the sources with `reco source test NAME`.",
        )
    for name, rows in collected.held.items():
        held.save(store.home, name, rows)
    identifiers.save(store.home, collected.ids)
    catalogue = Catalogue(collected.resources)
    order = sorted(range(len(catalogue)), key=lambda row: collected.resources[row].id)
    changes = diff(previous.catalogue if previous is not None else Catalogue(()), catalogue)
    served = previous.id if previous is not None else None
    kept = collected.carried.take(np.asarray(order, dtype=np.int64))
    return Night(
        previous, catalogue, kept, replace(collected, resources=(), held={}), changes, refused, served
    )


def is_quiet(store: SnapshotStore, night: Night, encoder: Encoder, recipe: Recipe) -> bool:
    """Whether a new snapshot would equal the served one."""
    previous = night.previous
    return (
        previous is not None
        and previous.manifest.encoder == encoder.fingerprint
        and previous.manifest.settings.get("making") == recipe.stamp
        and night.changes.quiet
        # A snapshot served in place of a damaged one is republished, even on a quiet night.
        and previous.id == store.named()
        and not is_doubted(previous.manifest)
    )


def _warn_of_strays(home: Path, sources: Sequence[SourceConfig]) -> None:
    for path in held.strays(home, {source.name for source in sources}):
        logger.warning("no source is named %r: if it was renamed, rename %s too", path.stem, path)
    known = {source.name for source in sources}
    for name in sorted({source for source, _ in identifiers.load(home).names} - known):
        path = home / identifiers.FILE
        logger.warning("no source is named %r: if it was renamed, rename it in %s too", name, path)


def _previous(store: SnapshotStore) -> Snapshot | None:
    if not store.ids():
        return None
    try:
        return store.serve()[0]
    except SnapshotError as error:
        logger.warning("no snapshot can be read, so everything is encoded again: %s", error)
        return None


@dataclass(frozen=True)
class Collected:
    """The sources' resources and rejections, and the reason of each source that failed.

    `hidden` are the ids that the curator hides, `stale` the decisions that no longer apply. `carried` is
    the work on the resources that the next night reuses, in their order. `held` is what to keep of each
    source for the next night, `ids` the ids that were told apart. `remarks` are what the readers mended or
    left out, and the ids that are told apart from tonight on.
    """

    resources: tuple[Resource, ...]
    rejections: tuple[Rejection, ...]
    failures: dict[str, str]
    read: int
    hidden: tuple[str, ...]
    stale: tuple[Stale, ...]
    carried: Carried
    held: Mapping[str, Held]
    ids: Ids
    remarks: tuple[Remark, ...] = ()


def collect(
    sources: Sequence[SourceConfig],
    previous: Snapshot | None,
    cache: Path,
    curation: Curation | None = None,
    carried: Carried | None = None,
    home: Path | None = None,
    today: date | None = None,
) -> Collected:
    """Read and curate every source; a source that fails keeps its rows of `previous`.

    Without `previous`, a source that fails keeps the rows that `home` holds of it.

    `carried` is the work kept with `previous`: it is reused for the rows that did not change. `home` is the
    folder that holds rows between nights; without it, sources are read as if for the first time. `today` is
    the date in UTC. Writes nothing.
    """
    before: Sequence[Resource] = previous.catalogue if previous is not None else ()
    known = identifiers.load(home) if home is not None else Ids()
    served = owned(before, known, carried.by_id(before) if carried is not None else {})
    curation = curation or Curation()
    rules = {s.name: Rules(tuple(s.themes), tuple(s.types), s.closed) for s in sources}
    day = today or datetime.now(UTC).date()
    gathering = Gathering(served, previous is not None, rules)
    parts = [gathering.read(source, _reading(source, cache, home, day)) for source in sources]
    remembered = Before({n: s.resources for n, s in served.items()}, known, curation.decisions.cited)
    resources, origins, ids = named(parts, remembered)
    failures = {part.source.name: part.failure for part in parts if part.failure}
    traits = (before, carried.traits) if carried is not None else None
    curated = curation.apply(resources, rules, failures, traits)
    return Collected(
        curated.resources,
        tuple(row for part in parts for row in part.rejections),
        failures,
        sum(part.read for part in parts),
        curated.hidden,
        curated.stale,
        Carried(_origins(curated.resources, resources, origins), curated.traits),
        {p.source.name: p.reading.held for p in parts if not p.failure and p.reading.held is not None},
        _with_hidden(ids, resources, curated.hidden),
        tuple(remark for part in parts for remark in part.reading.remarks),
    )


def _reading(source: SourceConfig, cache: Path, home: Path | None, today: date) -> Reading:
    before = held.load(home, source.name) if home is not None and is_held(source) else None
    return reading_of(source, cache, before, today)


def _with_hidden(ids: Ids, resources: Sequence[Resource], hidden: Collection[str]) -> Ids:
    """Return the ids, with those that the curator hides: no snapshot knows whose they are."""
    sources = {resource.id: resource.source for resource in resources if resource.id in hidden}
    more = {(source, ids.own(source, name)): name for name, source in sources.items()}
    return Ids({**ids.names, **more})


def _origins(
    served: Sequence[Resource], admitted: Sequence[Resource], origins: Mapping[str, bytes]
) -> NDArray[np.uint8]:
    """Return the origins of the resources that no decision and no place changed after their row was read."""
    made = {resource.id: resource for resource in admitted}
    alone = (r.id for r in served if made[r.id] is r or made[r.id] == r)
    return origins_of(served, {i: origins[i] for i in alone if i in origins})

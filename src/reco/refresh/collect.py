"""Collect: read the sources, curate their rows, and compare them with the served snapshot."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reco.catalogue import quarantine
from reco.catalogue.admission import KnownRows, Rules, admit_all, identifier
from reco.catalogue.catalogue import Catalogue, Changes, diff
from reco.catalogue.curation import Curation
from reco.catalogue.decisions import Stale
from reco.catalogue.resource import Record, Rejection, Remark, Resource
from reco.encoder.protocol import Encoder
from reco.errors import SnapshotError, SourceError
from reco.index.vectors import VectorTable
from reco.refresh import held, memory
from reco.refresh.baseline import is_doubted
from reco.refresh.held import Held
from reco.refresh.readings import Admitted, Reading, is_held, reading_of
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
    source for the next night. `remarks` are what the readers mended or left out.
    """

    resources: tuple[Resource, ...]
    rejections: tuple[Rejection, ...]
    failures: dict[str, str]
    read: int
    hidden: tuple[str, ...]
    stale: tuple[Stale, ...]
    carried: Carried
    held: Mapping[str, Held]
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
    seen = KnownRows({r.id: r for r in before}, carried.by_id(before) if carried is not None else None)
    rules = {s.name: Rules(tuple(s.themes), tuple(s.types), s.closed) for s in sources}
    gathering = _Gathering(previous.catalogue if previous is not None else None, rules, seen)
    day = today or datetime.now(UTC).date()
    parts = [gathering.read(source, _reading(source, cache, home, day)) for source in sources]
    # What a source shows tonight comes before what another no longer shows.
    for part in parts:
        gathering.complete(part)
    resources = [resource for part in parts for resource in part.resources]
    failures = {part.source.name: part.failure for part in parts if part.failure}
    traits = (before, carried.traits) if carried is not None else None
    curated = (curation or Curation()).apply(resources, rules, failures, traits)
    return Collected(
        curated.resources,
        tuple(row for part in parts for row in part.rejections),
        failures,
        sum(part.read for part in parts),
        curated.hidden,
        curated.stale,
        Carried(_origins(curated.resources, resources, seen), curated.traits),
        {p.source.name: p.reading.held for p in parts if not p.failure and p.reading.held is not None},
        tuple(remark for part in parts for remark in part.reading.remarks),
    )


def _reading(source: SourceConfig, cache: Path, home: Path | None, today: date) -> Reading:
    before = held.load(home, source.name) if home is not None and is_held(source) else None
    return reading_of(source, cache, before, today)


@dataclass
class _Part:
    """What one source gives tonight. `read` counts the rows that were read, `failure` says why it failed."""

    source: SourceConfig
    reading: Reading
    resources: list[Resource] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    read: int = 0
    failure: str = ""


class _Gathering:
    """The sources of a night, read one after the other: an id belongs to the first that has it.

    `before` are the resources of the served snapshot, None if no snapshot can be read.
    """

    def __init__(
        self, before: Sequence[Resource] | None, rules: Mapping[str, Rules], seen: KnownRows
    ) -> None:
        self._before = before
        self._rules = rules
        self._seen = seen
        self._taken: dict[str, str] = {}

    def read(self, source: SourceConfig, reading: Reading) -> _Part:
        """Read what a source shows tonight; if it fails, take its rows of the served snapshot."""
        part = _Part(source, reading)
        try:
            resources, part.rejections = self._admit(part, reading.rows())
            _require_sound(source, resources, part.rejections)
            part.read = len(resources) + len(part.rejections)
        except SourceError as error:
            part.failure = f"{str(error).removesuffix('.')}. {error.hint}".strip()
            resources = self._served(source, error)
        self._add(part, resources)
        return part

    def complete(self, part: _Part) -> None:
        """Add the rows of a source that tonight's reading lacks, save those that another source shows."""
        if part.failure:
            rows = part.reading.last() if self._before is None else []
        else:
            rows = part.reading.rest(Admitted(part.resources, part.rejections, self._before or ()))
        rows = [row for row in rows if identifier(row) not in self._taken]
        if rows:
            logger.info("source %s keeps %d rows that it does not give tonight", part.source.name, len(rows))
        resources, unfit = self._admit(part, rows)
        part.rejections = part.rejections + unfit
        self._add(part, resources)

    def _admit(
        self, part: _Part, rows: Iterable[Record | Rejection]
    ) -> tuple[list[Resource], list[Rejection]]:
        return admit_all(rows, self._rules[part.source.name], self._taken, self._seen)

    def _add(self, part: _Part, resources: Sequence[Resource]) -> None:
        part.resources.extend(resources)
        self._taken.update({resource.id: part.source.name for resource in resources})

    def _served(self, source: SourceConfig, error: SourceError) -> list[Resource]:
        rows = [resource for resource in self._before or () if resource.source == source.name]
        logger.warning("source %s failed and keeps its %d resources: %s", source.name, len(rows), error)
        kept = [resource for resource in rows if resource.id not in self._taken]
        for resource in kept:
            self._seen.keep(resource)
        return kept


def _origins(served: Sequence[Resource], admitted: Sequence[Resource], seen: KnownRows) -> NDArray[np.uint8]:
    """Return the origins of the resources that no decision and no place changed after their row was read."""
    made = {resource.id: resource for resource in admitted}
    alone = (r.id for r in served if made[r.id] is r or made[r.id] == r)
    return origins_of(served, {i: seen.origins[i] for i in alone if i in seen.origins})


def _require_sound(source: SourceConfig, admitted: Sequence[Resource], refused: list[Rejection]) -> None:
    total = len(admitted) + len(refused)
    if not total:
        raise SourceError(
            "It has no rows.", "An empty source deletes nothing. To drop its rows, remove it from reco.toml."
        )
    share = len(refused) / total
    if share > source.reject_limit:
        first = f"{refused[0].locator}: {'; '.join(refused[0].problems)}"
        raise SourceError(
            f"{len(refused)} of its {total} rows were rejected ({share:.0%}; "
            f"limit {source.reject_limit:.0%}). "
            f"First rejection: {first}.",
            "Fix the rows (see the quarantine file), or raise `reject_limit` for this source.",
        )

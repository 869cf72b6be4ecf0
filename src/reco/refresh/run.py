"""The nightly use case: collect, compare, encode what is new, build beside, verify, publish, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from reco.encoder.adapter import Adapter
from reco.encoder.protocol import Encoder, Progress
from reco.errors import InvalidSettings, StorageError
from reco.index.vectors import VectorTable, embed
from reco.refresh import memory
from reco.refresh.build import grouped, next_snapshot
from reco.refresh.collect import Night, begun, is_quiet
from reco.refresh.gates import ABOUT_VECTORS, is_doubted, remember
from reco.refresh.journal import Journal
from reco.refresh.learn import (
    calibrated,
    deepened,
    fate_of,
    forget_training,
    in_lineage,
    tried_deep,
    vectors_of,
)
from reco.refresh.log import recorded
from reco.refresh.publish import Outcome, Publishing, publish, write
from reco.refresh.recipe import Calibrate, Deepen, Group, Learn, Making, Start
from reco.refresh.report import RefreshRefused, RefreshReport
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.sources.config import SourceConfig

__all__ = [
    "Calibrate",
    "Deepen",
    "Group",
    "Learn",
    "Making",
    "RefreshRefused",
    "RefreshReport",
    "Start",
    "calibrated",
    "deepened",
    "forget_training",
    "refresh",
    "vectors_of",
]

logger = logging.getLogger(__name__)


@recorded
def refresh(
    store: SnapshotStore,
    sources: Sequence[SourceConfig],
    encoder: Callable[[], Encoder],
    progress: Progress | None = None,
    making: Making | None = None,
    publishing: Publishing | None = None,
) -> RefreshReport:
    """Publish a new snapshot if anything changed. `encoder` is called only once sources are read.

    Raises InvalidSettings without sources, RefreshRunning when another refresh holds the lock,
    SourceError when every source failed, RefreshRefused when a gate objects, StorageError when the
    disk refuses; the served snapshot is untouched in each case.
    """
    if not sources:
        raise InvalidSettings("No source is configured.", "Add a [[sources]] table to reco.toml.")
    started = time.monotonic()
    recipe, how = making or Making(), publishing or Publishing()
    with store.writing():
        night = begun(store, sources, recipe)
        base = encoder()
        encoders = base, in_lineage(base, night.previous)
        quiet = is_quiet(store, night, encoders[1], recipe)
        made, outcome = (
            (_Made.of(night.previous, night.previous.adapter, quiet=True), Outcome(False, ()))
            if quiet and night.previous is not None
            else _published(store, night, encoders, progress, recipe, how)
        )
        # After a refusal the journal and the training stay, so that the next try does neither again.
        doubted = any(objection.gate in ABOUT_VECTORS for objection in outcome.objections)
        if quiet or outcome.published or doubted:
            _tidy(store, _journal(store, encoders[1]), how.keep if outcome.published else None, made.trained)
    report = _report(night, made, outcome, how, round(time.monotonic() - started, 3))
    if outcome.refused is not None:
        raise RefreshRefused(report)
    return report


@dataclass(frozen=True)
class _Made:
    """What the report says of a snapshot that was made, or of the one that a quiet night leaves."""

    id: str
    resources: int
    encoded: int
    families: int
    adapter: str
    trained: bool = False

    @classmethod
    def of(cls, snapshot: Snapshot, before: Adapter | None, encoded: int = 0, quiet: bool = False) -> _Made:
        """`before` is what the snapshot served before had learnt."""
        families = snapshot.families.families if snapshot.families is not None else ()
        trained = not quiet and tried_deep(snapshot)
        fate = fate_of(before, snapshot.adapter, trained)
        return cls(snapshot.id, len(snapshot.catalogue), encoded, len(families), fate, trained)


def _report(night: Night, made: _Made, outcome: Outcome, how: Publishing, seconds: float) -> RefreshReport:
    collected, changes = night.collected, night.changes
    return RefreshReport(
        snapshot=made.id if outcome.published else night.served,
        published=outcome.published,
        read=collected.read,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        rejected=len(collected.rejections),
        encoded=made.encoded,
        reused=made.resources - made.encoded,
        failed_sources=tuple(collected.failures),
        objections=outcome.objections,
        seconds=seconds,
        failures=collected.failures,
        quarantine=str(night.refused) if night.refused else None,
        hidden=len(collected.hidden),
        families=made.families,
        stale_decisions=collected.stale,
        refused=str(outcome.refused) if outcome.refused else None,
        adapter=made.adapter,
        forced=asdict(how.forced) if how.forced and outcome.published and outcome.objections else None,
    )


def _published(
    store: SnapshotStore,
    night: Night,
    encoders: tuple[Encoder, Encoder],
    progress: Progress | None,
    making: Making,
    how: Publishing,
) -> tuple[_Made, Outcome]:
    """Make the next snapshot and publish it, unless a gate objects."""
    base, encoder = encoders
    baseline = (
        remember(night.previous, night.catalogue, encoder, how.gates) if night.previous is not None else None
    )
    table, encoded = _embedded(store, night, encoder, progress)
    snapshot = next_snapshot(
        store, (night.catalogue, night.carried), table, baseline, encoders, progress, making
    )
    if snapshot.manifest.encoder != encoder.fingerprint:
        encoder, encoded = base.adapted(snapshot.adapter), len(night.catalogue)
    snapshot = grouped(snapshot, baseline.clusters if baseline is not None else None, making)
    made = _Made.of(snapshot, baseline.adapter if baseline is not None else None, encoded)
    if baseline is not None:
        baseline = baseline.to_judge()
    memory.give_back()
    written = write(store, snapshot)
    # The new snapshot is read back next: not beside itself.
    night.let_go()
    del table, snapshot
    memory.give_back()
    return made, publish(store, written, baseline, encoder, how)


def _embedded(
    store: SnapshotStore, night: Night, encoder: Encoder, progress: Progress | None
) -> tuple[VectorTable, int]:
    """Return the vectors of the new catalogue, and let the previous snapshot go."""
    previous, night.previous = night.previous, None
    same = previous is not None and previous.manifest.encoder == encoder.fingerprint
    reuse = previous.table if previous is not None and same and not is_doubted(previous.manifest) else None
    del previous
    memory.give_back()
    found = embed(night.catalogue, encoder, reuse, progress, _journal(store, encoder))
    del reuse
    memory.give_back()
    return found


def _tidy(store: SnapshotStore, journal: Journal, keep: int | None, trained: bool) -> None:
    """Remove what is no longer needed. What is served is served, so a disk that refuses is only told of."""
    try:
        journal.clear()
        if trained:
            forget_training(store)
        if keep is not None:
            store.prune(keep)
    except StorageError as error:
        logger.warning("snapshot %s is served, but old files stay: %s", store.named(), error)


def _journal(store: SnapshotStore, encoder: Encoder) -> Journal:
    return Journal(store.home / "journal", encoder.fingerprint)

"""One refresh, from top to bottom: collect, build, learn, calibrate, judge, publish, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reco.encoder.protocol import Encoder, Progress
from reco.errors import InvalidSettings, StorageError
from reco.index.vectors import VectorTable, embed
from reco.refresh import memory
from reco.refresh.baseline import ABOUT_VECTORS, Baseline
from reco.refresh.build import grouped, next_snapshot
from reco.refresh.calibrate import measured
from reco.refresh.collect import Night, collect_night, is_quiet
from reco.refresh.gates import remember
from reco.refresh.journal import Journal
from reco.refresh.learn import forget_training, in_lineage, learn
from reco.refresh.log import recorded
from reco.refresh.prepared import prepared_table
from reco.refresh.publish import Forced, Outcome, Written, publish, write
from reco.refresh.recipe import Recipe
from reco.refresh.report import Made, RefreshRefused, RefreshReport, report_of
from reco.snapshots.store import SnapshotStore
from reco.sources.config import SourceConfig

logger = logging.getLogger(__name__)


@recorded
def refresh(
    store: SnapshotStore,
    sources: Sequence[SourceConfig],
    encoder: Callable[[], Encoder],
    progress: Progress | None = None,
    recipe: Recipe | None = None,
    forced: Forced | None = None,
) -> RefreshReport:
    """Publish a new snapshot if anything changed. `encoder` is called only after the sources are read.

    Raises InvalidSettings without sources, RefreshRunning when another refresh holds the lock,
    SourceError when every source failed, RefreshRefused when a gate objects, StorageError when the
    disk refuses; the served snapshot is untouched in each case.
    """
    if not sources:
        raise InvalidSettings("No source is configured.", "Add a [[sources]] table to reco.toml.")
    started = time.monotonic()
    recipe = recipe or Recipe()
    with store.writing():
        night = collect_night(store, sources, recipe.curation)
        base = encoder()
        current = in_lineage(base, night.previous)
        if night.previous is not None and is_quiet(store, night, current, recipe):
            made, outcome = Made.of(night.previous, night.previous.adapter, quiet=True), Outcome(False, ())
        else:
            draft = _draft(store, night, base, current, recipe, progress)
            made = draft.made
            outcome = publish(store, draft.written, draft.baseline, draft.encoder, recipe.gates, forced)
        _tidy(store, current, made, outcome, recipe.keep)
    report = report_of(night, made, outcome, forced, round(time.monotonic() - started, 3))
    if outcome.refused is not None:
        raise RefreshRefused(report)
    return report


@dataclass(frozen=True)
class _Draft:
    """The next snapshot on disk, not served yet, and the baseline to compare it with."""

    written: Written
    encoder: Encoder
    baseline: Baseline | None
    made: Made


@memory.step
def _draft(
    store: SnapshotStore,
    night: Night,
    base: Encoder,
    encoder: Encoder,
    recipe: Recipe,
    progress: Progress | None,
) -> _Draft:
    """Make the next snapshot and write it. Nothing of it stays in memory: the gates read it from disk.

    `encoder` is `base` with the low-rank weights of the served snapshot, if any.
    """
    baseline = remember(night.previous, night.catalogue, encoder, recipe.gates)
    table, encoded = _embedded(store, night, encoder, progress)
    snapshot = next_snapshot(store, night.catalogue, night.carried, table, encoder, baseline, recipe)
    snapshot = learn(store, snapshot, base, encoder, baseline, recipe, progress)
    if snapshot.manifest.encoder != encoder.fingerprint:
        encoder, encoded = base.adapted(snapshot.adapter), len(night.catalogue)
    snapshot = measured(snapshot, encoder, baseline, recipe)
    snapshot = grouped(snapshot, baseline, recipe.clusters)
    made = Made.of(snapshot, baseline.adapter if baseline is not None else None, encoded)
    written = write(store, snapshot)
    night.let_go()
    return _Draft(written, encoder, baseline, made)


@memory.step
def _embedded(
    store: SnapshotStore, night: Night, encoder: Encoder, progress: Progress | None
) -> tuple[VectorTable, int]:
    """Return the vectors of the new catalogue, and how many texts were encoded."""
    known = night.last_vectors(encoder)
    if known is None:
        known = prepared_table(night.catalogue, encoder)
    return embed(night.catalogue, encoder, known, progress, _journal(store, encoder))


def _tidy(store: SnapshotStore, encoder: Encoder, made: Made, outcome: Outcome, keep: int) -> None:
    """Remove files that are no longer needed. The snapshot is served, so a failure is only a warning.

    After a refusal the journal and the training stay, so that the next try repeats neither, unless the
    gates object to the vectors themselves.
    """
    doubted = any(objection.gate in ABOUT_VECTORS for objection in outcome.objections)
    if outcome.refused is not None and not doubted:
        return
    try:
        _journal(store, encoder).clear()
        if made.trained:
            forget_training(store)
        if outcome.published:
            store.prune(keep)
    except StorageError as error:
        logger.warning("snapshot %s is served, but old files stay: %s", store.named(), error)


def _journal(store: SnapshotStore, encoder: Encoder) -> Journal:
    return Journal(store.home / "journal", encoder.fingerprint)

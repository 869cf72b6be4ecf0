"""What a snapshot learns of its catalogue: a head, low-rank weights, and what its scores are worth."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from reco.adapt.head import HeadReport
from reco.adapt.lora.learn import DeepReport
from reco.encoder.adapter import Adapter
from reco.encoder.protocol import Encoder, Matrix, Progress
from reco.errors import EncoderError, InvalidInput, SnapshotError
from reco.index.calibration import Vectors
from reco.index.vectors import VectorTable, embed
from reco.refresh.baseline import Baseline
from reco.refresh.recipe import Calibrate, Learn, Making
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.storage import atomic

logger = logging.getLogger(__name__)

LARGE = 10_000
"""Resources above which what scores are worth is not measured every night."""


def calibrated(
    snapshot: Snapshot, encoder: Encoder, calibrate: Calibrate | None, asked: Vectors | None = None
) -> Snapshot:
    """Return a snapshot that knows what its scores are worth; `asked` are vectors of the same encoder."""
    if calibrate is None:
        return replace(snapshot, levels=None)
    levels = calibrate(snapshot, encoder, asked or {})
    if levels is None:
        return replace(snapshot, levels=None)
    told = {"calibrated": levels.calibrated, **levels.figures, "precision": dict(levels.precision)}
    return reported(replace(snapshot, levels=levels), {"levels": told})


def measured(
    snapshot: Snapshot, previous: Baseline | None, encoder: Encoder, making: Making, fresh: float
) -> Snapshot:
    """Return the snapshot with what its scores are worth: measured, or as the night before.

    To measure takes as long as hundreds of searches. What it gives is an estimate from a sample, so that
    a large catalogue keeps it until `making.drift` of it has changed since; a small one never does.
    """
    known = previous.levels if previous is not None else None
    last = previous.manifest.report.get("levels", {}) if previous is not None else {}
    drift = float(last.get("drift", 0.0)) + fresh
    if (
        previous is None
        or known is None
        or making.calibrate is None
        or len(snapshot.catalogue) <= LARGE
        or drift >= making.drift
        or previous.manifest.settings.get("making") != making.stamp
        or not _same_head(previous.head, snapshot.head)
    ):
        return calibrated(snapshot, encoder, making.calibrate, known.asked if known is not None else {})
    return reported(replace(snapshot, levels=known), {"levels": {**last, "drift": drift}})


def _same_head(before: Matrix | None, now: Matrix | None) -> bool:
    if before is None or now is None:
        return before is now
    return np.array_equal(before, now)


def in_lineage(base: Encoder, previous: Snapshot | None) -> Encoder:
    """Return the encoder with what the previous snapshot learnt, when it learnt it for this very one."""
    if previous is None or previous.adapter is None:
        return base
    if previous.adapter.base != base.fingerprint:
        logger.warning("the encoder has changed, so what `reco adapt --deep` learnt for the other is dropped")
        return base
    return base.adapted(previous.adapter)


def fate_of(before: Adapter | None, now: Adapter | None, trained: bool) -> str:
    """Return what became of deep adaptation, as `RefreshReport.adapter` has it."""
    if now is not None:
        return "carried" if before is not None and before.digest == now.digest else "learnt"
    if before is not None:
        return "dropped"
    return "refused" if trained else ""


def tried_deep(snapshot: Snapshot) -> bool:
    """Whether weights were learnt, or tried in vain, for this very snapshot."""
    return bool(snapshot.manifest.report.get("deep", {}).get("drift") == 0.0)


def deeply_adapted(
    store: SnapshotStore,
    snapshot: Snapshot,
    previous: Baseline | None,
    base: Encoder,
    making: Making,
    fresh: float,
    progress: Progress | None,
) -> Snapshot:
    """Return the snapshot encoded with weights learnt anew, when enough has changed and they win."""
    last = previous.manifest.report.get("deep", {}) if previous is not None else {}
    drift = 1.0 if not last else float(last.get("drift", 0.0)) + fresh
    if making.deepen is None or drift < making.drift:
        return reported(snapshot, {"deep": {**last, "drift": drift}}) if last else snapshot
    try:
        plain = vectors_of(store, base.fingerprint, snapshot)
        table, _ = embed(snapshot.catalogue, base, plain, progress)
        learnt = making.deepen(snapshot.catalogue, table, base, store.home / "adapting")
    except (InvalidInput, EncoderError) as error:
        logger.warning("the encoder was not adapted: %s", error)
        return reported(snapshot, {"deep": {"drift": 0.0, "kept": False, "reason": str(error)}})
    if not learnt.kept:
        return reported(snapshot, {"deep": {"drift": 0.0, "kept": False, **learnt.figures}})
    return deepened(snapshot, learnt, base, making.learn)[0]


def deepened(
    snapshot: Snapshot, learnt: DeepReport, base: Encoder, learn: Learn | None
) -> tuple[Snapshot, HeadReport | None]:
    """Return a snapshot encoded with what was learnt, and the head tried on top of it, if any."""
    encoder = base.adapted(learnt.adapter)
    anew = snapshot.encoded_by(encoder.fingerprint, learnt.table, learnt.adapter)
    anew = reported(anew, {"deep": {"drift": 0.0, "kept": True, **learnt.figures}})
    if learn is None:
        return anew, None
    try:
        head = learn(anew, encoder)
    except InvalidInput as error:
        return reported(anew, {"adapt": {"drift": 0.0, "kept": False, "reason": str(error)}}), None
    anew = anew.with_head(head.head) if head.kept else anew
    return reported(anew, {"adapt": {"drift": 0.0, "kept": head.kept, **head.figures}}), head


def adapted(
    snapshot: Snapshot, previous: Baseline | None, encoder: Encoder, making: Making, fresh: float
) -> Snapshot:
    """Return the snapshot with a head learnt anew when enough has changed and it wins."""
    last = previous.manifest.report.get("adapt", {}) if previous is not None else {}
    drift = 1.0 if not last else float(last.get("drift", 0.0)) + fresh
    if making.learn is None or drift < making.drift:
        kept = {**last, "drift": drift} if last else {}
        return reported(snapshot, {"adapt": kept} if kept else {})
    try:
        learnt = making.learn(snapshot, encoder)
    except InvalidInput as error:
        return reported(snapshot, {"adapt": {"drift": 0.0, "kept": False, "reason": str(error)}})
    report = {"adapt": {"drift": 0.0, "kept": learnt.kept, **learnt.figures}}
    if not learnt.kept:
        return reported(snapshot, report)
    return reported(snapshot.with_head(learnt.head), report)


def vectors_of(store: SnapshotStore, fingerprint: str, current: Snapshot) -> VectorTable | None:
    """Return the newest vectors on disk that the encoder of that fingerprint made, `current`'s if it did."""
    if current.manifest.encoder == fingerprint:
        return current.table
    for entry in reversed(store.entries()):
        if entry.manifest.encoder == fingerprint:
            try:
                return store.open(entry.id).table
            except SnapshotError as error:
                logger.warning("the vectors of snapshot %s cannot be used: %s", entry.id, error)
    return None


def forget_training(store: SnapshotStore) -> None:
    """Remove what an adaptation keeps to be resumed."""
    folder = store.home / "adapting"
    if folder.exists():
        atomic.remove_tree(folder)


def reported(snapshot: Snapshot, report: Mapping[str, object]) -> Snapshot:
    """Return a snapshot whose manifest tells of more."""
    manifest = replace(snapshot.manifest, report={**snapshot.manifest.report, **report})
    return replace(snapshot, manifest=manifest)

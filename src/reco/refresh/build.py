"""The next snapshot: a catalogue and its vectors, with what is derived, learnt, measured or carried on."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from reco.catalogue.catalogue import Catalogue
from reco.clusters.model import Clusters
from reco.encoder.protocol import Encoder, Matrix, Progress
from reco.errors import RecoError
from reco.index.duplicates import find
from reco.index.terms import Before, CatalogueTerms
from reco.index.vectors import VectorTable
from reco.refresh import memory
from reco.refresh.baseline import Baseline
from reco.refresh.gates import is_doubted
from reco.refresh.learn import adapted, calibrated, deeply_adapted, measured, reported
from reco.refresh.recipe import Making
from reco.snapshots.carryover import Carried
from reco.snapshots.snapshot import Manifest, Snapshot, build
from reco.snapshots.store import SnapshotStore

logger = logging.getLogger(__name__)


def next_snapshot(
    store: SnapshotStore,
    read: tuple[Catalogue, Carried],
    table: VectorTable,
    baseline: Baseline | None,
    encoders: tuple[Encoder, Encoder],
    progress: Progress | None,
    making: Making,
) -> Snapshot:
    """Return the next snapshot of a catalogue and its vectors, with what is learnt or carried on."""
    (catalogue, carried), (base, encoder) = read, encoders
    same = baseline is not None and baseline.manifest.encoder == encoder.fingerprint
    previous = baseline if same else None
    sound = previous if previous is not None and not is_doubted(previous.manifest) else None
    known = frozenset(sound.texts.values()) if sound is not None else frozenset()
    manifest = Manifest(
        snapshot=store.next_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder.fingerprint,
        dimension=table.parts.shape[1],
        resources=len(catalogue),
        passages=int((table.spans[:, 0] >= 0).sum()),
        parent=store.named(),
        settings={"making": making.stamp},
    )
    head = previous.head if previous is not None else _starting(making, encoder)
    before = sound.families if sound is not None else None
    # What is listed twice is a matter of large products, which leave the interpreter to who counts words.
    with ThreadPoolExecutor(1) as beside:
        families = beside.submit(find, catalogue, table, making.told, before, known, carried.traits)
        said = CatalogueTerms.by(catalogue, table.hashes, making.acronyms, _counted(store, baseline))
    memory.give_back()
    snapshot = build(manifest, catalogue, table, head, None, families.result(), carried, said)
    snapshot = replace(snapshot, adapter=previous.adapter if previous is not None else None)
    share = len(set(table.hashes) - known) / max(1, len(catalogue))
    snapshot = deeply_adapted(store, snapshot, previous, base, making, share, progress)
    if snapshot.manifest.encoder != encoder.fingerprint:
        return calibrated(snapshot, base.adapted(snapshot.adapter), making.calibrate)
    snapshot = adapted(snapshot, previous, encoder, making, share)
    return measured(snapshot, previous, encoder, making, share)


def _counted(store: SnapshotStore, baseline: Baseline | None) -> Before | None:
    """Return what was counted the night before, by whatever encoder it was served."""
    counts = store.counts(baseline.manifest.snapshot) if baseline is not None else None
    if baseline is None or counts is None or len(counts.written) != len(baseline.texts):
        return None
    return tuple(baseline.texts.values()), counts


def grouped(snapshot: Snapshot, previous: Clusters | None, making: Making) -> Snapshot:
    """Return the snapshot with its clusters, or with the reason why it has none.

    Whatever goes wrong here is told of and never keeps a catalogue from being served.
    """
    if making.group is None:
        return snapshot
    started = time.monotonic()
    try:
        found = making.group(snapshot, previous)
    except Exception as error:
        expected = isinstance(error, RecoError)
        logger.warning("no clusters were found: %s", error, exc_info=not expected)
        reason = (
            f"{error} {error.hint}" if isinstance(error, RecoError) else f"{type(error).__name__}: {error}"
        )
        return reported(snapshot, {"clusters": {"found": False, "reason": reason.strip()}})
    told = {
        "found": True,
        "levels": [len(found.at(level)) for level in range(1, found.levels + 1)],
        "outliers": len(found.outliers),
        "drift": round(found.drift, 4),
        "seconds": round(time.monotonic() - started, 3),
    }
    return reported(replace(snapshot, clusters=found), {"clusters": told})


def _starting(making: Making, encoder: Encoder) -> Matrix | None:
    return making.start(encoder.fingerprint) if making.start is not None else None

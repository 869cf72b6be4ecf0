"""Build the next snapshot: indexes, families and word counts of a catalogue, then its clusters."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from reco.catalogue.catalogue import Catalogue
from reco.clusters.find import Options
from reco.clusters.find import find as find_clusters
from reco.clusters.model import Clusters
from reco.encoder.protocol import Encoder
from reco.errors import RecoError
from reco.index.duplicates import find as find_families
from reco.index.terms import Before, CatalogueTerms
from reco.index.vectors import VectorTable
from reco.refresh import memory
from reco.refresh.baseline import Baseline, comparable
from reco.refresh.recipe import Recipe
from reco.snapshots.carryover import Carried
from reco.snapshots.snapshot import Manifest, Snapshot, build
from reco.snapshots.store import SnapshotStore
from reco.storage.atomic import digest_of

logger = logging.getLogger(__name__)


def next_snapshot(
    store: SnapshotStore,
    catalogue: Catalogue,
    carried: Carried,
    table: VectorTable,
    encoder: Encoder,
    baseline: Baseline | None,
    recipe: Recipe,
) -> Snapshot:
    """Return the snapshot of a catalogue and its vectors, with the head and weights of the previous one."""
    previous = comparable(baseline, encoder.fingerprint)
    sound = previous if previous is not None and not previous.doubted else None
    families = sound.families if sound is not None else None
    known = sound.known if sound is not None else frozenset()
    # Matrix products release the interpreter's lock, so words are counted meanwhile.
    with ThreadPoolExecutor(1) as pool:
        listed = pool.submit(find_families, catalogue, table, recipe.told, families, known, carried.traits)
        terms = CatalogueTerms.by(catalogue, table.hashes, recipe.acronyms, _previous_counts(store, baseline))
    memory.give_back()
    manifest = Manifest(
        snapshot=store.next_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder.fingerprint,
        dimension=table.parts.shape[1],
        resources=len(catalogue),
        passages=int((table.spans[:, 0] >= 0).sum()),
        parent=store.named(),
        settings={"making": recipe.stamp},
    )
    head = previous.head if previous is not None else None
    snapshot = build(manifest, catalogue, table, head, None, listed.result(), carried, terms)
    return replace(snapshot, adapter=previous.adapter if previous is not None else None)


def _previous_counts(store: SnapshotStore, baseline: Baseline | None) -> Before | None:
    """Return the word counts of the previous snapshot, whichever encoder made it."""
    counts = store.counts(baseline.manifest.snapshot) if baseline is not None else None
    if baseline is None or counts is None or len(counts.written) != len(baseline.texts):
        return None
    return tuple(baseline.texts.values()), counts


@memory.step
def grouped(snapshot: Snapshot, baseline: Baseline | None, options: Options | None) -> Snapshot:
    """Return the snapshot with its clusters, or with the reason why it has none.

    A failure here is reported; it never stops a catalogue from being served.
    """
    if options is None:
        return snapshot
    started = time.monotonic()
    try:
        clusters = _clusters(snapshot, baseline.clusters if baseline is not None else None, options)
    except Exception as error:
        expected = isinstance(error, RecoError)
        logger.warning("no clusters were found: %s", error, exc_info=not expected)
        reason = (
            f"{error} {error.hint}" if isinstance(error, RecoError) else f"{type(error).__name__}: {error}"
        )
        return snapshot.reporting(clusters={"found": False, "reason": reason.strip()})
    figures = {
        "found": True,
        "levels": [len(clusters.at(level)) for level in range(1, clusters.levels + 1)],
        "outliers": len(clusters.outliers),
        "drift": round(clusters.drift, 4),
        "seconds": round(time.monotonic() - started, 3),
    }
    return replace(snapshot, grouping=clusters).reporting(clusters=figures)


def _clusters(snapshot: Snapshot, previous: Clusters | None, options: Options) -> Clusters:
    """Find clusters in the vector space in which the snapshot is searched."""
    head = "" if snapshot.head is None else digest_of(snapshot.head.tobytes())
    made_by = snapshot.manifest.encoder + head
    return find_clusters(snapshot.catalogue, snapshot.dense.vectors(), options, previous, made_by)

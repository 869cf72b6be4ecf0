"""What a snapshot learns of its catalogue: low-rank weights in the encoder, and a head on top."""

from __future__ import annotations

import logging
from pathlib import Path

from reco.adapt.head import HeadRecipe, HeadReport, learn_head
from reco.adapt.lora.learn import DeepReport, learn_deep
from reco.adapt.lora.training import DeepRecipe
from reco.encoder.protocol import Encoder, Progress
from reco.errors import EncoderError, InvalidInput, SnapshotError
from reco.index.vectors import VectorTable, embed
from reco.projects.judgements import approved_pairs
from reco.refresh.baseline import Baseline, comparable
from reco.refresh.recipe import Recipe
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.storage import atomic
from reco.text.background import background

logger = logging.getLogger(__name__)


def in_lineage(base: Encoder, previous: Snapshot | None) -> Encoder:
    """Return the encoder with what the previous snapshot learnt, when it learnt it for this very one."""
    if previous is None or previous.adapter is None:
        return base
    if previous.adapter.base != base.fingerprint:
        logger.warning("the encoder has changed, so what `reco adapt --deep` learnt for the other is dropped")
        return base
    return base.adapted(previous.adapter)


def learn(
    store: SnapshotStore,
    snapshot: Snapshot,
    base: Encoder,
    encoder: Encoder,
    baseline: Baseline | None,
    recipe: Recipe,
    progress: Progress | None,
) -> Snapshot:
    """Return the snapshot with what is learnt anew, where enough has changed since and it wins.

    `encoder` made its vectors, `base` is the same without low-rank weights. When weights win, the
    snapshot returned is encoded with them.
    """
    previous = comparable(baseline, encoder.fingerprint)
    deep = _deep(store, snapshot, base, previous, recipe, progress)
    if deep.manifest.encoder != snapshot.manifest.encoder:
        return deep  # a head was tried on top of the new weights
    if recipe.head is None or _drift(deep, previous, "adapt") < recipe.drift:
        return _carried(deep, previous, "adapt")
    return _headed(store, deep, encoder, recipe.head)


def _deep(
    store: SnapshotStore,
    snapshot: Snapshot,
    base: Encoder,
    previous: Baseline | None,
    recipe: Recipe,
    progress: Progress | None,
) -> Snapshot:
    if recipe.deep is None or _drift(snapshot, previous, "deep") < recipe.drift:
        return _carried(snapshot, previous, "deep")
    try:
        learnt = deep_of(store, snapshot, base, recipe.deep, progress)
    except (InvalidInput, EncoderError) as error:
        logger.warning("the encoder was not adapted: %s", error)
        return snapshot.reporting(deep={"drift": 0.0, "kept": False, "reason": str(error)})
    if not learnt.kept:
        return snapshot.reporting(deep={"drift": 0.0, "kept": False, **learnt.figures})
    return deepened(store, snapshot, learnt, base, recipe.head)


def _drift(snapshot: Snapshot, previous: Baseline | None, report: str) -> float:
    return previous.drift(report, snapshot.table.hashes) if previous is not None else 1.0


def _carried(snapshot: Snapshot, previous: Baseline | None, report: str) -> Snapshot:
    """Return the snapshot with what the previous one reported, and how much has changed since."""
    last = previous.manifest.report.get(report) if previous is not None else None
    if not last:
        return snapshot
    return snapshot.reporting(**{report: {**last, "drift": _drift(snapshot, previous, report)}})


def deepened(
    store: SnapshotStore, snapshot: Snapshot, learnt: DeepReport, base: Encoder, head: HeadRecipe | None
) -> Snapshot:
    """Return a snapshot encoded with the weights that were learnt, and a head on top if it wins."""
    encoder = base.adapted(learnt.adapter)
    anew = snapshot.encoded_by(encoder.fingerprint, learnt.table, learnt.adapter)
    anew = anew.reporting(deep={"drift": 0.0, "kept": True, **learnt.figures})
    return anew if head is None else _headed(store, anew, encoder, head)


def _headed(store: SnapshotStore, snapshot: Snapshot, encoder: Encoder, recipe: HeadRecipe) -> Snapshot:
    """Return the snapshot with a head if it wins, and the report of the attempt."""
    try:
        learnt = head_of(store, snapshot, encoder, recipe)
    except InvalidInput as error:
        return snapshot.reporting(adapt={"drift": 0.0, "kept": False, "reason": str(error)})
    found = snapshot.with_head(learnt.head) if learnt.kept else snapshot
    return found.reporting(adapt={"drift": 0.0, "kept": learnt.kept, **learnt.figures})


def head_of(store: SnapshotStore, snapshot: Snapshot, encoder: Encoder, recipe: HeadRecipe) -> HeadReport:
    """Learn a head from a snapshot and from the opinions approved in its home.

    Raises InvalidInput for a catalogue too small to learn from.
    """
    pairs = approved_pairs(store.home, snapshot.catalogue)
    return learn_head(snapshot, encoder, background(), recipe, pairs)


def deep_of(
    store: SnapshotStore, snapshot: Snapshot, base: Encoder, recipe: DeepRecipe, progress: Progress | None
) -> DeepReport:
    """Learn low-rank weights from a snapshot's catalogue. An interrupted run goes on from where it was.

    Raises what `learn_deep` does.
    """
    catalogue, table = snapshot.catalogue, plain_table(store, snapshot, base, progress)
    return learn_deep(catalogue, table, base, background(), _folder(store), recipe, progress)


def plain_table(
    store: SnapshotStore, snapshot: Snapshot, base: Encoder, progress: Progress | None
) -> VectorTable:
    """Return the vectors that `base` gives to a snapshot's catalogue, from the newest ones on disk."""
    known = _vectors_of(store, base.fingerprint, snapshot)
    return embed(snapshot.catalogue, base, known, progress)[0]


def _vectors_of(store: SnapshotStore, fingerprint: str, current: Snapshot) -> VectorTable | None:
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
    if _folder(store).exists():
        atomic.remove_tree(_folder(store))


def _folder(store: SnapshotStore) -> Path:
    return store.home / "adapting"

"""Adaptation on demand: learn from the served snapshot, publish what wins, or undo it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from reco.adapt.head import HeadRecipe
from reco.adapt.proof import Proof
from reco.encoder.protocol import Encoder, Progress
from reco.errors import EncoderMismatch
from reco.index.calibration import Vectors
from reco.refresh.calibrate import calibrated
from reco.refresh.learn import (
    deep_of,
    deep_trial,
    deepened,
    forget_training,
    head_of,
    head_trial,
    plain_table,
)
from reco.refresh.publish import draft_of
from reco.refresh.recipe import Recipe
from reco.refresh.trial import Trial
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore

_LEARNT = ("adapt", "deep")
"""Keys of a manifest's report for a head and for low-rank weights."""


@dataclass(frozen=True)
class AdaptReport:
    """The outcome of an adaptation. `before` and `after` are mean reciprocal ranks of held-out records.

    `product_before`, `product_after` and `product_p` are what the answers of the product gain on them
    (nDCG@10 of `asked` queries), `golden_*` the same over `judged_queries` of the golden set: they decide.
    `training_seconds` and `encoding_seconds` are parts of `seconds`. For the depth "deep", `head` says
    whether a head was kept as well.
    """

    snapshot: str
    published: bool
    depth: str
    kept: bool
    before: float | None = None
    after: float | None = None
    p: float | None = None
    off_domain_before: float | None = None
    off_domain_after: float | None = None
    asked: int = 0
    product_before: float = 0.0
    product_after: float = 0.0
    product_p: float = 1.0
    judged_queries: int = 0
    golden_before: float = 0.0
    golden_after: float = 0.0
    golden_p: float = 1.0
    seconds: float = 0.0
    judged: int | None = None
    steps: int | None = None
    training_seconds: float | None = None
    encoding_seconds: float | None = None
    head: bool | None = None


def adapt(store: SnapshotStore, base: Encoder, recipe: Recipe) -> AdaptReport:
    """Learn a head from the current snapshot, and publish it if it wins beyond chance.

    `base` is the encoder without anything learnt. The recipe's head settings apply, or the defaults if it
    has none. Raises InvalidInput for a catalogue too small to learn from, EncoderMismatch for a snapshot
    of another encoder; the served snapshot is untouched in each case.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        encoder = _encoder_of(current, base)
        learnt = head_of(store, current, encoder, recipe.head or HeadRecipe())
        trial = head_trial(current, encoder, learnt, recipe)
        served = current.id
        if trial.kept:
            result = current.with_head(learnt.head)
            report = {"adapt": {"drift": 0.0, "kept": True, **learnt.figures, **trial.figures}}
            served = _publish(store, _next(store, result, current, report), encoder, recipe, current.asked)
    return _report(served, "head", learnt, trial, time.monotonic() - started)


def adapt_deep(
    store: SnapshotStore, base: Encoder, recipe: Recipe, progress: Progress | None = None
) -> AdaptReport:
    """Learn low-rank weights from the current catalogue; publish it encoded with them if they win.

    The recipe's head, if it has one, is then tried on top. New weights replace those of the current
    snapshot and do not add to them. An interrupted run resumes. Raises what `adapt` raises, and
    EncoderError for an encoder that cannot be adapted; the served snapshot is untouched in each case.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        _encoder_of(current, base)
        learnt = deep_of(store, current, base, recipe, progress)
        trial = deep_trial(current, base, learnt, recipe)
        served, head = current.id, False
        if trial.kept:
            result = deepened(store, current, learnt, base, recipe, trial)
            head = result.head is not None
            report = {
                part: result.manifest.report[part] for part in _LEARNT if part in result.manifest.report
            }
            candidate = _next(store, result, current, report)
            served = _publish(store, candidate, base.adapted(learnt.adapter), recipe)
        forget_training(store)
    return _report(served, "deep", learnt, trial, time.monotonic() - started, head)


def undo(
    store: SnapshotStore, base: Encoder, recipe: Recipe | None = None, progress: Progress | None = None
) -> AdaptReport:
    """Publish the current snapshot without its head and weights; without either, it stays as it is.

    `base` encodes a snapshot with weights again, except for texts whose vectors an older snapshot holds.
    Raises EncoderMismatch when the weights were learnt for another encoder.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        served = current.id
        if current.head is not None or current.adapter is not None:
            nothing = {part: {"drift": 0.0, "kept": False} for part in _LEARNT}
            candidate = _next(store, _without(store, current, base, progress), current, nothing)
            asked = current.asked if current.adapter is None else {}
            served = _publish(store, candidate, base, recipe or Recipe(), asked)
        forget_training(store)
    seconds = round(time.monotonic() - started, 3)
    return AdaptReport(served, served != current.id, "none", False, seconds=seconds)


def _encoder_of(current: Snapshot, base: Encoder) -> Encoder:
    """Return the encoder that made a snapshot. Raises EncoderMismatch if it does not derive from `base`."""
    encoder = base if current.adapter is None else base.adapted(current.adapter)
    if current.manifest.encoder != encoder.fingerprint:
        raise EncoderMismatch(
            f"Snapshot {current.id} was made by another encoder than the one in the settings.",
            "Run `reco refresh` first.",
        )
    return encoder


def _without(store: SnapshotStore, current: Snapshot, base: Encoder, progress: Progress | None) -> Snapshot:
    if current.adapter is None:
        return current.with_head(None)
    _encoder_of(current, base)
    return current.encoded_by(base.fingerprint, plain_table(store, current, base, progress), None)


def _publish(
    store: SnapshotStore,
    candidate: Snapshot,
    encoder: Encoder,
    recipe: Recipe,
    asked: Vectors | None = None,
) -> str:
    """Measure the levels, write the snapshot and serve it; return its number."""
    return store.publish(draft_of(store, calibrated(candidate, encoder, recipe, asked)))


def _report(
    served: str, depth: str, learnt: Proof, trial: Trial, seconds: float, head: bool | None = None
) -> AdaptReport:
    """Return the report of what was learnt, with those of its figures that an `AdaptReport` names."""
    named = {field.name for field in fields(AdaptReport)}
    every = {**learnt.figures, **trial.figures}
    figures: dict[str, Any] = {name: value for name, value in every.items() if name in named}
    kept = trial.kept
    return AdaptReport(served, kept, depth, kept, seconds=round(seconds, 3), head=head, **figures)


def _next(
    store: SnapshotStore, snapshot: Snapshot, current: Snapshot, report: Mapping[str, object]
) -> Snapshot:
    """Return the snapshot under the next number; its report has what was learnt now and before."""
    manifest = replace(
        snapshot.manifest,
        snapshot=store.next_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        parent=current.id,
        report={**{name: kept for name, kept in current.manifest.report.items() if name == "deep"}, **report},
        files={},
    )
    carried = store.carried(current.id)
    if carried is not None:
        carried = carried.counting(store.counts(current.id))
    return replace(snapshot, manifest=manifest, carried=carried)

"""Adapting what is served: learn on demand, publish what wins, or take it away."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reco.adapt.head import HeadReport
from reco.adapt.lora.learn import DeepReport
from reco.encoder.protocol import Encoder, Progress
from reco.errors import EncoderMismatch, SnapshotError
from reco.index.vectors import embed
from reco.refresh.learn import calibrated, deepened, forget_training, vectors_of
from reco.refresh.publish import draft_of
from reco.refresh.recipe import Calibrate, Deepen, Learn
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore


@dataclass(frozen=True)
class AdaptReport:
    """What an adaptation gave. `before` and `after` are mean reciprocal ranks of held-out records.

    `training_seconds` and `encoding_seconds` are parts of `seconds`, and `head` says whether a head
    was kept as well, where the depth is "deep".
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
    seconds: float = 0.0
    judged: int | None = None
    steps: int | None = None
    training_seconds: float | None = None
    encoding_seconds: float | None = None
    head: bool | None = None


def adapt(
    store: SnapshotStore, base: Encoder, learn: Learn, calibrate: Calibrate | None = None
) -> AdaptReport:
    """Learn a head from the current snapshot and publish it if it wins beyond noise.

    `base` is the encoder without anything learnt. Raises InvalidInput for a catalogue too small to
    learn from, EncoderMismatch for a snapshot of another encoder; the served snapshot is untouched
    in each case.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        learnt = learn(current, _encoder_of(current, base))
        served = current.id
        if learnt.kept:
            told = {"adapt": {"drift": 0.0, "kept": True, **learnt.figures}}
            candidate = _next(store, current.with_head(learnt.head), current, told)
            candidate = calibrated(candidate, _encoder_of(current, base), calibrate, current.asked)
            served = store.publish(draft_of(store, candidate))
    return AdaptReport(
        snapshot=served,
        published=learnt.kept,
        depth="head",
        kept=learnt.kept,
        before=learnt.before,
        after=learnt.after,
        p=learnt.p,
        off_domain_before=learnt.off_domain_before,
        off_domain_after=learnt.off_domain_after,
        seconds=round(time.monotonic() - started, 3),
    )


def adapt_deep(
    store: SnapshotStore,
    base: Encoder,
    deepen: Deepen,
    learn: Learn | None = None,
    progress: Progress | None = None,
    calibrate: Calibrate | None = None,
) -> AdaptReport:
    """Learn low-rank weights from the current catalogue; publish it encoded with them if they win.

    `learn` then tries a head on top. What the current snapshot had learnt is replaced, never added to.
    An interrupted run goes on from where it was. Raises what `adapt` does, and EncoderError for an
    encoder that cannot be adapted; the served snapshot is untouched in each case.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        _encoder_of(current, base)
        plain = vectors_of(store, base.fingerprint, current)
        table, _ = embed(current.catalogue, base, plain, progress)
        learnt = deepen(current.catalogue, table, base, store.home / "adapting")
        served, head = current.id, None
        if learnt.kept:
            snapshot, head = deepened(current, learnt, base, learn)
            told = {
                name: snapshot.manifest.report[name]
                for name in ("adapt", "deep")
                if name in snapshot.manifest.report
            }
            candidate = _next(store, snapshot, current, told)
            candidate = calibrated(candidate, base.adapted(learnt.adapter), calibrate)
            served = store.publish(draft_of(store, candidate))
        forget_training(store)
    return _deep_report(served, learnt, head, time.monotonic() - started)


def undo(
    store: SnapshotStore,
    base: Encoder | None = None,
    progress: Progress | None = None,
    calibrate: Calibrate | None = None,
) -> AdaptReport:
    """Publish the current snapshot without what was learnt; one that learnt nothing stays as it is.

    A snapshot with an adapter is encoded anew by `base`, but for texts that an older snapshot holds.
    Raises EncoderMismatch when such a snapshot was made for another encoder.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        served = current.id
        if current.head is not None or current.adapter is not None:
            nothing = {"adapt": {"drift": 0.0, "kept": False}, "deep": {"drift": 0.0, "kept": False}}
            candidate = _next(store, _without(store, current, base, progress), current, nothing)
            if base is not None:
                asked = current.asked if current.adapter is None else {}
                candidate = calibrated(candidate, base, calibrate, asked)
            served = store.publish(draft_of(store, candidate))
        forget_training(store)
    seconds = round(time.monotonic() - started, 3)
    return AdaptReport(served, served != current.id, "none", False, seconds=seconds)


def _encoder_of(current: Snapshot, base: Encoder) -> Encoder:
    """Return the encoder that made a snapshot. Raises EncoderMismatch when it does not stem from `base`."""
    encoder = base if current.adapter is None else base.adapted(current.adapter)
    if current.manifest.encoder != encoder.fingerprint:
        raise EncoderMismatch(
            f"Snapshot {current.id} was made by another encoder than the one in the settings.",
            "Run `reco refresh` first.",
        )
    return encoder


def _without(
    store: SnapshotStore, current: Snapshot, base: Encoder | None, progress: Progress | None
) -> Snapshot:
    if current.adapter is None:
        return current.with_head(None)
    if base is None:
        raise SnapshotError("The encoder is needed to undo a deep adaptation.", "Run `reco adapt --undo`.")
    _encoder_of(current, base)
    table, _ = embed(current.catalogue, base, vectors_of(store, base.fingerprint, current), progress)
    return current.encoded_by(base.fingerprint, table, None)


def _deep_report(served: str, learnt: DeepReport, head: HeadReport | None, seconds: float) -> AdaptReport:
    return AdaptReport(
        snapshot=served,
        published=learnt.kept,
        depth="deep",
        kept=learnt.kept,
        before=learnt.before,
        after=learnt.after,
        p=learnt.p,
        off_domain_before=learnt.off_domain_before,
        off_domain_after=learnt.off_domain_after,
        seconds=round(seconds, 3),
        judged=learnt.judged,
        steps=learnt.steps,
        training_seconds=learnt.training_seconds,
        encoding_seconds=learnt.encoding_seconds,
        head=head is not None and head.kept,
    )


def _next(
    store: SnapshotStore, snapshot: Snapshot, current: Snapshot, told: Mapping[str, object]
) -> Snapshot:
    """Return a snapshot under the next number, telling what was learnt now and what before."""
    manifest = replace(
        snapshot.manifest,
        snapshot=store.next_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        parent=current.id,
        report={**{name: kept for name, kept in current.manifest.report.items() if name == "deep"}, **told},
        files={},
    )
    carried = store.carried(current.id)
    if carried is not None:
        carried = carried.counting(store.counts(current.id))
    return replace(snapshot, manifest=manifest, carried=carried)

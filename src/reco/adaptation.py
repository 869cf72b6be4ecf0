"""Adapting what is served: learn a head on demand, publish it when it wins, or take it away."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reco.adapt import HeadReport
from reco.encoder import Encoder
from reco.errors import EncoderMismatch
from reco.publication import draft_of
from reco.snapshot import Snapshot
from reco.store import SnapshotStore


@dataclass(frozen=True)
class AdaptReport:
    """What an adaptation gave. `before` and `after` are mean reciprocal ranks of held-out records."""

    snapshot: str
    published: bool
    depth: str
    kept: bool
    before: float | None
    after: float | None
    p: float | None
    off_domain_before: float | None
    off_domain_after: float | None
    seconds: float


def adapt(
    store: SnapshotStore,
    encoder: Encoder,
    learn: Callable[[Snapshot, Encoder], HeadReport],
) -> AdaptReport:
    """Learn a head from the current snapshot and publish it if it wins beyond noise.

    Raises InvalidInput for a catalogue too small to learn from, SnapshotError for a snapshot of
    another encoder; the served snapshot is untouched in each case.
    """
    started = time.monotonic()
    with store.writing():
        current = store.open()
        if current.manifest.encoder != encoder.fingerprint:
            raise EncoderMismatch(
                f"Snapshot {current.id} was made by another encoder than the one in the settings.",
                "Run `reco refresh` first.",
            )
        learnt = learn(current, encoder)
        served = current.id
        if learnt.kept:
            served = store.publish(draft_of(store, _with_head(store, current, learnt)))
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


def undo(store: SnapshotStore) -> AdaptReport:
    """Publish the current snapshot without what was learnt. A snapshot without a head stays as it is."""
    started = time.monotonic()
    with store.writing():
        current = store.open()
        served = current.id
        if current.head is not None:
            served = store.publish(draft_of(store, _with_head(store, current, None)))
    seconds = round(time.monotonic() - started, 3)
    return AdaptReport(served, served != current.id, "none", False, None, None, None, None, None, seconds)


def _with_head(store: SnapshotStore, current: Snapshot, learnt: HeadReport | None) -> Snapshot:
    figures = {} if learnt is None else learnt.figures
    manifest = replace(
        current.manifest,
        snapshot=store.next_id(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        parent=current.id,
        report={"adapt": {"drift": 0.0, "kept": learnt is not None, **figures}},
        files={},
    )
    head = learnt.head if learnt is not None else None
    return replace(current.with_head(head), manifest=manifest)

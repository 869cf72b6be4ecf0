"""Publish a snapshot: write it, read it back, judge it, then serve it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reco.encoder.protocol import Encoder
from reco.errors import InvalidInput, SnapshotError
from reco.refresh.baseline import Baseline
from reco.refresh.gates import Gates, Objection, Verdict, judge
from reco.snapshots.snapshot import Manifest, Snapshot
from reco.snapshots.store import SnapshotStore
from reco.storage import atomic

logger = logging.getLogger(__name__)

BYTES = "bytes"
"""The gate that nobody can force: a snapshot that does not read back as written is never served."""


@dataclass(frozen=True)
class Forced:
    """The person who publishes against the gates, and the reason. Made by `Forced.of`."""

    by: str
    reason: str

    @classmethod
    def of(cls, by: str, reason: str) -> Forced:
        """Return both, stripped. Raises InvalidInput if either is blank."""
        if not by.strip() or not reason.strip():
            raise InvalidInput(
                "--force needs a name and a reason.",
                'Add --by "NAME" and --reason "TEXT": they are recorded.',
            )
        return cls(by.strip(), reason.strip())


@dataclass(frozen=True)
class Outcome:
    """The outcome for a new snapshot: served or not, the objections, and the folder of a refused one."""

    published: bool
    objections: tuple[Objection, ...]
    refused: Path | None = None


@dataclass(frozen=True)
class Written:
    """A draft, with the content hashes and the digest of vectors that it must read back with."""

    draft: Path
    hashes: tuple[str, ...]
    vectors: str


def write(store: SnapshotStore, snapshot: Snapshot) -> Written:
    """Write a snapshot beside the published ones; its memory can then be released. Raises StorageError."""
    return Written(store.write_draft(snapshot), snapshot.table.hashes, _vectors(snapshot))


def publish(
    store: SnapshotStore,
    written: Written,
    previous: Baseline | None,
    encoder: Encoder,
    gates: Gates,
    forced: Forced | None,
) -> Outcome:
    """Read a draft back as a reader would, and serve it unless a gate objects.

    `previous` is the baseline of the served snapshot. A refused snapshot is kept beside the others with its
    objections. Raises StorageError when the disk refuses; the served snapshot then stays the same.
    """
    draft = written.draft
    with store.abandoning(draft):
        try:
            candidate = _read_back(store, written)
        except SnapshotError as error:
            return _refuse(store, draft, (_unreadable(error),))
        verdict = judge(candidate, previous, encoder, gates)
        report = _report(candidate, verdict, forced)
        try:
            _amend(store, draft, replace(candidate.manifest, report=report))
        except SnapshotError as error:
            return _refuse(store, draft, (_unreadable(error),))
        if verdict.objections and forced is None:
            return _refuse(store, draft, verdict.objections)
        store.publish(draft)
        return Outcome(True, verdict.objections)


def _report(candidate: Snapshot, verdict: Verdict, forced: Forced | None) -> dict[str, Any]:
    """Return the manifest's report of a judged snapshot."""
    findings = verdict.record()
    findings["gates"][BYTES] = {"figure": 0.0, "threshold": 0.0}
    report = {**candidate.manifest.report, **findings}
    if verdict.objections and forced is not None:
        objections = list(map(asdict, verdict.objections))
        report["forced"] = {**asdict(forced), "at": _now(), "objections": objections}
        logger.warning("%s publishes against the gates: %s", forced.by, forced.reason)
    return report


def draft_of(store: SnapshotStore, snapshot: Snapshot) -> Path:
    """Write a snapshot as a draft. Raises SnapshotError if it does not read back as it was written."""
    written = write(store, snapshot)
    with store.abandoning(written.draft):
        _read_back(store, written)
    return written.draft


def _read_back(store: SnapshotStore, written: Written) -> Snapshot:
    snapshot = store.read_draft(written.draft)
    if snapshot.table.hashes != written.hashes or _vectors(snapshot) != written.vectors:
        raise SnapshotError("The new snapshot does not read back as it was written.", "Check the disk.")
    return snapshot


def _vectors(snapshot: Snapshot) -> str:
    return atomic.digest_of(snapshot.dense.vectors().data)


def _amend(store: SnapshotStore, draft: Path, manifest: Manifest) -> None:
    store.amend(draft, manifest)
    if atomic.sha256(draft / "manifest.json") != atomic.digest_of(manifest.to_bytes()):
        raise SnapshotError("The new manifest does not read back as it was written.", "Check the disk.")


def _unreadable(error: SnapshotError) -> Objection:
    return Objection(BYTES, 1.0, 0.0, str(error))


def _refuse(store: SnapshotStore, draft: Path, objections: Sequence[Objection]) -> Outcome:
    document = {"refused": _now(), "objections": [asdict(objection) for objection in objections]}
    atomic.write(draft / "objections.json", json.dumps(document, ensure_ascii=False, indent=1).encode())
    for objection in objections:
        logger.warning("gate %s: %s", objection.gate, objection.message)
    return Outcome(False, tuple(objections), store.set_aside(draft))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""From a snapshot in memory to the one that is served: written, read back, judged, then published."""

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
"""The gate that nobody can force: what does not read back as it was written cannot be served."""


@dataclass(frozen=True)
class Forced:
    """Who publishes in spite of the gates, and why. Made by `Forced.of`."""

    by: str
    reason: str

    @classmethod
    def of(cls, by: str, reason: str) -> Forced:
        """Raises InvalidInput unless both are said."""
        if not by.strip() or not reason.strip():
            raise InvalidInput(
                "--force needs to know who and why.",
                'Add --by "NAME" and --reason "TEXT": they are recorded.',
            )
        return cls(by.strip(), reason.strip())


@dataclass(frozen=True)
class Outcome:
    """Whether a snapshot is served now, what the gates said, and where a refused one is kept."""

    published: bool
    objections: tuple[Objection, ...]
    refused: Path | None = None


@dataclass(frozen=True)
class Written:
    """A draft, and by what it is known to read back: its content hashes and a digest of its vectors."""

    draft: Path
    hashes: tuple[str, ...]
    vectors: str


def write(store: SnapshotStore, snapshot: Snapshot) -> Written:
    """Write a snapshot beside the published ones; it can then be let go. Raises StorageError."""
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

    `previous` is what is served now. A refused snapshot is kept beside the others with its objections.
    Raises StorageError when the disk refuses; what is served is then what was before.
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
    """Return what the manifest reports of a snapshot that was judged."""
    findings = verdict.record()
    findings["gates"][BYTES] = {"figure": 0.0, "threshold": 0.0}
    report = {**candidate.manifest.report, **findings}
    if verdict.objections and forced is not None:
        objections = list(map(asdict, verdict.objections))
        report["forced"] = {**asdict(forced), "at": _now(), "objections": objections}
        logger.warning("%s publishes in spite of the gates: %s", forced.by, forced.reason)
    return report


def draft_of(store: SnapshotStore, snapshot: Snapshot) -> Path:
    """Write a snapshot as a draft that reads back as it was written. Raises SnapshotError otherwise."""
    written = write(store, snapshot)
    with store.abandoning(written.draft):
        _read_back(store, written)
    return written.draft


def _read_back(store: SnapshotStore, written: Written) -> Snapshot:
    found = store.read_draft(written.draft)
    if found.table.hashes != written.hashes or _vectors(found) != written.vectors:
        raise SnapshotError("The new snapshot does not read back as it was written.", "Check the disk.")
    return found


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

"""The status of a home: the served snapshot, and how fresh it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reco.refresh.log import last_failure, last_success
from reco.snapshots.store import SnapshotStore


@dataclass(frozen=True)
class Freshness:
    """The time of the last successful refresh, its age in hours, and whether that is too old."""

    checked: str
    hours: float
    stale: bool


@dataclass(frozen=True)
class Status:
    """The served snapshot. `warning` says why it is not the current one.

    `age_hours` counts from its creation. `last_success` is the end of the last refresh that succeeded,
    quiet or not; None if none was recorded. `stale` counts from there, else from the creation.
    """

    snapshot: str
    created: str
    age_hours: float
    resources: int
    passages: int
    snapshots: int
    adapted: bool
    warning: str
    last_success: str | None
    last_failure: str | None
    last_failure_message: str | None
    stale: bool


def freshness(home: Path, created: str, stale_hours: float) -> Freshness:
    """Return the freshness of a snapshot made at `created`. A quiet night renews it too."""
    success = last_success(home)
    checked = success.end if success is not None else created
    hours = _hours_since(checked)
    return Freshness(checked, hours, hours > stale_hours)


def status(store: SnapshotStore, stale_hours: float) -> Status:
    """Return the status of the served snapshot. Raises SnapshotError when there is none."""
    snapshot, warning = store.serve()
    success, failure = last_success(store.home), last_failure(store.home)
    return Status(
        snapshot=snapshot.id,
        created=snapshot.manifest.created,
        age_hours=round(_hours_since(snapshot.manifest.created), 2),
        resources=len(snapshot.catalogue),
        passages=snapshot.manifest.passages,
        snapshots=len(store.ids()),
        adapted=snapshot.head is not None or snapshot.adapter is not None,
        warning=warning,
        last_success=success.end if success is not None else None,
        last_failure=failure.end if failure is not None else None,
        last_failure_message=failure.error if failure is not None else None,
        stale=freshness(store.home, snapshot.manifest.created, stale_hours).stale,
    )


def _hours_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() / 3600

"""Whether what is on disk can be trusted, and what is served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reco.errors import SnapshotError
from reco.runlog import last_failure, last_success
from reco.snapshot import Snapshot
from reco.store import SnapshotStore

_SAMPLE = 200
_EQUAL = 1e-5


@dataclass(frozen=True)
class Check:
    """What was found wrong with a snapshot; nothing when it is sound."""

    snapshot: str
    sound: bool
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Freshness:
    """When the sources were last read with success, and whether that is too long ago."""

    checked: str
    hours: float
    stale: bool


@dataclass(frozen=True)
class Status:
    """What is served. `age_hours` is since its making; `warning` says why it is not the current one.

    `last_success` is when a refresh last ended well, also one that found nothing to publish; None
    where no refresh was recorded. `stale` counts from there, else from the snapshot's making.
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


def check(store: SnapshotStore, number: str | None = None) -> Check:
    """Check every digest and count of a snapshot, and that its resources find themselves.

    Raises SnapshotError when there is no such snapshot.
    """
    # Where CURRENT names none, to open it says why.
    chosen = number or store.current() or store.open().id
    if chosen not in store.ids():
        raise SnapshotError(f"There is no snapshot {chosen} in {store.home}.", "See `reco snapshots`.")
    try:
        # The current one is opened through CURRENT, so that its manifest is checked as well.
        snapshot = store.open() if chosen == store.current() else store.open(chosen)
    except SnapshotError as error:
        return Check(chosen, False, (str(error),))
    problems = lost(snapshot)
    return Check(chosen, not problems, problems)


def lost(snapshot: Snapshot, sample: int = _SAMPLE) -> tuple[str, ...]:
    """Return the resources that a search for themselves does not find, in words.

    Every vector is compared with its parts; `sample` of them, evenly drawn, are searched for.
    """
    count = len(snapshot.catalogue)
    if not count:
        return ()
    vectors = snapshot.dense.vectors()
    wrong: set[int] = set()
    for rows, expected in snapshot.table.directed(snapshot.head):
        apart = np.abs(vectors[rows] - expected).max(axis=1)
        # A comparison with NaN is false: what is not shown to be near is not.
        wrong.update((rows.start + np.flatnonzero(~(apart <= _EQUAL))).tolist())
    drawn = np.unique(np.linspace(0, count - 1, min(count, sample)).astype(np.int64))
    asked = vectors[drawn]
    _, cosines = snapshot.dense.search_all(asked, 1)
    own = np.einsum("ij,ij->i", asked, asked)
    wrong.update(drawn[~(np.abs(cosines[:, 0] - own) <= _EQUAL)].tolist())
    return tuple(f"{snapshot.catalogue[row].id} does not find itself" for row in sorted(wrong))


def freshness(home: Path, created: str, stale_hours: float) -> Freshness:
    """Return how fresh a snapshot made at `created` is: a quiet night makes none, yet checks it."""
    success = last_success(home)
    checked = success.end if success is not None else created
    hours = _hours_since(checked)
    return Freshness(checked, hours, hours > stale_hours)


def status(store: SnapshotStore, stale_hours: float) -> Status:
    """Return what a reader is served now. Raises SnapshotError when there is nothing to serve."""
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

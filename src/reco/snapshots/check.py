"""The check of a snapshot on disk: its digests, its counts, and its dense index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reco.errors import SnapshotError
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore

_SAMPLE = 200
_EQUAL = 1e-5


@dataclass(frozen=True)
class SnapshotCheck:
    """The problems of a snapshot; none when it is sound."""

    snapshot: str
    sound: bool
    problems: tuple[str, ...]


def check(store: SnapshotStore, number: str | None = None) -> SnapshotCheck:
    """Check every digest and count of a snapshot, and that each resource finds itself.

    Raises SnapshotError when there is no such snapshot.
    """
    # When CURRENT names no snapshot, `open` raises the error that says why.
    chosen = number or store.current() or store.open().id
    if chosen not in store.ids():
        raise SnapshotError(f"There is no snapshot {chosen} in {store.home}.", "See `reco snapshots`.")
    try:
        # Opening the current snapshot through CURRENT checks its manifest too.
        snapshot = store.open() if chosen == store.current() else store.open(chosen)
        _ = snapshot.clusters  # decoded when first asked for
    except SnapshotError as error:
        return SnapshotCheck(chosen, False, (str(error),))
    problems = lost(snapshot)
    return SnapshotCheck(chosen, not problems, problems)


def lost(snapshot: Snapshot, sample: int = _SAMPLE) -> tuple[str, ...]:
    """Return one sentence for each resource that a search for its own vector does not find.

    Every indexed vector is compared with the mean of its parts. `sample` of them, evenly spaced, are also
    searched for.
    """
    count = len(snapshot.catalogue)
    if not count:
        return ()
    vectors = snapshot.dense.vectors()
    wrong: set[int] = set()
    for rows, expected in snapshot.table.directed(snapshot.head):
        error = np.abs(vectors[rows] - expected).max(axis=1)
        # Negated, since a comparison with NaN is false: a NaN vector counts as wrong.
        wrong.update((rows.start + np.flatnonzero(~(error <= _EQUAL))).tolist())
    drawn = np.unique(np.linspace(0, count - 1, min(count, sample)).astype(np.int64))
    queries = vectors[drawn]
    _, cosines = snapshot.dense.search_all(queries, 1)
    squares = np.einsum("ij,ij->i", queries, queries)
    wrong.update(drawn[~(np.abs(cosines[:, 0] - squares) <= _EQUAL)].tolist())
    return tuple(f"{snapshot.catalogue[row].id} does not find itself" for row in sorted(wrong))

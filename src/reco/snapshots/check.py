"""Whether a snapshot on disk can be trusted."""

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
    """What was found wrong with a snapshot; nothing when it is sound."""

    snapshot: str
    sound: bool
    problems: tuple[str, ...]


def check(store: SnapshotStore, number: str | None = None) -> SnapshotCheck:
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
        _ = snapshot.clusters  # decoded when first asked for
    except SnapshotError as error:
        return SnapshotCheck(chosen, False, (str(error),))
    problems = lost(snapshot)
    return SnapshotCheck(chosen, not problems, problems)


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

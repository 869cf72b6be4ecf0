"""The beginning of a refresh: what is served, what the sources give, and how they differ."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reco import quarantine
from reco.carried import Carried
from reco.catalogue import Catalogue, Changes, diff
from reco.collection import Collected, collect
from reco.encoder import Encoder
from reco.errors import SnapshotError, SourceError
from reco.gates import is_doubted
from reco.refresh.making import Making
from reco.snapshot import Snapshot
from reco.sources import SourceConfig
from reco.store import SnapshotStore

logger = logging.getLogger(__name__)


@dataclass
class Night:
    """A refresh under way: what is served, what the sources gave, and how they differ.

    `previous` and `catalogue` are let go once the next snapshot has what it needs of them: so a large
    catalogue is in memory once. `carried` is what was read of the catalogue's rows, for the next night.
    `collected` has no resources, they are in `catalogue`.
    """

    previous: Snapshot | None
    catalogue: Catalogue
    carried: Carried
    collected: Collected
    changes: Changes
    refused: Path | None
    served: str | None

    def let_go(self) -> None:
        """Forget what was read."""
        self.catalogue = Catalogue(())
        self.carried = self.carried.take(np.empty(0, dtype=np.int64))
        self.collected = replace(self.collected, carried=self.carried)


def begun(store: SnapshotStore, sources: Sequence[SourceConfig], making: Making) -> Night:
    """Read the sources. Raises SourceError when all fail."""
    previous = _previous(store)
    carried = store.carried(previous.id) if previous is not None else None
    collected = collect(sources, previous, store.home / "cache", making.curation, carried)
    refused = quarantine.write(store.home, collected.rejections)
    if len(collected.failures) == len(sources):
        raise SourceError(
            "Every source failed: " + " ".join(f"{n}: {why}" for n, why in collected.failures.items()),
            "The served snapshot is untouched. Check the sources with `reco source test NAME`.",
        )
    catalogue = Catalogue(collected.resources)
    order = sorted(range(len(catalogue)), key=lambda row: collected.resources[row].id)
    changes = diff(previous.catalogue if previous is not None else Catalogue(()), catalogue)
    served = previous.id if previous is not None else None
    kept = collected.carried.take(np.asarray(order, dtype=np.int64))
    return Night(previous, catalogue, kept, replace(collected, resources=()), changes, refused, served)


def is_quiet(store: SnapshotStore, night: Night, encoder: Encoder, making: Making) -> bool:
    """Whether a new snapshot would be the one that is served."""
    previous = night.previous
    return (
        previous is not None
        and previous.manifest.encoder == encoder.fingerprint
        and previous.manifest.settings.get("making") == making.stamp
        and night.changes.quiet
        # A snapshot served in place of a damaged one is republished, even on a quiet night.
        and previous.id == store.named()
        and not is_doubted(previous.manifest)
    )


def _previous(store: SnapshotStore) -> Snapshot | None:
    if not store.ids():
        return None
    try:
        return store.serve()[0]
    except SnapshotError as error:
        logger.warning("no snapshot can be read, so everything is encoded again: %s", error)
        return None

"""The data that a snapshot carries for the next refresh, so that unchanged rows are not read again.

No query needs it, and a refresh without it makes the same snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from reco.catalogue.fingerprints import RECIPE, Traits
from reco.catalogue.resource import Resource
from reco.index.acronyms import READING as FINDING
from reco.index.arrays import Pieces
from reco.index.terms import Counted
from reco.text.tokens import READING

PREFIX = "carried."
_ROWS = "rows.safetensors"
_COUNTS = "counts.safetensors"
_RECIPE = np.frombuffer(f"{RECIPE} {READING} {FINDING}".encode(), dtype=np.uint8)
ROWS, COUNTS = f"{PREFIX}{_ROWS}", f"{PREFIX}{_COUNTS}"
"""The files by name."""
ORIGIN = 16
"""Bytes of an origin."""


@dataclass(frozen=True)
class Carried:
    """The rows that a snapshot carries for the next refresh; row i is the snapshot's row i.

    `origins`, (resources, 16), are digests of source rows (see `reco.catalogue.admission.KnownRows`). An
    origin is zero when more than the row made the resource, such as a curator's decision. `counts` is None
    until terms are counted.
    """

    origins: NDArray[np.uint8]
    traits: Traits
    counts: Counted | None = None

    def __len__(self) -> int:
        return len(self.traits)

    def by_id(self, resources: Sequence[Resource]) -> dict[str, bytes]:
        """Return the nonzero origins by resource id; `resources` are the snapshot's, in row order."""
        data = self.origins.tobytes()
        known = np.flatnonzero(self.origins.any(axis=1)).tolist()
        return {resources[row].id: data[ORIGIN * row : ORIGIN * (row + 1)] for row in known}

    def take(self, rows: NDArray[np.int64]) -> Carried:
        """Return the given rows, in that order, without counts."""
        return Carried(self.origins[rows], self.traits.take(rows))

    def counting(self, counts: Counted | None) -> Carried:
        """Return a copy with these counts."""
        return replace(self, counts=counts)

    def to_files(self) -> Iterator[tuple[str, Pieces]]:
        """Yield the name, without `PREFIX`, and the bytes of each file."""
        yield _ROWS, (save({"recipe": _RECIPE, "origins": self.origins, **self.traits.to_arrays()}),)
        if self.counts is not None:
            yield _COUNTS, (save({"recipe": _RECIPE, **self.counts.to_arrays()}),)


def rows_of(data: bytes) -> Carried | None:
    """Read the file of rows that `to_files` wrote; None when another recipe made it.

    Raises KeyError or ValueError when the bytes are not such a file.
    """
    arrays = load(data)
    if not np.array_equal(arrays["recipe"], _RECIPE):
        return None
    traits = Traits.from_arrays(arrays)
    if arrays["origins"].shape != (len(traits), ORIGIN):
        raise ValueError("the origins and the traits of resources do not belong together")
    return Carried(arrays["origins"], traits)


def counts_of(data: bytes) -> Counted | None:
    """Read the file of counts that `to_files` wrote; None when another recipe or an older version made it.

    Raises KeyError or ValueError when the bytes are not such a file.
    """
    arrays = load(data)
    current = np.array_equal(arrays["recipe"], _RECIPE) and {"acronyms", "runs.terms"} <= arrays.keys()
    return Counted.from_arrays(arrays) if current else None


def origins_of(resources: Sequence[Resource], origins: Mapping[str, bytes]) -> NDArray[np.uint8]:
    """Return the origins of resources as an array, (resources, 16); zero for an id without one."""
    missing = bytes(ORIGIN)
    data = b"".join([origins.get(resource.id, missing) for resource in resources])
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, ORIGIN)

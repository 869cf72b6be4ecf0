"""A balanced shelf: the best resource of each type, each from a different publisher.

The assignment of publishers to slots fills as many slots as possible, then has the largest sum of merits
(SciPy's implementation of Crouse 2016). Filling slots one by one would leave a slot empty when the best
guide and the only report have the same publisher.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import TYPES
from reco.text.clean import fold

FIT = ("piste", "proche", "très proche", None)
"""Levels allowed on a shelf; None is a result without a calibrated level."""

SLOTS = 5


@dataclass(frozen=True)
class Slot:
    """A slot of the shelf: its type, and the rank of the result that fills it, None when empty."""

    type: str
    rank: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A candidate for the shelf, ordered by `merit`. `fill` ignores a level that is not in `FIT`."""

    resource: Resource
    merit: float
    level: str | None = None


def types(resources: Iterable[Resource], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types of a shelf of these resources, at most `SLOTS`.

    They are the five of `taxonomy.TYPES` if any resource has one, else the five most frequent. `wanted`
    restricts them, by label or by code.
    """
    counts = Counter(resource.type for resource in resources if resource.type)
    known = tuple(TYPES.values())
    if not any(label in counts for label in known):
        known = tuple(label for label, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    keys = {fold(TYPES.get(value.strip().casefold(), value)) for value in wanted}
    return tuple(label for label in known if not keys or fold(label) in keys)[:SLOTS]


def fill(places: Sequence[str], candidates: Sequence[Candidate]) -> tuple[int | None, ...]:
    """Return, for each type of `places`, the position of the candidate that fills it, or None.

    Each resource without a publisher counts as a publisher by itself.
    """
    best: dict[tuple[int, str], int] = {}
    for position, candidate in enumerate(candidates):
        if candidate.level in FIT and candidate.resource.type in places:
            key = (places.index(candidate.resource.type), _publisher(candidate.resource))
            if key not in best or candidate.merit > candidates[best[key]].merit:
                best[key] = position
    if not best:
        return (None,) * len(places)
    publishers = sorted({publisher for _, publisher in best})
    columns = {publisher: column for column, publisher in enumerate(publishers)}
    merits = [candidates[position].merit for position in best.values()]
    # One more filled slot is worth more than any sum of merits.
    filled = 1.0 + len(places) * (max(merits) - min(merits) + 1.0)
    worth = np.zeros((len(places), len(publishers)))
    for (slot, publisher), position in best.items():
        worth[slot, columns[publisher]] = filled + candidates[position].merit - min(merits)
    chosen = dict(zip(*(side.tolist() for side in linear_sum_assignment(worth, maximize=True)), strict=True))
    return tuple(
        best.get((slot, publishers[chosen[slot]])) if slot in chosen else None for slot in range(len(places))
    )


def _publisher(resource: Resource) -> str:
    return fold(resource.publisher) or f"\0{resource.id}"

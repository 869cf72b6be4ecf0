"""A balanced shelf: the best resource of each type, each from another publisher. Pure.

Slots and publishers are matched so that as many slots as can be are filled, then that the sum of merits
is the greatest (the assignment problem, by SciPy's implementation of Crouse 2016): filling slots one by
one would leave a slot empty when the best guide and the only report are by one publisher.
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
"""Levels that may stand on a shelf; None where levels are not known."""

SLOTS = 5


@dataclass(frozen=True)
class Slot:
    """A place on the shelf: the type that it is for, and the rank of what fills it, None when empty."""

    type: str
    rank: int | None = None


@dataclass(frozen=True)
class Candidate:
    """What could stand on the shelf. `merit` orders candidates; one whose level is not in `FIT` may not."""

    resource: Resource
    merit: float
    level: str | None = None


def types(resources: Iterable[Resource], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the types a shelf of these resources has places for.

    The five of `taxonomy.TYPES` where any resource has one of them, otherwise the five most frequent;
    of these, `wanted` ones when some are given, by label or by code.
    """
    counts = Counter(resource.type for resource in resources if resource.type)
    known = tuple(TYPES.values())
    if not any(label in counts for label in known):
        known = tuple(label for label, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    keys = {fold(TYPES.get(value.strip().casefold(), value)) for value in wanted}
    return tuple(label for label in known if not keys or fold(label) in keys)[:SLOTS]


def fill(places: Sequence[str], candidates: Sequence[Candidate]) -> tuple[int | None, ...]:
    """Return, for each type of `places`, the position of the candidate that fills it, or None.

    A publisher that is not said counts as one of its own, for nothing says that two are the same.
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

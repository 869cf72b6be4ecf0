"""Local experiences: each resource at each place that it names, on the map or not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from reco.catalogue.places.cartography import Atlas, Spot
from reco.catalogue.places.gazetteer import Locality
from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import TYPES

BANDS = (0, 2_000, 10_000, 50_000)
"""Lower bounds of the population bands, in inhabitants. The last band has no upper bound."""


@dataclass(frozen=True)
class Experience:
    """A resource at one of its places. `spot` is None if the map does not show the place."""

    resource: Resource
    place: Locality | None
    spot: Spot | None

    @property
    def department(self) -> str:
        """Code of the department of the place, or an empty string."""
        if self.place is None:
            return ""
        return self.place.code if self.place.kind == "department" else self.place.department

    @property
    def band(self) -> int | None:
        """Lower bound of the population band of the place, None if the population is unknown."""
        if self.place is None or self.place.population is None:
            return None
        return BANDS[bisect_right(BANDS, self.place.population) - 1]


def experiences(resources: Iterable[Resource], atlas: Atlas) -> tuple[Experience, ...]:
    """Return one experience per resource and place, plus the initiatives without a known place."""
    collected: list[Experience] = []
    for resource in resources:
        collected += [Experience(resource, place, atlas.spot(place)) for place in resource.localities]
        if not resource.localities and resource.type == TYPES["initiative"]:
            collected.append(Experience(resource, None, None))
    return tuple(collected)

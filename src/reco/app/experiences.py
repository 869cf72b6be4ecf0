"""What was done somewhere: resources at the places that they name, and those that no map can show."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from reco.catalogue.places.cartography import Atlas, Spot
from reco.catalogue.places.gazetteer import Locality
from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import TYPES

BANDS = (0, 2_000, 10_000, 50_000)
"""The fewest inhabitants of each band of population; the last has no upper bound."""


@dataclass(frozen=True)
class Experience:
    """A resource at one of its places; `spot` is None where the map does not show it."""

    resource: Resource
    place: Locality | None
    spot: Spot | None

    @property
    def department(self) -> str:
        """The code of its département, or an empty text."""
        if self.place is None:
            return ""
        return self.place.code if self.place.kind == "department" else self.place.department

    @property
    def band(self) -> int | None:
        """The lower bound of its place's band of population, None when that is unknown."""
        if self.place is None or self.place.population is None:
            return None
        return BANDS[bisect_right(BANDS, self.place.population) - 1]


def experiences(resources: Iterable[Resource], atlas: Atlas) -> tuple[Experience, ...]:
    """Return every resource that names a place, once for each; and initiatives whose place is unknown."""
    found: list[Experience] = []
    for resource in resources:
        found += [Experience(resource, place, atlas.spot(place)) for place in resource.localities]
        if not resource.localities and resource.type == TYPES["initiative"]:
            found.append(Experience(resource, None, None))
    return tuple(found)

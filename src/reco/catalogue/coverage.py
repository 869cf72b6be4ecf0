"""What a catalogue holds: resources by theme, type and scale, and where there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reco.catalogue.catalogue import Catalogue, values_of
from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import SCALES, THEMES, TYPES
from reco.text.clean import fold


@dataclass(frozen=True)
class Holdings:
    """Counts by (theme, type, scale); a resource of two themes counts under both.

    `themes`, `types` and `scales` are every label that may be had: those of the taxonomy, gaps included,
    then those that only this catalogue uses.
    """

    themes: tuple[str, ...]
    types: tuple[str, ...]
    scales: tuple[str, ...]
    counts: dict[tuple[str, str, str], int]

    def count(self, theme: str, kind: str, scale: str | None = None) -> int:
        """Return how many resources a theme and a type have, at one scale or at all."""
        scales = self.scales if scale is None else (scale,)
        return sum(self.counts.get((theme, kind, one), 0) for one in scales)

    def gaps(self, scale: str | None = None) -> tuple[tuple[str, str], ...]:
        """Return the themes and types that no resource has together; no theme, or no type, is no gap."""
        pairs = ((t, k) for t in self.themes for k in self.types if t and k)
        return tuple((t, k) for t, k in pairs if not self.count(t, k, scale))


def holdings(resources: Iterable[Resource]) -> Holdings:
    """Count resources. One without a theme or a type is under the empty label, as it has no cell."""
    found = list(resources)
    counts = Counter(
        (theme, resource.type, resource.scale)
        for resource in found
        for theme in (values_of(resource, "theme") or ("",))
    )
    return Holdings(
        _labels(THEMES, (theme for theme, _, _ in counts)),
        _labels(TYPES.values(), (kind for _, kind, _ in counts)),
        _labels(SCALES, (scale for _, _, scale in counts)),
        dict(counts),
    )


def _labels(known: Iterable[str], used: Iterable[str]) -> tuple[str, ...]:
    labels = dict.fromkeys(known)
    return tuple(labels) + tuple(sorted(set(used) - labels.keys(), key=lambda label: (fold(label), label)))


UNKNOWN = "unknown"


_THIN = 2


@dataclass(frozen=True)
class Coverage:
    """How many resources a theme has, of each type and of each scale; `missing` are the types it lacks."""

    theme: str
    resources: int
    types: Mapping[str, int]
    scales: Mapping[str, int]
    missing: tuple[str, ...]
    thin: bool
    """Whether it has two resources or fewer."""


@dataclass(frozen=True)
class Cell:
    """How many resources have this theme, type and scale; `unknown` where a source does not say."""

    theme: str
    type: str
    scale: str
    resources: int


def cover(catalogue: Catalogue, themes: Iterable[str]) -> tuple[Coverage, ...]:
    """Return the coverage of each theme, thinnest first. A resource counts for each of its themes."""
    types = tuple(dict.fromkeys(resource.type for resource in catalogue if resource.type))
    told = []
    for theme in dict.fromkeys(themes):
        here = [resource for resource in catalogue if theme in resource.themes]
        of_type = Counter(resource.type or UNKNOWN for resource in here)
        of_scale = Counter(resource.scale or UNKNOWN for resource in here)
        missing = tuple(kind for kind in types if kind not in of_type)
        thin = len(here) <= _THIN
        told.append(Coverage(theme, len(here), dict(of_type), dict(of_scale), missing, thin))
    return tuple(sorted(told, key=lambda one: (one.resources, one.theme)))


def cells(catalogue: Catalogue) -> tuple[Cell, ...]:
    """Return the combinations of theme, type and scale that have a resource, fullest first."""
    counts = Counter(
        (theme, resource.type or UNKNOWN, resource.scale or UNKNOWN)
        for resource in catalogue
        for theme in resource.themes or (UNKNOWN,)
    )
    return tuple(
        Cell(*key, count) for key, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )

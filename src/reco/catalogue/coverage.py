"""Coverage of a catalogue: its resources counted by theme, type and scale, and the gaps between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import SCALES, THEMES, TYPES, UNKNOWN
from reco.text.clean import fold

_THIN = 2


@dataclass(frozen=True)
class Cell:
    """How many resources have this theme, type and scale; `unknown` where a source does not say."""

    theme: str
    type: str
    scale: str
    resources: int


@dataclass(frozen=True)
class ThemeCoverage:
    """How many resources a theme has, of each type and of each scale; `missing` are the types it lacks."""

    theme: str
    resources: int
    types: Mapping[str, int]
    scales: Mapping[str, int]
    missing: tuple[str, ...]
    thin: bool
    """Whether it has two resources or fewer."""


@dataclass(frozen=True)
class Coverage:
    """Counts by (theme, type, scale), "" where it is not said; a resource of two themes counts under both.

    `themes`, `types` and `scales` are every label that may be had: those of the taxonomy, gaps included,
    then those that only this catalogue uses.
    """

    themes: tuple[str, ...]
    types: tuple[str, ...]
    scales: tuple[str, ...]
    counts: Mapping[tuple[str, str, str], int]

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Coverage:
        """Count resources."""
        counts = Counter(
            (theme, resource.type, resource.scale)
            for resource in resources
            for theme in resource.themes or ("",)
        )
        return cls(
            _labels(THEMES, (theme for theme, _, _ in counts)),
            _labels(TYPES.values(), (kind for _, kind, _ in counts)),
            _labels(SCALES, (scale for _, _, scale in counts)),
            dict(counts),
        )

    def count(self, theme: str, kind: str, scale: str | None = None) -> int:
        """Return how many resources a theme and a type have, at one scale or at all."""
        scales = self.scales if scale is None else (scale,)
        return sum(self.counts.get((theme, kind, one), 0) for one in scales)

    def gaps(self, scale: str | None = None) -> tuple[tuple[str, str], ...]:
        """Return the themes and types that no resource has together; no theme, or no type, is no gap."""
        pairs = ((t, k) for t in self.themes for k in self.types if t and k)
        return tuple((t, k) for t, k in pairs if not self.count(t, k, scale))

    def cells(self) -> tuple[Cell, ...]:
        """Return the combinations of theme, type and scale that have a resource, fullest first."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for (theme, kind, scale), resources in self.counts.items():
            counts[theme or UNKNOWN, kind or UNKNOWN, scale or UNKNOWN] += resources
        return tuple(
            Cell(*key, count) for key, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        )

    def by_theme(self, themes: Iterable[str]) -> tuple[ThemeCoverage, ...]:
        """Return the coverage of each theme, thinnest first. A type that only others have is missing."""
        types = tuple(dict.fromkeys(kind for _, kind, _ in self.counts if kind))
        found = (self._of_theme(theme, types) for theme in dict.fromkeys(themes))
        return tuple(sorted(found, key=lambda one: (one.resources, one.theme)))

    def _of_theme(self, theme: str, types: Sequence[str]) -> ThemeCoverage:
        of_type: Counter[str] = Counter()
        of_scale: Counter[str] = Counter()
        for (one, kind, scale), resources in self.counts.items():
            if one == theme:
                of_type[kind or UNKNOWN] += resources
                of_scale[scale or UNKNOWN] += resources
        missing = tuple(kind for kind in types if kind not in of_type)
        total = of_type.total()
        return ThemeCoverage(theme, total, dict(of_type), dict(of_scale), missing, total <= _THIN)


def _labels(known: Iterable[str], used: Iterable[str]) -> tuple[str, ...]:
    labels = dict.fromkeys(known)
    return tuple(labels) + tuple(sorted(set(used) - labels.keys(), key=lambda label: (fold(label), label)))

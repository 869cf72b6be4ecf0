"""The catalogue: resources sorted by id, with filters, facets and differences."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reco.catalogue import languages
from reco.catalogue.places.codes import written
from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import TYPES
from reco.errors import InvalidQuery
from reco.text.clean import fold

if TYPE_CHECKING:
    import pandas as pd

FACETS = ("type", "theme", "publisher", "year", "scale", "language", "place")
_LISTS = ("themes", "notes")

Values = str | Iterable[str]
"""One value of a facet, or several."""


def several(values: Values) -> tuple[str, ...]:
    """Return one value, or several, as a tuple."""
    return (values,) if isinstance(values, str) else tuple(values)


@dataclass(frozen=True)
class Filters:
    """Conditions on a result. Values of one field are alternatives; all fields must match.

    Comparison ignores case and accents. A type may be given by its code (`guide`). A place may be given by
    its name as the source or the gazetteer writes it, by its code, or by its département's code.

    >>> Filters.of(type="guide", theme=["Eau", "Sport"], first_year=2015).by_facet
    {'type': ('guide',), 'theme': ('Eau', 'Sport')}
    """

    types: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    first_year: int | None = None
    last_year: int | None = None

    @classmethod
    def of(
        cls,
        *,
        type: Values = (),
        theme: Values = (),
        publisher: Values = (),
        scale: Values = (),
        language: Values = (),
        place: Values = (),
        first_year: int | None = None,
        last_year: int | None = None,
    ) -> Filters:
        """Return filters from one value or several a facet, under the facet's own name."""
        return cls(
            several(type),
            several(theme),
            several(publisher),
            several(scale),
            several(language),
            several(place),
            first_year,
            last_year,
        )

    @property
    def by_facet(self) -> dict[str, tuple[str, ...]]:
        """The values by facet name, without the empty facets."""
        named = {
            "type": self.types,
            "theme": self.themes,
            "publisher": self.publishers,
            "scale": self.scales,
            "language": self.languages,
            "place": self.places,
        }
        return {facet: values for facet, values in named.items() if values}


@dataclass(frozen=True)
class Changes:
    """Ids added, changed (text or facets) and removed, and the number of unchanged resources."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int

    @property
    def quiet(self) -> bool:
        """Whether nothing changed."""
        return not (self.added or self.changed or self.removed)


class Catalogue(Sequence[Resource]):
    """An immutable sequence of resources sorted by id; row i is the same resource in every array.

    >>> home.catalogue[0].title
    'Rénover la piscine municipale'
    >>> home.catalogue.to_frame()[["id", "year"]].head(2).values.tolist()
    [['r00', 2000], ['r01', 2001]]
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = tuple(sorted(resources, key=lambda resource: resource.id))
        self._rows = {resource.id: row for row, resource in enumerate(self._resources)}
        if len(self._rows) != len(self._resources):
            raise ValueError("two resources of a catalogue have the same id")

    def __len__(self) -> int:
        return len(self._resources)

    def __getitem__(self, row: Any) -> Any:
        return self._resources[row]

    def __iter__(self) -> Iterator[Resource]:
        # The inherited `__iter__` calls `__getitem__` for each row, which takes ten times as long.
        return iter(self._resources)

    def row(self, identifier: str) -> int | None:
        """Return the row of an id, or None if the catalogue lacks it."""
        return self._rows.get(identifier)

    def select(self, filters: Filters) -> NDArray[np.bool_]:
        """Return the mask of the rows that pass the filters, (resources,)."""
        allowed = np.ones(len(self), dtype=bool)
        for facet, values in filters.by_facet.items():
            passing = np.zeros(len(self), dtype=bool)
            for value in values:
                passing[self._rows_of[facet].get(_asked(facet, value), [])] = True
            allowed &= passing
        if filters.first_year is not None:
            allowed &= self._years >= filters.first_year
        if filters.last_year is not None:
            allowed &= (self._years <= filters.last_year) & (self._years > 0)
        return allowed

    def knows(self, facet: str, value: str) -> bool:
        """Whether any resource has this value of the facet."""
        return _asked(facet, value) in self._rows_of[facet]

    def require_known(self, filters: Filters) -> None:
        """Raise InvalidQuery, with the nearest values, for an unknown value or an empty range of years."""
        problems, hints = [], []
        for facet, values in filters.by_facet.items():
            known = sorted({v for resource in self for v in values_of(resource, facet)})
            for value in values:
                if not self.knows(facet, value):
                    problems.append(f"no resource has the {facet} {value!r}")
                    near = get_close_matches(value, known, n=3, cutoff=0.4) or known[:5]
                    hints.append(f"{facet}s in this catalogue include: {', '.join(near)}.")
        first, last = filters.first_year, filters.last_year
        if first is not None and last is not None and first > last:
            problems.append(f"no year is from {first} to {last}")
            hints.append("Swap the two years.")
        if problems:
            raise InvalidQuery(f"The query cannot be answered: {'; '.join(problems)}.", " ".join(hints))

    def facets(self, filters: Filters | None = None) -> dict[str, dict[str, int]]:
        """Return each facet's values with their counts among the rows that pass, most frequent first."""
        allowed = self.select(filters or Filters())
        counted = {}
        for facet in FACETS:
            counts = Counter(
                value for row in np.flatnonzero(allowed) for value in values_of(self[row], facet)
            )
            counted[facet] = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        return counted

    def to_frame(self) -> pd.DataFrame:
        """Return the resources as a DataFrame, one row each.

        Lists are joined by "; ". `set_aside` is a number of characters.
        """
        import pandas as pd  # slow to import, and needed for tables only

        columns = list(Resource.__dataclass_fields__)
        frame = pd.DataFrame([asdict(resource) for resource in self], columns=columns)
        for name in _LISTS:
            frame[name] = ["; ".join(values) for values in frame[name]]
        frame["localities"] = ["; ".join(p.name for p in resource.localities) for resource in self]
        frame["set_aside"] = [sum(s.end - s.start for s in resource.set_aside) for resource in self]
        frame["year"] = frame["year"].astype("Int64")
        return frame

    @cached_property
    def _years(self) -> NDArray[np.int64]:
        return np.asarray([resource.year or 0 for resource in self], dtype=np.int64)

    @cached_property
    def _rows_of(self) -> dict[str, dict[str, array[int]]]:
        """Per facet, the rows of each key, in a few bytes each."""
        rows_of: dict[str, dict[str, array[int]]] = {}
        for facet in FACETS:
            rows_of[facet] = {}
            for row, resource in enumerate(self):
                for key in _keys_of(resource, facet):
                    rows_of[facet].setdefault(key, array("i")).append(row)
        return rows_of


def _key(facet: str, value: str) -> str:
    return fold(TYPES.get(value.strip().casefold(), value)) if facet == "type" else fold(value)


def _asked(facet: str, value: str) -> str:
    """Return the key of a filter's value: a language or a code may be written as sources write it."""
    if facet == "language":
        value = languages.code(value) or value
    elif facet == "place":
        value = written(value)
    return _key(facet, value)


def _keys_of(resource: Resource, facet: str) -> Iterable[str]:
    """Return every key by which a filter may name a resource's values of a facet, each once."""
    names = list(values_of(resource, facet))
    if facet == "publisher":
        names.append(resource.publisher)
    elif facet == "place":
        names += [resource.place, *_pieces(resource.place)]
        for locality in resource.localities:
            # A région's code can also be the code of a département elsewhere.
            codes = () if locality.kind == "region" else (locality.code, locality.department)
            names += [locality.name, *codes]
    return dict.fromkeys(_key(facet, value) for value in names if value)


def values_of(resource: Resource, facet: str) -> tuple[str, ...]:
    """Return a resource's values of a facet; themes, publishers and places may be several."""
    if facet == "theme":
        return resource.themes
    if facet == "publisher":
        return tuple(dict.fromkeys(_pieces(resource.publisher)))
    if facet == "place":
        return _places(resource)
    value = getattr(resource, facet)
    return (str(value),) if value not in ("", None) else ()


def _places(resource: Resource) -> tuple[str, ...]:
    """Return the labels of a resource's localities, then the parts of `place` that are no locality."""
    labels = [locality.label for locality in resource.localities]
    pieces = _pieces(resource.place)
    if len(labels) < len(pieces):
        names = {fold(locality.name) for locality in resource.localities}
        labels += [piece for piece in pieces if fold(piece) not in names]
    return tuple(dict.fromkeys(labels))


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.split(";") if piece.strip()]


def diff(before: Catalogue, after: Catalogue) -> Changes:
    """Return the changes between two catalogues; a change of any field counts, facets included."""
    old = {resource.id: resource for resource in before}
    new = {resource.id: resource for resource in after}
    added = tuple(sorted(new.keys() - old.keys()))
    removed = tuple(sorted(old.keys() - new.keys()))
    changed = tuple(i for i in sorted(new.keys() & old.keys()) if new[i] is not old[i] and new[i] != old[i])
    return Changes(added, changed, removed, len(new) - len(added) - len(changed))

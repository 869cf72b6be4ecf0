"""The map of France: the position of each locality, and outlines made from the communes' coordinates.

Metropolitan France is in Lambert's conformal conic projection (Snyder 1987, USGS Professional Paper
1395, section 15, on a sphere), in kilometres. Each overseas département has its own frame beside it, in
an equirectangular projection at its own scale. Nothing is downloaded: the outlines come from the
coordinates in `places.csv`, so they are rough where few communes have coordinates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, log, pi, radians, sin, tan

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from reco.catalogue.places.gazetteer import Gazetteer, Locality

Points = NDArray[np.float64]

INSET = 170.0
"""Side of an overseas frame, in kilometres of the metropolitan map."""
MARGIN = 20.0
METROPOLE = ""
"""The code of the frame of metropolitan France."""

_EARTH = 6371.0
_PARALLELS = (radians(44.0), radians(49.0))
_ORIGIN = (radians(46.5), radians(3.0))
_LONGEST = {True: 38.0, False: 2 * INSET}
"""Kilometres between neighbouring communes beyond which there is sea or a border.

The key tells metropolitan France (True) from a frame overseas (False).
"""


@dataclass(frozen=True)
class Frame:
    """A rectangle of the plane that shows an overseas département, or metropolitan France (`METROPOLE`)."""

    code: str
    name: str
    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Spot:
    """The position of a locality. `exact`: the point of the commune itself, not the centre of an area."""

    x: float
    y: float
    frame: str
    exact: bool


@dataclass(frozen=True)
class Outline:
    """Land as closed rings, (n, 2) each, and borders between départements as segments, (n, 2, 2)."""

    land: tuple[Points, ...]
    borders: Points


class Atlas:
    """The map of a gazetteer's localities."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._communes = [p for p in gazetteer.all("commune") if p.latitude is not None]
        departments = gazetteer.all("department")
        self._names = {place.code: place.name for place in departments}
        self._overseas = sorted({p.department for p in self._communes if len(p.department) == 3})
        self._centres = _centres(self._communes)
        counts = [place.region for place in departments]
        self._single = {p.region: p.code for p in departments if counts.count(p.region) == 1}

    @cached_property
    def frames(self) -> Mapping[str, Frame]:
        """Metropolitan France, then each overseas département with known coordinates."""
        points = np.asarray([lambert(*_degrees(p)) for p in self._of(METROPOLE)])
        (west, south), (east, north) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        found = {METROPOLE: Frame(METROPOLE, "", west, south, east, north)}
        left = west - INSET - 3 * MARGIN
        for rank, code in enumerate(self._overseas):
            top = north - rank * (INSET + MARGIN)
            name = self._names.get(code, code)
            found[code] = Frame(code, name, left, top - INSET, left + INSET, top)
        return found

    def spot(self, place: Locality) -> Spot | None:
        """Return the position of a locality, or None.

        A commune without coordinates is drawn at the centre of its EPCI. An EPCI and a département are
        drawn at the centre of their communes. A région of several départements has no position, since a
        point would suggest one town.
        """
        if place.latitude is not None and place.longitude is not None:
            return self._at(place.latitude, place.longitude, place.department, True)
        area = {"commune": place.epci, "region": self._single.get(place.code, "")}.get(place.kind, place.code)
        if area not in self._centres:
            return None
        return self._at(*self._centres[area], place.department or area, False)

    def outline(self, frame: str) -> Outline:
        """Return the outline of one frame."""
        communes = self._of(frame)
        spots = [self._at(*_degrees(p), p.department, True) for p in communes]
        points = np.asarray([(spot.x, spot.y) for spot in spots])
        return _outline(points, np.asarray([p.department for p in communes]), _LONGEST[frame == METROPOLE])

    def _of(self, frame: str) -> list[Locality]:
        return [p for p in self._communes if self._frame(p.department) == frame]

    def _frame(self, department: str) -> str:
        return department if department in self._overseas else METROPOLE

    def _at(self, latitude: float, longitude: float, department: str, exact: bool) -> Spot:
        frame = self._frame(department)
        if frame == METROPOLE:
            return Spot(*lambert(latitude, longitude), frame, exact)
        (north, east), scale = self._scales[frame]
        box = self.frames[frame]
        x = (longitude - east) * cos(radians(north)) * scale
        y = (latitude - north) * scale
        return Spot((box.west + box.east) / 2 + x, (box.south + box.north) / 2 + y, frame, exact)

    @cached_property
    def _scales(self) -> dict[str, tuple[tuple[float, float], float]]:
        """Per overseas frame, the latitude and longitude of its middle, and map kilometres per degree."""
        found = {}
        for code in self._overseas:
            degrees = np.asarray([_degrees(p) for p in self._of(code)])
            (south, west), (north, east) = degrees.min(axis=0).tolist(), degrees.max(axis=0).tolist()
            middle = ((south + north) / 2, (west + east) / 2)
            spread = max(north - south, (east - west) * cos(radians(middle[0])), 0.1)
            found[code] = (middle, (INSET - 2 * MARGIN) / spread)
        return found


def lambert(latitude: float, longitude: float) -> tuple[float, float]:
    """Return the kilometres east and north of 46.5° N, 3° E (Snyder 1987, equations 15-1 to 15-5)."""
    first, second = _PARALLELS
    n = log(cos(first) / cos(second)) / log(_height(second) / _height(first))
    scale = _EARTH * cos(first) * _height(first) ** n / n
    radius, radius_0 = (scale / _height(phi) ** n for phi in (radians(latitude), _ORIGIN[0]))
    theta = n * (radians(longitude) - _ORIGIN[1])
    return radius * sin(theta), radius_0 - radius * cos(theta)


def _height(latitude: float) -> float:
    return tan(pi / 4 + latitude / 2)


def _degrees(place: Locality) -> tuple[float, float]:
    if place.latitude is None or place.longitude is None:
        raise ValueError(f"the coordinates of {place.name} are unknown")
    return place.latitude, place.longitude


def _centres(communes: Iterable[Locality]) -> dict[str, tuple[float, float]]:
    """Return the mean latitude and longitude of the communes of each EPCI and département."""
    members: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for commune in communes:
        for area in (commune.epci, commune.department):
            if area:
                members[area].append(_degrees(commune))
    means = {area: np.mean(degrees, axis=0).tolist() for area, degrees in members.items()}
    return {area: (latitude, longitude) for area, (latitude, longitude) in means.items()}


def _outline(points: Points, departments: NDArray[np.str_], longest: float) -> Outline:
    """Triangulate the communes and remove the sea.

    A border runs through the triangles whose corners are in different départements. It joins the middles
    of the two sides that it crosses; where three départements meet, it joins each middle to the centre.
    """
    mesh = Delaunay(points)
    land = mesh.simplices[_on_land(mesh, points, longest)]
    borders = _borders(points[land], departments[land])
    return Outline(
        tuple(points[ring] for ring in _rings(land)), np.asarray(borders, dtype=np.float64).reshape(-1, 2, 2)
    )


def _on_land(mesh: Delaunay, points: Points, longest: float) -> NDArray[np.bool_]:
    """Return the mask of the land triangles.

    Sea spreads from the outer edge through the triangles that have a long side.
    """
    corners = points[mesh.simplices]
    long = (np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2) > longest).any(axis=1)
    sea = long & (mesh.neighbors < 0).any(axis=1)
    while True:
        beside = (sea[mesh.neighbors] & (mesh.neighbors >= 0)).any(axis=1)
        grown = sea | (long & beside)
        if np.array_equal(grown, sea):
            land: NDArray[np.bool_] = ~sea
            return land
        sea = grown


def _rings(triangles: NDArray[np.int32]) -> list[list[int]]:
    """Return the outer edges of counterclockwise triangles as closed rings of point numbers."""
    edges = {(int(t[i]), int(t[(i + 1) % 3])) for t in triangles for i in range(3)}
    following: dict[int, list[int]] = defaultdict(list)
    for start, end in sorted(edges):
        if (end, start) not in edges:
            following[start].append(end)
    rings = []
    while following:
        ring = [next(iter(following))]
        while ring[-1] in following:
            next_points = following[ring[-1]]
            ring.append(next_points.pop())
            if not next_points:
                del following[ring[-2]]
        rings.append(ring)
    return rings


def _borders(corners: Points, owners: NDArray[np.str_]) -> list[Sequence[Points]]:
    found: list[Sequence[Points]] = []
    for triangle, names in zip(corners, owners, strict=True):
        crossed = [
            (triangle[i] + triangle[j]) / 2 for i, j in ((0, 1), (1, 2), (2, 0)) if names[i] != names[j]
        ]
        if len(crossed) == 2:
            found.append(crossed)
        elif crossed:
            centre = triangle.mean(axis=0)
            found += [(middle, centre) for middle in crossed]
    return found

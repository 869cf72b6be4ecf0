"""The map of France: a published projection, frames apart from each other, land where there is land."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from reco.catalogue.places import gazetteer as places
from reco.catalogue.places.cartography import METROPOLE, Atlas, Outline, lambert
from reco.catalogue.places.gazetteer import Gazetteer


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas(places.bundled())


def test_the_projection_is_snyder_s() -> None:
    """The sphere's worked example (Snyder 1987, p. 295) with its parallels and origin, in our units."""
    import math
    from unittest.mock import patch

    from reco.catalogue.places import cartography

    with (
        patch.object(cartography, "_PARALLELS", (math.radians(33), math.radians(45))),
        patch.object(cartography, "_ORIGIN", (math.radians(23), math.radians(-96))),
        patch.object(cartography, "_EARTH", 1.0),
    ):
        assert lambert(35, -75) == pytest.approx((0.2966785, 0.2462112), abs=1e-6)


def test_distances_are_kept_within_a_hundredth() -> None:
    """Great circles by the haversine formula: Dunkerque to Perpignan, Brest to Strasbourg."""
    for a, b in (((51.03, 2.38), (42.70, 2.90)), ((48.39, -4.49), (48.58, 7.75))):
        drawn = np.hypot(*np.subtract(lambert(*a), lambert(*b)))
        assert drawn == pytest.approx(haversine(a, b), rel=0.01)


def haversine(a: tuple[float, float], b: tuple[float, float]) -> float:
    (phi, lam), (psi, mu) = np.radians(a), np.radians(b)
    inside = np.sin((psi - phi) / 2) ** 2 + np.cos(phi) * np.cos(psi) * np.sin((mu - lam) / 2) ** 2
    return float(2 * 6371 * np.arcsin(np.sqrt(inside)))


def test_overseas_frames_stand_apart_and_hold_their_communes(atlas: Atlas) -> None:
    frames = atlas.frames
    assert set(frames) == {METROPOLE, "971", "972", "973", "974", "976"}
    boxes = list(frames.values())
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = (
                one.east <= other.west
                or other.east <= one.west
                or one.north <= other.south
                or other.north <= one.south
            )
            assert apart, (one.name, other.name)
    for commune in places.bundled().all("commune"):
        spot = atlas.spot(commune)
        if spot is not None:
            box = frames[spot.frame]
            assert box.west <= spot.x <= box.east and box.south <= spot.y <= box.north, commune


def test_a_known_point_is_exact_and_a_centre_is_not(atlas: Atlas) -> None:
    gazetteer = places.bundled()
    (malaunay,) = gazetteer.named("Malaunay", ("commune",))
    (aveyron,) = gazetteer.named("Aveyron", ("department",))
    here, centre = atlas.spot(malaunay), atlas.spot(aveyron)
    assert here is not None and here.exact
    assert (here.x, here.y) == lambert(malaunay.latitude, malaunay.longitude)
    assert centre is not None and not centre.exact


def test_a_region_of_several_departements_is_nowhere(atlas: Atlas) -> None:
    gazetteer = places.bundled()
    (brittany,) = gazetteer.named("Bretagne", ("region",))
    (reunion,) = gazetteer.named("La Réunion", ("region",))
    assert atlas.spot(brittany) is None
    spot = atlas.spot(reunion)
    assert spot is not None and spot.frame == "974" and not spot.exact


def test_the_land_is_france(atlas: Atlas) -> None:
    outline = atlas.outline(METROPOLE)
    cities = {
        "Paris": (48.86, 2.35),
        "Rodez": (44.35, 2.57),
        "Langres": (47.86, 5.33),
        "Corte": (42.31, 9.15),
    }
    foreign = {"Londres": (51.5, -0.1), "Genova": (44.4, 8.9), "golfe": (45.5, -2.5), "Manche": (49.6, -0.7)}
    assert [name for name, at in cities.items() if not inside(outline, lambert(*at))] == []
    assert [name for name, at in foreign.items() if inside(outline, lambert(*at))] == []
    area = sum(abs(shoelace(ring)) for ring in outline.land)
    assert 480_000 < area < 560_000, "metropolitan France has 543,940 km²"
    assert len(outline.borders) > 1000


def inside(outline: Outline, point: tuple[float, float]) -> bool:
    """Whether a point is in the land, by crossings (even-odd)."""
    x, y = point
    crossings = 0
    for ring in outline.land:
        for (x0, y0), (x1, y1) in pairwise(ring):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                crossings += 1
    return crossings % 2 == 1


def shoelace(ring: np.ndarray) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def test_a_commune_without_neighbours_is_nowhere() -> None:
    (place,) = (p for p in places.bundled().all("commune") if p.name == "Miquelon-Langlade")
    assert Atlas(places.bundled()).spot(place) is None


def test_a_gazetteer_of_one_departement_has_one_frame() -> None:
    some = [p for p in places.bundled().all("commune") if p.department == "12"]
    atlas = Atlas(Gazetteer(some, {}))
    assert set(atlas.frames) == {METROPOLE}
    assert len(atlas.outline(METROPOLE).borders) == 0

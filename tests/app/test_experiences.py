"""Experiences: one for each place of a resource, and initiatives whose place is unknown."""

from __future__ import annotations

import pytest

from reco.app.experiences import BANDS, Experience, experiences
from reco.catalogue.places import gazetteer
from reco.catalogue.places.cartography import Atlas
from reco.catalogue.places.gazetteer import Locality
from reco.catalogue.taxonomy import TYPES
from tests.support import resource


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas(gazetteer.bundled())


def test_each_place_is_one_and_an_unknown_place_is_kept(atlas: Atlas) -> None:
    located = gazetteer.bundled().locate("Port-Vendres et Alénya").localities
    found = experiences(
        [
            resource("two", localities=located),
            resource("lost", type=TYPES["initiative"], place="PETR du Pays Barrois"),
            resource("report", type=TYPES["report"]),
        ],
        atlas,
    )
    assert [(one.resource.id, one.place.name if one.place else "") for one in found] == [
        ("two", "Port-Vendres"),
        ("two", "Alénya"),
        ("lost", ""),
    ]
    assert found[0].department == "66"
    assert found[2].spot is None and found[2].department == ""


@pytest.mark.parametrize(
    ("population", "band"),
    [(0, 0), (1_999, 0), (2_000, 2_000), (50_000, 50_000), (2_000_000, 50_000), (None, None)],
)
def test_bands_hold_their_lower_bound(population: int | None, band: int | None) -> None:
    one = Experience(resource("r"), Locality("commune", "1", "A", population=population), None)
    assert one.band == band
    assert band is None or band in BANDS

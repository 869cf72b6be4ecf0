"""What a place names, and what it must not be taken to name."""

from __future__ import annotations

from collections import Counter

import pytest

from reco.catalogue.places.gazetteer import bundled
from reco.text.clean import fold

GAZETTEER = bundled()


def named(place: str, code: str = "", scale: str = "") -> list[tuple[str, str]]:
    return [(p.kind, p.code) for p in GAZETTEER.locate(place, code, scale).localities]


@pytest.mark.parametrize(
    ("place", "code", "scale", "expected"),
    [
        ("Loos-en-Gohelle", "", "", [("commune", "62528")]),
        ("loos en gohelle", "", "", [("commune", "62528")]),
        ("Ville de Lille", "", "", [("commune", "59350")]),
        ("Ville du Havre", "", "", [("commune", "76351")]),
        ("Lyon (rue Garibaldi)", "", "", [("commune", "69123")]),
        ("Département de la Dordogne", "", "", [("department", "24")]),
        ("Région La Réunion", "", "", [("region", "04")]),
        ("Communauté de communes Erdre et Gesvres", "", "", [("epci", "244400503")]),
        ("Dunkerque", "", "EPCI", [("epci", "245900428")]),
        ("Dunkerque", "", "ville moyenne", [("commune", "59183")]),
        ("Sainte-Colombe (76)", "", "", [("commune", "76569")]),
        ("Sainte-Colombe (Seine-Maritime)", "", "", [("commune", "76569")]),
        ("Sainte-Colombe", "76", "", [("commune", "76569")]),
        ("Trémargat", "22110", "", [("commune", "22365")]),  # a postal code, not INSEE's
        ("Port-Vendres et Alénya", "", "", [("commune", "66148"), ("commune", "66002")]),
        ("Bonnœuvre", "", "", [("commune", "44180")]),  # now a part of Vallons-de-l'Erdre
        ("", "75", "", [("department", "75")]),
        ("Paris", "", "", [("commune", "75056")]),
        ("Paris", "75", "métropole", [("commune", "75056")]),
        ("Paris", "75", "département", [("department", "75")]),
        ("Mayenne", "53", "petite ville", [("commune", "53147")]),
        ("Mayenne", "53", "département", [("department", "53")]),
        ("Marennes", "69", "", [("commune", "69281")]),
        ("Marennes", "17", "", [("commune", "17219")]),  # now Marennes-Hiers-Brouage
        ("Normandie, Bretagne, Occitanie", "", "", [("region", "28"), ("region", "53"), ("region", "76")]),
        ("France", "", "", []),
    ],
)
def test_a_place_is_found(place: str, code: str, scale: str, expected: list[tuple[str, str]]) -> None:
    assert named(place, code, scale) == expected


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("Sainte-Colombe", ""),
        ("Saint-Martin", ""),
        ("Bretagne", ""),
        ("Aube", ""),
        ("Mayenne", ""),
        ("Mayenne", "53"),  # the commune in the département, or the département itself
        ("Marennes", ""),  # a commune of Rhône, and one that has joined another in Charente-Maritime
    ],
)
def test_a_shared_name_is_never_guessed(place: str, code: str) -> None:
    found = GAZETTEER.locate(place, code)
    assert found.localities == () and "shared" in found.notes[0]


def test_what_a_shared_name_may_be_is_said_with_the_codes_to_pin() -> None:
    (note,) = GAZETTEER.locate("Mayenne").notes
    assert "commune 53147" in note and "department 53" in note


def test_no_name_that_communes_share_is_given_to_one_of_them() -> None:
    communes = [p for p in GAZETTEER._by_code.values() if p.kind == "commune"]
    counts = Counter(fold(p.name).replace("-", " ").replace("'", " ") for p in communes)
    shared = [name for name, count in counts.items() if count > 1]
    assert len(shared) > 1_400
    for name in shared[::20]:
        assert not any(p.kind == "commune" for p in GAZETTEER.locate(name).localities), name


def test_what_is_unknown_says_so_and_keeps_what_is_known() -> None:
    found = GAZETTEER.locate("Saint-Fons ; Le Trièves")
    assert [p.name for p in found.localities] == ["Saint-Fons"]
    assert len(found.notes) == 1 and "Trièves" in found.notes[0]
    assert "unknown" in GAZETTEER.locate("", "99999").notes[0]


def test_the_table_is_whole() -> None:
    kinds = Counter(p.kind for p in GAZETTEER._by_code.values())
    assert kinds["commune"] > 34_900 and kinds["epci"] > 1_200 and kinds["department"] == 109
    lille = GAZETTEER.by_code("59350")
    assert lille is not None and lille.department == "59" and lille.population and lille.population > 200_000
    assert lille.latitude == pytest.approx(50.63, abs=0.05) and lille.epci

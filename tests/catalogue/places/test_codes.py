"""Codes of places, as spreadsheets leave them and as people type them."""

from __future__ import annotations

import pytest

from reco.catalogue.places.codes import written
from reco.catalogue.places.gazetteer import bundled
from reco.catalogue.places.lookup import chosen
from reco.errors import InvalidQuery

LAON = "02408"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2408", LAON),
        ("2408.0", LAON),
        ("02 408", LAON),
        ("INSEE 02408", LAON),
        ("02408 - Laon", LAON),
        ("2a004", "2A004"),
        ("2A4", "2A004"),
        ("2", "02"),
        ("2a", "2A"),
        ("200 023 414", "200023414"),
        ("2408; 1004", "02408; 01004"),
        ("22;29", "22;29"),
        ("[02408]", LAON),
        ('="02408"', LAON),
        ("2408 ?", LAON),
        ("CP 02000", "02000"),
        ("INSEE=2408", LAON),
        ("002", "02"),
        ("000", "000"),
        ("2408 / 1004", "02408; 01004"),
        ("n.c.", "n.c."),
        ("0", "0"),
        ("", ""),
    ],
)
def test_a_code_is_written_as_insee_writes_it(text: str, code: str) -> None:
    assert written(text) == code
    assert written(code) == code


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("", "2408"),
        ("Laon", "2408.0"),
        ("Laon", "02000"),
        ("Laon", "2000"),
        ("02000 Laon", ""),
        ("Laon (02000)", ""),
        ("LAON CEDEX", "2"),
        ("2408", ""),
        ("Laon", "Aisne"),
        ("Laon", "99999"),
        ("Laon", "75001"),
        ("Laon", "0"),
    ],
)
def test_no_code_vetoes_a_name_that_only_one_commune_has(place: str, code: str) -> None:
    found = bundled().locate(place, code)
    assert [commune.code for commune in found.localities] == [LAON]
    assert bool(found.notes) == (code in ("Aisne", "99999", "75001", "0"))


@pytest.mark.parametrize("code", ["93066", "93", "93200"])
def test_a_code_tells_homonyms_apart(code: str) -> None:
    assert [place.code for place in bundled().locate("Saint-Denis", code).localities] == ["93066"]


@pytest.mark.parametrize(
    ("place", "code"), [("Laon", "75056"), ("", "02000"), ("", "99999"), ("Saint-Denis", "x")]
)
def test_a_doubt_is_told(place: str, code: str) -> None:
    found = bundled().locate(place, code)
    assert found.localities == () and code in " ".join(found.notes)


@pytest.mark.parametrize(
    "typed", ["2408", "02 408", "02408", "Laon (02000)", "02000 Laon", "Laon 02000", "laon (aisne)"]
)
def test_a_person_types_it_in_many_ways(typed: str) -> None:
    assert chosen(typed).code == LAON


def test_a_postal_code_gives_its_commune_or_its_communes() -> None:
    assert chosen("22110 Trémargat").code == "22365"
    assert chosen("75001").code == "75056"
    with pytest.raises(InvalidQuery, match=r"postal code of .*Laon"):
        chosen("02000")
    assert LAON in [place.code for place in bundled().search("02000")]


def test_an_answer_with_a_slash_is_one_unknown_code() -> None:
    assert bundled().locate("Laon", "N/A").notes == ("place code N/A is unknown",)


@pytest.mark.parametrize(
    ("place", "code", "found"),
    [
        ("", "75115", "75056"),
        ("Paris 15e arrondissement", "75115", "75056"),
        ("Lyon 3e", "", "69123"),
        ("Marseille Ier", "13201", "13055"),
        ("2", "", "02"),
    ],
)
def test_a_district_is_its_commune_and_a_number_a_departement(place: str, code: str, found: str) -> None:
    located = bundled().locate(place, code)
    assert ([one.code for one in located.localities], located.notes) == ([found], ())


def test_the_code_of_a_district_that_is_a_postal_code_elsewhere_is_that() -> None:
    assert chosen("13210").name == "Saint-Rémy-de-Provence"

"""The table of acronyms: found in texts as people write them, learnt where texts define them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import REPOSITORY

from reco.acronyms import Acronyms, Entry, learn
from reco.errors import InvalidInput


@pytest.fixture(scope="module")
def table() -> Acronyms:
    return Acronyms.read(REPOSITORY / "data" / "acronyms.csv")


def shorts(table: Acronyms, text: str) -> list[str]:
    return [expansion.short for expansion in table.find(text)]


def test_the_bundled_table_is_large_and_each_row_finds_itself(table: Acronyms) -> None:
    assert len(table) >= 150
    for entry in table.entries:
        found = {
            e.entry.concept for form in (entry.short, entry.full) for e in table.find(f"Notre {form} ici")
        }
        assert found, entry


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Réviser le PCAET", ["PCAET"]),
        ("réviser le pcaet", ["PCAET"]),
        ("réviser le plan climat-air-énergie territorial", ["PCAET"]),
        ("réviser le Plan Climat Air Energie Territorial", ["PCAET"]),
        ("un plan local d’urbanisme intercommunal", ["PLUi"]),
        ("notre sage-femme et nos amis", []),
        ("le SAGE de la rivière", ["SAGE"]),
        ("des tiers-lieux", ["tiers-lieu"]),
        ("un tiers lieu", ["tiers-lieu"]),
    ],
)
def test_acronyms_are_found_as_they_are_written(table: Acronyms, text: str, expected: list[str]) -> None:
    assert shorts(table, text) == expected


def test_an_expansion_says_where_it_stands(table: Acronyms) -> None:
    text = "Demander la DETR pour l'école"
    expansion = table.find(text)[0]
    assert text[expansion.start : expansion.end] == expansion.written == "DETR"


def test_both_forms_of_one_concept_share_one_term(table: Acronyms) -> None:
    assert table.concepts("le PCAET") == table.concepts("le plan climat-air-énergie territorial")


@pytest.mark.parametrize(
    ("text", "short", "full"),
    [
        ("Un plan de sauvegarde communal (PSC) existe", "PSC", "plan de sauvegarde communal"),
        (
            "la direction départementale des territoires (DDT)",
            "DDT",
            "direction départementale des territoires",
        ),
    ],
)
def test_definitions_are_learnt_from_texts(text: str, short: str, full: str) -> None:
    assert [(entry.short, entry.full) for entry in learn([text])] == [(short, full)]


def test_a_parenthesis_that_defines_nothing_teaches_nothing() -> None:
    assert learn(["les habitants de la vallée (ADEME)", "le maire (PS)"]) == []


def test_the_table_wins_over_what_texts_define() -> None:
    table = Acronyms([Entry("PAT", "projet alimentaire territorial")])
    extended = table.extended([Entry("PAT", "plan d'accueil touristique"), Entry("XYZ", "x y z")])
    assert [e.full for e in extended.entries] == ["projet alimentaire territorial", "x y z"]


def test_a_table_survives_its_own_bytes(table: Acronyms) -> None:
    assert Acronyms.from_bytes(table.to_bytes()).entries == table.entries


def test_a_row_without_its_full_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "acronyms.csv"
    path.write_text("short,full,synonyms,note\nPCAET,plan climat,,\nZAN,,,\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="line 3"):
        Acronyms.read(path)

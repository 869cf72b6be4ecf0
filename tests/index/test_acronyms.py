"""The table of acronyms: found in texts as people write them, learnt where texts define them."""

from __future__ import annotations

import csv
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.errors import InvalidInput
from reco.index.acronyms import Acronym, Acronyms, _full_form, learn
from reco.text.clean import fold
from reco.text.french import french
from reco.text.tokens import tokens
from tests.support import REPOSITORY


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
    table = Acronyms([Acronym("PAT", "projet alimentaire territorial")])
    extended = table.extended([Acronym("PAT", "plan d'accueil touristique"), Acronym("XYZ", "x y z")])
    assert [e.full for e in extended.entries] == ["projet alimentaire territorial", "x y z"]


def test_a_table_survives_its_own_bytes(table: Acronyms) -> None:
    assert Acronyms.from_bytes(table.to_bytes()).entries == table.entries


def test_a_row_without_its_full_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "acronyms.csv"
    path.write_text("short,full,synonyms,note\nPCAET,plan climat,,\nZAN,,,\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="line 3"):
        Acronyms.read(path)


PIECES = st.sampled_from(
    "le PCAET du zéro artificialisation nette tiers-lieu sage SAGE, l'école (DETR) İle d’eau".split(" ")
)


@given(st.lists(PIECES, max_size=8).map(" ".join))
def test_what_is_passed_over_without_reading_has_no_concept(table: Acronyms, text: str) -> None:
    assert any(map(table.may_begin, tokens(text))) or not table.find(text)


def test_few_tokens_may_begin_an_entry(table: Acronyms) -> None:
    assert table.may_begin("PCAET") and table.may_begin("tiers") and not table.may_begin("xylophone")


@given(
    st.lists(
        st.sampled_from(["plan", "local", "d’urbanisme", "de", "l'eau", "Île", "sol"]),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from([" ", ", "]),
    st.sampled_from(["PLU", "PLDE", "SOL", "plu"]),
)
def test_definitions_are_those_of_the_plain_pattern(before: list[str], gap: str, short: str) -> None:
    """The pattern that says what is looked for, which takes its time: up to thirteen words and a parenthesis."""
    plain = re.compile(r"((?:[\w'’-]+[ ,]+){2,12}?[\w'’-]+) \(([A-Z][\w&-]{1,9})\)")
    text = f"{gap.join(before)} ({short}) puis {' '.join(before)} (ZAN)"
    looked_for = {
        m.group(2): _full_form(m.group(1), m.group(2)) for m in reversed(list(plain.finditer(text)))
    }
    assert {e.short: e.full for e in learn([text])} == {s: full for s, full in looked_for.items() if full}


@pytest.mark.parametrize("part", ["x", "a-", "l'", "a,", "A (", "ab (A", "(AB) "])
def test_definitions_are_sought_in_time_proportional_to_a_text(part: str) -> None:
    assert learn([part * (100_000 // len(part))]) == []


@pytest.mark.parametrize("capitals", [False, True])
def test_none_of_the_commonest_words_is_an_acronym(table: Acronyms, capitals: bool) -> None:
    common = french().commonest(3_000)
    assert len(common) == 3_000 and {"ami", "sage", "notre"} < set(common)
    texts = {word: f"LE MAIRE DIT {word.upper()}" if capitals else word for word in common}
    found = {word: table.find(text) for word, text in texts.items()}
    wrong = {word: one[0].short for word, one in found.items() if one and one[0].entry.is_acronym}
    assert wrong == {}
    synonyms = {one[0].short for one in found.values() if one}
    assert synonyms == {
        "bibliothèque",
        "emprunt",
        "piscine",
        "commune rurale",
        "vélo",
    }  # they mean what they say


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("il a plu toute la nuit", []),
        ("IL A PLU TOUTE LA NUIT", []),
        ("réviser le PLU", ["PLU"]),
        ("l'abc du jardinier, par Mia", []),
        ("NOTRE AMI EST UN SAGE", []),
        ("RÉVISER LE PCAET", ["PCAET"]),
        ("LE SAGE ET LE PAVÉ\nLe SAGE est voté", ["SAGE"]),
        ("À lire :\nSAGE\nle dossier", ["SAGE"]),
        ("SAGE", ["SAGE"]),  # one word in capitals is no shouting
        ("PLU ABC 2030", ["PLU", "ABC"]),
        ("LEADER", ["LEADER"]),
        ("NOTRE", []),
        ("SAGE\n\nla rivière et ses berges", ["SAGE"]),
        ("COMPTE RENDU DU CONSEIL\nSAGE\nLE MAIRE PREND LA PAROLE", []),
        ("un concert après la crue, sans cru", ["inondation"]),
    ],
)
def test_an_everyday_word_needs_capitals_that_say_something(
    table: Acronyms, text: str, expected: list[str]
) -> None:
    assert shorts(table, text) == expected


def test_each_everyday_word_has_a_note_and_any_table_heeds_it() -> None:
    path = files("reco.index") / "ordinary_words.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len(rows) > 15 and all(row["word"] == fold(row["word"]) and row["note"] for row in rows)
    mine = Acronyms([Acronym(row["word"].upper(), "une longue forme") for row in rows])
    for row in rows:
        text = f"voir le {row['word'].upper()} du bourg"
        assert mine.find(text.lower()) == mine.find(text.upper()) == []
        assert len(mine.find(text)) == 1


def test_capitals_of_a_long_text_cost_linear_time() -> None:
    mine = Acronyms([Acronym("SAGE", "schéma")])
    assert len(mine._find_acronyms("le SAGE et la suite " * 20_000)) == 20_000

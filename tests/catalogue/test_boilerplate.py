"""What is kept out of the embedded text, and what never is."""

from __future__ import annotations

import re

import pytest

from reco.catalogue.boilerplate import KEPT, set_aside
from reco.catalogue.resource import Resource
from reco.text.passages import split, without
from tests.support import Home, resource, rows, run_cli

HABIT = "Le réseau accompagne les communes depuis sa création en région."
ABOUT = "Géographe de formation, elle enseigne à l'université et conseille plusieurs villes."


def listed(count: int, publisher: str = "Le Réseau", tail: str = HABIT) -> list[Resource]:
    return [
        resource(
            f"r{n}",
            f"Titre {n}",
            publisher=publisher,
            summary=f"La commune numéro {n} a changé quelque chose de précis. {tail}",
        )
        for n in range(count)
    ]


def aside(resources: list[Resource]) -> dict[str, list[str]]:
    found = set_aside(resources)
    return {r.id: [r.summary[s.start : s.end].strip() for s in found.get(r.id, ())] for r in resources}


def test_a_sentence_that_a_publisher_repeats_is_set_aside() -> None:
    assert aside(listed(3)) == {f"r{n}": [HABIT] for n in range(3)}


def test_two_records_make_no_habit_and_neither_do_relistings_or_other_publishers() -> None:
    assert not set_aside(listed(2))
    same_title = [
        resource(f"r{n}", "Un titre", publisher="P", summary=f"Texte {n} assez long. {HABIT}")
        for n in range(5)
    ]
    assert not set_aside(same_title)
    assert not set_aside([r for n, r in enumerate(listed(1) * 1)])
    several = [resource(f"p{n}", f"T{n}", publisher=f"P{n}", summary=f"Texte {n}. {HABIT}") for n in range(5)]
    assert not set_aside(several)


def test_a_summary_that_is_all_habit_is_read_as_it_is() -> None:
    bare = [resource(f"r{n}", f"Titre {n}", publisher="P", summary=HABIT) for n in range(4)]
    assert len(HABIT) > KEPT and not set_aside(bare)


@pytest.mark.parametrize(
    "heading",
    [
        "À propos de l’auteur : ",
        "A propos de l'autrice : ",
        "Sur l'autrice\n",
        "Qui sommes-nous ?\n",
        "Les auteurs : ",
    ],
)
def test_what_follows_such_a_heading_is_set_aside(heading: str) -> None:
    kept = "Une étude des villes moyennes et de ce que leurs maires y tentent.\n"
    one = resource("a", summary=f"{kept}{heading}{ABOUT}")
    assert aside([one])["a"] == [f"{heading}{ABOUT}"]


def test_what_a_publisher_says_of_itself_is_set_aside_whatever_its_name() -> None:
    kept = "Le dossier traite du logement vacant dans les villages et de son remploi.\n"
    text = f"{kept}Sur l’AMRF :\nCréée il y a longtemps, elle fédère des maires."
    maker = "Association des maires ruraux de France (AMRF)"
    assert aside([resource("a", publisher=maker, summary=text)])["a"] == [text[len(kept) :]]
    assert aside([resource("a", publisher="Sénat", summary=text)])["a"] == []


def test_a_guide_about_its_subject_loses_nothing() -> None:
    text = "À propos de l'eau, ce guide dit tout ce qu'une commune doit savoir. Sur la place : un marché."
    assert aside([resource("a", publisher="Cerema", summary=text)])["a"] == []


def test_positions_stay_and_no_passage_reaches_over_what_is_set_aside() -> None:
    summary = f"Oui. {HABIT} La suite du texte dit autre chose de tout à fait utile."
    spans = set_aside([*listed(3), resource("x", "Autre", publisher="Le Réseau", summary=summary)])["x"]
    read = without(summary, spans)
    assert len(read) == len(summary) and HABIT not in read
    for passage in split(summary, spans):
        assert summary[passage.start : passage.end] == read[passage.start : passage.end]
        assert HABIT not in summary[passage.start : passage.end]


def test_show_prints_what_is_read_in_how_many_tokens_and_what_is_not(home: Home) -> None:
    table = [{**row, "publisher": "Le Réseau", "summary": f"{row['summary']} {HABIT}"} for row in rows()]
    home.write(table)
    home.refresh()
    shown = run_cli("show", "r03", "--json", *home.arguments).json
    assert [piece["text"].strip() for piece in shown["set_aside"]] == [HABIT]
    assert HABIT not in shown["read"] and shown["tokens"] == len(re.findall(r"\w+", shown["read"]))
    assert all(HABIT not in passage["text"] for passage in shown["passages"])
    assert HABIT in run_cli("show", "r03", *home.arguments).out.replace("\n", " ").replace("  ", " ")
    found = run_cli("recommend", HABIT, "--json", *home.arguments).json["recommendations"]
    assert all(quote["text"].strip() != HABIT for item in found for quote in item["explanation"]["passages"])

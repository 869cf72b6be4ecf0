"""The same thing listed twice is shown as one; two things that look alike stay apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.encoder.testing import HashingEncoderForTests
from reco.index.duplicates import CuratorPairs, Families, find
from reco.index.vectors import embed
from tests.support import CountingEncoder, Home, resource, rows, run_cli, snapshot_of

ENCODER = HashingEncoderForTests()
TEXT = "Une méthode pas à pas pour retirer le bitume, planter des arbres et laisser l'eau rejoindre le sol."
TITLE = "Désimperméabiliser les cours d'école"


def families(*resources: Resource, told: CuratorPairs | None = None) -> list[tuple[str, ...]]:
    others = [
        resource(f"z{n}", row["title"], summary=row["summary"]) for n, row in enumerate(rows()) if n != 10
    ]
    catalogue = Catalogue([*resources, *others])
    return [family.members for family in find(catalogue, embed(catalogue, ENCODER)[0], told).families]


def listed(identifier: str, title: str = TITLE, **values: Any) -> Resource:
    return resource(identifier, title, **{"summary": TEXT, "publisher": "Cerema", "source": "un", **values})


@pytest.mark.parametrize(
    "other",
    [
        {"url": "https://www.cerema.fr/fr/guide/?utm_source=lettre", "summary": "Autre texte."},
        {"title": TITLE + " (2e édition)", "year": 2025, "summary": "Un tout autre résumé."},
        {"title": "Désimperméabiliser les cours d'école – édition 2025", "summary": "Un autre résumé."},
        {"title": TITLE.upper(), "publisher": "", "summary": "Encore un résumé."},
        {"title": "Le guide pour désimperméabiliser les cours d'école", "source": "deux"},
        {"title": "Cours d'école : désimperméabiliser et planter", "source": "deux"},
        {"publisher": "Banque des Territoires", "source": "deux"},
        {"publisher": "Le ministère", "url": "https://www.cerema.fr/outils", "summary": "Un autre texte."},
    ],
)
def test_one_thing_is_found_under_two_ids(other: dict[str, Any]) -> None:
    first = listed("a", url="https://cerema.fr/fr/guide", year=2021)
    assert [set(found) for found in families(first, listed("b", **other))] == [{"a", "b"}]


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Désimperméabiliser les cours d'école, tome 2"},
        {"title": "Désimperméabiliser les cimetières"},
        {"title": "Financer les cours d'école"},
        {"place": "Lille"},
        {"title": "Planter les cours d'école", "url": "https://cerema.fr/fr/guide"},
    ],
)
def test_two_things_that_look_alike_stay_apart(other: dict[str, Any]) -> None:
    first = listed("a", title=TITLE + ", tome 1" if "tome" in str(other) else TITLE, place="Rennes")
    assert families(first, listed("b", **other)) == []


@pytest.mark.parametrize("url", ["", "https://caf.fr/aides/"])
def test_two_sister_bodies_each_have_their_own(url: str) -> None:
    one, other = (
        listed(i, publisher=f"CAF {name}", url=url and url + i)
        for i, name in (("a", "du Nord"), ("b", "du Gard"))
    )
    assert families(one, other) == []


def test_a_tool_is_known_by_its_title_and_a_site_that_is_named_for_it() -> None:
    one = listed("a", title="Mobili'Pro", publisher="ADEME", url="https://mobilipro.beta.gouv.fr")
    other = listed(
        "b", title="Mobilipro", publisher="Le Cler", url="https://app.mobilipro.fr/tri", summary="Bref."
    )
    assert families(one, other) == [("a", "b")]
    elsewhere = replace(other, url="https://cler.org/mobilipro")
    assert families(one, elsewhere) == []


def test_two_pages_under_one_title_are_one_only_as_editions_or_in_nearly_the_same_words() -> None:
    one, other = (
        listed(i, title="Une aide pour un vélo", url=f"https://caen.fr/{i}", summary=summary)
        for i, summary in (("a", TEXT), ("b", "Un vélo pliant, deux cents euros, sur facture."))
    )
    assert families(one, other) == []
    assert families(replace(one, year=2024), replace(other, year=2025)) == [("b", "a")]
    assert families(one, replace(other, summary=TEXT)) == [("a", "b")]
    assert families(one, replace(other, source="deux")) == [("a", "b")]


def test_a_title_that_three_publishers_use_proves_nothing() -> None:
    several = [
        listed(f"a{n}", title="Plan vélo communal", publisher=name) for n, name in enumerate(("A", "B", "C"))
    ]
    assert families(*several) == []


def test_a_shared_front_page_proves_nothing() -> None:
    one, other = (
        resource(i, t, url="https://cerema.fr/", summary=s, publisher="Cerema")
        for i, t, s in (("a", "Des noues", "De l'eau."), ("b", "Des ponts", "Du béton."))
    )
    assert families(one, other) == []


ISBN = "978-2-07-036822-8"


@pytest.mark.parametrize(
    "other",
    [
        {"title": "La haie vive, édition reliée", "evidence": "9782070368228"},
        {"title": "The living hedge", "authors": "Roux, Zoé", "evidence": "ISBN 2-07-036822-X"},
        {"title": "La haie, vive et utile", "url": "https://libraire.fr/livre/9782070368228"},
        {
            "title": "La haie vive !",
            "evidence": f"Éditions du bourg, 2020, 120 p., ISBN {ISBN} ; https://x.fr/in/p.1",
        },
    ],
)
def test_an_isbn_with_a_title_or_an_author_is_enough(other: dict[str, Any]) -> None:
    one = listed("a", title="La haie vive", authors="Zoé Roux", evidence=f"ISBN {ISBN}", summary="Premier.")
    two = listed("b", **{"publisher": "X", "summary": "Second résumé.", **other})
    assert [set(found) for found in families(one, two)] == [{"a", "b"}]
    assert families(one, two, told=CuratorPairs(split=(("b", "a"),))) == []


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Le compost au village", "authors": "Luc Roy", "evidence": ISBN},
        {"title": "La haie vive", "type": "Chapitre de livre", "evidence": ISBN},
        {"title": "Note de lecture : La haie vive", "evidence": ISBN},
        {"title": "La haie vive", "evidence": f"In : Les arbres du bourg, ISBN {ISBN}"},
        {"title": "La haie vive", "evidence": f"Les arbres du bourg, pp. 12-30, ISBN {ISBN}"},
        {"title": "La haie vive", "summary": f"Note sur un livre (ISBN {ISBN})."},
        {"title": "La haie vive", "evidence": "978-2-07-036822-9"},
    ],
)
def test_the_isbn_of_another_book_proves_nothing(other: dict[str, Any]) -> None:
    one = listed("a", title="La haie vive", authors="Zoé Roux", publisher="X", evidence=ISBN, summary="Un.")
    two = listed("b", **{"authors": "Luc Roy", "publisher": "Y", "summary": "Autre chose.", **other})
    assert families(one, two) == []


def test_two_chapters_and_a_review_of_one_book_are_three() -> None:
    told = f"Dans un ouvrage collectif, ISBN {ISBN}."
    texts = ("Emprunter pour sa régie d'eau.", "Animer des ateliers en classe.", "Lire ce livre collectif.")
    titles = ("Le budget de l'eau", "L'eau racontée à l'école", "Recension d'un livre sur l'eau")
    three = [
        listed(f"c{n}", title=t, summary=f"{s} {told}")
        for n, (t, s) in enumerate(zip(titles, texts, strict=False))
    ]
    assert families(*three) == []


def test_a_split_holds_through_a_third() -> None:
    three = [listed(i, url="https://cerema.fr/x") for i in ("a", "b", "c")]
    found = families(*three, told=CuratorPairs(split=(("a", "c"),)))
    assert all(not {"a", "c"} <= set(members) for members in found) and len(found) == 1


def test_newest_first() -> None:
    old, new, unknown = (listed(i, year=year) for i, year in (("a", 2015), ("b", 2025), ("c", None)))
    assert families(old, new, unknown) == [("b", "a", "c")]


def test_what_was_searched_is_not_searched_again_and_gives_the_same() -> None:
    first = Catalogue(
        [
            listed("a"),
            *(listed(f"z{n}", r["title"], summary=r["summary"]) for n, r in enumerate(rows()) if n != 10),
        ]
    )
    table, _ = embed(first, ENCODER)
    known = find(first, table)
    more = Catalogue([*first, listed("b", title="Guide : " + TITLE, source="deux")])
    grown, _ = embed(more, ENCODER, table)
    again = find(more, grown, None, known, table.hashes)
    assert again.families == find(more, grown).families and [f.members for f in again.families] == [
        ("a", "b")
    ]
    assert Families.from_bytes(again.to_bytes()) == again


@pytest.fixture
def twice(home: Home) -> Home:
    """A home in which the guide of the school yard is listed by a second source, later."""
    home.sources = {"main": "catalogue.csv", "other": "other.csv"}
    home.configure()
    again = {**rows()[10], "id": "again", "year": "2031", "publisher": ""}
    home.write(rows())
    home.write([again], "other")
    home.refresh(CountingEncoder(home.dimension))
    return home


def test_one_thing_is_one_result_newest_first_with_its_other_listings(twice: Home) -> None:
    found = run_cli("recommend", TITLE, "--json", *twice.arguments).json["recommendations"]
    assert found[0]["id"] == "again" and [o["id"] for o in found[0]["others"]] == ["r10"]
    assert "r10" not in [item["id"] for item in found[1:]]
    assert found[0]["others"][0]["source"] == "main"
    assert sum(line["value"] for line in found[0]["explanation"]["contributions"]) == pytest.approx(
        found[0]["score"]
    )


def test_a_filter_shows_the_listing_that_passes_it(twice: Home) -> None:
    recommender = twice.recommender()
    from reco.catalogue.catalogue import Filters
    from reco.ranking.recommender import Query

    found = recommender.recommend(Query.of(TITLE, 3, Filters(last_year=2020)))
    assert found.recommendations[0].resource.id == "r10"


def test_neither_listing_is_the_others_neighbour(twice: Home) -> None:
    for identifier in ("r10", "again"):
        near = run_cli("similar", identifier, "-k", "30", "--json", *twice.arguments).json["recommendations"]
        assert not {"r10", "again"} & {item["id"] for item in near} and len(near) == 23


def test_duplicates_are_listed_with_the_reason(twice: Home) -> None:
    found = run_cli("duplicates", "--json", *twice.arguments).json["families"]
    assert [[m["id"] for m in family["members"]] for family in found] == [["again", "r10"]]
    assert found[0]["pairs"][0]["why"] == "url"
    assert "again" in run_cli("duplicates", *twice.arguments).out


def test_a_snapshot_in_memory_collapses_nothing() -> None:
    assert snapshot_of([listed("a"), listed("b")], ENCODER).families is None

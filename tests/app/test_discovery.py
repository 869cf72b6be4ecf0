"""The pages by which a catalogue is discovered: map of France, map of meanings, nights, facets and gaps."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import reco
from reco.app import phrases
from reco.ranking.query import Query
from tests.app.conftest import PLACED, ROWS, Open, Publish, everything
from tests.app.test_pages import search
from tests.support import rows

OPEN = re.compile(r"^\*\*(.*)\*\*$")


def listed(test: AppTest) -> list[str]:
    """Return the titles of the rows that a page lists."""
    labels = [link.proto.label for link in test.get("page_link")]
    return [found[1].replace("\\", "") for label in labels if (found := OPEN.match(label))]


def points(test: AppTest) -> int:
    """Return how many marks are on the page's plot."""
    import json

    (plot,) = test.get("plotly_chart")
    spec = json.loads(plot.proto.spec)
    return sum(len(trace["customdata"]) for trace in spec["data"] if "customdata" in trace)


@pytest.fixture
def placed(publish: Publish) -> None:
    publish([*ROWS, *PLACED])


def test_the_map_shows_experiences_and_lists_the_same(placed: None, page: Open) -> None:
    test = page("experiences")
    assert not test.exception
    assert points(test) == 3
    assert listed(test) == [
        "Un village numérique",
        "L'eau partagée à Mayotte",
        "Le littoral se retire",
        "Rouvrir un commerce au bourg",
        "Une charte au parc",
    ]
    shown = everything(test)
    assert phrases.phrase("fr", "map.count.many", count=3) in shown
    assert phrases.phrase("fr", "map.nowhere.many", count=2) in shown
    assert "position approchée" in shown, "an EPCI is at its centre, and it is said"


@pytest.mark.parametrize(
    ("facet", "value", "written", "left"),
    [
        ("theme", "Numérique & données", "Numérique & données", ["Un village numérique"]),
        ("scale", "petite ville", "petite ville", ["Le littoral se retire"]),
        ("department", "976", "Mayotte", ["L'eau partagée à Mayotte"]),
        ("year", "2024", "2024", ["Une charte au parc"]),
        ("population", "0", "De 0 à", ["Un village numérique"]),
    ],
)
def test_each_filter_narrows_the_map_and_the_list(
    placed: None, page: Open, facet: str, value: str, written: str, left: list[str]
) -> None:
    test = page("experiences")
    test.multiselect(key=f"map_{facet}").set_value([value]).run()
    assert not test.exception
    assert listed(test) == left
    (chosen,) = [o for o in test.multiselect(key=f"map_{facet}").options if o.startswith(written)]
    assert chosen.endswith("(1)")


def test_filters_combine_and_count_what_the_others_leave(placed: None, page: Open) -> None:
    test = page("experiences")
    test.multiselect(key="map_theme").set_value(["Adaptation"]).run()
    assert set(listed(test)) == {"Le littoral se retire", "Une charte au parc"}
    assert "petite ville (1)" in test.multiselect(key="map_scale").options
    assert "commune rurale (0)" in test.multiselect(key="map_scale").options
    test.multiselect(key="map_scale").set_value(["petite ville"]).run()
    assert listed(test) == ["Le littoral se retire"]


def test_a_filter_that_a_publish_took_away_is_dropped(placed: None, publish: Publish, page: Open) -> None:
    test = page("experiences")
    test.multiselect(key="map_theme").set_value(["Numérique & données"]).run()
    publish([*ROWS, *PLACED[1:]])
    test.run()
    assert not test.exception
    assert len(listed(test)) == 4


def test_a_catalogue_without_places_says_so(publish: Publish, page: Open) -> None:
    publish([ROWS[0], ROWS[2]])
    test = page("experiences")
    assert [info.value for info in test.info] == [phrases.phrase("fr", "map.none")]


def test_nights_say_what_came_changed_and_left(publish: Publish, page: Open) -> None:
    publish(ROWS)
    changed = (*ROWS[1][:3], "2020", *ROWS[1][4:])
    publish([changed, ROWS[2], *PLACED])
    test = page("news")
    assert not test.exception
    shown = everything(test)
    for key, number in (("came", 4), ("changed", 1), ("left", 1)):
        assert f"{phrases.phrase('fr', f'news.{key}')} ({number})" in shown
    assert "changé\u00a0: année" in shown.replace("\\", "")
    assert "Rénover une école de village" in shown, "what left is named"
    assert ROWS[0][1] not in listed(test), "but has no sheet to go to"
    (table,) = test.table
    assert table.value.to_numpy().tolist() == [[4, 1, 1], [3, 0, 0]]
    test.multiselect(key="news_theme").set_value(["Eau"]).run()
    assert listed(test) == ["L'eau partagée à Mayotte"]


def test_what_a_field_brought_with_it_is_not_named(publish: Publish, page: Open) -> None:
    publish([*ROWS, *PLACED])
    publish([*ROWS, (*PLACED[0][:8], "Nantes", "44109", *PLACED[0][10:]), *PLACED[1:]])
    test = page("news")
    assert not test.exception
    assert re.search("changé\u00a0: lieu, code du lieu(?!,)", everything(test).replace("\\", ""))


def test_saved_projects_say_why_their_results_moved(publish: Publish, page: Open) -> None:
    publish(ROWS)
    reco.open().projects.add("Notre école", Query.of("rénover le chauffage de l'école", k=2))
    publish(
        [*ROWS, ("neuf", "Rénover le chauffage de l'école", "", "", "Rapports", "Énergie", "", "L'école.")]
    )
    test = page("news")
    assert not test.exception
    shown = everything(test)
    assert phrases.phrase("fr", "news.entries") in shown
    assert f"(rang 1) : {phrases.phrase('fr', 'cause.new')}" in shown
    assert phrases.phrase("fr", "news.exits") in shown
    assert any("Notre école" in box.label for box in test.expander)


def test_the_feed_is_offered(home: None, page: Open) -> None:
    test = page("news")
    (link,) = [button for button in test.get("link_button") if "atom" in button.proto.url]
    assert link.proto.url == "nouveautes.atom"


def test_facets_combine_with_years_and_words(placed: None, page: Open) -> None:
    test = page("catalogue")
    assert len(listed(test)) == 7
    test.select_slider(key="catalogue_years").set_value((2019, 2022)).run()
    assert set(listed(test)) == {
        "Rouvrir un commerce au bourg",
        "Rénover une école de village",
        "Un village numérique",
        "Le littoral se retire",
    }
    test.multiselect(key="catalogue_scale").set_value(["petite ville"]).run()
    assert listed(test) == ["Le littoral se retire"]
    assert "Adaptation (1)" in test.multiselect(key="catalogue_theme").options
    test.multiselect(key="catalogue_scale").set_value([])
    test.text_input(key="catalogue_search").set_value("village").run()
    assert set(listed(test)) == {"Un village numérique", "Rénover une école de village"}


def test_gaps_are_visible_by_scale(placed: None, page: Open) -> None:
    test = page("catalogue")
    (table,) = test.table
    theme = table.value.loc["Énergie"]
    assert theme["Guides \\& outils"] == "1"
    assert phrases.phrase("fr", "coverage.none") in theme["Rapports"]
    assert phrases.phrase(
        "fr", "coverage.no_type", names="Livres\u00a0· Dossiers & articles".replace("&", "\\&")
    ) in (everything(test))
    test.selectbox(key="coverage_scale").set_value("petite ville").run()
    (table,) = test.table
    assert table.value.columns.tolist() == ["Rapports"]
    assert table.value.loc["Adaptation"]["Rapports"] == "1"
    assert "Énergie\u00a0· " in everything(test)


def test_labels_of_a_catalogue_s_own_are_counted_in_a_list(publish: Publish, page: Open) -> None:
    kinds = [f"Démarche d'accompagnement n° {number}" for number in range(12)]
    subjects = [f"Sujet {number:02}" for number in range(45)]
    labels = [(kinds[number % 12], theme) for number, theme in enumerate(subjects)]
    labels += [(kinds[0], subjects[7])] * 2 + [(kinds[5], "")] * 9 + [("", subjects[7])]
    publish([(f"r{n}", f"Essai {n:02}", "", "", kind, theme) for n, (kind, theme) in enumerate(labels)])
    test = page("catalogue")
    assert not test.table, "twelve such columns are wider than a screen"
    first, second = counted(test)[:2]
    assert first == ["(thème non dit) : 9 ressources", f"{kinds[5]} 9"]
    assert second == ["Sujet 07 : 4 ressources", f"{kinds[0]} 2 · {kinds[7]} 1 · (type non dit) 1"]
    assert len(counted(test)) == 40
    test.pagination(key="coverage_page").set_value(2).run()
    assert len(counted(test)) == 6
    told = everything(test).replace("\\", "")
    assert all(
        kind not in told.partition("Aucune ressource de ces types")[2].split("\n")[0] for kind in kinds
    )


def counted(test: AppTest) -> list[list[str]]:
    """Return the lines of each theme in the list of what the catalogue covers, without their marks."""
    (listed,) = [one.value for one in test.markdown if one.value.startswith("- **")]
    bare = listed.replace("**", "").replace("\\", "").replace("\u00a0", " ").replace("\u2060", "")
    return [[line.strip() for line in one.split("\n")] for one in bare.removeprefix("- ").split("\n- ")]


def test_what_has_no_position_is_listed_a_page_at_a_time(publish: Publish, page: Open) -> None:
    publish([(f"r{n}", f"Essai {n:02}", *PLACED[1][2:]) for n in range(30)])
    assert listed(page("experiences")) == [f"Essai {n:02}" for n in range(12)]


def test_a_sheet_says_where_when_and_what_else(publish: Publish, page: Open) -> None:
    publish([*ROWS, PLACED[0]])
    changed = (*PLACED[0][:3], "2021", *PLACED[0][4:])
    twin = ("jumelle", PLACED[0][1], PLACED[0][2], "2024", *PLACED[0][4:])
    publish([*ROWS, changed, twin])
    test = page("sheet", id="arvieu")
    assert not test.exception
    shown = everything(test)
    assert "Arvieu (commune, 12011" in shown
    assert "Modifiée le" in shown and "Depuis le" in shown
    assert phrases.phrase("fr", "sheet.others") in shown
    assert phrases.phrase("fr", "family.url") in shown


@pytest.fixture
def grouped(publish: Publish) -> None:
    """A catalogue with clusters, as the command line makes them."""
    table = rows()
    publish(
        [
            [row["id"], row["title"], row["publisher"], "", row["type"], "Eau", "", row["summary"]]
            for row in table
        ]
    )
    reco.open().refresh()


def test_the_map_of_meanings_has_every_resource_and_a_list_by_group(grouped: None, page: Open) -> None:
    test = page("explorer")
    assert not test.exception
    assert points(test) == len(rows())
    groups = test.selectbox(key="explorer_group_1")
    seen = set()
    for option in groups.options:
        chosen = test.selectbox(key="explorer_group_1")
        chosen.select_index(chosen.options.index(option)).run()
        seen |= set(listed(test))
    assert len(seen) == len(rows())
    for by in ("type", "theme", "publisher"):
        test.selectbox(key="explorer_by").set_value(by).run()
        assert not test.exception and points(test) == len(rows())


def test_the_last_request_is_on_the_map_of_meanings(grouped: None, page: Open) -> None:
    test = search(page(), "rénover la piscine municipale")
    test.switch_page("views/explorer.py").run()
    assert not test.exception
    (plot,) = test.get("plotly_chart")
    assert phrases.phrase("fr", "explorer.request") in plot.proto.spec
    assert phrases.phrase("fr", "explorer.asked") in everything(test)
    assert "explorer.asked" not in everything(page("explorer"))


def test_without_clusters_the_map_of_meanings_says_so(home: None, page: Open) -> None:
    test = page("explorer")
    assert [info.value for info in test.info] == [phrases.phrase("fr", "explorer.none")]

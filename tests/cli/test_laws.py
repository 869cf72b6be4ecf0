"""`reco audit --law` and `--laws`: which texts a reform made obsolete."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import Home, edited, rows, run_cli


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The invented catalogue, of which three resources quote laws."""
    home = Home(Path(tmp_path_factory.mktemp("laws")))
    table = edited(rows(), "r07", summary="Ce que change la loi n° 2015-992 du 17 août 2015.")
    table = edited(table, "r03", summary="La loi n° 2015-992 et l'article L. 2224-8 du CGCT.")
    table = edited(table, "r05", year="", summary="Avant la loi 2015-992.")
    home.write(table)
    home.refresh()
    return home


def test_the_resources_that_quote_a_law_are_listed_oldest_first(served: Home) -> None:
    found = run_cli("audit", *served.arguments, "--law", "2015-992", "--json").json
    assert [(one["id"], one["year"]) for one in found["resources"]] == [
        ("r03", 2003),
        ("r07", 2007),
        ("r05", None),
    ]
    assert found["resources"][1]["quotes"] == ["loi n° 2015-992 du 17 août 2015"]
    shown = run_cli("audit", *served.arguments, "--law", "2015-992")
    assert shown.code == 0
    assert (
        shown.out.index("La cantine cuisine local") < shown.out.index("Budget participatif") < len(shown.out)
    )


def test_the_laws_quoted_are_counted(served: Home) -> None:
    found = run_cli("audit", *served.arguments, "--laws", "--json").json["laws"]
    assert found[0] == {
        "law": "loi n° 2015-992 du 17 août 2015",
        "resources": 3,
        "oldest": 2003,
        "newest": 2007,
    }
    shown = run_cli("audit", *served.arguments, "--laws").out
    assert "2003 to 2007" in shown and "code général des collectivités territoriales" in shown


def test_a_name_without_number_or_date_is_refused_with_what_to_write(served: Home) -> None:
    refused = run_cli("audit", *served.arguments, "--law", "loi NOTRe")
    assert refused.code == 2
    assert "'loi NOTRe' names no law" in refused.err and "2015-992" in refused.err

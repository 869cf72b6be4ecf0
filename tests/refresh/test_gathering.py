"""What was saved under an id goes on, when another source comes that uses it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from reco.catalogue.identifiers import FILE
from reco.projects.feedback import Feedback
from reco.projects.judgements import judged
from reco.storage.signed_csv import SIGNATURE
from tests.support import Home, rows, run_cli

CAFE = "rouvrir le café du village"


@pytest.fixture
def old(home: Home) -> Home:
    """A home of the version that refused an id which another source has: its snapshot, and no file of ids.

    The curator hides r05 and corrects r07. A project is followed, an opinion on r04 approved.
    """
    columns = ("action", "id", "field", "value", "expects", *SIGNATURE)
    lines = (
        ("hide", "r05", "", "", "", "Léa", "2026-03-01", "doublon"),
        ("correct", "r07", "title", "Budget corrigé", "", "Léa", "2026-03-01", "coquille"),
    )
    file = home.folder / "decisions.csv"
    file.write_text("".join(",".join(line) + "\n" for line in (columns, *lines)), "utf-8")
    home.extra = '[curation]\ndecisions = "decisions.csv"\n'
    home.configure()
    assert run_cli("projects", "add", "Café", CAFE, *home.arguments).code == 0
    assert run_cli("refresh", *home.arguments).code == 0
    opinions = Feedback(home.path)
    opinions.approve(opinions.give(CAFE, "r04", True, "000001", consent=True), "Léa")
    (home.path / FILE).unlink()
    return home


def served(home: Home) -> dict[str, str]:
    return {resource.id: resource.title for resource in home.store.open().catalogue}


def join(home: Home, first: bool = False) -> None:
    """Add a source whose rows have the ids of some of the others, and other texts."""
    two = [{"id": f"r{n:02}", "title": f"Autre {n}", "summary": f"Texte {n}."} for n in (4, 5, 7, 30)]
    home.sources = {"two": "two.csv", "main": "catalogue.csv"}
    home.write(two, "two")
    if not first:
        home.sources = dict(reversed(home.sources.items()))
    home.configure()


def test_what_was_saved_under_an_id_goes_on(old: Home) -> None:
    before = served(old)
    join(old)
    done = run_cli("refresh", "--json", *old.arguments)
    assert (done.json["added"], done.json["changed"], done.json["removed"]) == (4, 0, 0)
    assert done.json["stale_decisions"] == [] and done.json["hidden"] == 1
    after = {"two:r04": "Autre 4", "two:r05": "Autre 5", "two:r07": "Autre 7", "r30": "Autre 30"}
    assert served(old) == {**before, **after}
    assert judged(Feedback(old.path).approved(), old.store.open().catalogue).pairs == [(CAFE, "r04")]
    changes = run_cli("changes", "--json", *old.arguments).json
    assert {found["id"] for found in changes["added"]} == set(after)
    shown = run_cli("source", "test", "two", "--json", *old.arguments).json
    assert [record["id"] for record in shown["records"]] == [*list(after)[:3], "r30"]


def test_neither_the_order_nor_a_failure_swaps_two_ids(old: Home) -> None:
    join(old)
    old.refresh()
    found = served(old)
    join(old, first=True)
    assert not old.refresh().published
    (old.folder / "catalogue.csv").write_bytes(b"")
    two = old.folder / "two.csv"
    two.write_text(two.read_text("utf-8") + "r01,Autre 1,Texte 1.\n", "utf-8")
    report = old.refresh()
    assert report.failed_sources == ("main",) and served(old) == {**found, "two:r01": "Autre 1"}
    old.write(rows(), "main")
    old.sources = {"main": "catalogue.csv"}
    old.configure()
    old.refresh()
    alone = served(old)
    join(old, first=True)
    old.refresh()
    assert {**alone, **served(old)} == {**found} and "r05" not in alone


def test_a_source_that_fails_on_its_first_night_takes_no_id_later(home: Home) -> None:
    join(home)
    main = home.folder / "catalogue.csv"
    whole = main.read_bytes()
    main.write_bytes(b"")
    home.refresh()
    assert served(home) == {"r04": "Autre 4", "r05": "Autre 5", "r07": "Autre 7", "r30": "Autre 30"}
    main.write_bytes(whole)
    home.refresh()
    found = served(home)
    assert len(found) == 28 and found["r04"] == "Autre 4" and found["main:r04"] == rows()[4]["title"]


def test_the_refused_double_of_an_id_told_apart_names_what_is_served(old: Home) -> None:
    join(old)
    two = old.folder / "two.csv"
    two.write_text(two.read_text("utf-8") + "r04,Encore,Encore.\n", "utf-8")
    old.options = "reject_limit = 1"
    old.configure()
    report = old.refresh()
    assert report.quarantine is not None
    assert "(served as 'two:r04')" in Path(report.quarantine).read_text("utf-8")

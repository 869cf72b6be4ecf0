"""The curator's word, from file to what is served."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from reco.catalogue.decisions import COLUMNS, Decisions
from reco.errors import InvalidDecisions
from tests.support import Home, edited, rows, run_cli

FILE = '[curation]\ndecisions = "decisions.csv"\n\n'


def decide(home: Home, *lines: dict[str, str]) -> None:
    home.extra = FILE
    home.configure()
    signed = {"author": "Camille", "date": "2026-11-25", "reason": "vérifié"}
    with (home.folder / "decisions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows([{**signed, **line} for line in lines])


def refreshed(home: Home) -> dict[str, object]:
    done = run_cli("refresh", "--json", *home.arguments)
    assert done.code == 0, done.err
    return done.json


def test_decisions_survive_every_refresh(home: Home) -> None:
    decide(
        home,
        {"action": "hide", "id": "r00"},
        {"action": "correct", "id": "r01", "field": "year", "value": "2019", "expects": "2001"},
        {"action": "correct", "id": "r02", "field": "theme", "value": "Éclairage; Énergie"},
        {"action": "pin", "id": "r03", "value": "22365"},
    )
    for _ in range(2):
        report = refreshed(home)
        served = {r.id: r for r in home.store.open().catalogue}
        assert "r00" not in served and report["hidden"] == 1 and report["stale_decisions"] == []
        assert served["r01"].year == 2019 and served["r02"].themes == ("Éclairage", "Énergie")
        assert [p.name for p in served["r03"].localities] == ["Trémargat"]
        home.write(edited(rows(), "r05", summary="Un pédibus de plus, et des gilets pour tous les enfants."))


def test_merge_and_split_decide_on_families(home: Home) -> None:
    twice = [*rows(), {**rows()[4], "id": "r99", "url": "https://autre.fr/4"}]
    home.write(twice)
    decide(
        home,
        {"action": "merge", "id": "r00", "value": "r01"},
        {"action": "split", "id": "r04", "value": "r99"},
    )
    refreshed(home)
    families = home.store.open().families
    assert families is not None and [f.members for f in families.families] == [("r01", "r00")]
    decide(home)
    assert refreshed(home)["published"]
    families = home.store.open().families
    assert families is not None and [f.members for f in families.families] == [("r04", "r99")]


def test_check_says_which_decisions_no_longer_apply(home: Home) -> None:
    decide(
        home,
        {"action": "hide", "id": "gone"},
        {"action": "correct", "id": "r01", "field": "year", "value": "2001"},
        {"action": "correct", "id": "r02", "field": "title", "value": "Neuf", "expects": "Un autre titre"},
        {"action": "correct", "id": "r02", "field": "year", "value": "l'an dernier"},
        {"action": "pin", "id": "r03", "value": "00000"},
        {"action": "merge", "id": "r04", "value": "gone"},
        {"action": "hide", "id": "r05"},
    )
    found = run_cli("decisions", "check", "--json", *home.arguments).json
    assert [stale["line"] for stale in found["stale"]] == [2, 3, 4, 5, 6, 7] and found["decisions"] == 7
    assert "gone" in found["stale"][0]["why"] and "itself" in found["stale"][1]["why"]
    assert home.store.current() is None, "check publishes nothing"


def test_a_failed_source_makes_no_decision_stale(home: Home) -> None:
    home.sources = {"main": "catalogue.csv", "other": "other.csv"}
    home.write([{**rows()[0], "id": "o1", "title": "Autre chose"}], "other")
    decide(
        home,
        {"action": "hide", "id": "r00"},
        {"action": "correct", "id": "r01", "field": "year", "value": "2019", "expects": "2001"},
    )
    refreshed(home)
    (home.folder / "catalogue.csv").unlink()
    report = refreshed(home)
    assert report["failed_sources"] == ["main"] and report["stale_decisions"] == []
    served = {r.id: r for r in home.store.open().catalogue}
    assert "r00" not in served and served["r01"].year == 2019


def test_every_bad_line_is_named_and_nothing_is_served_anew(home: Home) -> None:
    home.refresh()
    decide(
        home,
        {"action": "efface", "id": "r00"},
        {"action": "correct", "id": "r01", "field": "id", "value": "x"},
        {"action": "merge", "id": "r01"},
        {"action": "hide", "id": "r02", "author": "", "date": "hier"},
    )
    done = run_cli("refresh", "--json", *home.arguments)
    assert done.code == 2 and home.store.current() == "000001"
    for line in ("line 2", "line 3", "line 4", "line 5", "author", "hier"):
        assert line in done.json["error"]


def test_a_file_without_the_columns_is_refused_and_a_missing_one_decides_nothing(tmp_path: Path) -> None:
    assert Decisions.read(tmp_path / "none.csv").lines == ()
    (tmp_path / "bad.csv").write_text("id;action\n", encoding="utf-8")
    with pytest.raises(InvalidDecisions, match="lacks the columns"):
        Decisions.read(tmp_path / "bad.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidDecisions, match="cannot be read"):
        Decisions.read(tmp_path / "folder.csv")


def test_a_file_that_a_spreadsheet_saved_in_its_own_encoding_is_read(tmp_path: Path) -> None:
    lines = "action,id,field,value,expects,author,date,reason\nhide,r01,,,,Zoé,2026-01-02,Périmé\n"
    (tmp_path / "latin.csv").write_bytes(lines.encode("cp1252"))
    (tmp_path / "utf8.csv").write_text(lines, "utf-8")
    assert Decisions.read(tmp_path / "latin.csv") == Decisions.read(tmp_path / "utf8.csv")

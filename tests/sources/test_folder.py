from __future__ import annotations

from pathlib import Path

import pytest

from reco.catalogue.resource import Record, Rejection, Remark
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import read
from tests.support import ods


def read_folder(path: Path, told: list[Remark] | None = None, **options: object) -> list[Record | Rejection]:
    config = SourceConfig.model_validate({"name": "drop", "kind": "folder", "path": path, **options})
    return list(read(config, tell=(told if told is not None else []).append))


def test_each_file_is_read_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title;summary\nA;a\n")
    (tmp_path / "b.TSV").write_text("title\tsummary\nB\tb\n")
    (tmp_path / "c.jsonl").write_text('{"title": "C"}\n')
    (tmp_path / "d.json").write_text('[{"title": "D"}]')
    (tmp_path / "e.txt").write_text("E\nSénatEau / Livres\nRésumé :\ne\n")
    assert [row.values["title"] for row in read_folder(tmp_path)] == ["A", "B", "C", "D", "E"]
    assert {row.source for row in read_folder(tmp_path)} == {"drop"}


def test_a_table_under_the_name_of_another_kind_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(ods([["title"], ["A"]]))
    (tmp_path / "b.xls").write_text("title\tsummary\nB\tb\n")
    (tmp_path / "c.xls").write_text("<html><table><tr><td>title</td></tr></table></html>")
    rows = read_folder(tmp_path)
    assert [row.values.get("title") for row in rows] == ["A", "B", None]
    assert isinstance(rows[2], Rejection) and "it is a web page" in rows[2].problems[0]


def test_a_broken_file_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title\nA\n")
    (tmp_path / "b.xlsx").write_bytes(b"PK\3\4 not a workbook")
    (tmp_path / "d.csv").write_text("title\nD\n")
    rows = read_folder(tmp_path)
    assert [type(row) for row in rows] == [Record, Rejection, Record]
    assert rows[1].locator == str(tmp_path / "b.xlsx")


def test_what_is_no_catalogue_is_told_and_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title\nA\n")
    for name in ("lettre.docx", "carte.PNG", "Thumbs.db", ".DS_Store", "~$a.xlsx", "sans-fin"):
        (tmp_path / name).write_bytes(b"\0\1")
    (tmp_path / "LISEZ-MOI.txt").write_text("Bonjour,\nvoici les fichiers de mars.\n")
    (tmp_path / "reglages.xml").write_text("<config/>")
    (tmp_path / "reglages.json").write_text('{"couleur": "vert"}')
    told: list[Remark] = []
    rows = read_folder(tmp_path, told)
    assert [type(row) for row in rows] == [Record]
    texts = " ".join(f"{remark.locator} {remark.text}" for remark in told)
    for path in tmp_path.iterdir():
        assert (path.name in texts) == (path.name != "a.csv"), path.name


def test_many_files_that_are_no_catalogue_are_one_remark(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"photo{number:02}.jpg").write_bytes(b"x")
    told: list[Remark] = []
    assert read_folder(tmp_path, told) == []
    assert len(told) == 1 and told[0].text.endswith("photo09.jpg and 20 more")


def test_subfolders_are_told_or_read_and_links_lead_nowhere_else(tmp_path: Path) -> None:
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    for folder, title in ((inbox, "A"), (inbox / "b", "B"), (inbox / "b" / "c", "C"), (outside, "Secret")):
        folder.mkdir(exist_ok=True)
        (folder / "t.csv").write_text(f"title\n{title}\n")
    (inbox / "b" / "round").symlink_to(inbox)
    (inbox / "b" / "out").symlink_to(outside)
    (inbox / "b" / "u.csv").symlink_to(outside / "t.csv")
    (inbox / "b" / "v.csv").symlink_to(inbox / "t.csv")
    (inbox / "b" / "w.csv").symlink_to("w.csv")
    told: list[Remark] = []
    assert [row.values["title"] for row in read_folder(inbox, told)] == ["A"]
    assert [remark.text for remark in told] == ["subfolders are not read (`subfolders = true` reads them): b"]
    told.clear()
    *rows, dead, last = read_folder(inbox, told, subfolders=True)
    assert [row.values["title"] for row in (*rows, last)] == ["A", "B", "A", "C"]
    assert isinstance(dead, Rejection) and dead.problems == ("a link to a file that does not exist",)
    assert [remark.text.split(": ")[1] for remark in told] == ["b/out, b/round", "b/u.csv"]


def test_what_is_being_copied_is_left_alone(tmp_path: Path) -> None:
    for name in (".hidden.csv", "~$open.xlsx", "a.csv.part", "b.csv.tmp"):
        (tmp_path / name).write_text("title\nA\n")
    (tmp_path / "sub").mkdir()
    assert read_folder(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_folder(tmp_path / "none")

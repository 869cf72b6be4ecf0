from __future__ import annotations

from pathlib import Path

import pytest

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import read


def read_folder(path: Path, **options: object) -> list[Record | Rejection]:
    return list(
        read(SourceConfig.model_validate({"name": "drop", "kind": "folder", "path": path, **options}))
    )


def test_each_file_is_read_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title;summary\nA;a\n")
    (tmp_path / "b.TSV").write_text("title\tsummary\nB\tb\n")
    (tmp_path / "c.jsonl").write_text('{"title": "C"}\n')
    (tmp_path / "d.json").write_text('[{"title": "D"}]')
    (tmp_path / "e.txt").write_text("E\nSénatEau / Livres\nRésumé :\ne\n")
    assert [row.values["title"] for row in read_folder(tmp_path)] == ["A", "B", "C", "D", "E"]
    assert {row.source for row in read_folder(tmp_path)} == {"drop"}


def test_a_broken_file_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title\nA\n")
    (tmp_path / "b.xlsx").write_text("not a workbook")
    (tmp_path / "c.docx").write_text("a letter")
    (tmp_path / "d.csv").write_text("title\nD\n")
    rows = read_folder(tmp_path)
    assert [type(row) for row in rows] == [Record, Rejection, Rejection, Record]
    assert [row.locator for row in rows[1:3]] == [str(tmp_path / "b.xlsx"), str(tmp_path / "c.docx")]


def test_what_is_being_copied_is_left_alone(tmp_path: Path) -> None:
    for name in (".hidden.csv", "~$open.xlsx", "a.csv.part", "b.csv.tmp"):
        (tmp_path / name).write_text("title\nA\n")
    (tmp_path / "sub").mkdir()
    assert read_folder(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_folder(tmp_path / "none")

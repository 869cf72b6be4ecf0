"""A table of projects in, a table of results out: the same answers as one by one, and nothing lost."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.catalogue import Filters
from reco.errors import InvalidInput
from reco.projects.batch import COLUMNS, read
from reco.ranking.query import Query
from reco.storage import atomic
from reco.storage.tables import csv_bytes
from tests.support import Home, edited, rows, run_cli

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\0")


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def table(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=delimiter)
    )


def batch(home: Home, source: Path, *options: str) -> Any:
    done = run_cli("batch", str(source), str(home.folder / "out.csv"), *options, "--json", *home.arguments)
    assert done.code == 0, done.out + done.err
    return done.json


def test_a_batch_gives_what_recommend_gives(served: Home) -> None:
    asked = [
        ("p1", "rouvrir le café du village", "", ""),
        ("p2", "économiser l'énergie des lampadaires", "Rapports", "Énergie"),
        ("", "une recyclerie, une ferme et un verger", "guide; Livres", ""),
    ]
    source = served.folder / "in.csv"
    source.write_bytes(
        csv_bytes(
            ("id", "text", "type", "theme"),
            [dict(zip(("id", "text", "type", "theme"), a, strict=True)) for a in asked],
        )
    )
    done = batch(served, source, "-k", "4")
    out = served.folder / "out.csv"
    assert done == {"projects": 3, "answered": 3, "problems": 0, "out": str(out)}
    recommender = served.recommender()
    expected = []
    for number, (name, text, kind, theme) in enumerate(asked, 1):
        types = tuple(t.strip() for t in kind.split(";") if t.strip())
        filters = Filters(types=types, themes=(theme,) if theme else ())
        for item in recommender.recommend(Query.of(text, 4, filters)).recommendations:
            resource = item.resource
            expected.append(
                {
                    "project": name or str(number),
                    "text": text,
                    "verdict": "",
                    "rank": str(item.rank),
                    "id": resource.id,
                    "title": resource.title,
                    "type": resource.type,
                    "theme": resource.theme,
                    "publisher": resource.publisher,
                    "year": str(resource.year),
                    "url": resource.url,
                    "score": repr(item.score),
                    "level": "",
                    "passage": item.explanation.passages[0].text,
                    "problem": "",
                }
            )
    found = table(out)
    assert tuple(found[0]) == COLUMNS and len(expected) > 8
    assert found == expected


def test_a_bad_row_says_its_problem_and_the_run_goes_on(served: Home) -> None:
    source = write(
        served.folder / "in.csv",
        "id;projet;theme;type",
        "a;rouvrir le café;;",
        "b;   ;;",
        "c;planter des haies;Astronomie;",
        "d;trop;de;cellules;ici",
        "e;compter l'eau;Eau;Livres",
        "f;ouvrir un pédibus;;",
    )
    done = batch(served, source, "-k", "2")
    assert done["projects"] == 6 and done["answered"] == 2 and done["problems"] == 3
    found = table(served.folder / "out.csv", ";")
    assert [row["project"] for row in found] == ["a", "a", "b", "c", "4", "e", "f", "f"]
    by_project = {row["project"]: row for row in found}
    assert "no words" in by_project["b"]["problem"]
    assert "Astronomie" in by_project["c"]["problem"] and "include" in by_project["c"]["problem"]
    assert "in.csv:5" in by_project["4"]["problem"] and "trop;de;cellules" in by_project["4"]["text"]
    # A project that nothing fits keeps its row, and has no problem.
    assert by_project["e"] == {**dict.fromkeys(COLUMNS, ""), "project": "e", "text": "compter l'eau"}
    assert by_project["f"]["rank"] == "2" and by_project["f"]["problem"] == ""


@pytest.mark.parametrize("column", ["text", "Texte", "projet", "Description"])
def test_the_column_of_texts_is_found(tmp_path: Path, column: str) -> None:
    source = write(tmp_path / "in.csv", f"autre,{column}", "x,un café")
    assert [asked.text for asked in read(source).projects] == ["un café"]


def test_another_column_can_be_named(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", "text,Besoin exprimé", "rien,un café")
    assert read(source, "besoin exprime").projects[0].text == "un café"
    with pytest.raises(InvalidInput, match="Besoin exprimé"):
        read(source, "absente")


def test_one_column_needs_no_quotes(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.csv", "text", "rénover l'école; isoler, puis ventiler", '"deux', 'lignes, ici"'
    )
    found = read(source)
    assert [a.text for a in found.projects] == ["rénover l'école; isoler, puis ventiler", "deux\nlignes, ici"]
    assert found.delimiter == "," and [a.problem for a in found.projects] == ["", ""]


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", False), ("utf-8-sig", True), ("cp1252", True), ("utf-16", True)]
)
def test_results_are_written_as_the_projects_were(tmp_path: Path, encoding: str, mark: bool) -> None:
    found = read(write(tmp_path / "in.csv", "id;text", "é;un café", encoding=encoding))
    assert (found.delimiter, found.mark) == (";", mark)
    assert found.projects[0].id == "é" and found.projects[0].text == "un café"


def test_files_that_cannot_be_used_are_refused(served: Home) -> None:
    folder = served.folder
    good = write(folder / "in.csv", "text", "un café")
    write(folder / "none.csv", "")
    write(folder / "columns.csv", "a,b", "c,d")
    write(folder / "twice.csv", "text,text", "c,d")
    for source, out in (
        (folder / "absent.csv", folder / "out.csv"),
        (folder, folder / "out.csv"),
        (folder / "none.csv", folder / "out.csv"),
        (folder / "columns.csv", folder / "out.csv"),
        (folder / "twice.csv", folder / "out.csv"),
        (good, good),
        (good, folder),
        (good, folder / "no" / "out.csv"),
    ):
        done = run_cli("batch", str(source), str(out), "--json", *served.arguments)
        assert done.code == 2 and done.json["hint"], (source, out, done)
    assert run_cli("batch", str(good), str(folder / "o.csv"), "-k", "0", *served.arguments).code == 2
    assert good.read_text() == "text\nun café" and not (folder / "out.csv").exists()


def test_a_device_is_not_replaced_by_a_file(served: Home, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    source = write(served.folder / "in.csv", "text", "un café")
    done = run_cli("batch", str(source), str(tmp_path / "pipe"), "--json", *served.arguments)
    assert done.code == 2 and (tmp_path / "pipe").is_fifo()


def test_a_link_is_followed_not_replaced(served: Home) -> None:
    source, out = write(served.folder / "in.csv", "text", "un café"), served.folder / "out.csv"
    (served.folder / "link.csv").symlink_to(out)
    out.write_text("before")
    done = run_cli("batch", str(source), str(served.folder / "link.csv"), "--json", *served.arguments)
    assert done.code == 0 and (served.folder / "link.csv").is_symlink() and len(table(out)) == 10
    (served.folder / "back.csv").symlink_to(source)
    done = run_cli("batch", str(source), str(served.folder / "back.csv"), "--json", *served.arguments)
    assert done.code == 2 and source.read_text() == "text\nun café"


def test_earlier_results_stay_when_the_disk_refuses(served: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write(served.folder / "in.csv", "text", "un café"), served.folder / "out.csv"
    out.write_text("before")
    refused = []

    def operation(name: str, path: Path) -> None:
        if name == "fsync":
            refused.append(path)
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "operation", operation)
    done = run_cli("batch", str(source), str(out), "--json", *served.arguments)
    assert done.code == 1 and refused and out.read_text() == "before"
    assert not list(served.folder.glob("*.tmp-*"))


def test_nothing_in_the_results_is_a_formula(home: Home) -> None:
    hostile = edited(rows(), "r04", title="=HYPERLINK(1) café", publisher="@éditions", summary="-2+3 café.")
    home.write(hostile)
    home.refresh()
    source = write(home.folder / "in.csv", "id,text", "+33,=cmd|'/C calc'!A0 café", "-1,", "@x,\tcafé")
    done = batch(home, source, "-k", "24")
    assert (done["projects"], done["problems"]) == (3, 1)
    found = table(home.folder / "out.csv")
    by_id = {row["id"]: row for row in found if row["project"] == "'+33"}
    assert by_id["r04"]["title"] == "'=HYPERLINK(1) café" and by_id["r04"]["publisher"] == "'@éditions"
    assert by_id["r04"]["passage"] == "'-2+3 café." and by_id["r04"]["text"].startswith("'=cmd")
    numbers = ("rank", "score", "year")
    for row in found:
        assert all(not cell.startswith(FORMULAS) for name, cell in row.items() if name not in numbers), row
    # Scores below zero are numbers that we computed, and stay numbers.
    scores = [float(row["score"]) for row in found if row["score"]]
    assert scores and min(scores) < 0


cells = st.text(alphabet=st.sampled_from("=+-@\t\r\n\0 a\";,'é"), max_size=6)


@given(st.lists(st.tuples(cells, cells), max_size=4), st.sampled_from(",;\t"))
def test_any_cell_is_written_inert_and_reads_back(lines: list[tuple[str, str]], delimiter: str) -> None:
    data = csv_bytes(("=a", "b"), [{"=a": a, "b": b} for a, b in lines], delimiter)
    back = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))
    assert back[0] == ["'=a", "b"]
    for read_back, given_cells in zip(back[1:], lines, strict=True):
        for cell, original in zip(read_back, given_cells, strict=True):
            assert not cell.startswith(FORMULAS)
            assert cell in (original, f"'{original}") and (cell == original) != original.startswith(FORMULAS)


def test_half_a_character_does_not_lose_the_table() -> None:
    assert csv_bytes(("a",), [{"a": "x\ud800"}]).decode().splitlines() == ["a", "x?"]


def test_numbers_stay_numbers() -> None:
    assert csv_bytes(("a", "b", "c"), [{"a": -0.5, "b": -3, "c": None}]).splitlines()[1] == b"-0.5,-3,"

"""`scripts/draw_rows.py` prints each drawn row beside the facts of the same id."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import REPOSITORY, Ran, python, write_csv

SCRIPT = str(REPOSITORY / "scripts" / "draw_rows.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"id": f"r{n}", "title": f"Titre {n}", "summary": f"Résumé {n}."} for n in range(6)]
    write_csv(tmp_path / "catalogue.csv", rows)
    (tmp_path / "facts").mkdir()
    for name, numbers in (("a", (0, 1, 2)), ("b", (3, 4))):
        lines = "".join(f"r{n},Faits de {n}\n" for n in numbers)
        (tmp_path / "facts" / f"{name}.csv").write_text(f"id,facts\n{lines}", "utf-8")
    (tmp_path / "facts" / "other.csv").write_text("name\nx\n", "utf-8")
    return tmp_path


def draw(folder: Path, *options: str) -> Ran:
    given = ("--catalogue", str(folder / "catalogue.csv"), "--facts", str(folder / "facts"))
    return python(SCRIPT, *given, *options)


def test_each_row_stands_beside_its_facts(folder: Path) -> None:
    out = draw(folder, "--count", "9").out
    for number in range(6):
        row, facts = out.split(f" r{number}\n")[1].split(" facts\n", 1)
        assert f"Résumé {number}." in row
        expected = "no record has this id" if number == 5 else f"Faits de {number}"
        assert expected in facts.split("=====")[0]


def test_the_seed_decides_the_rows(folder: Path) -> None:
    first = draw(folder, "--count", "2").out
    assert first.count(" facts\n") == 2 and first == draw(folder, "--count", "2", "--seed", "1").out
    others = {draw(folder, "--count", "2", "--seed", str(seed)).out for seed in (2, 3, 4)}
    assert others != {first}


def test_a_folder_without_facts_is_refused(folder: Path) -> None:
    for path in (folder / "facts").glob("*.csv"):
        path.unlink()
    refused = draw(folder)
    assert refused.code == 2 and "no CSV file with the columns id and facts" in refused.err

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import inspect, read

from .conftest import Read


def values(rows: list[Record | Rejection]) -> list[dict[str, str]]:
    return [dict(row.values) for row in rows if isinstance(row, Record)]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_found(read_file: Read, delimiter: str) -> None:
    data = delimiter.join(("title", "summary")) + "\n" + delimiter.join(("Haies", "Planter")) + "\n"
    rows = read_file("a.csv", data.encode(), kind="csv")
    assert values(rows) == [{"title": "Haies", "summary": "Planter"}]


def test_a_delimiter_inside_a_column_name_does_not_mislead(read_file: Read) -> None:
    rows = read_file("a.csv", b"title;summary;note, date, lieu, public\nA;B;C\n", kind="csv")
    assert values(rows) == [{"title": "A", "summary": "B"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le"])
def test_the_encoding_is_found(read_file: Read, encoding: str) -> None:
    data = '"title";theme\n"Été à Nîmes";Énergie\n'.encode(encoding)
    assert values(read_file("a.csv", data, kind="csv")) == [{"title": "Été à Nîmes", "theme": "Énergie"}]


def test_one_line_in_another_encoding_spoils_no_other_line(read_file: Read) -> None:
    data = "title\nÉcole\n".encode() + "Forêt\n".encode("cp1252") + "Été\n".encode()
    assert [v["title"] for v in values(read_file("a.csv", data, kind="csv"))] == ["École", "Forêt", "Été"]


def test_a_stated_encoding_is_held_to(read_file: Read) -> None:
    data = "title;summary\nÉcole;a\n".encode() + "Forêt;b\n".encode("cp1252") + b"Lac;c\n"
    rows = read_file("a.csv", data, kind="csv", encoding="utf-8")
    assert [v["title"] for v in values(rows)] == ["École", "Lac"]
    assert isinstance(rows[1], Rejection)
    assert rows[1].problems == ("not written in utf-8",)
    assert rows[1].locator.endswith("a.csv:3")


def test_a_ragged_row_is_rejected_with_its_line(read_file: Read) -> None:
    rows = read_file("a.csv", b"title;summary\nA;a\nB\nC;c;too;many\nD;d\nE;e;;\n", kind="csv")
    assert [v["title"] for v in values(rows)] == ["A", "B", "D", "E"]
    (long,) = (row for row in rows if isinstance(row, Rejection))
    assert long.locator.endswith("a.csv:4")
    assert long.problems == ("4 cells where the header has 2",)
    assert long.values == {"raw": "C;c;too;many"}


def test_lines_are_counted_through_quoted_newlines(read_file: Read) -> None:
    rows = read_file("a.csv", b'title;summary\r\n"A";"one\r\ntwo\r\nthree"\r\n\r\nB\r\nC;c\r\n', kind="csv")
    assert [row.locator.rsplit(":", 1)[1] for row in rows] == ["2", "6", "7"]
    assert rows[0].values["summary"] == "one\r\ntwo\r\nthree"


def test_a_quote_left_open_costs_its_own_row_only(read_file: Read) -> None:
    good = "".join(f"T{n};S{n}\n" for n in range(5_000))
    rows = read_file("a.csv", ('title;summary\nX;"never closed\n' + good).encode(), kind="csv")
    assert len(values(rows)) == 5_000
    (bad,) = (row for row in rows if isinstance(row, Rejection))
    assert bad.problems == ("a quote is never closed",)
    assert bad.values == {"raw": 'X;"never closed'}


def test_two_stray_quotes_do_not_hide_the_rows_between_them(read_file: Read) -> None:
    rows = read_file("a.csv", b'title;summary\nA;"a\nB;b\nC;"c\nD;d\n', kind="csv")
    assert [v["title"] for v in values(rows)] == ["B", "D"]
    assert len(rows) == 4


def test_a_column_name_may_span_lines(read_file: Read) -> None:
    rows = read_file("a.csv", b'\n"a\nb";title\nx;A\n', kind="csv")
    assert values(rows) == [{"title": "A"}]
    assert rows[0].locator.endswith(":4")


def test_a_file_that_unpacks_beyond_its_limit_is_an_error(read_file: Read) -> None:
    data = gzip.compress(b"title\n" + b"0" * 1_000_000)
    with pytest.raises(SourceError, match="larger than 100000 bytes"):
        read_file("a.csv.gz", data, kind="csv", max_bytes=100_000)


def test_a_stray_quote_inside_a_cell_is_kept(read_file: Read) -> None:
    rows = read_file("a.csv", b'title;summary\nA 19" rack;the "best" one\n"B" b;x\n', kind="csv")
    assert [v["title"] for v in values(rows)] == ['A 19" rack', "B b"]


def test_a_formula_is_only_text(read_file: Read) -> None:
    cell = "=cmd|' /C calc'!A0"
    assert values(read_file("a.csv", f"title\tsummary\n{cell}\t@x\n".encode(), kind="csv")) == [
        {"title": cell, "summary": "@x"}
    ]


def test_a_nul_byte_stops_nothing(read_file: Read) -> None:
    rows = read_file("a.csv", b"title;summary\nA\x00B;x\nC;y\n", kind="csv")
    assert [v["title"] for v in values(rows)] == ["A\x00B", "C"]


def test_a_cell_of_ten_megabytes_is_read(read_file: Read) -> None:
    rows = read_file("a.csv", b"title;summary\nA;" + b"x" * 10_000_000 + b"\nB;b\n", kind="csv")
    assert [len(v["summary"]) for v in values(rows)] == [10_000_000, 1]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_text("title;summary\n" + "A title;a summary of some length\n" * 20_000)
    config = SourceConfig(name="test", kind="csv", path=path)
    tracemalloc.start()
    assert sum(1 for _ in read(config)) == 20_000
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_an_empty_id_stays_and_a_missing_one_is_absent(read_file: Read) -> None:
    assert values(read_file("a.csv", b"id;title\n;A\n", kind="csv")) == [{"id": "", "title": "A"}]
    assert values(read_file("b.csv", b"title\nA\n", kind="csv")) == [{"title": "A"}]


def test_columns_are_mapped_completed_and_split(read_file: Read) -> None:
    rows = read_file(
        "a.csv",
        b"Titre;Th;Quand\nA;Eau | Sport|;2021-03-04\nB;;\n",
        kind="csv",
        fields={"title": "Titre", "theme": "Th", "year": "Quand"},
        splits={"theme": "|"},
        defaults={"theme": "Adaptation"},
        constants={"publisher": "ADEME"},
    )
    assert values(rows) == [
        {"title": "A", "theme": "Eau; Sport", "year": "2021-03-04", "publisher": "ADEME"},
        {"title": "B", "theme": "Adaptation", "year": "", "publisher": "ADEME"},
    ]


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        (b"", {}, "is empty"),
        (b"\n\n", {}, "is empty"),
        (b"colour;size\nred;3\n", {}, "no column of .* is a field"),
        (b"title;x\nA;B\n", {"fields": {"summary": "Texte"}}, "no column 'Texte'"),
        (b"title;title\nA;B\n", {}, "two columns named title"),
    ],
)
def test_a_broken_table_is_an_error_with_a_hint(
    read_file: Callable[..., object], data: bytes, options: dict[str, object], said: str
) -> None:
    with pytest.raises(SourceError, match=said) as error:
        read_file("a.csv", data, kind="csv", **options)
    assert error.value.hint


def test_a_missing_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist") as error:
        list(read(SourceConfig(name="test", kind="csv", path=tmp_path / "none.csv")))
    assert "path" in error.value.hint


def test_inspecting_says_which_columns_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title;colour;summary;size\nA;red;a;1\nB;b;b;b;b\nC;blue;c;2\n")
    seen = inspect(SourceConfig(name="test", kind="csv", path=path), limit=2)
    assert seen.unmapped == ("colour", "size")
    assert [record.values["title"] for record in seen.records] == ["A"]
    assert len(seen.rejections) == 1


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"title;summary\n" + data)
    for row in read(SourceConfig(name="test", kind="csv", path=path)):
        assert isinstance(row, Record | Rejection)

"""Any table, in any format: the same rows, and what is refused has a place and a reason."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.catalogue.resource import Record, Rejection, Remark
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.mapping import Mapper
from reco.sources.read import read
from reco.sources.rows import LINK, Row, columns, reader
from tests.support import ods

from .conftest import Read

HEADER = ["id", "title", "summary", "theme"]
WINDOWS = "ab cdéàçêùôÉ;,|\t\"'\n="
"""Letters whose bytes, in Windows-1252, are no UTF-8 in any order."""

any_cell = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")) | st.just("\n"), max_size=12)
cells = any_cell.filter(lambda cell: not cell.startswith('="'))
windows = st.text(WINDOWS, max_size=12).filter(lambda cell: not cell.startswith('="'))
"""A text as a formula is read as what it shows."""


def tables(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    """Tables with a number and a title in each row: a row with less can be a note."""
    row = st.tuples(cell.map(lambda text: f"T{text}"), cell, cell)
    return st.lists(row, max_size=8).map(lambda rows: [[str(n), *row] for n, row in enumerate(rows, 1)])


def written(rows: list[list[str]], delimiter: str, end: str, trailing: int, quoted: bool) -> str:
    """Return rows as CSV: `trailing` empty cells are added, or with -1 the empty last ones left out."""
    stream = io.StringIO()
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(HEADER)
    for row in rows:
        kept = list(row)
        while trailing < 0 and not kept[-1]:
            kept.pop()
        writer.writerow(kept + [""] * trailing)
    return stream.getvalue()


def as_read(path: Path, kind: str, rows: list[list[str]]) -> None:
    config = SourceConfig.model_validate({"name": "test", "kind": kind, "path": path})
    found = list(read(config, tell=lambda _: None))
    assert [type(row) for row in found] == [Record] * len(rows), found
    assert [dict(row.values) for row in found] == [dict(zip(HEADER, row, strict=True)) for row in rows]


@settings(max_examples=40)
@given(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]).flatmap(
        lambda encoding: st.tuples(st.just(encoding), tables(cells))
    )
    | st.tuples(st.just("cp1252"), tables(windows)),
    st.sampled_from(";,\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([-1, 0, 2]),
    st.booleans(),
    st.booleans(),
)
def test_any_csv_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[str, list[list[str]]],
    delimiter: str,
    end: str,
    trailing: int,
    quoted: bool,
    told: bool,
) -> None:
    encoding, rows = table
    path = tmp_path_factory.getbasetemp() / "any-table.csv"
    # csv.writer leaves a line feed without quotes where lines end with "\r" alone: nobody could read that.
    text = written(rows, delimiter, end, trailing, quoted or end == "\r")
    path.write_bytes((f"sep={delimiter}{end}" * told + text).encode(encoding))
    as_read(path, "csv", rows)


@settings(max_examples=8)
@given(tables(cells), st.integers(0, 3))
def test_any_workbook_reads_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], above: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-table.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for y, row in enumerate([*[["Un titre"]] * above, HEADER, *rows]):
            for x, text in enumerate(row):
                sheet.write_string(y, x, text)
    as_read(path, "xlsx", rows)


@settings(max_examples=8)
@given(tables(cells))
def test_any_opendocument_reads_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "any-table.ods"
    path.write_bytes(ods([HEADER, *rows]))
    as_read(path, "ods", rows)


def changed(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(stream, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, content.replace(old, new) if name == part else content)
    return stream.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
GOOD = ods([HEADER, ["1", "A", "", ""]])


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("ods", b"", "it is empty"),
        ("xlsx", b"id;title\n1;A\n", "it is a text"),
        ("csv", b"PK\x03\x04 cut", "an archive that is cut short"),
        ("csv", GOOD, "it is an OpenDocument spreadsheet"),
        ("xlsx", GOOD, "it is an OpenDocument spreadsheet"),
        ("csv", OLE, "an Excel workbook of the old format"),
        ("csv", b"%PDF-1.7", "it is a PDF"),
        ("xlsx", b'<?xml version="1.0"?><Workbook/>', "it is an XML document"),
        ("xlsx", b"MIME-Version: 1.0\n", "in one file"),
        ("csv", b'[{"id": 1}]', "it is JSON"),
        ("csv", b"<!-- portal --><html>", "it is a web page"),
        ("csv", b"\n<!DOCTYPE html><p>Connexion", "it is a web page"),
        ("ods", GOOD[:900], "cut short or damaged"),
        ("xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (
            "ods",
            changed(GOOD, "META-INF/manifest.xml", b"</manifest:", b"<manifest:encryption-data/></manifest:"),
            "protected by a password",
        ),
        ("ods", changed(GOOD, "content.xml", b"<office:document-content", b"<!DOCTYPE a><b"), "document type"),
        ("ods", changed(GOOD, "content.xml", b"<table:table-row>", b'<table:table-row table:number-rows-repeated="9999999">'), "more rows"),
        ("ods", changed(GOOD, "content.xml", b"<table:table-cell", b'<table:table-cell table:number-columns-repeated="9999999"'), "more columns"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_in_one_sentence(read_file: Read, kind: str, data: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as error:
        read_file("a.bin", data, kind=kind)
    assert "a.bin" in str(error.value) and "\n" not in str(error.value) and error.value.hint


def test_a_line_that_is_too_long_costs_its_row(read_file: Read) -> None:
    data = b'id;title;summary\n1;A;a\n2;"' + b"x" * 17_000_000 + b'";b\n3;C;c\n'
    first, long, last = read_file("a.csv", data, kind="csv")
    assert isinstance(long, Rejection) and long.locator.endswith(":3") and len(long.values["raw"]) == 100_000
    assert long.problems == ("a line of more than 16,000,000 bytes",)
    assert isinstance(first, Record) and isinstance(last, Record) and last.values["title"] == "C"


def test_a_table_of_names_only_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;title\n")
    config = SourceConfig(name="test", kind="csv", path=tmp_path / "a.csv")
    (told,) = reader("csv")(config, None)
    assert isinstance(told, Remark) and told.locator.endswith("a.csv:1") and "no row" in told.text
    (tmp_path / "a.csv").write_text("id;title\n1;A;too many\n")
    (refused,) = reader("csv")(config, None)
    assert isinstance(refused, Rejection)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("titre", "Titre"),
        ("\ufeffTitre\u200b\u00a0", "Titre"),
        ("The\u0300me ", "Thème"),
        ('"Titre\n(obligatoire)" *', "titre (obligatoire)"),
        ("NOM_REGION", "Nom région"),
    ],
)
def test_a_name_is_compared_as_a_person_would(read_file: Read, name: str, wanted: str) -> None:
    quoted = name.replace('"', '""')
    (row,) = read_file("a.csv", f'id;"{quoted}"\n1;x\n'.encode(), kind="csv", fields={"title": wanted})
    assert row.values["title"] == "x"


def test_an_exact_name_wins_and_ours_keep_their_accents(read_file: Read) -> None:
    (row,) = read_file("a.csv", "Title;title;Thème\nA;B;C\n".encode(), kind="csv")
    assert row.values == {"title": "B"}


def test_a_message_shows_what_is_invisible(read_file: Read) -> None:
    with pytest.raises(SourceError, match="no column 'Titre'") as error:
        read_file("a.csv", "id;Tit\u200bel\n1;x\n".encode(), kind="csv", fields={"title": "Titre"})
    assert "'Tit<U+200B>el'" in error.value.hint


def test_the_line_of_the_names_can_be_chosen(read_file: Read) -> None:
    data = b"id;title\n0;Exemple\n\nid;title\n1;A\n"
    (row,) = read_file("a.csv", data, kind="csv", header_row=4)
    assert row.values == {"id": "1", "title": "A"}
    with pytest.raises(SourceError, match="no column names at `header_row` = 3"):
        read_file("a.csv", data, kind="csv", header_row=3)
    with pytest.raises(SourceError, match="ends before it"):
        read_file("a.csv", data, kind="csv", header_row=9)


def test_a_repeated_header_below_thirty_titles_is_not_searched(read_file: Read) -> None:
    titles = "".join(f"Ligne {n}\n" for n in range(30)).encode()
    with pytest.raises(SourceError, match="no column") as error:
        read_file("a.csv", titles + b"id;title\n1;A\n", kind="csv")
    assert "header_row" in error.value.hint


def test_section_lines_inside_a_table_are_not_left_out(read_file: Read) -> None:
    data = b"title;summary;theme\nA;a;x\n\nVille\nB;b;y\n"
    assert [row.values["title"] for row in read_file("a.csv", data, kind="csv")] == ["A", "Ville", "B"]


def test_what_stands_between_the_rows_is_told(read_file: Read) -> None:
    data = (
        b"id;title;summary;count\n(1);(2);(3);(4)\nWater;;;\n1;A;a;2\n2;B;b;3\nSous-total;;;5\n"
        b"Ground;;;\n3;Total recall;c;4\n;TOTAL G\xc3\x89N\xc3\x89RAL;;9\n\nSource :;the office;;\nCount;3;;\n"
    )
    assert [row.values["title"] for row in read_file("a.csv", data, kind="csv")] == ["A", "B", "Total recall"]


def test_a_sheet_that_lacks_the_columns_names_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Lisez-moi").write(0, 0, "La liste est sur l'autre feuille")
        book.add_worksheet("Liste").write_row(0, 0, ["id", "title"])
    config = SourceConfig(name="test", kind="xlsx", path=path)
    with pytest.raises(SourceError, match="`sheet` can name another: Liste"):
        list(reader("xlsx")(config, None))
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Feuil1")
        book.add_worksheet("Liste").write_row(0, 0, ["id", "title"])
    with pytest.raises(SourceError, match="sheet 'Feuil1', is empty") as error:
        list(reader("xlsx")(config, None))
    assert "Liste" in error.value.hint


def test_a_formula_that_holds_a_text_or_a_link_is_what_it_shows(read_file: Read) -> None:
    data = (
        b'id;title;url\n="01";"=HYPERLINK(""https://a.example.org/1"";""Un """"bon"""" verger"")";\n2;=1+1;\n'
    )
    first, second = (dict(row.values) for row in read_file("a.csv", data, kind="csv"))
    assert first == {"id": "01", "title": 'Un "bon" verger', "url": "https://a.example.org/1"}
    assert second == {"id": "2", "title": "=1+1", "url": ""}


def test_blanks_after_each_delimiter_do_not_hide_a_quote(read_file: Read) -> None:
    data = b'id, title, summary\n1, "Un verger, une mare", "a"\n2, Un "vrai" four, b\n'
    rows = [dict(row.values) for row in read_file("a.csv", data, kind="csv")]
    assert rows == [
        {"id": "1", "title": "Un verger, une mare", "summary": "a"},
        {"id": "2", "title": 'Un "vrai" four', "summary": "b"},
    ]


def test_a_table_of_one_column_needs_no_quotes(read_file: Read) -> None:
    rows = read_file("a.csv", b"title\nA, b; c\nD | e\n", kind="csv")
    assert [row.values["title"] for row in rows] == ["A, b; c", "D | e"]


def test_a_link_behind_a_title_is_the_address(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "title"])
        sheet.write_row(1, 0, ["1"])
        sheet.write_url(1, 1, "https://a.example.org/1", string="Un verger")
    config = SourceConfig(name="test", kind="xlsx", path=path)
    (row,) = (row for row in reader("xlsx")(config, None) if isinstance(row, Row))
    assert row.cells[LINK] == "https://a.example.org/1"
    record = Mapper(config).record(row)
    assert isinstance(record, Record) and record.values["url"] == "https://a.example.org/1"
    assert record.values["title"] == "Un verger"


def test_formulas_that_were_never_calculated_are_counted(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["id", "title", "year"])
    book.active.append(["1", "A", "=2000+19"])
    book.save(tmp_path / "a.xlsx")
    found = list(reader("xlsx")(SourceConfig(name="test", kind="xlsx", path=tmp_path / "a.xlsx"), None))
    assert isinstance(found[1], Remark) and "1 formula without a value" in found[1].text


def test_columns_are_found_before_they_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Liste, au 1er mai\n\nRéf;Besoin;Coût\n1;Un pont, vite;3\n")
    config = SourceConfig(name="test", kind="csv", path=tmp_path / "a.csv")
    found = columns(config, ["besoin"])
    assert (found.names, found.row, found.delimiter) == (("Réf", "Besoin", "Coût"), 3, ";")
    assert columns(config).row == 3

"""JSON, XLSX, Parquet and feeds, from files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reco.catalogue.resource import Record, Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.read import inspect

from .conftest import Read

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><language>fr</language>
<item><guid>u1</guid><title>Haies &amp; talus</title><link>https://example.org/1</link>
<description><![CDATA[<p>Court</p> <!DOCTYPE html>]]></description><category>Eau</category>
<pubDate>Mon, 04 Mar 2024 10:00:00 GMT</pubDate></item>
<item><title>Sans guid</title><link>https://example.org/2</link></item></channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>a1</id><title>Titre</title>
<author><name>Léa Martin</name></author><author><name>Paul Petit</name></author>
<updated>2023-01-02T00:00:00Z</updated>
<summary>Bref</summary><content type="html">&lt;p&gt;Bien plus long&lt;/p&gt;</content></entry></feed>"""


def workbook(rows: list[list[object]], sheet: str = "Feuil1") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(data: bytes, extra: dict[str, bytes]) -> bytes:
    """Return an archive with parts added or replaced."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, extra.pop(name, old.read(name)))
        for name, content in extra.items():
            new.writestr(name, content)
    return stream.getvalue()


def test_records_are_found_inside_a_document(read_file: Read) -> None:
    data = json.dumps({"meta": {}, "result": {"items": [{"title": "A"}, 7, {"title": "B"}, "x"]}}).encode()
    rows = read_file("a.json", data, kind="json", records="result.items")
    assert [type(row) for row in rows] == [Record, Rejection, Record, Rejection]
    assert rows[1].locator.endswith("a.json#2")


def test_a_document_without_the_list_says_where_lists_are(read_file: Read) -> None:
    with pytest.raises(SourceError, match="holds no list") as error:
        read_file("a.json", b'{"data": [], "n": 1}', kind="json")
    assert "data" in error.value.hint


@pytest.mark.parametrize("data", [b"{", b"", b"\xff\xff", b"[" * 200_000])
def test_a_document_that_is_not_json_is_an_error(read_file: Read, data: bytes) -> None:
    with pytest.raises(SourceError, match=r"is not JSON|it is empty"):
        read_file("a.json", data, kind="json")


def test_a_sheet_is_read_as_text(read_file: Read) -> None:
    data = workbook([[None], ["id", "title", "year", "note"], [3.0, "A", 2020, "x"], [], [None, "B"]])
    rows = read_file("a.xlsx", data, kind="xlsx")
    assert [dict(row.values) for row in rows] == [
        {"id": "3", "title": "A", "year": "2020"},
        {"id": "", "title": "B", "year": ""},
    ]
    assert [row.locator.rsplit(":", 1)[1] for row in rows] == ["3", "5"]


def test_a_formula_typed_as_text_stays_text(read_file: Read) -> None:
    book = openpyxl.Workbook()
    book.active.append(["title"])
    book.active["A2"].value = "=cmd|' /C calc'!A0"
    book.active["A2"].data_type = "s"
    stream = io.BytesIO()
    book.save(stream)
    (row,) = read_file("a.xlsx", stream.getvalue(), kind="xlsx")
    assert row.values["title"] == "=cmd|' /C calc'!A0"


def test_a_sheet_is_chosen_by_name(read_file: Read) -> None:
    data = workbook([["title"], ["A"]], sheet="Fiches")
    assert len(read_file("a.xlsx", data, kind="xlsx", sheet="Fiches")) == 1
    with pytest.raises(SourceError, match="has no sheet 'Autre'") as error:
        read_file("a.xlsx", data, kind="xlsx", sheet="Autre")
    assert "Fiches" in error.value.hint


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"xl/bomb.xml": b"0" * 40_000_000}, "packed in"),
        ({f"xl/{n}.xml": b"" for n in range(2_001)}, "packed in"),
        ({"xl/sharedStrings.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><sst/>'}, "document type"),
        ({"xl/worksheets/sheet1.xml": b"<worksheet"}, "cannot be read as xlsx"),
    ],
)
def test_a_hostile_workbook_is_refused(read_file: Read, extra: dict[str, bytes], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read_file("a.xlsx", repacked(workbook([["title"], ["A"]]), extra), kind="xlsx")


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04 cut"])
@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_file_of_another_kind_is_refused(read_file: Read, kind: str, data: bytes) -> None:
    with pytest.raises(SourceError, match="cannot be read as"):
        read_file("a.bin", data, kind=kind)


def test_a_parquet_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"title": ["A", "B"], "theme": [["Eau", "Sport"], None], "n": [1, 2]})
    pq.write_table(table, path, write_page_checksum=True)
    seen = inspect(SourceConfig(name="test", kind="parquet", path=path))
    assert [dict(record.values) for record in seen.records] == [
        {"title": "A", "theme": "Eau; Sport"},
        {"title": "B"},
    ]
    assert seen.unmapped == ("n",)


def test_a_flipped_bit_in_a_parquet_page_is_noticed(tmp_path: Path, read_file: Read) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"title": [f"title {n}" for n in range(100)]})
    pq.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    data = path.read_bytes().replace(b"title 42", b"title 43")
    with pytest.raises(SourceError, match="cannot be read as parquet"):
        read_file("b.parquet", data, kind="parquet")


def test_a_feed_is_read(read_file: Read) -> None:
    first, second = read_file("a.rss", RSS.encode(), kind="rss")
    assert first.values == {
        "id": "u1",
        "title": "Haies & talus",
        "url": "https://example.org/1",
        "summary": "<p>Court</p> <!DOCTYPE html>",
        "year": "2024",
        "language": "fr",
    }
    assert second.values["id"] == "https://example.org/2"


def test_an_atom_feed_gives_its_longest_text_and_its_authors(read_file: Read) -> None:
    (row,) = read_file("a.atom", ATOM.encode(), kind="rss")
    assert row.values["authors"] == "Léa Martin; Paul Petit"
    assert row.values["summary"] == "<p>Bien plus long</p>"
    assert row.values["year"] == "2023"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_feed_with_entities_is_refused(read_file: Read, encoding: str) -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + RSS.removeprefix('<?xml version="1.0"?>')
    with pytest.raises(SourceError, match="document type"):
        read_file("a.rss", bomb.encode(encoding), kind="rss")
    with pytest.raises(SourceError, match="document type"):
        read_file("b.rss", b"<broken " + bomb.encode(encoding), kind="rss")


def test_a_feed_cut_short_says_so(read_file: Read) -> None:
    with pytest.raises(SourceError, match="cut short"):
        read_file("a.rss", RSS[:-60].encode(), kind="rss")


@pytest.mark.parametrize("data", [b"", b"hello", b"<html><body>no</body></html>", b'{"title": "A"}'])
def test_what_is_no_feed_is_an_error(read_file: Read, data: bytes) -> None:
    with pytest.raises(SourceError, match="cannot be read as rss"):
        read_file("a.rss", data, kind="rss")

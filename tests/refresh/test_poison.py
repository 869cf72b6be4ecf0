"""Poisoned sources beside a sound one, through `reco refresh`: refused or set aside with a reason that
names the file and line, while everything else is served."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import shutil
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Response

from tests.support import Home, Ran, edited, python, rows, run_cli, write_csv

YESTERDAY = [{"id": f"p{n}", "title": f"Fiche {n}", "summary": f"Ce que dit la fiche {n}."} for n in range(3)]
GATES = "[gates]\nchurn = 1\n\n"
"""A catalogue of 27 that becomes one of 224 overnight is for another test to judge."""
NEWS = "Un bassin chauffé au bois."


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@dataclass(frozen=True)
class Nights:
    """A home that served a sound source and three rows of another, which is poisoned tonight."""

    home: Home

    @property
    def folder(self) -> Path:
        return self.home.folder

    def file(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return name

    def refresh(self, kind: str, **options: object) -> Ran:
        """Refresh from the poisoned source and from a sound one of which one row changed."""
        self.configure(kind, **options)
        self.home.write(edited(rows(), "r00", summary=NEWS), "sound")
        return run_cli("refresh", "--json", *self.home.arguments)

    def configure(self, kind: str, **options: object) -> None:
        self.home.configure()
        with self.home.config.open("a", encoding="utf-8") as stream:
            stream.write(source_table(kind, **options))

    def served(self, source: str) -> dict[str, Any]:
        return {r.id: r for r in self.home.store.open().catalogue if r.source == source}

    def is_refused(self, said: tuple[str, ...], kind: str, **options: object) -> str:
        """Check that the source fails with these words, keeps its rows, and stops nobody else."""
        done = self.refresh(kind, **options)
        assert done.code == 0, done.out
        assert done.json["failed_sources"] == ["poisoned"]
        why: str = done.json["failures"]["poisoned"]
        assert all(word in why for word in said) and len(why) < 3_000, why
        assert sorted(self.served("poisoned")) == ["p0", "p1", "p2"]
        assert len(self.served("sound")) == 24 and self.served("sound")["r00"].summary == NEWS
        self._fails_alone(said, kind, **options)
        return why

    def _fails_alone(self, said: tuple[str, ...], kind: str, **options: object) -> None:
        self.home.sources.clear()
        self.configure(kind, **options)
        before = self.home.store.current()
        done = run_cli("refresh", "--json", *self.home.arguments)
        assert done.code == 1 and "poisoned" in done.json["error"] and done.json["hint"]
        assert all(word in done.json["error"] for word in said)
        assert self.home.store.current() == before

    def sets_aside(self, kind: str, **options: object) -> dict[str, str]:
        """Refresh, check that the source is served, and return its refused rows: locator -> reasons."""
        done = self.refresh(kind, **options)
        assert (done.code, done.json["failed_sources"]) == (0, []), done.out
        assert len(self.served("sound")) == 24 and self.served("sound")["r00"].summary == NEWS
        if not done.json["quarantine"]:
            return {}
        lines = Path(done.json["quarantine"]).read_text("utf-8").splitlines()
        assert len(lines) == done.json["rejected"]
        refused = [json.loads(line) for line in lines]
        return {row["locator"].replace(f"{self.folder}/", ""): "; ".join(row["problems"]) for row in refused}


def source_table(kind: str, **options: object) -> str:
    lines = [f"{name} = {_toml(value)}" for name, value in options.items()]
    return "\n".join(["[[sources]]", 'name = "poisoned"', f'kind = "{kind}"', *lines, "", ""])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + " }"
    return json.dumps(value)


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("poison") / "reco", sources={"sound": "s.csv", "poisoned": "p.csv"})
    home.write(rows(), "sound")
    home.write(YESTERDAY, "poisoned")
    assert home.refresh().published
    return home.folder


@pytest.fixture
def nights(yesterday: Path, memory: Path) -> Nights:
    shutil.copytree(yesterday, memory / "reco")
    return Nights(Home(memory / "reco", sources={"sound": "s.csv"}, extra=GATES))


def table(count: int, **changed: dict[str, str]) -> list[dict[str, str]]:
    """`count` sound rows with ids p0, p1..., some of them changed."""
    made = [
        {"id": f"p{n}", "title": f"Fiche {n}", "summary": f"Ce que dit la fiche {n}."} for n in range(count)
    ]
    return [{**row, **changed.get(row["id"], {})} for row in made]


def as_csv(made: list[dict[str, str]]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["id", "title", "summary"])
    writer.writeheader()
    writer.writerows(made)
    return stream.getvalue().encode()


def as_jsonl(made: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in made).encode()


def workbook(parts: dict[str, bytes]) -> bytes:
    """A workbook of one row, some of its parts replaced or added; noise keeps its ratio below the limit."""
    book, plain, packed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    for row in (["title"], ["A"]):
        book.active.append(row)
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in ({name: old.read(name) for name in old.namelist()} | parts).items():
            new.writestr(name, data)
    return packed.getvalue()


def sheet(inside: bytes) -> bytes:
    namespace = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return (
        b'<worksheet xmlns="' + namespace + b'"><sheetData><row r="1"><c t="str"><v>title</v></c></row>'
        b"" + inside + b"</sheetData></worksheet>"
    )


SHEET = "xl/worksheets/sheet1.xml"
NOISE = {"noise.bin": bytes(os.urandom(200_000))}
LAUGHS = "<!DOCTYPE a [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
)
RSS = "<rss version='2.0'><channel><title>&a9;</title><item><title>&a9;</title></item></channel></rss>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 40
HTML = b"<!DOCTYPE html>\n<html><body><h1>Maintenance en cours</h1>\n<p>Revenez demain.</p></body></html>\n"
WIDE = ",".join(f"c{n}" for n in range(1_000_000)).encode()
BAD = {f"p{n}": {"title": ""} for n in range(0, 100, 17)}

FILES: dict[str, tuple[str, str, bytes, tuple[str, ...], dict[str, object]]] = {
    "cp1252 said to be utf-8": (
        "a.csv",
        "csv",
        "id,title\np7,Été\np8,Forêt\n".encode("cp1252"),
        ("2 of its 2 rows", "a.csv:2", "not written in utf-8"),
        {"encoding": "utf-8"},
    ),
    "utf-16 said to be utf-8": (
        "a.csv",
        "csv",
        "id,title\np7,Été\n".encode("utf-16-be"),
        ("a.csv", "NUL"),
        {"encoding": "utf-8"},
    ),
    "page with zeros": ("a.txt", "page", b"Titre\nADEMEEau / Livres\n\0\0\0", ("a.txt", "NUL"), {}),
    "binary csv": ("a.csv", "csv", PNG, ("a.csv", "no column"), {}),
    "binary lines": ("a.jsonl", "jsonl", PNG, ("a.jsonl:1: not a line of JSON",), {}),
    "binary json": ("a.json", "json", PNG, ("a.json is not JSON", "PNG"), {}),
    "binary page": ("a.txt", "page", PNG, ("no resource found", "a.txt"), {}),
    "binary workbook": ("a.xlsx", "xlsx", PNG, ("a.xlsx", "cannot be read as xlsx"), {}),
    "binary parquet": ("a.parquet", "parquet", PNG, ("a.parquet", "cannot be read as parquet"), {}),
    "binary feed": ("a.rss", "rss", PNG, ("a.rss", "cannot be read as rss"), {}),
    "6 % of bad rows": (
        "a.csv",
        "csv",
        as_csv(table(100, **BAD)),
        ("6 of its 100 rows", "6%; limit 5%", "a.csv:2", "the title is missing"),
        {},
    ),
    "packed workbook": (
        "a.xlsx",
        "xlsx",
        workbook({"xl/media/bomb.xml": b"0" * 90_000_000}),
        ("a.xlsx", "packed in"),
        {},
    ),
    "workbook with a long row": (
        "a.xlsx",
        "xlsx",
        workbook(NOISE | {SHEET: sheet(b"<row>" + b"<c><v>1</v></c>" * 700_000 + b"</row>")}),
        ("a.xlsx", "a row of more than"),
        {},
    ),
    "workbook with a far row": (
        "a.xlsx",
        "xlsx",
        workbook({SHEET: sheet(b'<row r="999999999"><c><v>1</v></c></row>')}),
        ("a.xlsx", "more rows than a sheet can have"),
        {},
    ),
    "workbook with entities": (
        "a.xlsx",
        "xlsx",
        workbook({SHEET: f"{LAUGHS}]>".encode() + sheet(b"<row><c><v>&a9;</v></c></row>")}),
        ("a.xlsx", "document type"),
        {},
    ),
    "packed table": (
        "a.csv.gz",
        "csv",
        gzip.compress(b"title\n" + b"0" * 50_000_000),
        ("a.csv.gz", "larger than 2000000 bytes"),
        {"encoding": "utf-8", "max_bytes": 2_000_000},
    ),
    "a million unknown columns": ("a.csv", "csv", WIDE + b"\n1,2\n", ("a.csv", "no column", "c19, ..."), {}),
    "billion laughs": ("a.rss", "rss", f"{LAUGHS}]>{RSS}".encode(), ("a.rss", "document type"), {}),
    "entity of a file": (
        "a.rss",
        "rss",
        f"<!DOCTYPE a [<!ENTITY a9 SYSTEM 'file:///etc/passwd'>]>{RSS}".encode(),
        ("a.rss", "document type"),
        {},
    ),
    "deep json": ("a.json", "json", b"[" * 300_000, ("a.json is not JSON", "recursion"), {}),
    "empty list": ("a.json", "json", b"[]", ("no rows",), {}),
    "no list": ("a.json", "json", b'{"error": "quota"}', ("a.json holds no list",), {}),
    "html instead": ("a.json", "json", HTML, ("a.json is not JSON", "<!DOCTYPE html>"), {}),
}


@pytest.mark.parametrize("case", FILES)
def test_a_poisoned_file_is_refused_by_name_and_its_source_keeps_its_rows(nights: Nights, case: str) -> None:
    name, kind, data, said, options = FILES[case]
    nights.is_refused(said, kind, path=nights.file(name, data), **options)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "page", "xlsx", "parquet", "rss"])
def test_a_folder_in_place_of_a_file(nights: Nights, kind: str) -> None:
    (nights.folder / "a.d").mkdir()
    nights.is_refused(("a.d", "directory"), kind, path="a.d")


def test_a_file_in_place_of_a_folder(nights: Nights) -> None:
    nights.is_refused(("a.csv", "NotADirectory"), "folder", path=nights.file("a.csv", as_csv(table(3))))


def test_a_pipe_in_place_of_a_file_is_not_waited_for(nights: Nights) -> None:
    os.mkfifo(nights.folder / "a.csv")
    nights.is_refused(("a.csv", "not a file"), "csv", path="a.csv")


def test_a_link_to_itself_in_place_of_a_file(nights: Nights) -> None:
    (nights.folder / "a.csv").symlink_to("a.csv")
    nights.is_refused(("a.csv", "symbolic links"), "csv", path="a.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file, whatever its permissions")
def test_a_file_that_may_not_be_read(nights: Nights) -> None:
    name = nights.file("a.csv", as_csv(table(3)))
    (nights.folder / name).chmod(0)
    nights.is_refused(("a.csv", "Permission denied"), "csv", path=name)


@pytest.mark.parametrize(("kind", "made"), [("csv", as_csv(table(5_000))), ("jsonl", as_jsonl(table(5_000)))])
def test_a_file_that_grows_while_it_is_read(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, kind: str, made: bytes
) -> None:
    from reco.sources import content

    name, read = nights.file(f"a.{kind}", made), content.lines

    def and_a_writer(*given: Any) -> Iterator[bytes]:
        for number, line in enumerate(read(*given)):
            if number == 2_000:
                with (nights.folder / name).open("ab") as stream:
                    stream.write(b'{"id": "p9')
            yield line

    for module in ("csv_text", "json_lines"):
        monkeypatch.setattr(f"reco.sources.{module}.lines", and_a_writer)
    nights.is_refused((name, "changed while it was being read"), kind, path=name)


def test_a_surprise_inside_a_reader_is_its_sources_alone(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = nights.file("a.rss", RSS.encode())
    monkeypatch.setattr("reco.sources.feed.document", lambda *given: 1 / 0)
    nights.is_refused(("a.rss", "cannot be read as rss", "ZeroDivisionError"), "rss", path=name)


# Rows that are set aside, the rest served.


def test_one_bad_row_in_a_hundred(nights: Nights) -> None:
    made = table(200, p7={"title": ""}, p150={"id": ""})
    refused = nights.sets_aside("csv", path=nights.file("a.csv", as_csv(made)))
    assert refused == {"a.csv:9": "the title is missing", "a.csv:152": "the id is empty"}
    assert len(nights.served("poisoned")) == 198


def test_ids_twice_and_empty(nights: Nights) -> None:
    made = table(80, p3={"id": "p2"}, p4={"id": " "}, p5={"id": "r01"})
    refused = nights.sets_aside("jsonl", path=nights.file("a.jsonl", as_jsonl(made)))
    first = f"the id 'p2' is already used at {nights.folder}/a.jsonl:3"
    assert refused == {"a.jsonl:4": first, "a.jsonl:5": "the id is empty"}
    served = nights.served("poisoned")
    assert served["p2"].title == "Fiche 2" and served["poisoned:r01"].title == "Fiche 5"


def test_ragged_rows(nights: Nights) -> None:
    lines = as_csv(table(100)).splitlines()
    lines[4], lines[50], lines[60] = b"p3,Fiche", b"p49,Fiche,Texte,de,trop", b'p59,"Jamais ferm'
    refused = nights.sets_aside("csv", path=nights.file("a.csv", b"\n".join(lines)))
    assert refused == {
        "a.csv:51": "5 cells where the header has 3",
        "a.csv:61": "a quote is never closed",
    }
    assert len(nights.served("poisoned")) == 98  # Excel leaves the last empty cells of a line out


def test_one_row_in_another_encoding(nights: Nights) -> None:
    lines = as_csv(table(40)).splitlines()
    lines[9] = "p8,Été,Forêt".encode("cp1252")
    refused = nights.sets_aside("csv", path=nights.file("a.csv", b"\n".join(lines)), encoding="utf-8")
    assert refused == {"a.csv:10": "not written in utf-8"}


def test_a_line_of_a_million_columns(nights: Nights) -> None:
    data = as_csv(table(40)) + WIDE + b"\n"
    refused = nights.sets_aside("csv", path=nights.file("a.csv", data))
    assert refused == {"a.csv:42": "1000000 cells where the header has 3"}


def test_a_header_of_a_million_columns(nights: Nights) -> None:
    data = b"id,title," + WIDE + b"\n" + b"p1,Fiche," + b"," * 999_999 + b"\n"
    assert nights.sets_aside("csv", path=nights.file("a.csv", data)) == {}
    assert nights.served("poisoned")["p1"].title == "Fiche"


STRANGE = (
    ('{"id": NaN, "title": "a"}', "the id is empty"),
    ('{"id": Infinity, "title": "a"}', "the id is empty"),
    ('{"id": "x", "title": -Infinity}', "the title is missing"),
    (f'{{"id": "x", "title": "", "year": 1{"0" * 40}}}', "the title is missing"),
    (f'{{"id": "x", "title": "a", "year": 1{"0" * 9_000}}}', "not a line of JSON"),
    ('{"id": "x", "title": "", "year": 1e308}', "the title is missing"),
    (f'{{"id": "x", "title": {"[" * 600}1{"]" * 600}}}', "nested too deeply"),
    (f'{{"id": "x", "title": {"[" * 100_000}', "not a line of JSON"),
    ('{"id": "x", "title": "\\ud800", "year": "\\udfff"}', "the title is missing"),
    ('["x", "a"]', "not an object but a list"),
    ("<html>", "not a line of JSON"),
)


def test_lines_of_strange_json(nights: Nights) -> None:
    """Each is set aside for its own reason, and the line after it is read."""
    sound = as_jsonl(table(240)).splitlines()
    strange = [written.encode() for written, _ in STRANGE]
    lines = [line for pair in zip(strange, sound, strict=False) for line in pair] + sound[len(strange) :]
    refused = nights.sets_aside("jsonl", path=nights.file("a.jsonl", b"\n".join(lines)))
    assert list(refused) == [f"a.jsonl:{2 * number + 1}" for number in range(len(STRANGE))]
    for (written, reason), why in zip(STRANGE, refused.values(), strict=True):
        assert reason in why, written[:60]
    assert len(nights.served("poisoned")) == 240


def test_items_of_a_list_that_are_no_records(nights: Nights) -> None:
    deep = "[" * 900 + "]" * 900
    data = json.dumps(table(60)).encode()[:-1] + f", {deep}, 7, null]".encode()
    refused = nights.sets_aside("json", path=nights.file("a.json", data))
    assert list(refused) == ["a.json#61", "a.json#62", "a.json#63"]
    assert "a list" in refused["a.json#61"]


def test_characters_that_must_not_be_shown_are_not_served(nights: Nights) -> None:
    made = table(
        3,
        p0={"title": "éco\0le", "summary": "avant\ud800après"},
        p1={"title": "facture\u202efdp.exe", "summary": "\ufeffun\u200b mot\u2066"},
        p2={"summary": "a" + "\u0301\u0315" * 20_000 + "&#" + "1" * 5_000 + ";" + "<!--" * 5_000},
    )
    assert nights.sets_aside("jsonl", path=nights.file("a.jsonl", as_jsonl(made))) == {}
    served = nights.served("poisoned")
    assert (served["p0"].title, served["p0"].summary) == ("école", "avant\ufffdaprès")
    assert (served["p1"].title, served["p1"].summary) == ("facturefdp.exe", "un mot")
    assert len(served["p2"].summary) < 21_000


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_formulas_are_served_as_text(nights: Nights, kind: str) -> None:
    formula = "=cmd|' /C calc'!A0"
    made = table(2, p0={"title": formula, "summary": "@SUM(1+1)"})
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in [list(made[0]), *(list(row.values()) for row in made)]:
        book.active.append(row)
        for cell in book.active[book.active.max_row]:
            cell.data_type = "s"
    book.save(stream)
    data = {"csv": as_csv(made), "jsonl": as_jsonl(made), "xlsx": stream.getvalue()}[kind]
    assert nights.sets_aside(kind, path=nights.file(f"a.{kind}", data)) == {}
    assert nights.served("poisoned")["p0"].title == formula
    done = run_cli("show", "p0", "--json", *nights.home.arguments)
    assert done.json["title"] == formula and done.json["summary"] == "@SUM(1+1)"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_table_that_the_command_line_writes_holds_no_formula(nights: Nights, start: str) -> None:
    folder, danger = nights.folder / "judged", f"{start}cmd|' /C calc'!A0 arbres"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": f"{start}d", "title": danger, "text": ""}))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": f"{start}q", "text": danger}))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{start}q\t{start}d\t1\n")
    topics = nights.folder / "topics.csv"
    done = run_cli("evaluate", str(folder), "--topics", str(topics), "--json", *nights.home.arguments)
    assert done.code == 0, done.out
    cells = [cell for row in csv.reader(topics.open(encoding="utf-8")) for cell in row]
    assert f"'{danger}" in cells and f"'{start}q" in cells
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]


def test_a_broken_file_of_a_drop_folder_costs_only_itself(nights: Nights) -> None:
    inbox = nights.folder / "inbox"
    inbox.mkdir()
    write_csv(inbox / "good.csv", table(120))
    (inbox / "feed.xml").write_text(f"{LAUGHS}]>{RSS}")
    (inbox / "loop.csv").symlink_to("loop.csv")
    (inbox / "gone.csv").symlink_to("nowhere.csv")
    (inbox / "photo.png").write_bytes(PNG)
    Path(os.fsdecode(os.fsencode(inbox) + b"/caf\xe9.json")).write_bytes(HTML)  # not a name in UTF-8
    (inbox / "sub.csv").mkdir()
    os.mkfifo(inbox / "pipe.csv")
    refused = nights.sets_aside("folder", path="inbox")
    assert set(refused) == {
        "inbox/feed.xml",
        "inbox/loop.csv",
        "inbox/gone.csv",
        "inbox/caf\\udce9.json",
    }
    assert "document type" in refused["inbox/feed.xml"] and "does not exist" in refused["inbox/loop.csv"]
    assert "is not JSON" in refused["inbox/caf\\udce9.json"]
    assert len(nights.served("poisoned")) == 120


# Servers.

REMOTE = ("csv", "jsonl", "json", "page", "xlsx", "parquet", "rss", "oai", "wordpress", "api")
Answer = Callable[[], Response]


@pytest.fixture
def address(httpserver: HTTPServer) -> Callable[[Answer], str]:
    """Answer every request for /a... in one way; returns the address."""

    def answering(answer: Answer) -> str:
        httpserver.expect_request(re.compile("/a.*")).respond_with_handler(lambda request: answer())
        return httpserver.url_for("/a")

    return answering


@pytest.mark.parametrize("kind", REMOTE)
def test_a_server_that_fails(nights: Nights, address: Callable[[Answer], str], kind: str) -> None:
    url = address(lambda: Response("", 500))
    nights.is_refused((url, "answers 500"), kind, url=url, allow_private=True)


@pytest.mark.parametrize("kind", REMOTE)
def test_a_page_for_people_in_place_of_data(
    nights: Nights, address: Callable[[Answer], str], kind: str
) -> None:
    url = address(lambda: Response(HTML, content_type="text/html"))
    nights.is_refused((url,), kind, url=url, allow_private=True)


@pytest.mark.parametrize("kind", REMOTE)
def test_a_body_that_never_ends(nights: Nights, address: Callable[[Answer], str], kind: str) -> None:
    def for_ever() -> Iterator[bytes]:
        while True:
            yield b"<item><title>encore</title></item>\n" * 100

    url = address(lambda: Response(for_ever()))
    nights.is_refused((url, "larger than 100000 bytes"), kind, url=url, allow_private=True, max_bytes=100_000)


@pytest.mark.parametrize("kind", ["jsonl", "api", "rss", "oai"])
def test_half_a_body(nights: Nights, kind: str) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + as_jsonl(table(5))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(half)

        threading.Thread(target=serve, daemon=True).start()
        nights.is_refused((url, "RemoteProtocolError"), kind, url=url, allow_private=True)
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("kind", ["api", "json"])
def test_an_empty_list_is_not_a_deletion(nights: Nights, address: Callable[[Answer], str], kind: str) -> None:
    nights.is_refused(("no rows",), kind, url=address(lambda: Response("[]")), allow_private=True)


def test_a_repository_that_repeats_its_token(nights: Nights, address: Callable[[Answer], str]) -> None:
    body = (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header><identifier>x'
        "</identifier></header><metadata><title>Un</title></metadata></record>"
        "<resumptionToken>again</resumptionToken></ListRecords></OAI-PMH>"
    )
    url = address(lambda: Response(body))
    nights.is_refused((url, "same resumptionToken again"), "oai", url=url, allow_private=True)


@pytest.mark.parametrize("kind", ["rss", "oai"])
@pytest.mark.parametrize("entity", ["laughs", "outside"])
def test_xml_with_entities(
    nights: Nights, httpserver: HTTPServer, address: Callable[[Answer], str], kind: str, entity: str
) -> None:
    outside = f"<!DOCTYPE a [<!ENTITY a9 SYSTEM '{httpserver.url_for('/secret')}'>"
    body = f"{LAUGHS if entity == 'laughs' else outside}]>" + (
        RSS if kind == "rss" else '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">&a9;</OAI-PMH>'
    )
    url = address(lambda: Response(body, content_type="text/xml"))
    nights.is_refused((url, "document type"), kind, url=url, allow_private=True)
    assert {request.path for request, _ in httpserver.log} == {"/a"}


@pytest.mark.parametrize("kind", REMOTE)
def test_a_redirect_into_our_own_network(
    nights: Nights, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from reco.sources import public_hosts

    truly = public_hosts.is_public
    monkeypatch.setattr(public_hosts, "is_public", lambda address: address == "127.0.0.2" or truly(address))
    with HTTPServer(host="127.0.0.2") as outside:  # stands for a public server
        outside.expect_request(re.compile("/a.*")).respond_with_data(
            "", status=302, headers={"location": httpserver.url_for("/secret")}
        )
        nights.is_refused(("127.0.0.1", "not a public address"), kind, url=outside.url_for("/a"))
    assert httpserver.log == []


def test_a_site_that_announces_pages_without_end(nights: Nights, address: Callable[[Answer], str]) -> None:
    url = address(lambda: Response("[]", headers={"X-WP-TotalPages": "9" * 5_000}))
    nights.is_refused((url, "X-WP-TotalPages"), "wordpress", url=url, allow_private=True)


# Memory.

MEASURED = """
import sys
from pathlib import Path
from reco.cli.main import main
try:
    main()
finally:  # not getrusage: its peak is that of the parent, if it was higher
    peak, = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    print(int(peak.split()[1]) // 1024, file=sys.stderr)
"""
MOST_MB = 400
"""Resident memory of a whole refresh process; about 180 MB of it are libraries."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("case", ["10 MB summary", "packed workbook", "long row", "packed table"])
def test_memory_stays_bounded(nights: Nights, case: str) -> None:
    options: dict[str, object] = {"path": nights.file("big", big(case))}
    kind = {"10 MB summary": "jsonl", "packed table": "csv"}.get(case, "xlsx")
    if case == "packed table":
        options["encoding"] = "utf-8"
    nights.configure(kind, **options)
    done: Ran = python("-c", MEASURED, "refresh", "--json", *nights.home.arguments)
    assert done.code == 0, done.err
    if case == "10 MB summary":
        assert done.json["failed_sources"] == [] and done.json["rejected"] == 1
        quarantined = Path(done.json["quarantine"]).read_text("utf-8")
        assert "summary has 10,000,000 characters" in quarantined and "big:26" in quarantined
    else:
        assert done.json["failed_sources"] == ["poisoned"]
    assert int(done.err.split()[-1]) < MOST_MB


def big(case: str) -> bytes:
    if case == "10 MB summary":
        return as_jsonl([*table(25), {"id": "big", "title": "Long", "summary": "mot " * 2_500_000}])
    if case == "packed workbook":
        return workbook({"xl/sharedStrings.xml": b"<si><t>0</t></si>" * 5_000_000})
    if case == "long row":
        noise = {"noise.bin": bytes(os.urandom(1_000_000))}
        return workbook(noise | {SHEET: sheet(b"<row>" + b"<c><v>1</v></c>" * 6_000_000 + b"</row>")})
    return gzip.compress(b"title\n" + b"0" * 300_000_000, 1)

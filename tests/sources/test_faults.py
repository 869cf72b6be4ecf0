"""What each kind of file says of each fault: one sentence that names the file or the row, and what to do."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reco.catalogue.resource import Record, Rejection
from reco.refresh.collect import collect
from reco.sources.child import door, parent
from reco.sources.config import SourceConfig
from reco.sources.read import read
from tests.support import ods

LONG = "x" * 17_000_000
"""A cell above the limits of a line, of a row of a sheet, and of a row that a child sends."""
FULL = "x" * 2_000_000
"""A cell below these limits, above those of a field."""
HEADER = ["id", "title"]
ROWS = [HEADER, ["a", "École"], ["b", "Haie"]]
LABELS = {"themes": ("Eau",), "types": ("Guides & outils",)}
PROTECTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
"""The start of an Office document with a password: its content is encrypted, its container is not."""


def workbook(rows: list[list[str]]) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def long_workbook() -> bytes:
    """A workbook with a long cell, which no program writes, and enough noise to hide how well it packs."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([HEADER, ["a", "HERE"]]))) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"HERE", LONG.encode()))
        new.writestr("noise.bin", os.urandom(1_000_000))
    return stream.getvalue()


def parquet(rows: list[list[str]]) -> bytes:
    stream = io.BytesIO()
    names, *below = rows
    columns = [pa.array([row[at] for row in below], pa.string()) for at in range(len(names))]
    pq.write_table(pa.table(columns, names=names), stream)
    return stream.getvalue()


def feed(title: str) -> bytes:
    items = "".join(f"<item><guid>{one}</guid><title>{title}</title></item>" for one in ("a", "b"))
    return f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()


def page(summary: str) -> bytes:
    return f"Une école\nÉditeur du Lavoir\nEau / Guides & outils\nRésumé :\n{summary}\n".encode()


def lines(title: str) -> bytes:
    return "".join(json.dumps({"id": one, "title": title}) + "\n" for one in ("a", "b")).encode()


def document(title: str) -> bytes:
    return json.dumps([{"id": one, "title": title} for one in ("a", "b")]).encode()


def table(title: str) -> bytes:
    return f"id;title\na;École\nb;{title}\nc;Mare\n".encode()


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def locked(data: bytes) -> bytes:
    """An OpenDocument file as a password leaves it: an archive whose manifest says how its parts are encrypted."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "content.xml":
                part = bytes(reversed(part))
            if name == "META-INF/manifest.xml":
                part = part.replace(
                    b"<manifest:file-entry", b"<manifest:encryption-data/><manifest:file-entry", 1
                )
            new.writestr(name, part)
    return stream.getvalue()


CASES: dict[str, dict[str, tuple[Callable[[], bytes], str]]] = {
    "csv": {
        "empty": (lambda: b"", "essai.csv is empty"),
        "header": (lambda: b"id;title\n", "essai.csv has no rows"),
        "other": (lambda: workbook(ROWS), 'it is an Excel workbook. Set `kind = "xlsx"`'),
        # A table that is cut between two quotes is a table: the gate on lost rows sees it.
        "cut": ('id;title\na;École\nb;"Ha'.encode, "essai.csv:3: a quote is never closed"),
        "protected": (lambda: PROTECTED, "essai.csv is protected by a password. Save it without"),
        "long": (lambda: table(LONG), "essai.csv:3: a line of more than 16,000,000 bytes"),
    },
    "jsonl": {
        "empty": (lambda: b"", "essai.jsonl has no rows. An empty source deletes nothing"),
        "other": (lambda: parquet(ROWS), 'it is a Parquet table. Set `kind = "parquet"`'),
        "document": (lambda: document("École"), 'a list of records is read by `kind = "json"`'),
        "cut": (lambda: cut(lines("École")), "the file ends there: check that it is whole"),
        "protected": (lambda: PROTECTED, "essai.jsonl is protected by a password"),
        "long": (lambda: lines(LONG), "essai.jsonl:1: a line of more than 16,000,000 bytes"),
    },
    "json": {
        "empty": (lambda: b" \n", "essai.json cannot be read as json: it is empty. Put the whole file"),
        "header": (lambda: b"[]", "essai.json has no rows"),
        "other": (lambda: workbook(ROWS), 'it is an Excel workbook. Set `kind = "xlsx"`'),
        "cut": (lambda: cut(document("École")), "essai.json is not JSON"),
        "protected": (lambda: PROTECTED, "essai.json is protected by a password"),
        "long": (lambda: document(FULL), "essai.json#1: title has 2,000,000 characters"),
    },
    "xlsx": {
        "empty": (lambda: b"", "essai.xlsx cannot be read as xlsx: it is empty. Put the whole file"),
        "header": (lambda: workbook([HEADER]), "essai.xlsx has no rows"),
        "other": (lambda: table("Haie"), 'it is a text. Set `kind = "csv"`'),
        "cut": (
            lambda: cut(workbook(ROWS)),
            "essai.xlsx cannot be read as xlsx: it is an archive that is cut",
        ),
        "protected": (lambda: PROTECTED, "essai.xlsx is protected by a password"),
        "long": (long_workbook, "a row of more than 5,000,000 bytes, after 1 row"),
    },
    "ods": {
        "empty": (lambda: b"", "essai.ods cannot be read as ods: it is empty. Put the whole file"),
        "header": (lambda: ods([HEADER]), "essai.ods has no rows"),
        "other": (lambda: workbook(ROWS), 'it is an Excel workbook. Set `kind = "xlsx"`'),
        "cut": (lambda: cut(ods(ROWS)), "essai.ods cannot be read as ods: it is an archive that is cut"),
        "protected": (lambda: locked(ods(ROWS)), "essai.ods is protected by a password. Save it without"),
        "long": (lambda: ods([HEADER, ["a", LONG]]), "A cell, or a picture, is far longer than a catalogue"),
    },
    "parquet": {
        "empty": (lambda: b"", "essai.parquet cannot be read as parquet: it is empty. Put the whole file"),
        "header": (lambda: parquet([HEADER]), "essai.parquet has no rows"),
        "other": (lambda: table("Haie"), 'it is a text. Set `kind = "csv"`'),
        "cut": (
            lambda: cut(parquet(ROWS)),
            "its end is missing: it is cut short. Check that the file is whole",
        ),
        "protected": (lambda: b"PARE" + bytes(99) + b"PARE", "essai.parquet is protected by a password"),
        "long": (lambda: parquet([HEADER, ["a", FULL]]), "essai.parquet:1: title has 2,000,000 characters"),
    },
    "page": {
        "empty": (lambda: b"", "no resource found in {folder}/essai.page: it is empty. Check that"),
        "header": (lambda: b"Une page sans rien\n", "no resource found in {folder}/essai.page. Check that"),
        "other": (lambda: workbook(ROWS), 'it is an Excel workbook. Set `kind = "xlsx"`'),
        "protected": (lambda: PROTECTED, "essai.page is protected by a password"),
        "long": (lambda: page(FULL), "essai.page:1: "),
    },
    "rss": {
        "empty": (lambda: b"", "essai.rss cannot be read as rss: it is empty"),
        "header": (lambda: b'<rss version="2.0"><channel><title>t</title></channel></rss>', "has no rows"),
        "other": (lambda: workbook(ROWS), 'it is an Excel workbook. Set `kind = "xlsx"`'),
        "cut": (lambda: cut(feed("École")), "it is cut short, its end is missing"),
        "protected": (lambda: PROTECTED, "essai.rss is protected by a password"),
        "long": (lambda: feed(FULL), "essai.rss#1: title has 2,000,000 characters"),
    },
}


@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind, faults in CASES.items() for fault in faults]
)
def test_a_fault_is_told_in_one_sentence(kind: str, fault: str, tmp_path: Path) -> None:
    made, said = CASES[kind][fault]
    path = tmp_path / f"essai.{kind}"
    path.write_bytes(made())
    options = LABELS if kind == "page" else {}
    config = SourceConfig.model_validate({"name": "essai", "kind": kind, "path": path, **options})
    found = collect((config,), None, tmp_path / "cache")
    failure = found.failures.get("essai", "")
    refused = [f"{row.locator}: {'; '.join(row.problems)}" for row in found.rejections]
    told = " / ".join([failure, *refused]).replace(f"{tmp_path}/essai", "essai").replace(str(tmp_path), "")
    assert said.replace("{folder}/", "") in told, told
    if failure:
        assert re.search(r"\. [A-Z][^.]+", failure) and ".." not in failure, failure
    assert len(told) < 2_000 and "Traceback" not in told and "Error" not in told


def test_a_workbook_of_many_megabytes_is_read(tmp_path: Path) -> None:
    """100,000 rows of a catalogue take 130 MB as ODS: a part that is not parsed stands for them here."""
    path = tmp_path / "essai.ods"
    path.write_bytes(ods(ROWS))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("Pictures/a.bin", bytes(130_000_000))
        archive.writestr("Pictures/b.bin", os.urandom(1_000_000))
    found = read(SourceConfig(name="essai", kind="ods", path=path))
    assert [row.values.get("id") for row in found] == ["a", "b"]


FOLDER: dict[str, tuple[Callable[[], bytes], str]] = {
    "vide.xlsx": (lambda: b"", "it is empty. Put the whole file there"),
    "autre.parquet": (lambda: table("Haie"), 'it is a text. Set `kind = "csv"`'),
    "coupé.ods": (lambda: cut(ods(ROWS)), "cut short or damaged. Copy or fetch the whole file again"),
    "fermé.xlsx": (lambda: PROTECTED, "is protected by a password. Save it without a password"),
    "long.csv": (f"id;title\nz;{LONG}\n".encode, "a line of more than 16,000,000 bytes"),
}


def test_each_fault_in_a_folder_names_its_file_and_costs_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "depot"
    folder.mkdir()
    (folder / "bon.csv").write_bytes(table("Haie"))
    for name, (made, _) in FOLDER.items():
        (folder / name).write_bytes(made())
    options = {"name": "essai", "kind": "folder", "path": folder, "reject_limit": 0.9}
    found = collect((SourceConfig.model_validate(options),), None, tmp_path / "cache")
    assert {resource.id for resource in found.resources} == {"a", "b", "c"}
    told = {Path(row.locator).name.partition(":")[0]: "; ".join(row.problems) for row in found.rejections}
    assert set(told) == set(FOLDER)
    for name, (_, said) in FOLDER.items():
        assert said in told[name] and "source essai" not in told[name], told[name]


def test_a_file_that_fills_memory_costs_a_folder_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "depot"
    folder.mkdir()
    (folder / "bon.csv").write_bytes(table("Haie"))
    (folder / "amas.json").write_bytes(b"[" + b"{}," * 2_000_000 + b"{}]")
    monkeypatch.setattr(door, "runner", parent.apart)
    options = {"name": "essai", "kind": "folder", "path": folder, "max_memory": 150_000_000}
    found = list(read(SourceConfig.model_validate(options)))
    assert [row.values["id"] for row in found if isinstance(row, Record)] == ["a", "b", "c"]
    (refused,) = (row for row in found if isinstance(row, Rejection))
    assert refused.locator.endswith("amas.json")
    assert "amas.json takes more than 0.15 GB of memory. Divide the file" in refused.problems[0]


def test_a_long_row_of_a_child_is_refused_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "essai.json"
    path.write_bytes(document(LONG))
    monkeypatch.setattr(door, "runner", parent.apart)
    config = SourceConfig(name="essai", kind="json", path=path)
    found = collect((config,), None, tmp_path / "cache")
    assert {"; ".join(row.problems) for row in found.rejections} == {
        "title has 17,000,000 characters; a row of at most 16,000,000 is read. "
        "Shorten it, or take its column out"
    }
    assert all(len(row.values["title"]) == 10_000 for row in found.rejections)

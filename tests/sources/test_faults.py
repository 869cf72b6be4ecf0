"""What each kind of file says of each fault: one sentence that names the file or the row, and what to do."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reco.refresh.collect import collect
from reco.sources.child import door, parent
from reco.sources.config import SourceConfig
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


CASES: dict[str, dict[str, tuple[Callable[[], bytes], str]]] = {
    "csv": {
        "empty": (lambda: b"", "essai.csv is empty"),
        "header": (lambda: b"id;title\n", "essai.csv has no rows"),
        "other": (lambda: workbook(ROWS), 'it is an Excel workbook. Set `kind = "xlsx"`'),
        "protected": (lambda: PROTECTED, "essai.csv is protected by a password. Save it without"),
        "long": (lambda: table(LONG), "essai.csv:3: a line of more than 16,000,000 bytes"),
    },
    "jsonl": {
        "empty": (lambda: b"", "essai.jsonl has no rows. An empty source deletes nothing"),
        "other": (lambda: parquet(ROWS), 'it is a Parquet table. Set `kind = "parquet"`'),
        "cut": (lambda: cut(lines("École")), "essai.jsonl:2: not a line of JSON"),
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
        "protected": (lambda: PROTECTED, "essai.ods is protected by a password"),
        "long": (lambda: ods([HEADER, ["a", LONG]]), "essai.ods cannot be read as ods: "),
    },
    "parquet": {
        "empty": (lambda: b"", "essai.parquet cannot be read as parquet: it is empty. Put the whole file"),
        "header": (lambda: parquet([HEADER]), "essai.parquet has no rows"),
        "other": (lambda: table("Haie"), 'it is a text. Set `kind = "csv"`'),
        "cut": (
            lambda: cut(parquet(ROWS)),
            "its end is missing: it is cut short. Check that the file is whole",
        ),
        "protected": (lambda: PROTECTED, "essai.parquet is protected by a password"),
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
    assert len(told) < 2_000 and "Traceback" not in told and "Error" not in told


def test_a_long_row_of_a_child_is_refused_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "essai.json"
    path.write_bytes(document(LONG))
    monkeypatch.setattr(door, "runner", parent.apart)
    config = SourceConfig(name="essai", kind="json", path=path)
    found = collect((config,), None, tmp_path / "cache")
    assert {"; ".join(row.problems) for row in found.rejections} == {
        "title has 17,000,000 characters; a row of at most 16,000,000 is read"
    }
    assert all(len(row.values["title"]) == 10_000 for row in found.rejections)

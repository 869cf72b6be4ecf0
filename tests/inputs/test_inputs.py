"""The corpus of the ugly: each folder holds an input as people have it, and what it must give.

`docs/ugly-inputs.md` says how to add one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stamina
from pytest_httpserver import HTTPServer

from reco.catalogue.resource import Resource
from reco.projects import batch
from reco.refresh.collect import Collected, collect
from reco.sources.sandbox import parent
from reco.workspace.settings import load

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/expected.json"))
DOORS = ("resources", "projects", "text")
"""Keys of `expected.json`: a source, a table of projects, a visitor's file. A case has one of them."""


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_ugly_input_reads_as_a_person_would(case: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    folder = tmp_path / case.name
    shutil.copytree(case, folder)
    (door,) = (key for key in DOORS if key in expected)
    {"resources": _source, "projects": _projects, "text": _file}[door](folder, expected, httpserver)


def _source(folder: Path, expected: Mapping[str, Any], httpserver: HTTPServer) -> None:
    _serve(folder, httpserver)
    settings = folder / "reco.toml"
    settings.write_text(settings.read_text("utf-8").replace("{server}", httpserver.url_for("").rstrip("/")))
    found = collect(load(settings).sources, None, folder / "cache", today=date(2026, 1, 1))
    wanted = expected["resources"]
    assert [_named(r, want) for r, want in zip(found.resources, wanted, strict=False)] == wanted
    assert len(found.resources) == len(wanted)
    _assert_told(found, expected)


def _assert_told(found: Collected, expected: Mapping[str, Any]) -> None:
    """Each sentence is expected or it is a surprise: nothing else may be refused, told or failed."""
    refused = ["; ".join(row.problems) for row in found.rejections]
    told = [f"{remark.locator}: {remark.text}" for remark in found.remarks]
    _assert_sentences(refused, expected.get("refused", []))
    _assert_sentences(told, expected.get("told", []))
    _assert_sentences(list(found.failures.values()), expected.get("failed", []))


def _assert_sentences(found: Sequence[str], wanted: Sequence[str]) -> None:
    assert len(found) == len(wanted), found
    for sentence, part in zip(found, wanted, strict=True):
        assert part in sentence


def _named(resource: Resource, want: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a resource that a case names."""
    values = {name: getattr(resource, name) for name in want}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _serve(folder: Path, httpserver: HTTPServer) -> None:
    """Serve the answers that `served.json` lists: address -> file, status and headers."""
    listing = folder / "served.json"
    if not listing.exists():
        return
    for address, answer in json.loads(listing.read_text(encoding="utf-8")).items():
        parts = urlsplit(address)
        data = (folder / answer["file"]).read_bytes() if "file" in answer else b""
        data = data.replace(b"{server}", httpserver.url_for("").rstrip("/").encode())
        query = {"query_string": parts.query} if parts.query else {}
        httpserver.expect_request(parts.path, **query).respond_with_data(
            data, answer.get("status", 200), answer.get("headers", {})
        )


def _projects(folder: Path, expected: Mapping[str, Any], _httpserver: HTTPServer) -> None:
    found = batch.read(folder / expected["file"]).projects
    wanted = expected["projects"]
    assert [{name: getattr(row, name) for name in want} for row, want in zip(found, wanted, strict=True)] == [
        {name: tuple(value) if isinstance(value, list) else value for name, value in want.items()}
        for want in wanted
    ]


def _file(folder: Path, expected: Mapping[str, Any], _httpserver: HTTPServer) -> None:
    name = expected["file"]
    assert parent.read((folder / name).read_bytes(), name).text == expected["text"]

"""Every kind of source gives the same in a child process as in this one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pytest_httpserver import HTTPServer

from reco.catalogue.resource import Record, Remark
from reco.projects import batch, demand_file
from reco.sources.child import door, parent
from reco.sources.config import Kind, SourceConfig
from reco.sources.discovery.discover import discover
from reco.sources.read import inspect, read, read_changes
from tests.support import ods

ITEMS = [{"id": "a", "title": "École", "year": 2020}, {"id": "b", "title": "Haie", "theme": ["Eau", "Sol"]}]
OAI = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-02T00:00:00Z</responseDate>
<ListRecords><record><header><identifier>oai:1</identifier></header><metadata><dc><title>École</title></dc>
</metadata></record><record><header status="deleted"><identifier>oai:2</identifier></header></record>
<record><header><identifier>oai:3</identifier></header><metadata><dc><title>Haie</title></dc></metadata>
</record><record><header><identifier>oai:4</identifier></header></record></ListRecords></OAI-PMH>"""
FEED = """<rss version="2.0"><channel><title>t</title><item><guid>a</guid><title>École</title></item>
<item><guid>b</guid><title>Haie</title></item></channel></rss>"""
SITEMAP = (
    """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>{0}a</loc></url></urlset>"""
)
ARTICLE = "<html><head><title>École</title></head><body><main><h1>École</h1><p>{}</p></main></body></html>"
PAGE = "Une école\nÉditeur du Lavoir\nEau / Guides & outils\nRésumé :\nLa cour reverdit.\n"


def xlsx() -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (["id", "title", "year"], ["a", "École", 2020], ["b", "Haie", None]):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"id": ["a", "b"], "title": ["École", "Haie"], "year": [2020, None]}), stream)
    return stream.getvalue()


LOCAL: dict[str, tuple[str, Callable[[], bytes], dict[str, object]]] = {
    "csv": ("a.csv", "id;title;other\na;École;1\nb;Haie\nc;Mare;3\n".encode, {}),
    "jsonl": ("a.jsonl", lambda: b'{"id": "a", "title": "t"}\nnonsense\n{"id": "b", "title": null}', {}),
    "json": ("a.json", lambda: json.dumps({"list": [*ITEMS, 7]}).encode(), {"records": "list"}),
    "xlsx": ("a.xlsx", xlsx, {}),
    "ods": ("a.ods", lambda: ods([["id", "title"], ["a", "École"], ["b", "Haie"]]), {}),
    "parquet": ("a.parquet", parquet, {}),
    "page": ("a.txt", PAGE.encode, {"themes": ("Eau",), "types": ("Guides & outils",)}),
    "rss": ("a.rss", FEED.encode, {}),
}


@pytest.fixture
def server(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/oai").respond_with_data(OAI, content_type="text/xml")
    httpserver.expect_request("/api").respond_with_json({"list": ITEMS, "next": ""})
    posts = [{"id": 1, "title": {"rendered": "École"}, "content": {"rendered": "<p>x</p>"}, "link": "l"}]
    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_data(
        json.dumps(posts), headers={"X-WP-TotalPages": "1"}
    )
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    httpserver.expect_request("/sitemap.xml").respond_with_data(SITEMAP.format(httpserver.url_for("/")))
    httpserver.expect_request("/a").respond_with_data(
        ARTICLE.format("La cour de l'école reverdit. " * 20), content_type="text/html"
    )
    return httpserver


@pytest.fixture
def config(request: pytest.FixtureRequest, server: HTTPServer, tmp_path: Path) -> SourceConfig:
    """A source of the kind that the test names."""
    kind = request.param
    folder = tmp_path / "files"
    folder.mkdir()
    options: dict[str, object] = {"name": "essai", "kind": kind}
    if kind in LOCAL:
        name, made, more = LOCAL[kind]
        (folder / name).write_bytes(made())
        return SourceConfig.model_validate({**options, "path": folder / name, **more})
    if kind == "folder":
        for name, made, _ in (LOCAL["csv"], LOCAL["rss"]):
            (folder / name).write_bytes(made())
        return SourceConfig.model_validate({**options, "path": folder})
    more = {
        "oai": {"url": server.url_for("/oai")},
        "wordpress": {"url": server.url_for("/")},
        "api": {
            "url": server.url_for("/api"),
            "records": "list",
            "pagination": {"mode": "cursor", "cursor": "next"},
        },
        "site": {"url": server.url_for("/"), "delay_seconds": 0},
    }[kind]
    return SourceConfig.model_validate({**options, **more, "allow_private": True, "retries": 0})


@pytest.mark.parametrize("config", get_args(Kind), indirect=True)
def test_a_child_gives_what_the_reader_gives(
    config: SourceConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, list[Remark]] = {"here": [], "child": []}
    here = list(read(config, tmp_path / "cache", told["here"].append))
    assert any(isinstance(row, Record) for row in here)
    monkeypatch.setattr(door, "runner", parent.apart)
    assert list(read(config, tmp_path / "cache2", told["child"].append)) == here
    assert told["child"] == told["here"]


@pytest.mark.parametrize("config", ["oai"], indirect=True)
def test_what_changed_in_a_repository(config: SourceConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Remark] = []
    here = read_changes(config, tell=told.append)
    assert list(here.rows) == ["oai:1", "oai:2", "oai:3"] and here.rows["oai:2"] is None
    assert "no metadata" in told[0].text
    monkeypatch.setattr(door, "runner", parent.apart)
    again: list[Remark] = []
    assert read_changes(config, tell=again.append) == here
    assert again == told


@pytest.mark.parametrize("config", ["csv"], indirect=True)
def test_the_first_rows_and_the_files_of_a_user(
    config: SourceConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects, queries = tmp_path / "projects.csv", tmp_path / "queries.txt"
    projects.write_text("texte;id\nRénover l'école;1\nune haie\n", "utf-8")
    queries.write_text("Rénover l'école\n\nune haie\n", "utf-8")

    def found() -> list[object]:
        first = inspect(config, 2)
        return [first, batch.read(projects), demand_file.read(projects), demand_file.read(queries)]

    here = found()
    monkeypatch.setattr(door, "runner", parent.apart)
    assert found() == here
    assert inspect(config, 2).unmapped == ("other",)


def test_a_source_is_discovered(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.expect_request("/a.csv").respond_with_data("id;title\na;École\nb;Haie\n", content_type="text/csv")
    url = server.url_for("/a.csv")
    here = discover(url, allow_private=True)
    assert [record.values["title"] for record in here.first.records] == ["École", "Haie"]
    monkeypatch.setattr(door, "runner", parent.apart)
    assert discover(url, allow_private=True) == here

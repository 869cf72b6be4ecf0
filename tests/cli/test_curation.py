"""Trying a source, and counting what is served."""

from __future__ import annotations

import io
import json
import re
from typing import Any, get_args

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pytest_httpserver import HTTPServer

from reco.sources.config import Kind
from tests.support import Home, ods, rows, run_cli

GOOD = {"id": "a1", "title": "Haies et talus", "summary": "Planter.", "cote": "B 12"}
BAD = {"id": "a2", "title": "", "summary": "Sans titre.", "cote": "B 13"}
REMOTE = ("oai", "wordpress", "api", "site")


def csv_of(separator: str = ",") -> bytes:
    return "\n".join(separator.join(row) for row in (GOOD, GOOD.values(), BAD.values())).encode()


def workbook() -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (GOOD, GOOD.values(), BAD.values()):
        book.active.append(list(row))
    book.save(stream)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([GOOD, BAD]), stream)
    return stream.getvalue()


def rss() -> str:
    items = "".join(
        f"<item><guid>{row['id']}</guid><title>{row['title']}</title><category>Eau</category>"
        f"<link>https://exemple.fr/{row['id']}</link><description>{row['summary']}</description></item>"
        for row in (GOOD, BAD)
    )
    return f"<rss version='2.0'><channel><title>Nouvelles</title>{items}</channel></rss>"


def oai() -> str:
    records = "".join(
        f"<record><header><identifier>{row['id']}</identifier></header><metadata><title>{row['title']}</title>"
        f"<description>{row['summary']}</description><format>pdf</format></metadata></record>"
        for row in (GOOD, BAD)
    )
    return (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>'
        f"{records}</ListRecords></OAI-PMH>"
    )


def posts() -> str:
    found = [
        {
            "id": row["id"],
            "title": {"rendered": row["title"]},
            "content": {"rendered": f"<p>{row['summary']}</p>"},
            "author": 3,
        }
        for row in (GOOD, BAD)
    ]
    return json.dumps(found)


def web_page(row: dict[str, str]) -> str:
    return (
        f"<html><head><title>{row['title']}</title><meta name='keywords' content='Eau'></head>"
        f"<body><article><p>{row['summary']}</p></article></body></html>"
    )


PAGE = (
    "Haies et talus\nADEMEEau / Livres\nRésumé :\nPlanter.\n\n"
    "Autre titre\nADEMEInconnu / Livres\nRésumé :\nSans thème connu.\n"
)
LINES = json.dumps(GOOD) + "\n" + json.dumps(BAD) + "\n"
LIST = json.dumps([GOOD, BAD])
SOURCES: dict[str, tuple[bytes | str, str, str, list[str]]] = {
    "csv": (csv_of(), "b.csv:3", "title is missing", ["cote"]),
    "jsonl": (LINES, "b.jsonl:2", "title is missing", ["cote"]),
    "json": (LIST, "b.json#2", "title is missing", ["cote"]),
    "page": (PAGE, "b.page:6", "Inconnu", []),
    "xlsx": (workbook(), "b.xlsx:3", "title is missing", ["cote"]),
    "ods": (ods([[*GOOD], [*GOOD.values()], [*BAD.values()]]), "b.ods:3", "title is missing", ["cote"]),
    "parquet": (parquet(), "b.parquet:2", "title is missing", ["cote"]),
    "folder": (csv_of(), "inbox/b.csv:3", "title is missing", ["cote"]),
    "rss": (rss(), "b.rss#2", "title is missing", ["tags"]),
    "oai": (oai(), "#2", "title is missing", ["format"]),
    "wordpress": (posts(), "#2", "title is missing", ["author"]),
    "api": (LIST, "#2", "title is missing", ["cote"]),
    "site": ("", "/a2", "title is missing", ["tags"]),
}


@pytest.fixture
def trial(home: Home, httpserver: HTTPServer, request: pytest.FixtureRequest) -> str:
    """A home with a source of each kind in turn, which holds a sound row and a bad one; returns its kind."""
    kind: str = request.param
    data = SOURCES[kind][0]
    place = f'path = "b.{kind}"'
    if kind == "site":
        for row in (GOOD, BAD):
            page = httpserver.expect_request(f"/{row['id']}")
            page.respond_with_data(web_page(row), content_type="text/html")
        listed = "".join(
            f"<url><loc>{httpserver.url_for('/' + row['id'])}</loc></url>" for row in (GOOD, BAD)
        )
        httpserver.expect_request("/sitemap.xml").respond_with_data(f"<urlset>{listed}</urlset>")
        httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
        place = f'url = "{httpserver.url_for("/")}"\nallow_private = true\ndelay_seconds = 0'
    elif kind in REMOTE:
        answer = httpserver.expect_request("/wp-json/wp/v2/posts" if kind == "wordpress" else "/")
        answer.respond_with_data(data, headers={"X-WP-TotalPages": "1"})
        place = f'url = "{httpserver.url_for("/")}"\nallow_private = true'
    elif kind == "folder":
        place = 'path = "inbox"'
        (home.folder / "inbox").mkdir()
        (home.folder / "inbox" / "b.csv").write_bytes(csv_of())
    else:
        (home.folder / f"b.{kind}").write_bytes(data.encode() if isinstance(data, str) else data)
    lists = 'themes = ["Eau"]\ntypes = ["Livres"]\n' if kind == "page" else ""
    home.extra = f'[[sources]]\nname = "trial"\nkind = "{kind}"\n{place}\n{lists}\n'
    home.configure()
    return kind


@pytest.mark.parametrize("trial", get_args(Kind), indirect=True)
def test_a_source_of_each_kind_is_tried(home: Home, trial: str) -> None:
    _, locator, problem, left_out = SOURCES[trial]
    done = run_cli("source", "test", "trial", "--json", *home.arguments)
    found: dict[str, Any] = done.json
    assert done.code == 0
    assert [(r["title"], r["summary"]) for r in found["records"]] == [("Haies et talus", "Planter.")]
    (refused,) = found["rejections"]
    assert refused["locator"].endswith(locator) and any(problem in one for one in refused["problems"])
    assert refused["values"], "the row itself is shown"
    assert set(left_out) <= set(found["unmapped"]) and "title" not in found["unmapped"]
    shown = run_cli("source", "test", "trial", *home.arguments)
    assert shown.code == 0
    for word in ("Haies et talus", locator, problem, *left_out):
        assert word in shown.out


def test_every_kind_is_tried() -> None:
    assert set(SOURCES) == set(get_args(Kind))


def test_a_feed_in_a_drop_folder_is_read_like_any_feed(home: Home) -> None:
    (home.folder / "inbox").mkdir()
    (home.folder / "inbox" / "b.xml").write_text(rss(), encoding="utf-8")
    home.extra = '[[sources]]\nname = "trial"\nkind = "folder"\npath = "inbox"\n\n'
    home.configure()
    found = run_cli("source", "test", "trial", "--json", *home.arguments).json
    assert found["records"][0]["url"] == "https://exemple.fr/a1" and "link" not in found["unmapped"]


def test_a_lone_surrogate_is_shown_escaped(home: Home) -> None:
    (home.folder / "b.jsonl").write_text('{"id": "", "title": "\\ud800"}\n', encoding="utf-8")
    home.extra = '[[sources]]\nname = "trial"\nkind = "jsonl"\npath = "b.jsonl"\n\n'
    home.configure()
    done = run_cli("source", "test", "trial", "--json", *home.arguments)
    assert done.out.encode("utf-8") and done.json["rejections"][0]["values"]["title"] == "\ud800"


@pytest.mark.parametrize("data", [b"", b"nothing,of,ours\n1,2,3\n"])
def test_a_source_that_cannot_be_read_says_why(home: Home, data: bytes) -> None:
    (home.folder / "catalogue.csv").write_bytes(data)
    done = run_cli("source", "test", "main", "--json", *home.arguments)
    assert done.code == 1 and "catalogue.csv" in done.json["error"] and done.json["hint"]


def test_a_source_is_shown_as_mapped_with_what_is_refused_and_left_out(home: Home) -> None:
    home.write([*rows()[:3], {**rows()[3], "title": "", "id": ""}])
    text = (home.folder / "catalogue.csv").read_text(encoding="utf-8").splitlines()
    lines = [line + (",cote" if i == 0 else f",A{i}") for i, line in enumerate(text)]
    (home.folder / "catalogue.csv").write_text("\n".join(lines), encoding="utf-8")
    found = run_cli("source", "test", "main", "--json", *home.arguments).json
    assert [record["title"] for record in found["records"]] == [row["title"] for row in rows()[:3]]
    assert len(found["rejections"][0]["problems"]) == 2 and found["unmapped"] == ["cote"]


def test_an_unknown_source_names_those_there_are(home: Home) -> None:
    done = run_cli("source", "test", "other", "--json", *home.arguments)
    assert done.code == 2 and "main" in done.json["hint"]


def test_facets_count_what_is_served(served: Home) -> None:
    found = run_cli("facets", "--json", *served.arguments).json
    assert sum(found["type"].values()) == 24 and found["theme"]["Biodiversité"] == 2
    assert list(found["type"].values()) == sorted(found["type"].values(), reverse=True)


def test_facets_count_what_passes_the_filters(served: Home) -> None:
    narrowed = ("--type", "guide", "--publisher", "Éditions du Lavoir", "--year-from", "2005")
    found = run_cli("facets", *narrowed, "--json", *served.arguments).json
    assert list(found["type"]) == ["Guides & outils"] and list(found["publisher"]) == ["Éditions du Lavoir"]
    assert min(map(int, found["year"])) >= 2005 and sum(found["year"].values()) > 1
    shown = run_cli("facets", "-n", "1", *narrowed, *served.arguments).out
    assert f"{sum(found['year'].values())} resources" in shown and "more" in shown
    refused = run_cli("facets", "--theme", "Astrologie", "--json", *served.arguments)
    assert refused.code == 2 and "Astrologie" in refused.json["error"]


def test_a_page_says_how_sure_each_field_is_and_the_spellings_it_saw(home: Home) -> None:
    page = (
        "Les bourgs\nAchille Warmant, Le Labo des bourgsEau / Livres\nRésumé :\n"
        "Achille Warnant étudie les bourgs.\n"
    )
    (home.folder / "b.txt").write_text(page, encoding="utf-8")
    home.extra = (
        '[[sources]]\nname = "trial"\nkind = "page"\npath = "b.txt"\nthemes = ["Eau"]\ntypes = ["Livres"]\n\n'
    )
    home.configure()
    (record,) = run_cli("source", "test", "trial", "--json", *home.arguments).json["records"]
    for name in ("title", "authors", "publisher", "theme", "type", "summary"):
        assert re.search(rf"\b{name} \d+%", record["evidence"]), name
    assert "Achille Warmant: also written Achille Warnant" in record["evidence"]
    home.refresh()
    assert run_cli("show", record["id"], "--json", *home.arguments).json["evidence"] == record["evidence"]


def test_a_trial_says_what_no_row_fills_and_when_too_many_are_refused(home: Home) -> None:
    home.write([rows()[0], {**rows()[1], "title": ""}])
    shown = run_cli("source", "test", "main", *home.arguments).out
    assert "unfilled: authors, place" in shown and "a refresh would keep the previous rows" in shown
    assert run_cli("source", "test", "main", "--json", *home.arguments).json["unfilled"][0] == "authors"

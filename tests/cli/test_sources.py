"""Adding a source by its address: what is printed, what is written, what is refused."""

from __future__ import annotations

import json
import os
import tomllib

import pytest
from pytest_httpserver import HTTPServer

from reco.workspace.settings import defaults
from tests.support import Home, Ran, run_cli

ROWS = [{"id": f"p{n}", "titre": f"Haie {n}", "texte": "Planter une haie.", "cote": n} for n in range(12)]
REMARK = '# the curator\'s own remark, "kept"\n'


@pytest.fixture
def address(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/projets.json").respond_with_data(json.dumps(ROWS))
    return httpserver.url_for("/projets.json")


def add(home: Home, address: str, *options: str) -> Ran:
    return run_cli("source", "add", address, "--allow-private", *options, *home.arguments)


def test_a_source_is_written_with_its_mapping_and_shown(home: Home, address: str) -> None:
    home.config.write_text(REMARK + home.config.read_text("utf-8"), "utf-8")
    before = home.config.read_text("utf-8")
    found = add(home, address, "--json").json
    assert found["written"] and found["source"]["fields"] == {
        "title": "titre",
        "id": "id",
        "summary": "texte",
    }
    assert [record["title"] for record in found["records"]] == [f"Haie {n}" for n in range(10)]
    assert found["rejections"] == [] and found["unmapped"] == ["cote"]
    after = home.config.read_text("utf-8")
    assert after.startswith(before.rstrip()) and after.endswith(found["toml"])
    assert home.settings().sources[-1].model_dump(mode="json", exclude_unset=True) == found["source"]


def test_what_was_written_can_be_read(home: Home, address: str) -> None:
    assert add(home, address, "--name", "haies").code == 0
    assert len(run_cli("source", "test", "haies", "--json", *home.arguments).json["records"]) == 12


def test_a_person_reads_the_table_and_the_first_rows(home: Home, address: str) -> None:
    shown = add(home, address, "--name", "haies").out
    for words in (
        "[[sources]]",
        'name = "haies"',
        "# A JSON document.",
        "1. Haie 0",
        "reco source test haies",
    ):
        assert words in shown


def test_a_dry_run_writes_nothing(home: Home, address: str) -> None:
    before = home.config.read_bytes()
    done = add(home, address, "--dry-run", "--json")
    assert done.code == 0 and not done.json["written"] and home.config.read_bytes() == before
    assert tomllib.loads(done.json["toml"])["sources"][0]["url"] == address
    assert "Nothing is written" in add(home, address, "--dry-run").out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--name", "main"), "already a source 'main'"),
        (("--name", "deux mots"), "cannot be used"),
        (("--field", "title"), "write FIELD=COLUMN"),
        (("--field", "id=cotes"), "no column 'cotes'"),
    ],
)
def test_a_bad_choice_writes_nothing(home: Home, address: str, options: tuple[str, ...], words: str) -> None:
    before = home.config.read_bytes()
    done = add(home, address, *options, "--json")
    assert done.code == 2 and words in done.json["error"] and done.json["hint"]
    assert home.config.read_bytes() == before


def test_an_address_is_added_once(home: Home, address: str, httpserver: HTTPServer) -> None:
    assert add(home, address, "--name", "haies").code == 0
    asked, before = len(httpserver.log), home.config.read_bytes()
    done = add(home, f"{address}/", "--name", "autre", "--json")
    assert done.code == 2 and "'haies' already reads" in done.json["error"]
    assert "reco source test haies" in done.json["hint"]
    assert len(httpserver.log) == asked and home.config.read_bytes() == before


def test_rows_that_are_all_refused_are_not_a_source(home: Home, httpserver: HTTPServer) -> None:
    rows = [{"id": str(n) + "x" * 150, "titre": "?!a", "annee": "2020"} for n in range(3)]
    rows = [{**row, "url": f"https://exemple.fr/{n}", "type": "b" * 6_000} for n, row in enumerate(rows)]
    httpserver.expect_request("/a.json").respond_with_data(json.dumps(rows))
    before = home.config.read_bytes()
    done = add(home, httpserver.url_for("/a.json"), "--json")
    assert done.code == 2 and "type has 6,000 characters" in done.json["error"]
    assert home.config.read_bytes() == before


def test_a_server_that_answers_404_is_a_failure(home: Home, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", status=404)
    done = add(home, httpserver.url_for("/a"), "--json")
    assert done.code == 1 and "answers 404" in done.json["error"]


def test_line_ends_permissions_and_a_link_stay(home: Home, address: str) -> None:
    real = home.folder / "real.toml"
    real.write_bytes(home.config.read_bytes().replace(b"\n", b"\r\n"))
    real.chmod(0o640)
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()
    os.chown(real, owner, -1)
    home.config.unlink()
    home.config.symlink_to(real)
    assert add(home, address).code == 0
    data = real.read_bytes()
    assert real.stat().st_uid == owner
    assert home.config.is_symlink() and real.stat().st_mode & 0o777 == 0o640
    assert data.count(b"\n") == data.count(b"\r\n") and len(home.settings().sources) == 2


def test_sources_in_one_line_are_left_to_a_person(home: Home, address: str) -> None:
    home.config.write_text('sources = [{ name = "a", kind = "csv", path = "a.csv" }]\n', "utf-8")
    before = home.config.read_bytes()
    done = add(home, address, "--json")
    assert done.code == 2 and "--dry-run" in done.json["hint"] and home.config.read_bytes() == before


def test_the_settings_that_come_with_reco_are_not_changed(
    home: Home, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.folder / "..")
    before = (defaults() / "reco.toml").read_bytes()
    done = run_cli("source", "add", address, "--allow-private", "--json", "--home", str(home.path))
    assert done.code == 2 and "come with reco" in done.json["error"] and "--config" in done.json["hint"]
    assert (defaults() / "reco.toml").read_bytes() == before

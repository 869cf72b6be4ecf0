"""`reco links`, and the part of a night that checks addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from reco.catalogue import link_states
from reco.errors import StorageError
from reco.refresh import links
from tests.support import Home, rows, run_cli

OPEN = "[links]\nallow_private = true\ndelay_seconds = 0\n"


@pytest.fixture
def place(memory: Path, httpserver: HTTPServer) -> Home:
    """A home whose first resources have addresses on a server of our own; nothing is refreshed yet."""
    httpserver.expect_request("/a").respond_with_data("%PDF", content_type="application/pdf")
    httpserver.expect_request("/b").respond_with_data("", status=404)
    httpserver.expect_request("/c").respond_with_data("", status=301, headers={"location": "/a"})
    table = [{**row, "url": ""} for row in rows()]
    for row, name in zip(table, "abc", strict=False):
        row["url"] = httpserver.url_for(f"/{name}")
    home = Home(memory / "reco", extra=OPEN)
    home.write(table)
    return home


def test_addresses_are_checked_on_demand(place: Home, httpserver: HTTPServer) -> None:
    place.refresh()
    found = run_cli("links", *place.arguments, "--json").json
    assert (found["addresses"], found["checked"], found["never"]) == (3, 3, 0)
    assert found["outcomes"] == {"ok": 1, "dead": 1, "moved": 1}
    problems = {one["resources"][0]: (one["outcome"], one["to"], one["nights"]) for one in found["problems"]}
    assert problems == {"r01": ("dead", "", 1), "r02": ("moved", httpserver.url_for("/a"), 0)}
    assert found["gone"] == [] and len(link_states.read(place.path).states) == 3


def test_what_is_known_is_told_without_a_request(place: Home, httpserver: HTTPServer) -> None:
    place.refresh()
    run_cli("links", *place.arguments, "--limit", "2")
    asked = len(httpserver.log)
    shown = run_cli("links", *place.arguments, "--limit", "0")
    assert shown.out.splitlines()[0] == "0 of 3 addresses checked; 1 never checked so far"
    assert len(httpserver.log) == asked


def test_a_person_reads_which_address_fails_and_whose_it_is(place: Home) -> None:
    place.refresh()
    shown = run_cli("links", *place.arguments).out
    assert "3 of 3 addresses checked: 1 dead, 1 moved, 1 ok; 0 never checked so far" in shown
    assert "the server answers 404" in " ".join(shown.split()) and "r01" in shown


def test_a_night_asks_nothing_unless_told_to(place: Home, httpserver: HTTPServer) -> None:
    assert "links" not in run_cli("refresh", *place.arguments, "--json").json
    assert httpserver.log == [] and not (place.path / link_states.NAME).exists()


def test_a_night_checks_a_bounded_part_when_told_to(place: Home, httpserver: HTTPServer) -> None:
    place.extra = f"{OPEN}check = true\nper_night = 2\n"
    place.configure()
    first = run_cli("refresh", *place.arguments, "--json").json
    assert first["published"] and first["links"]["checked"] == 2
    quiet = run_cli("refresh", *place.arguments)
    assert quiet.code == 0 and "2 of 3 addresses checked" in quiet.out


@pytest.mark.parametrize("error", [RuntimeError("a surprise"), StorageError("the disk is full")])
def test_a_failure_of_the_check_is_told_and_fails_no_night(
    place: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(links, "check_links", fails)
    place.extra = f"{OPEN}check = true\n"
    place.configure()
    done = run_cli("refresh", *place.arguments, "--json")
    assert done.code == 0 and done.json["published"]
    assert str(error) in done.json["links"]["error"]
    assert str(error) in run_cli("refresh", *place.arguments).err
    failed = run_cli("links", *place.arguments)
    assert failed.code == 1 and str(error) in failed.err


@pytest.mark.parametrize("line", ["per_night = 0", "check = 3", "delay_seconds = -1", "often = true"])
def test_a_wrong_setting_is_refused(place: Home, line: str) -> None:
    place.extra = f"[links]\n{line}\n"
    place.configure()
    refused = run_cli("links", *place.arguments)
    assert refused.code == 2 and f"links.{line.split(maxsplit=1)[0]}" in refused.err


def test_without_a_snapshot_there_is_nothing_to_check(place: Home) -> None:
    assert run_cli("links", *place.arguments).code == 1

"""What a machine reads on standard error: one JSON object a line, and nothing else."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from reco.cli.logs import configure
from tests.support import Home, Ran, rows, run_cli, run_process


def lines(done: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.err.splitlines()]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECO_LOG_FORMAT", "json")


def test_every_line_of_a_refresh_is_an_object(home: Home, machine: None) -> None:
    home.sources = {"main": "catalogue.csv", "other": "missing.csv"}
    home.configure()
    done = run_process("refresh", "--json", *home.arguments)
    assert done.code == 0 and done.json["published"]
    (line,) = lines(done)
    assert (
        line["level"] == "WARNING"
        and line["logger"] == "reco.refresh.gathering"
        and "other" in line["message"]
    )
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_failure_is_a_line_too(served: Home, machine: None, as_json: bool) -> None:
    (served.folder / "catalogue.csv").unlink()
    done = run_cli("refresh", *(["--json"] if as_json else []), *served.arguments)
    assert done.code == 1 and lines(done)[-1]["level"] == "ERROR"
    assert "catalogue.csv" in lines(done)[-1]["message"]


def test_a_note_is_a_line_too(served: Home, machine: None) -> None:
    served.write(rows()[:20])
    served.refresh()
    (served.path / "snapshots" / "000002" / "parts.npy").write_bytes(b"")
    done = run_cli("facets", "--json", *served.arguments)
    assert done.code == 0 and "000001 is served instead" in lines(done)[-1]["message"]


def test_an_unexpected_failure_keeps_its_trace_in_the_line(
    home: Home, machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("reco.workspace.settings.load", fail)
    done = run_cli("status", *home.arguments)
    assert done.code == 1 and "ZeroDivisionError" in lines(done)[0]["trace"]
    assert all(set(line) >= {"time", "level", "logger", "message"} for line in lines(done))


@pytest.mark.parametrize(("level", "kept"), [("INFO", logging.WARNING), ("ERROR", logging.ERROR)])
def test_the_http_client_logs_no_address(level: str, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECO_LOG", level)
    configure()
    assert [logging.getLogger(name).getEffectiveLevel() for name in ("httpx2", "httpcore2")] == [kept, kept]


@pytest.mark.parametrize(("name", "value"), [("RECO_LOG_FORMAT", "xml"), ("RECO_LOG", "LOUD")])
def test_a_wrong_choice_is_refused(
    served: Home, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    done = run_cli("status", *served.arguments)
    assert done.code == 2 and name in done.err and "Choose among" in done.err
    done = run_cli("status", "--json", *served.arguments)
    assert done.code == 2 and name in done.json["error"]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)

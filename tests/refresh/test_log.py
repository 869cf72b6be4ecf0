"""The record of refreshes, and what `reco status` says of the last ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reco.errors import InvalidSettings, PublishRefused, RefreshRunning, SourceError
from reco.refresh import log
from reco.storage import atomic
from tests.support import Home, edited, rows, run_cli

ENDED = "2026-01-01T00:00:00+00:00"


def lines(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.path / log.NAME).read_text(encoding="utf-8").splitlines()]


def refusing(name: str) -> Callable[[str, Path], None]:
    """A disk that refuses every operation on the files of a name."""

    def operation(_: str, path: Path) -> None:
        if path.name == name:
            raise OSError(28, "No space left on device", str(path))

    return operation


def test_each_refresh_leaves_one_line(home: Home) -> None:
    home.refresh()
    home.refresh()
    home.write(edited(rows(), "r01", year="1999"))
    home.refresh()
    first, quiet, third = lines(home)
    assert [line["outcome"] for line in (first, quiet, third)] == ["ok", "quiet", "ok"]
    assert first["snapshot"] == quiet["snapshot"] == "000001" and third["snapshot"] == "000002"
    assert first["counts"]["added"] == 24 and third["counts"]["changed"] == 1
    assert first["start"] <= first["end"] <= quiet["start"] and first["exit_code"] == 0


def test_a_failure_is_recorded_and_stays_the_failure(served: Home) -> None:
    (served.folder / "catalogue.csv").unlink()
    with pytest.raises(SourceError):
        served.refresh()
    line = lines(served)[-1]
    assert line["outcome"] == "failed" and line["exit_code"] == 1 and "catalogue.csv" in line["error"]


def test_a_refusal_is_recorded_with_its_figures(served: Home) -> None:
    served.write(rows()[:12])
    with pytest.raises(PublishRefused):
        served.refresh()
    line = lines(served)[-1]
    assert (line["outcome"], line["exit_code"], line["snapshot"]) == ("refused", 4, "000001")
    assert line["counts"]["removed"] == 12
    assert "row_drop (0.5, at most 0.2): The catalogue would go from 24 resources to 12" in line["error"]


def test_who_forced_it_is_recorded_for_longer_than_the_snapshot(served: Home) -> None:
    served.write(rows()[:12])
    done = run_cli("refresh", "--force", "--by", "Camille", "--reason", "Fermée", "--json", *served.arguments)
    assert done.code == 0
    assert lines(served)[-1]["forced"] == done.json["forced"] == {"by": "Camille", "reason": "Fermée"}
    served.write(rows()[:11])
    assert served.refresh().forced is None and lines(served)[-1]["forced"] is None


def test_a_failed_source_beside_a_good_one_is_named(home: Home) -> None:
    home.sources = {"main": "catalogue.csv", "other": "missing.csv"}
    home.configure()
    home.refresh()
    line = lines(home)[-1]
    assert line["outcome"] == "ok" and "missing.csv" in line["failures"]["other"]


def test_an_interruption_is_recorded(served: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reco.refresh.collect.collect", interrupt)
    with pytest.raises(KeyboardInterrupt):
        served.refresh()
    assert lines(served)[-1]["error"].startswith("KeyboardInterrupt")


def test_who_gives_way_is_recorded_without_the_lock(served: Home) -> None:
    with served.store.writing(), pytest.raises(RefreshRunning):
        served.refresh()
    line = lines(served)[-1]
    assert line["outcome"] == "busy" and line["exit_code"] == 3
    assert log.last_failure(served.path) is None


@pytest.mark.parametrize("broken", [False, True])
def test_a_log_that_cannot_be_written_changes_nothing_else(
    home: Home, broken: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if broken:
        (home.folder / "catalogue.csv").unlink()
    monkeypatch.setattr(atomic, "operation", refusing(log.NAME))
    if broken:
        with pytest.raises(SourceError):
            home.refresh()
    else:
        assert home.refresh().published
    assert not (home.path / log.NAME).exists()
    assert "could not be recorded" in caplog.text


def test_a_refresh_without_sources_makes_no_home(home: Home) -> None:
    home.sources = {}
    home.configure()
    with pytest.raises(InvalidSettings):
        home.refresh()
    assert not home.path.exists()


def test_a_line_cut_short_costs_only_itself(served: Home) -> None:
    path = served.path / log.NAME
    path.write_bytes(path.read_bytes() + b'{"start": "2026-')
    served.refresh()
    assert [run.outcome for run in log.runs(served.path)] == ["quiet", "ok"]


@pytest.mark.parametrize("end", ["2026-91-01T00:00:00+00:00", "hier", "2026-01-01T00:00:00", 3, None])
def test_a_line_whose_date_is_damaged_costs_only_itself(served: Home, end: object) -> None:
    """Nothing hashes this file, and `status`, `doctor` and every page of the app read it."""
    path = served.path / log.NAME
    damaged = json.dumps({**lines(served)[0], "end": end})
    path.write_text(f"{path.read_text('utf-8')}{damaged}\n", "utf-8")
    assert [run.outcome for run in log.runs(served.path)] == ["ok"]
    found = run_cli("status", "--json", *served.arguments)
    assert found.code == 0 and found.json["last_success"] == lines(served)[0]["end"]


def test_the_log_never_grows_beyond_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 2_000)
    for number in range(60):
        log.record(tmp_path, log.LoggedRefresh(ENDED, ENDED, 0.1, "ok", 0, snapshot=str(number)))
    sizes = {p.name: p.stat().st_size for p in tmp_path.iterdir()}
    assert sizes.keys() == {"refresh.log", "refresh.log.1"}
    assert max(sizes.values()) < 2_500
    kept = [int(str(run.snapshot)) for run in log.runs(tmp_path)]
    assert kept == list(range(59, 59 - len(kept), -1)) and len(kept) > 12


def test_status_counts_a_quiet_night_as_a_success(served: Home) -> None:
    def dated(*ends: str) -> None:
        path = served.path / log.NAME
        kept = [{**line, "end": end} for line, end in zip(lines(served), ends, strict=True)]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    dated("2026-01-01T00:00:00+00:00")
    found = run_cli("status", "--json", *served.arguments).json
    assert found["stale"] and found["last_success"] == "2026-01-01T00:00:00+00:00"
    assert found["last_failure"] is None and found["last_failure_message"] is None
    served.refresh()
    found = run_cli("status", "--json", *served.arguments).json
    assert not found["stale"] and found["snapshot"] == "000001"
    assert found["last_success"] == lines(served)[-1]["end"]


def test_status_says_why_the_last_failure_was_one(served: Home) -> None:
    (served.folder / "catalogue.csv").unlink()
    assert run_cli("refresh", *served.arguments).code == 1
    found = run_cli("status", "--json", *served.arguments).json
    assert found["last_failure"] and "catalogue.csv" in found["last_failure_message"]
    assert found["last_success"] <= found["last_failure"] and not found["stale"]


def test_without_a_record_a_snapshot_is_as_old_as_its_making(served: Home) -> None:
    (served.path / log.NAME).unlink()
    found = run_cli("status", "--json", *served.arguments).json
    assert found["last_success"] is None and not found["stale"]
    served.extra = "[operation]\nstale_hours = 1e-9\n"
    served.configure()
    assert run_cli("status", "--json", *served.arguments).json["stale"]


def test_status_of_a_home_without_snapshot_is_an_error(home: Home) -> None:
    done = run_cli("status", "--json", *home.arguments)
    assert done.code == 1 and "no snapshot" in done.json["error"] and "refresh" in done.json["hint"]

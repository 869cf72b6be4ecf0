"""The benchmarks measure what they say: nights change the share that they claim, demand is counted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import reco
from benchmarks import demand, reading
from benchmarks.typos import __main__ as typos
from benchmarks.typos.faults import damaged
from reco.projects.demand_file import read
from tests.support import REPOSITORY, Home


def test_each_night_changes_its_share(tmp_path: Path) -> None:
    options = ["--sizes", "40", "--shares", "0.05", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "refresh-scale", *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    with (tmp_path / "refresh_scale.csv").open(encoding="utf-8") as stream:
        costs = list(csv.DictReader(stream))
    measured = [(int(c["resources"]), float(c["share"]), int(c["encoded"])) for c in costs]
    assert measured == [(40, 1, 40), (40, 0.05, 2)]
    assert all(float(cost["seconds"]) > 0 and float(cost["peak_gb"]) > 0.05 for cost in costs)
    found = json.loads(done.stdout)
    assert found["target"] == {"measured": False}
    assert found["plot"] is None or Path(found["plot"]).stat().st_size > 1_000


def test_the_benchmark_of_demand_prints_the_shares_and_the_largest_groups(
    served: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = served.folder / "titles.txt"
    lines = [f"Réparer la fusée lunaire {n * 'x'}" for n in range(1, 5)] + ["Rénover la piscine municipale"]
    titles.write_text("\n".join(lines), "utf-8")
    asked = read(titles)
    out = list(demand.measured(reco.Home(served.settings(), served.path), asked))
    assert out[0].startswith("24 resources, 5 queries, 5 different, ")
    assert "| found | 1 | 20.0% |" in out and "| nothing | 4 | 80.0% |" in out
    groups = [line for line in out if "fusée" in line]
    assert len(groups) == 1 and groups[0].split(" | ")[1] == "4"
    assert out[-1] == "1 groups; 0 unmet queries are near no other"
    demand.main([])
    demand.main(["--file", str(served.folder / "absent.jsonl")])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "skipped: no file of queries; give one with --file"
    assert told[1].endswith("absent.jsonl is not on this machine")


def test_damaged_requests_are_the_same_each_time_and_have_their_faults() -> None:
    text = "Rénover l'école et la cour avec moins de bitume pour les enfants du Bourg de Kerlaz"
    for errors in (1, 2, 4):
        wrong = damaged(text, errors, "golden-1")
        assert wrong == damaged(text, errors, "golden-1") != damaged(text, errors, "golden-2")
        assert 1 <= sum(word not in text.split() for word in wrong.split()) <= errors + 1
        assert "Kerlaz" in wrong


def test_the_benchmark_of_typos_gives_every_figure(served: Home) -> None:
    found = typos.measure(reco.Home(served.settings(), served.path).recommender, None, 2)
    assert set(found) >= {"kept_by_errors", "correct_touched", "hurried", "milliseconds"}
    assert found["requests"] == found["correct"] == 2 and found["correct_touched"] == {}
    hurried = found["hurried"]
    assert isinstance(hurried, dict) and hurried["as_typed"] < hurried["understood"] <= 1
    assert len((typos.HERE / "hurried.csv").read_text("utf-8").splitlines()) == 31


def test_reading_is_compared_with_another_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    reading.main(["--rows", "20", "--pairs", "1", "--against", str(REPOSITORY)])
    found = json.loads(capsys.readouterr().out)
    here, there = found["runs"]["here"][0]["read"], found["runs"]["against"][0]["read"]
    assert here > 0 and there > 0
    assert found["ratio"]["read"] == round(here / there, 2)

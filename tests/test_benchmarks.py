"""The benchmarks measure what they say: nights change the share that they claim, demand is counted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import reco
from benchmarks import demand
from reco.projects.demand_file import read
from tests.support import REPOSITORY, Home


def test_each_night_changes_its_share(tmp_path: Path) -> None:
    options = ["--sizes", "40", "--shares", "0", "0.05", "--folder", str(tmp_path)]
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
    assert measured == [(40, 1, 40), (40, 0, 0), (40, 0.05, 2)]
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

"""The benchmark of refreshes measures what it says: its nights change the share that they claim."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

from tests.support import REPOSITORY


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

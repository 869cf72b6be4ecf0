"""Benchmark the reading of a CSV source: this checkout, and another one beside it.

python -m benchmarks reading [--against FOLDER] [--rows N] [--pairs N] [--collect]

FOLDER is another checkout, such as `git worktree add FOLDER COMMIT` makes. Runs are alternated, each in its
own process, because the speed of a machine drifts. `read` goes through all rows and drops them; `collect` is
the reading of a refresh: every row is admitted too, while the child process reads on. Beside the seconds of
the clock, each has those of the processor (`_cpu`), of the parent and the child together: other work on the
machine changes them less. Ratios are of the least of each, which other work can only raise.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import synthetic

HERE = Path(__file__).resolve().parents[1]

_ONE = """
import json, os, sys, time
from pathlib import Path
from reco.refresh.collect import collect
from reco.sources.config import SourceConfig
from reco.sources.read import read
config = SourceConfig(name="bench", kind="csv", path=Path(sys.argv[1]), max_bytes=10**9)
seconds = {}
def measure(name, work):
    clock, before = time.perf_counter(), sum(os.times()[:4])
    work()
    seconds[name] = time.perf_counter() - clock
    seconds[name + "_cpu"] = sum(os.times()[:4]) - before
if sys.argv[2] == "collect":
    measure("collect", lambda: collect((config,), None, Path(sys.argv[1]).parent / "cache"))
else:
    measure("read", lambda: list(read(config)))
print(json.dumps(seconds))
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print one JSON document: seconds of each run, the least of each, and their ratio."""
    parser = argparse.ArgumentParser(prog="benchmarks reading", description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--collect", action="store_true", help="measure the reading of a refresh too")
    given = parser.parse_args(arguments)
    checkouts = {"here": HERE, **({"against": given.against.resolve()} if given.against else {})}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "table.csv"
        write(table, given.rows)
        for _ in range(given.pairs):
            for name, checkout in checkouts.items():
                run = _one(checkout, table, "read")
                runs[name].append(run | _one(checkout, table, "collect") if given.collect else run)
                print(name, runs[name][-1], file=sys.stderr)
    print(json.dumps({"rows": given.rows, "runs": runs, **summary(runs)}, indent=2))


def write(table: Path, count: int) -> None:
    """Write invented rows, the same each time."""
    words = synthetic.Words(seed=0)
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(words.row(0, 0)))
        writer.writeheader()
        writer.writerows(words.row(number, 0) for number in range(count))


def _one(checkout: Path, table: Path, what: str) -> dict[str, float]:
    command = [sys.executable, "-P", "-c", _ONE, str(table), what]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return {name: round(value, 2) for name, value in seconds.items()}


def summary(runs: dict[str, list[dict[str, float]]]) -> dict[str, object]:
    """Return the least of each measure by checkout, and how many times the other's it is here."""
    least = {name: {what: min(run[what] for run in done) for what in done[0]} for name, done in runs.items()}
    if "against" not in least:
        return {"least": least}
    other = least["against"]
    return {
        "least": least,
        "ratio": {what: round(value / other[what], 2) for what, value in least["here"].items()},
    }

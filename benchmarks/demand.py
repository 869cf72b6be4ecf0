"""Measure how a served catalogue answers what is really asked, such as 1,000 titles of subsidised projects.

python -m benchmarks demand --file TITLES.jsonl [--home DIR] [--count 1000] [--seed 1] [--column NAME]

Lines are drawn by the seed, so the same titles are asked before and after a change of the catalogue. It
prints a table in Markdown: shares of the verdicts, then the ten largest groups of unmet demand. The texts
of the file are shown: give it public ones. Without a file it is skipped, and says why.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import reco
from reco.evaluation import gaps
from reco.evaluation.demand import Demand, DemandGroup
from reco.projects.demand_file import DemandFile, read

COUNT = 1_000
SEED = 1
LARGEST = 10


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on the snapshot served under a home, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks demand", description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="CSV, JSON Lines or text, plain or gzipped")
    parser.add_argument("--column", default="", help="the column of the texts")
    parser.add_argument("--home", type=Path, help="a home with a snapshot (default: that of the settings)")
    parser.add_argument("--count", type=int, default=COUNT, help="lines drawn")
    parser.add_argument("--seed", type=int, default=SEED, help="which lines are drawn")
    given = parser.parse_args(arguments)
    if given.file is None:
        print("skipped: no file of queries; give one with --file")
    elif not given.file.is_file():
        print(f"skipped: {given.file} is not on this machine")
    else:
        asked = read(given.file, given.column, given.count, given.seed)
        print("\n".join(measured(reco.open(given.home), asked)))


def measured(home: reco.Home, asked: DemandFile) -> Iterator[str]:
    """Yield the lines of the table. Progress goes to standard error."""
    queries = [gaps.DemandQuery(one.id, one.text, gaps.LOG, weight=one.weight) for one in asked.texts]
    recommender = home.recommender
    started = time.perf_counter()
    found = gaps.scan(recommender, home.encoder, queries, progress=_progress, public=True)
    seconds = time.perf_counter() - started
    if found.demand is None:
        raise AssertionError("queries were asked, and none was measured")
    yield (
        f"{len(recommender.snapshot.catalogue):,} resources, {found.demand.queries:,} queries, "
        f"{found.demand.distinct:,} different, {seconds:.0f} s"
    )
    yield from table(found.demand)


def table(demand: Demand) -> Iterator[str]:
    """Yield the shares and the largest unmet groups as Markdown."""
    yield ""
    yield "| answer | queries | share |"
    yield "|---|---|---|"
    for name, share in demand.shares.items():
        yield f"| {name} | {getattr(demand, name):,} | {share:.1%} |"
    yield ""
    yield "| unmet group | queries | examples | nearest resources (mean score) |"
    yield "|---|---|---|---|"
    yield from map(_row, demand.groups[:LARGEST])
    yield ""
    yield f"{len(demand.groups)} groups; {demand.isolated} unmet queries are near no other"


def _row(group: DemandGroup) -> str:
    nearest = "; ".join(f"{near.title} ({near.score:.2f})" for near in group.nearest)
    cells = (group.label, str(group.size), "; ".join(group.examples), nearest)
    return "| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |"


def _progress(done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        print(f"{done}/{total}", file=sys.stderr)

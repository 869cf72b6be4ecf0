"""Sweep each weight of the ranking over judged sets, to draw curves rather than pick single best points.

python -m benchmarks.sweeps DIR... [--home DIR] [--config FILE] [--golden] [--limit N] [--out DIR]

Writes OUT/sweeps.csv (parameter, value, set, ndcg@10; the set `mean` is the mean over sets) and
OUT/sweeps.png. The head is that of the home's snapshot. Documents and queries are encoded once.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import reco
from reco.encoder.protocol import Encoder
from reco.errors import InvalidQuery, RecoError
from reco.evaluation import plots
from reco.evaluation.beir import Topic, read_set, read_topics
from reco.evaluation.evaluate import snapshot_of
from reco.evaluation.runs import among, every_listing
from reco.evaluation.sweep import SweepReader, SweepSides, at_strength, curve
from reco.ranking.recommender import Fusion
from reco.snapshots.snapshot import Snapshot
from reco.storage import atomic

MEANING = tuple(np.round(np.arange(0, 1.0001, 0.05), 2).tolist())
PASSAGE = tuple(np.round(np.arange(0, 1.0001, 0.125), 3).tolist())
STRENGTH = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)

Row = tuple[str, float, str, float]
"""Parameter, value, set, mean nDCG@10."""


def main() -> None:
    """Sweep, and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="judged sets in BEIR layout")
    parser.add_argument("--home", type=Path, help="whose snapshot gives the head")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--golden", action="store_true", help="also the served snapshot, on its golden set")
    parser.add_argument("--limit", type=int, help="first queries of each set")
    parser.add_argument("--out", type=Path, default=Path("artifacts"))
    given = parser.parse_args()
    try:
        run(given)
    except RecoError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


def run(given: argparse.Namespace) -> None:
    """Sweep with parsed arguments. Raises RecoError for sets or a home that cannot be used."""
    home = reco.open(given.home, config=given.config)
    sets = dict(_sets(home, given))
    if not sets:
        raise SystemExit("Name judged sets, or --golden.")
    fusion = home.settings.ranking.fusion()
    rows: list[Row] = []
    for name, (snapshot, topics, encoder) in sets.items():
        start = time.perf_counter()
        found = swept(snapshot, encoder, topics, fusion)
        rows += [(parameter, value, name, score) for parameter, value, score in found]
        print(f"{name}: {len(topics)} queries, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    rows += means(rows)
    atomic.make_folder(given.out)
    atomic.replace(given.out / "sweeps.csv", table(rows).encode())
    atomic.replace(given.out / "sweeps.png", plots.png(plots.curves(lines(rows), marks(fusion))))
    print(table([row for row in rows if row[2] == "mean"]), end="")


def _sets(
    home: reco.Home, given: argparse.Namespace
) -> Iterator[tuple[str, tuple[Snapshot, Sequence[Topic], Encoder]]]:
    """Yield each set's name, the snapshot of its documents, its topics and its encoder."""
    served = home.snapshot if given.golden or home.store.current() is not None else None
    tried, golden = home.tried(served), home.settings.gates.golden
    judged = [read_set(folder, given.limit) for folder in given.folders]
    if given.golden and served is not None and golden is not None:
        topics = among(read_topics(golden, given.limit), frozenset(r.id for r in served.catalogue))
        yield "golden", (every_listing(served), topics, tried.encoder)
    for judged_set in judged:
        yield judged_set.name, (snapshot_of(judged_set, tried), judged_set.topics, tried.encoder)


def swept(
    snapshot: Snapshot, encoder: Encoder, topics: Sequence[Topic], fusion: Fusion
) -> list[tuple[str, float, float]]:
    """Return (parameter, value, mean nDCG@10) on one set."""
    strengths = {
        value: SweepReader(at_strength(snapshot, value), encoder, fusion)
        for value in (STRENGTH if snapshot.head is not None else ())
    }
    reader = SweepReader(snapshot, encoder, fusion)
    sides: list[SweepSides] = []
    strong: dict[float, list[float]] = {value: [] for value in strengths}
    silent = 0
    for topic in topics:
        # The encoder caches a query only for a while, so all its readers run together.
        try:
            sides.append(reader.read(topic))
        except InvalidQuery:
            silent += 1
            continue
        for value, other in strengths.items():
            strong[value].append(other.read(topic, sides[-1]).ndcg(fusion))
    answered = len(sides) / (len(sides) + silent)
    settings = {
        "meaning": {v: replace(fusion, meaning=v) for v in sorted({*MEANING, fusion.meaning})},
        "passage": {v: replace(fusion, passage=v) for v in sorted({*PASSAGE, fusion.passage})},
    }
    found = [
        (parameter, value, float(score) * answered)
        for parameter, tried in settings.items()
        for value, score in zip(tried, curve(sides, list(tried.values())).mean(axis=1), strict=True)
    ]
    return [*found, *(("head strength", v, float(np.mean(s)) * answered) for v, s in strong.items())]


def means(rows: Sequence[Row]) -> list[Row]:
    """Return the mean over sets of each parameter's values."""
    values: dict[tuple[str, float], list[float]] = {}
    for parameter, value, _, score in rows:
        values.setdefault((parameter, value), []).append(score)
    return [(parameter, value, "mean", float(np.mean(s))) for (parameter, value), s in values.items()]


def table(rows: Sequence[Row]) -> str:
    """Return rows as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["parameter", "value", "set", "ndcg@10"])
    writer.writerows((parameter, value, name, f"{score:.4f}") for parameter, value, name, score in rows)
    return stream.getvalue()


def lines(rows: Sequence[Row]) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Return the values and their scores by parameter and set."""
    found: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for parameter, value, name, score in rows:
        xs, ys = found.setdefault(parameter, {}).setdefault(name, ([], []))
        xs.append(value)
        ys.append(score)
    return found


def marks(fusion: Fusion) -> Mapping[str, float]:
    """Return the value in use of each parameter."""
    return {"meaning": fusion.meaning, "passage": fusion.passage, "head strength": 1.0}


if __name__ == "__main__":
    main()

"""Benchmark a refresh without encoding, by the size of the catalogue and by the share that changed.

python -m benchmarks refresh-scale [--sizes N...] [--shares X...] [--folder DIR] [--profile]

Each refresh runs in a separate process, to measure its peak memory, and makes families, clusters and levels
like the product. The test encoder replaces the model: its time is measured and subtracted, and its vectors
have the dimension of the real model.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

import reco
from benchmarks import synthetic
from reco.encoder.protocol import Document, DocumentVectors, Progress
from reco.encoder.testing import HashingEncoderForTests, direction
from reco.text.clean import fold

_WORD = re.compile(r"\w+")
SIZES = (10_000, 30_000, 100_000)
SHARES = (0.0, 0.001, 0.01, 0.05)
SHARE = 0.01
DIMENSION = 384
MOST_SECONDS, MOST_GIGABYTES = 30.0, 1.5
"""Target for the largest size with `SHARE` of it changed; a GB is 10**9 bytes, also in `peak_gb`."""


class TimedEncoder(HashingEncoderForTests):
    """The test encoder for a chunk of documents at a time; it sums up its own seconds."""

    def __init__(self, dimension: int = DIMENSION) -> None:
        super().__init__(dimension)
        self.seconds = self.cpu_seconds = 0.0
        self._known: dict[str, int] = {}
        self._directions = np.empty((1024, dimension), dtype=np.float32)

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        started, cpu = time.perf_counter(), time.process_time()
        texts = [
            [document.title or " ", *(document.summary[s.start : s.end] for s in document.spans)]
            for document in documents
        ]
        words = [
            [self._number(word) for word in _WORD.findall(fold(t)) or [""]] for one in texts for t in one
        ]
        counts = np.asarray([len(text) for text in words])
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        rows = np.fromiter((number for text in words for number in text), dtype=np.int64)
        means = np.add.reduceat(self._directions[rows], starts, axis=0) / counts[:, None].astype(np.float32)
        ends = np.cumsum([len(one) for one in texts]).tolist()
        parts = [slice(end - len(one), end) for end, one in zip(ends, texts, strict=True)]
        weights = counts.astype(np.float32)
        found = [DocumentVectors(means[part], weights[part] / weights[part].sum()) for part in parts]
        self.seconds += time.perf_counter() - started
        self.cpu_seconds += time.process_time() - cpu
        return found

    def _number(self, word: str) -> int:
        """Return the row of a word's direction, which is drawn when the word first occurs."""
        number = self._known.setdefault(word, len(self._known))
        if number == len(self._directions):
            self._directions = np.concatenate([self._directions, np.empty_like(self._directions)])
        if number == len(self._known) - 1:
            self._directions[number] = direction(word, self._seed, self._dimension)
        return number


@dataclass(frozen=True)
class Cost:
    """The cost of one refresh without encoding. On a busy machine, only `cpu_seconds` are exact."""

    resources: int
    share: float
    encoded: int
    seconds: float
    encoding: float
    cpu_seconds: float
    peak_gb: float
    snapshot_gb: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every size and share, write the table and the plot, print one JSON document."""
    parser = argparse.ArgumentParser(prog="benchmarks refresh-scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES), help="for the largest size")
    parser.add_argument("--folder", type=Path, default=Path("artifacts"), help="where the table and plot go")
    parser.add_argument("--scratch", type=Path, help="where homes are made (default: the temporary folder)")
    parser.add_argument("--profile", action="store_true", help="print where each refresh spends its time")
    parser.add_argument("--one", nargs=2, metavar=("HOME", "SOURCE"), type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(one(*given.one, given.profile)))
        return
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        costs = measure(given.sizes, given.shares, Path(scratch), given.profile)
    given.folder.mkdir(parents=True, exist_ok=True)
    write_table(costs, given.folder / "refresh_scale.csv")
    drawn = draw(costs, given.folder / "refresh_scale.png")
    print(json.dumps({"target": target(costs), "plot": drawn, "costs": [asdict(c) for c in costs]}, indent=2))


def measure(sizes: Sequence[int], shares: Sequence[float], scratch: Path, profile: bool) -> list[Cost]:
    """Return the cost of one refresh for each size, and for each share of the largest size."""
    costs = []
    for size in sorted(sizes):
        home, source = scratch / f"home{size}", scratch / f"{size}.jsonl"
        words = synthetic.Words(seed=0)
        rows = [words.row(number, 0) for number in range(size)]
        for night, share in enumerate((1.0, *(shares if size == max(sizes) else (SHARE,)))):
            if night:
                chosen = np.random.default_rng(night).choice(size, round(size * share), replace=False)
                for number in chosen.tolist():
                    rows[number] = words.row(number, night)
            synthetic.write(source, rows)
            costs.append(_cost(size, share, home, source, profile and night > 0))
    return costs


def _cost(size: int, share: float, home: Path, source: Path, profile: bool) -> Cost:
    command = [sys.executable, "-m", "benchmarks", "refresh-scale", "--one", str(home), str(source)]
    done = subprocess.run(
        [*command, *(["--profile"] if profile else [])],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    cost = Cost(size, share, **json.loads(done.stdout))
    print(cost, file=sys.stderr)
    return cost


def one(home: Path, source: Path, profile: bool) -> dict[str, Any]:
    """Refresh a home once in this process; return the figures."""
    import cProfile
    import pstats

    from reco.encoder.settings import EncoderSettings
    from reco.sources.config import SourceConfig

    encoder = TimedEncoder()
    config = SourceConfig(name="bench", kind="jsonl", path=source, max_bytes=10_000_000_000)
    ours = EncoderSettings(kind="hashing-for-tests", dimension=DIMENSION)
    settings = reco.open().settings.model_copy(update={"encoder": ours, "sources": (config,)})
    opened = reco.Home(settings, home, encoder)
    profiler = cProfile.Profile()
    started, cpu = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    report = opened.refresh()
    profiler.disable()
    seconds = time.perf_counter() - started - encoder.seconds
    cpu_seconds = time.process_time() - cpu - encoder.cpu_seconds
    if profile:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumulative").print_stats(60)
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(25)
    folder = opened.store.folder / str(report.snapshot)
    return {
        "encoded": report.encoded,
        "seconds": round(seconds, 2),
        "encoding": round(encoder.seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 3),
        "snapshot_gb": round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e9, 3),
    }


def target(costs: Sequence[Cost]) -> dict[str, object]:
    """Return whether the largest size with `SHARE` changed meets the target."""
    found = [c for c in costs if c.share == SHARE]
    if not found:
        return {"measured": False}
    largest = max(found, key=lambda cost: cost.resources)
    return {
        "resources": largest.resources,
        "seconds": largest.seconds,
        "seconds_at_most": MOST_SECONDS,
        "peak_gb": largest.peak_gb,
        "peak_gb_at_most": MOST_GIGABYTES,
        "kept": largest.seconds <= MOST_SECONDS and largest.peak_gb <= MOST_GIGABYTES,
    }


def write_table(costs: Sequence[Cost], path: Path) -> None:
    """Write the costs as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Cost)])
        writer.writeheader()
        writer.writerows(asdict(cost) for cost in costs)


def draw(costs: Sequence[Cost], path: Path) -> str | None:
    """Plot time and memory by share changed and by size; return None without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    largest = max(cost.resources for cost in costs)
    by_share = sorted((c for c in costs if c.resources == largest and c.share < 1), key=lambda c: c.share)
    by_size = sorted((c for c in costs if c.share == SHARE), key=lambda c: c.resources)
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharey="row")
    rows = (
        (("seconds", "cpu_seconds"), "seconds beside encoding", MOST_SECONDS),
        (("peak_gb",), "peak memory, GB", MOST_GIGABYTES),
    )
    for row, (names, label, limit) in enumerate(rows):
        for name, line in zip(names, ("o-", "s--"), strict=False):
            of_share, of_size = ([getattr(c, name) for c in costs] for costs in (by_share, by_size))
            axes[row][0].plot([100 * c.share for c in by_share], of_share, line, label=name)
            axes[row][1].plot([c.resources for c in by_size], of_size, line, label=name)
        axes[row][0].set_ylabel(label)
        for one_axis in axes[row]:
            one_axis.axhline(limit, linestyle=":", color="grey")
            one_axis.set_ylim(bottom=0)
            one_axis.legend()
    axes[1][0].set_xlabel(f"% of {largest:,} resources changed")
    axes[1][1].set_xlabel(f"resources, {SHARE:.0%} changed")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return str(path)

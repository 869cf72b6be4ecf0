"""Benchmark clusters on 100,000 resources, labels and map included: seconds and peak memory.

python -m benchmarks cluster-scale --home DIR [--resources N]

The resources are drawn with replacement from the snapshot in DIR. Each vector is moved a little, so that no
two are equal. Run it alone: the peak memory is that of the process.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.catalogue_scale import peak_gigabytes
from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.clusters.find import find
from reco.encoder.protocol import unit
from reco.snapshots.store import SnapshotStore

MOST_SECONDS, MOST_GIGABYTES = 300.0, 3.0
_MOVED = 0.02
"""Standard deviation by coordinate: the cosine to the original is about 0.93 in 384 dimensions."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(prog="benchmarks cluster-scale", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="of a snapshot, best of 10,000 or more")
    parser.add_argument("--resources", type=int, default=100_000)
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.home, given.resources), indent=2, ensure_ascii=False))


def measure(home: Path, count: int) -> dict[str, Any]:
    """Return the figures of one run of `reco.clusters.find`, with the resamples for stability."""
    catalogue, vectors = drawn(home, count)
    before = peak_gigabytes()
    wall, cpu = time.perf_counter(), time.process_time()
    found = find(catalogue, vectors)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_gigabytes()
    return {
        "resources": count,
        "groups": [len(found.at(level)) for level in range(1, found.levels + 1)],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_gb": round(peak, 3),
        "peak_gb_before": round(before, 3),
        "labels": [cluster.label for cluster in found.at(1)],
        "target": {
            "seconds_at_most": MOST_SECONDS,
            "peak_gb_at_most": MOST_GIGABYTES,
            "kept": seconds <= MOST_SECONDS and peak <= MOST_GIGABYTES,
        },
    }


def drawn(home: Path, count: int) -> tuple[Catalogue, NDArray[np.float32]]:
    """Return `count` resources drawn from a snapshot, and their vectors (count, dimension)."""
    snapshot = SnapshotStore(home).open()
    source = snapshot.dense.vectors()
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(source), count)
    vectors = np.empty((count, source.shape[1]), dtype=np.float32)
    for start in range(0, count, 8192):
        block = source[rows[start : start + 8192]]
        vectors[start : start + 8192] = unit(block + rng.normal(scale=_MOVED, size=block.shape))
    texts = ((snapshot.catalogue[row].title, snapshot.catalogue[row].summary) for row in rows.tolist())
    resources = [
        Resource(id=f"r{number:06}", title=title, summary=summary, source="bench")
        for number, (title, summary) in enumerate(texts)
    ]
    return Catalogue(resources), vectors


if __name__ == "__main__":
    main()

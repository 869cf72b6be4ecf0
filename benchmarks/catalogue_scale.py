"""Benchmark reading, validating and comparing 97,710 real project titles, without encoding.

python -m benchmarks catalogue-scale [--file FILE.jsonl.gz] [--share X]

Two nights run in a separate process, to measure its peak memory: all rows are read, then read again with a
share of the titles changed, and the two catalogues are compared. The file uses the field names of reco, so
it needs no mapping; its amounts have no field in reco.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reco.catalogue.admission import Rules, admit_all
from reco.catalogue.catalogue import Catalogue, diff
from reco.catalogue.resource import Record, Rejection
from reco.sources.config import SourceConfig
from reco.sources.read import inspect, read

FILE = Path(__file__).resolve().parents[2] / "shared" / "catalogues" / "dgcl_projects_97k.jsonl.gz"
SHARE = 0.01
MOST_SECONDS, MOST_GIGABYTES = 60.0, 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(prog="benchmarks catalogue-scale", description=__doc__)
    parser.add_argument("--file", type=Path, default=FILE, help="JSON Lines, plain or gzipped")
    parser.add_argument("--share", type=float, default=SHARE, help="of the titles, changed the second night")
    parser.add_argument("--nights", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.nights:
        found = two_nights(*given.nights)
    elif not given.file.is_file():
        found = {"skipped": f"{given.file} is not on this machine"}
    else:
        found = measure(given.file, given.share)
    print(json.dumps(found, indent=2, ensure_ascii=False))


def measure(file: Path, share: float) -> dict[str, Any]:
    """Return the figures of two nights in a new process."""
    with tempfile.TemporaryDirectory() as scratch:
        second = Path(scratch) / file.name
        changed = write_changed(file, second, share)
        command = [sys.executable, "-m", "benchmarks", "catalogue-scale", "--nights", str(file), str(second)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if len(found["nights"]) != 2 or found["changes"]["changed"] > changed:
        raise AssertionError(f"{changed} titles were changed, and the comparison found {found['changes']}")
    kept = found["seconds"] <= MOST_SECONDS and found["peak_gb"] <= MOST_GIGABYTES
    target = {"seconds_at_most": MOST_SECONDS, "peak_gb_at_most": MOST_GIGABYTES, "kept": kept}
    return {"file": file.name, "titles_changed": changed, **found, "target": target}


def write_changed(file: Path, target: Path, share: float) -> int:
    """Write the rows with an evenly spread share of the titles changed; return how many changed."""
    changed, packed = 0, gzip.GzipFile(target, "wb", compresslevel=1)
    with packed as stream:
        for number, line in enumerate(_lines(file)):
            row = json.loads(line)
            if int((number + 1) * share) > int(number * share):
                row["title"] = f"{row['title']} (modifié)"
                changed += 1
            stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return changed


def _lines(file: Path) -> Iterator[bytes]:
    packed = file.suffix == ".gz"
    with gzip.open(file, "rb") if packed else file.open("rb") as stream:
        yield from stream


class Timed:
    """An iterator over rows; `seconds` is the time to read and map them."""

    def __init__(self, rows: Iterator[Record | Rejection]) -> None:
        self._rows = rows
        self.seconds = 0.0
        self.count = 0

    def __iter__(self) -> Iterator[Record | Rejection]:
        while True:
            started = time.perf_counter()
            row = next(self._rows, None)
            self.seconds += time.perf_counter() - started
            if row is None:
                return
            self.count += 1
            yield row


def two_nights(first: Path, second: Path) -> dict[str, Any]:
    """Read, validate and compare in this process. Seconds are wall-clock, unless the name says CPU."""
    started, used = time.perf_counter(), time.process_time()
    nights: list[dict[str, Any]] = []
    before, after = (_night(file, nights) for file in (first, second))
    compared = time.perf_counter()
    changes = diff(before, after)
    ended = time.perf_counter()
    return {
        "unmapped": inspect(_source(first)).unmapped,
        "nights": nights,
        "compare_seconds": round(ended - compared, 2),
        "changes": {
            "added": len(changes.added),
            "changed": len(changes.changed),
            "removed": len(changes.removed),
            "unchanged": changes.unchanged,
        },
        "seconds": round(ended - started, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
        "peak_gb": round(peak_gigabytes(), 3),
    }


def _night(file: Path, nights: list[dict[str, Any]]) -> Catalogue:
    rows = Timed(read(_source(file)))
    started = time.perf_counter()
    resources, rejections = admit_all(rows, Rules())
    admitted = time.perf_counter()
    catalogue = Catalogue(resources)
    nights.append(
        {
            "read": rows.count,
            "rejected": len(rejections),
            "read_seconds": round(rows.seconds, 2),
            "validate_seconds": round(admitted - started - rows.seconds, 2),
            "sort_seconds": round(time.perf_counter() - admitted, 2),
        }
    )
    return catalogue


def _source(file: Path) -> SourceConfig:
    return SourceConfig(name="projects", kind="jsonl", path=file, constants={"language": "fr"})


def peak_gigabytes() -> float:
    """Return the peak memory of this process. On Linux, memory inherited from its parent does not count."""
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) / 1024**2
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

"""Compare reco's clusters with BERTopic on the vectors of one or more catalogues, in one run.

python -m benchmarks.bertopic --home DIR FILE.jsonl:FIELD ...

FIELD is the field whose first value is the known label. DIR keeps each catalogue's snapshot, so a second run
encodes nothing. Each system runs in a separate process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import reco
from benchmarks.bertopic import scores
from benchmarks.bertopic.systems import SYSTEMS, Found, Text
from benchmarks.catalogue_scale import peak_gigabytes

RESAMPLES = 5
SHARE = 0.8
_WARM = 200
"""Texts of the warm-up run, which compiles and imports, and is not timed."""


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(prog="benchmarks.bertopic", description=__doc__)
    parser.add_argument("catalogues", nargs="*", help="FILE.jsonl:FIELD")
    parser.add_argument("--home", type=Path, help="keeps a snapshot per catalogue")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(run(given.one[0], Path(given.one[1]))))
        return
    home = given.home or Path(tempfile.mkdtemp(prefix="reco-bertopic-"))
    figures = {}
    for catalogue in given.catalogues:
        file, _, field = catalogue.rpartition(":")
        figures[Path(file).stem] = compare(Path(file), field, home / Path(file).stem)
    print(json.dumps(figures, indent=2, ensure_ascii=False))


def compare(file: Path, field: str, home: Path) -> dict[str, Any]:
    """Return all figures of both systems on one catalogue."""
    texts, vectors = read(file, field, home)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "vectors.npy", vectors)
        lines = [json.dumps(asdict(text), ensure_ascii=False) for text in texts]
        (folder / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
        figures = {name: scored(name, folder, texts) for name in SYSTEMS}
    whole = [text.whole for text in texts]
    count = round(min(found["words_shown"] for found in figures.values()))
    for found in figures.values():
        found["first_words"] = {"count": count, **scores.of_first(found["words"], count, whole)}
    return {"texts": len(texts), **figures}


def read(file: Path, field: str, home: Path) -> tuple[list[Text], NDArray[np.float32]]:
    """Return the texts of a catalogue, and the vectors that the product clusters."""
    from reco.refresh.run import refresh
    from reco.sources.config import SourceConfig

    opened = reco.open(home)
    source = SourceConfig(name="bench", kind="jsonl", path=file.resolve())
    refresh(opened.store, (source,), lambda: opened.plain_encoder)
    snapshot = opened.snapshot
    rows = (json.loads(line) for line in file.open(encoding="utf-8") if line.strip())
    known = {row["id"]: str(row.get(field) or "").split(";")[0].strip() for row in rows}
    texts = [Text(r.id, r.title, r.read_summary, known[r.id]) for r in snapshot.catalogue]
    return texts, snapshot.dense.vectors()


def scored(name: str, folder: Path, texts: Sequence[Text]) -> dict[str, Any]:
    """Run one system in a separate process, and score its groups and words."""
    command = [sys.executable, "-m", "benchmarks.bertopic", "--one", name, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    labels, words = np.asarray(found.pop("labels")), found["words"]
    resamples = [np.asarray(one) for one in found.pop("resamples")]
    whole, known = [text.whole for text in texts], [text.known for text in texts]
    return {
        "groups": len(words),
        "words_shown": float(np.mean([len(topic) for topic in words])),
        "outliers": float(np.mean(labels < 0)),
        "npmi": scores.npmi(words, whole),
        "npmi_of_stems": scores.npmi(words, whole, stems=True),
        "diversity": scores.diversity(words),
        "diversity_of_stems": scores.diversity(words, stems=True),
        "stability": scores.stability(resamples),
        "agreement": scores.agreement(labels, known),
        "agreement_without_outliers": scores.agreement(labels, known, outliers=False),
        **found,
    }


def run(name: str, folder: Path) -> dict[str, Any]:
    """Run one system in this process: warm up, time the topics alone, time everything, then resample."""
    vectors = np.load(folder / "vectors.npy")
    lines = (folder / "texts.jsonl").read_text(encoding="utf-8").split("\n")
    texts = [Text(**json.loads(line)) for line in lines]
    topics, whole = SYSTEMS[name]
    whole(texts[:_WARM], vectors[:_WARM])
    wall, cpu = time.perf_counter(), time.process_time()
    found: Found = topics(texts, vectors)
    figures = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    wall, cpu = time.perf_counter(), time.process_time()
    whole(texts, vectors)
    figures |= {
        "seconds_with_map": time.perf_counter() - wall,
        "cpu_seconds_with_map": time.process_time() - cpu,
    }
    figures["peak_gb"] = peak_gigabytes()
    resamples = [resampled(texts, vectors, number, topics).tolist() for number in range(RESAMPLES)]
    told = {"labels": found.labels.tolist(), "words": found.words, "names": found.names}
    return {**figures, **told, "resamples": resamples}


def resampled(
    texts: Sequence[Text], vectors: NDArray[np.float32], number: int, topics: Callable[..., Found]
) -> scores.Labels:
    """Return labels (texts,) from a sample drawn without replacement; `ABSENT` for texts outside it."""
    drawn = np.random.default_rng(number).choice(len(texts), round(SHARE * len(texts)), replace=False)
    rows = np.sort(drawn)
    labels = np.full(len(texts), scores.ABSENT)
    labels[rows] = topics([texts[row] for row in rows], vectors[rows]).labels
    return labels


if __name__ == "__main__":
    main()

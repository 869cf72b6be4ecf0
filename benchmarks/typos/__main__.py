"""Measure how requests with faults are answered, and how many correct ones are touched.

python -m benchmarks.typos --home DIR [--titles FILE.jsonl] [--requests 200]

The damaged requests are those of the golden set and of `data/requests/answerable.csv`, with 1, 2 and 4
faults of `benchmarks.typos.faults`. With `--titles`, titles of projects take the place of the latter. No
one judged their answers, so the answer to the undamaged title is the one to keep.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import reco
from benchmarks.typos.faults import damaged
from reco.evaluation.beir import read_topics
from reco.ranking.measures import ndcg
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender
from reco.ranking.spelling import EVERYTHING, Speller, speller_of

ERRORS = (1, 2, 4)
HERE = Path(__file__).parent
DATA = Path("data")


@dataclass(frozen=True)
class Judged:
    """A request, and the gain of each resource that answers it."""

    id: str
    text: str
    gains: Mapping[str, int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on the snapshot served under a home, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--titles", type=Path)
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args(arguments)
    recommender = reco.open(given.home).recommender
    print(json.dumps(measure(recommender, given.titles, given.requests), indent=2, ensure_ascii=False))


def measure(recommender: Recommender, titles: Path | None, count: int) -> dict[str, object]:
    """Return every figure; nDCG@10 kept is a share of that of the undamaged requests."""
    speller = speller_of(recommender.snapshot)
    requests = judged(recommender, titles, count)
    whole = statistics.fmean(_ndcg(recommender, one.gains, one.text) for one in requests)
    kept: dict[str, object] = {}
    for errors in ERRORS:
        texts = [damaged(one.text, errors, one.id) for one in requests]
        kept[str(errors)] = {
            name: statistics.fmean(
                _ndcg(recommender, one.gains, text, exact) for one, text in zip(requests, texts, strict=True)
            )
            / (whole or 1.0)
            for name, exact in (("understood", ()), ("as_typed", (EVERYTHING,)))
        }
    correct = correct_requests(count)
    touched = {
        text: [f"{c.written} > {c.understood}" for c in speller.read(text).corrections] for text in correct
    }
    return {
        "requests": len(requests),
        "ndcg_undamaged": whole,
        "kept_by_errors": kept,
        "correct": len(correct),
        "correct_touched": {text: changes for text, changes in touched.items() if changes},
        "hurried": hurried(recommender),
        "milliseconds": milliseconds(speller, [damaged(one.text, 2, one.id) for one in requests]),
    }


def judged(recommender: Recommender, titles: Path | None, count: int) -> list[Judged]:
    """Return the golden requests, then others up to `count`."""
    found = [Judged(topic.id, topic.text, topic.qrels) for topic in read_topics(DATA / "golden")]
    left = count - len(found)
    if titles is None:
        rows = _rows(DATA / "requests" / "answerable.csv")
        return [*found, *(Judged(r["id"], r["text"], {r["expected"]: 1}) for r in rows[-left:])][:count]
    lines = titles.read_text("utf-8").splitlines()
    named = [
        row for row in map(json.loads, lines) if len(row["title"].split()) > 4 and not row["title"].isupper()
    ]
    drawn = random.Random(17).sample(named, left)
    return [*found, *(Judged(r["id"], r["title"], _answer(recommender, r["title"])) for r in drawn)][:count]


def correct_requests(count: int) -> list[str]:
    """Return correct requests with rare words, then others up to `count`."""
    rare = (HERE / "correct.txt").read_text("utf-8").splitlines()
    return [*rare, *(row["text"] for row in _rows(DATA / "requests" / "gap.csv"))][:count]


def hurried(recommender: Recommender) -> dict[str, float]:
    """Return the share of the answers to what was meant that requests typed in a hurry keep."""
    rows = _rows(HERE / "hurried.csv", ";")
    answers = [_answer(recommender, row["meant"]) for row in rows]
    return {
        name: statistics.fmean(
            _ndcg(recommender, gains, row["typed"], exact) for gains, row in zip(answers, rows, strict=True)
        )
        for name, exact in (("understood", ()), ("as_typed", (EVERYTHING,)))
    }


def milliseconds(speller: Speller, texts: Sequence[str]) -> dict[str, float]:
    """Return the processor time of the corrector for requests with two faults, each read once."""
    speller.read("un mot inconu")
    times = []
    for text in texts:
        start = time.process_time()
        speller.read(text)
        times.append(1000 * (time.process_time() - start))
    return {"median": statistics.median(times), "mean": statistics.fmean(times), "worst": max(times)}


def _answer(recommender: Recommender, text: str) -> dict[str, int]:
    catalogue = recommender.snapshot.catalogue
    hits = recommender.rank(Query.of(text))
    return {catalogue[hit.row].id: 1 for hit in hits}


def _ndcg(
    recommender: Recommender, gains: Mapping[str, int], text: str, exact: tuple[str, ...] = ()
) -> float:
    hits = recommender.rank(Query.of(text, exact=exact))
    return ndcg(gains, [recommender.snapshot.catalogue[hit.row].id for hit in hits])


def _rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


if __name__ == "__main__":
    main()

"""Measure the cost of explanations, levels and needs, and check that the contributions sum to the scores.

python -m benchmarks proofs --home DIR [--requests 1000]
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import reco
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommender
from reco.text.background import unrelated

TIMED = 60
KINDS = ("answerable", "gap", "foreign")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on the snapshot served under a home, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=1000)
    given = parser.parse_args(arguments)
    recommender = reco.open(given.home).recommender
    print(json.dumps(measure(recommender, requests()[: given.requests]), indent=2, ensure_ascii=False))


def requests() -> list[str]:
    """Return the development queries, then the unrelated ones."""
    found = []
    for kind in KINDS:
        with (Path("data/requests") / f"{kind}.csv").open(encoding="utf-8") as stream:
            found += [row["text"] for row in csv.DictReader(stream)]
    return [*found, *unrelated()]


def measure(recommender: Recommender, texts: Sequence[str]) -> dict[str, object]:
    """Return the largest gap between a score and its contributions, and median milliseconds by stage."""
    gaps, results, needs = [], 0, 0
    for text in texts:
        answer = recommender.recommend(Query.of(text))
        gaps += _gaps(answer)
        results, needs = results + len(answer.recommendations), needs + bool(answer.needs)
    neighbours = recommender.snapshot.catalogue[:100]
    for resource in neighbours:
        gaps += _gaps(recommender.similar(resource.id))
    return {
        "resources": len(recommender.snapshot.catalogue),
        "requests": len(texts),
        "neighbours_of": len(neighbours),
        "results": results,
        "requests_of_several_needs": needs,
        "largest_gap": max(gaps),
        "milliseconds": times(recommender, list(texts[:TIMED])),
    }


def _gaps(answer: Answer) -> list[float]:
    return [abs(sum(c.value for c in i.explanation.contributions) - i.score) for i in answer.recommendations]


def times(recommender: Recommender, texts: Sequence[str]) -> dict[str, float]:
    """Return milliseconds for ten results of encoded queries: the ranks alone, then the whole answer."""
    queries = [Query.of(text) for text in texts]
    ranked = statistics.median(_milliseconds(recommender.rank, query) for query in queries)
    answered = statistics.median(_milliseconds(recommender.recommend, query) for query in queries)
    return {"ranked": ranked, "answered": answered, "proofs_and_levels": answered - ranked}


def _milliseconds(work: Callable[[Query], object], query: Query) -> float:
    # The best of five: other programs on the machine can only add time.
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        work(query)
        best = min(best, time.perf_counter() - start)
    return 1000 * best


if __name__ == "__main__":
    main()

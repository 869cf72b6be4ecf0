"""Measure the cost and the gain of spreading a list, by the setting `[ranking] diversity`.

python -m benchmarks.diversity DIR... [--home DIR] [--config FILE] [--golden] [--limit N]

Prints a CSV table. For each set and setting: mean nDCG@10, the p-value of its difference from the setting
0, the mean similarity of the first ten results (cosines of centred vectors), their number of publishers,
and the share of queries whose first ten results change.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import reco
from benchmarks.sweeps import _sets
from reco.encoder.protocol import Encoder
from reco.errors import InvalidQuery, RecoError
from reco.evaluation.beir import Topic
from reco.ranking.measures import ndcg, randomisation_test
from reco.ranking.mmr import centred
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.snapshots.snapshot import Snapshot

SETTINGS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
FIRST = 10
COLUMNS = ("set", "diversity", "ndcg@10", "p", "similarity", "publishers", "changed")


@dataclass(frozen=True)
class Listed:
    """The figures of the first ten results of one query at one setting."""

    ndcg: float
    similarity: float
    publishers: int
    rows: tuple[int, ...]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="judged sets in BEIR layout")
    parser.add_argument("--home", type=Path, help="whose snapshot gives the head")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--golden", action="store_true", help="also the served snapshot, on its golden set")
    parser.add_argument("--limit", type=int, help="first queries of each set")
    given = parser.parse_args()
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    try:
        home = reco.open(given.home, config=given.config)
        for name, (snapshot, topics, encoder) in _sets(home, given):
            for row in measured(snapshot, encoder, topics, home.settings.ranking.fusion()):
                writer.writerow((name, *row))
    except RecoError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


def measured(
    snapshot: Snapshot, encoder: Encoder, topics: Sequence[Topic], fusion: Fusion
) -> Iterator[tuple[object, ...]]:
    """Yield a row of the table for each setting, without the set's name."""
    recommender = Recommender(snapshot, encoder, fusion)
    directions = centred(snapshot.dense.vectors(), snapshot.dense.vectors().mean(axis=0, dtype=np.float64))
    # The encoder caches a query only for a while, so all of its settings run together.
    lists = [found for topic in topics if (found := _lists(recommender, directions, topic))]
    plain = np.asarray([found[0].ndcg for found in lists])
    for number, setting in enumerate(SETTINGS):
        at = [found[number] for found in lists]
        gains = np.asarray([one.ndcg for one in at])
        yield (
            setting,
            round(float(gains.mean()), 4),
            round(randomisation_test(gains, plain), 4),
            round(float(np.mean([one.similarity for one in at])), 3),
            round(float(np.mean([one.publishers for one in at])), 2),
            round(float(np.mean([set(found[number].rows) != set(found[0].rows) for found in lists])), 2),
        )


def _lists(recommender: Recommender, directions: NDArray[np.float64], topic: Topic) -> list[Listed]:
    try:
        return [
            _listed(recommender, directions, topic, Query.of(topic.text, FIRST, diversity=setting))
            for setting in SETTINGS
        ]
    except InvalidQuery:
        return []


def _listed(recommender: Recommender, directions: NDArray[np.float64], topic: Topic, query: Query) -> Listed:
    catalogue = recommender.snapshot.catalogue
    rows = [hit.row for hit in recommender.rank(query)]
    cosines = directions[rows] @ directions[rows].T
    pairs = cosines[np.triu_indices(len(rows), 1)]
    return Listed(
        ndcg(topic.qrels, [catalogue[row].id for row in rows]),
        float(pairs.mean()) if len(pairs) else 0.0,
        len({catalogue[row].publisher or catalogue[row].id for row in rows}),
        tuple(rows),
    )


if __name__ == "__main__":
    main()

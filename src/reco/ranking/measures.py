"""Measures of a ranking against qrels, from ir-measures, likeness of two rankings, and significance tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, log2

import numpy as np
from numpy.typing import NDArray

from reco.errors import RecoError

NAMES = ("ndcg@10", "recall@100", "mrr@10")


@dataclass(frozen=True)
class Scores:
    """The values of each measure, per topic, with their means."""

    per_topic: Mapping[str, Mapping[str, float]]

    @property
    def means(self) -> dict[str, float]:
        """The mean of each measure; a topic without results counts zero."""
        topics = list(self.per_topic.values())
        return {name: float(np.mean([values[name] for values in topics])) for name in NAMES}

    def column(self, name: str) -> NDArray[np.float64]:
        """The values of one measure, (topics,)."""
        return np.asarray([values[name] for values in self.per_topic.values()])


def measure(qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]]) -> Scores:
    """Score ranked document ids, best first, against qrels.

    nDCG has exponential gains, 2^rel - 1, and the discount 1 / log2(rank + 1) (Burges et al. 2005,
    "Learning to rank using gradient descent"). Relevant means rel >= 1. Raises RecoError without
    the `evaluation` extra.
    """
    try:
        import ir_measures
        from ir_measures import RR, R, nDCG
    except ImportError as error:
        raise RecoError("ir-measures is not installed.", "Run `pip install reco[evaluation]`.") from error
    names = {nDCG @ 10: "ndcg@10", R @ 100: "recall@100", RR @ 10: "mrr@10"}
    gains = {t: {d: 2 ** max(rel, 0) - 1 for d, rel in judged.items()} for t, judged in qrels.items()}
    # ir-measures breaks ties by document id. Ranks as scores have no ties, so the given order stays.
    ranked = {t: {d: float(-rank) for rank, d in enumerate(run.get(t, ()))} for t in qrels}
    per_topic = {topic: dict.fromkeys(NAMES, 0.0) for topic in qrels}
    for value in ir_measures.iter_calc(list(names), gains, ranked):
        per_topic[value.query_id][names[value.measure]] = value.value
    return Scores(per_topic)


def randomisation_test(
    first: NDArray[np.float64], second: NDArray[np.float64], rounds: int = 10_000
) -> float:
    """Return the two-sided p-value of the mean difference of paired values.

    It flips the signs of the differences at random (Smucker, Allan and Carterette 2007, CIKM). The
    observed signs count as one round, so p is never zero. Deterministic.
    """
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    observed = abs(difference.mean()) - 1e-12
    generator = np.random.default_rng(0)
    extreme = 0
    for start in range(0, rounds, 1000):
        count = min(1000, rounds - start)
        signs = generator.integers(0, 2, size=(count, len(difference)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs((signs * difference).mean(axis=1)) >= observed).sum())
    return (extreme + 1) / (rounds + 1)


def ndcg(relevances: Mapping[str, int], ranked: Sequence[str], k: int = 10) -> float:
    """Return nDCG@k with the formula of `measure`, without the `evaluation` extra.

    It is zero without a relevant id.
    """
    gains = {identifier: 2.0 ** max(relevance, 0) - 1.0 for identifier, relevance in relevances.items()}
    ideal = _discounted(sorted(gains.values(), reverse=True)[:k])
    return _discounted([gains.get(identifier, 0.0) for identifier in ranked[:k]]) / ideal if ideal else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def rank_biased_overlap(
    first: Sequence[str], second: Sequence[str], depth: int, persistence: float = 0.9
) -> float:
    """Return the extrapolated rank-biased overlap of two rankings without repeats, 0 to 1.

    RBO_ext at `depth`, formula 32 of Webber, Moffat and Zobel 2010, "A similarity measure for indefinite
    rankings", ACM TOIS 28(4); a list shorter than `depth` has no more results. Two empty lists give 1.
    """
    if not first and not second:
        return 1.0
    depth = min(depth, max(len(first), len(second)))
    ones: set[str] = set()
    others: set[str] = set()
    agreement = total = 0.0
    for rank in range(1, depth + 1):
        ones.update(first[rank - 1 : rank])
        others.update(second[rank - 1 : rank])
        agreement = len(ones & others) / rank
        total += agreement * persistence**rank
    return float(agreement * persistence**depth + (1 - persistence) / persistence * total)


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of the exact sign test; ties are left out (Dixon and Mood 1946, JASA)."""
    trials = wins + losses
    if not trials:
        return 1.0
    tail = sum(comb(trials, count) for count in range(min(wins, losses) + 1))
    return min(1.0, tail / (1 << (trials - 1)))

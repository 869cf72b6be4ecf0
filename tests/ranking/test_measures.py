"""Measures against arithmetic written out by hand, and the test between two systems."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from reco.ranking.measures import measure, randomisation_test, rank_biased_overlap, sign_test


def test_measures_agree_with_hand_arithmetic() -> None:
    qrels = {"t": {"a": 2, "b": 1, "c": 0}}
    scores = measure(qrels, {"t": ["x", "b", "a", "c"]}).per_topic["t"]
    gained = 1 / log2(3) + 3 / log2(4)
    ideal = 3 / log2(2) + 1 / log2(3)
    assert scores["ndcg@10"] == pytest.approx(gained / ideal)
    assert scores["mrr@10"] == pytest.approx(1 / 2)
    assert scores["recall@100"] == 1.0


def test_the_order_given_is_the_order_measured() -> None:
    qrels = {"t": {"a": 1}}
    first = measure(qrels, {"t": ["a", "b"]}).means["mrr@10"]
    second = measure(qrels, {"t": ["b", "a"]}).means["mrr@10"]
    assert (first, second) == (1.0, 0.5)


def test_an_unanswered_topic_counts_zero() -> None:
    qrels = {"answered": {"a": 1}, "unanswered": {"a": 1}}
    assert measure(qrels, {"answered": ["a"]}).means["ndcg@10"] == pytest.approx(0.5)


def test_a_clear_difference_is_significant_and_none_is_not() -> None:
    values = np.linspace(0, 1, 60)
    assert randomisation_test(values + 0.1, values) < 0.001
    assert randomisation_test(values, values) == 1.0


def test_the_p_value_is_that_of_all_sign_flips() -> None:
    difference = np.array([0.5, 0.25, 0.125, -0.0625])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    exact = (np.abs((signs * difference).mean(axis=1)) >= abs(difference.mean()) - 1e-12).mean()
    assert randomisation_test(difference, np.zeros(4), rounds=20_000) == pytest.approx(exact, abs=0.01)


def test_rank_biased_overlap_by_hand() -> None:
    # Agreements 0, 1 and 2/3 at depths 1 to 3: 2/3 p^3 + (1 - p) / p (0 p + 1 p^2 + 2/3 p^3), with p = 0.5.
    expected = 2 / 3 / 8 + 1 / 4 + 2 / 3 / 8
    assert rank_biased_overlap("abc", "bad", 3, 0.5) == pytest.approx(expected)
    assert rank_biased_overlap("abc", "abc", 10) == pytest.approx(1.0)
    assert rank_biased_overlap("abc", "xyz", 3) == 0.0
    assert (rank_biased_overlap("", "", 10), rank_biased_overlap("", "a", 10)) == (1.0, 0.0)
    assert rank_biased_overlap("abcd", "abdc", 4) > rank_biased_overlap("abcd", "bacd", 4)


@pytest.mark.parametrize(
    ("wins", "losses", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 6, 2 / 64), (9, 1, 22 / 1024)]
)
def test_the_sign_test_is_exact(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == sign_test(losses, wins) == pytest.approx(p)

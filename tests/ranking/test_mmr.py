"""Spreading a list: nothing moves where nothing repeats, and a repetition goes down with the setting."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reco.ranking.mmr import centred, repetitions, spread

MERITS = st.lists(st.floats(0.01, 1), min_size=1, max_size=12).map(lambda m: np.sort(np.asarray(m))[::-1])


@given(merits=MERITS, diversity=st.floats(0, 1))
def test_a_list_without_repetitions_keeps_its_order(merits: np.ndarray, diversity: float) -> None:
    found = spread(merits, np.zeros((len(merits), len(merits))), diversity)
    assert found.order == tuple(range(len(merits))) and set(found.repeats) == {-1}


@given(merits=MERITS, seed=st.integers(0, 99))
def test_without_diversity_scores_decide(merits: np.ndarray, seed: int) -> None:
    repeating = np.random.default_rng(seed).random((len(merits), len(merits)))
    assert spread(merits, repeating, 0.0).order == tuple(range(len(merits)))


@given(merits=MERITS, diversity=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_order_holds_everything_once_and_the_best_first(
    merits: np.ndarray, diversity: float, seed: int
) -> None:
    repeating = np.random.default_rng(seed).random((len(merits), len(merits)))
    order = spread(merits, repeating, diversity).order
    assert sorted(order) == list(range(len(merits))) and order[0] == 0


def test_a_near_copy_goes_below_what_is_new_and_says_of_what() -> None:
    repeating = np.eye(3)
    repeating[0, 1] = repeating[1, 0] = 0.9
    found = spread(np.asarray([1.0, 0.95, 0.8]), repeating, 0.3)
    assert found.order == (0, 2, 1) and found.repeats[1] == 0 and found.repeats[2] == -1


@given(arrays.arrays(np.float32, (5, 4), elements=st.floats(-1, 1, width=32)), st.floats(-0.5, 0.9))
def test_repetitions_are_a_share(vectors: np.ndarray, usual: float) -> None:
    found = repetitions(centred(vectors, vectors.mean(axis=0, dtype=np.float64)), usual)
    assert ((found >= 0) & (found <= 1)).all() and np.allclose(found, found.T)


def test_what_is_as_near_as_usual_repeats_nothing() -> None:
    directions = np.asarray([[1.0, 0.0], [0.6, 0.8]])
    assert repetitions(directions, 0.6)[0, 1] == 0 and np.isclose(repetitions(directions, 0.2)[0, 1], 0.5)

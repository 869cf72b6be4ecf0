"""What results promise: learnt from judged requests, and kept on requests that it did not learn from."""

from __future__ import annotations

import numpy as np
import pytest

from reco.errors import InvalidInput
from reco.index.promise import Promise, bundled
from reco.ranking.evidence import NAMES
from reco.refresh.promising import FEWEST, Judged, calibration_error, learn, measured
from tests.promises import by_score, chance_of, figures


def world(requests: int, seed: int, answered: float = 0.7) -> Judged:
    """Ten results a request; a grade is likelier the higher the first figure, and none is where nothing fits."""
    chance = np.random.default_rng(seed)
    shown, grades, numbers = [], [], []
    for number in range(requests):
        level = chance.normal(1.0 if chance.random() < answered else -3.0)
        scores = level - np.sort(chance.exponential(1.0, 10))
        for score in scores:
            shown.append([score, *chance.normal(size=len(NAMES) - 1)])
            true = 1 / (1 + np.exp(-2 * score))
            grades.append(int(chance.random() < true) + int(chance.random() < true**2))
            numbers.append(number)
    return Judged(np.asarray(shown), np.asarray(grades), np.asarray(numbers))


def test_a_promise_holds_on_requests_that_it_did_not_learn_from() -> None:
    promise = learn(world(400, 1))
    told = measured([(promise, world(400, 2))])
    assert told["very_close_useful"] >= 0.8 and told["very_close_squarely"] >= 0.6
    assert told["close_useful"] >= 0.45 and told["lead_useful"] >= 0.2 > told["far_useful"]
    assert told["found_useful"] >= 0.9 and told["found_squarely"] >= 0.7
    assert told["found_useful_low"] < told["found_useful"] < told["found_useful_high"]
    assert told["nothing_squarely"] <= 0.15 and told["calibration_error"] <= 0.05
    assert told["requests"] == 400 and told["results"] == 4000


def test_the_same_judgements_make_the_same_promise_in_any_order() -> None:
    results = world(60, 3)
    order = np.random.default_rng(0).permutation(len(results.grades))
    shuffled = Judged(results.figures[order], results.grades[order], results.requests[order])
    assert learn(results) == learn(results)
    assert learn(shuffled).useful == pytest.approx(learn(results).useful, abs=1e-6)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (world(FEWEST - 1, 4), "at least 30"),
        (Judged(world(40, 5).figures, np.zeros(400, dtype=int), world(40, 5).requests), "nothing tells"),
        (Judged(world(40, 5).figures, np.ones(400, dtype=int), world(40, 5).requests), "nothing tells"),
    ],
)
def test_what_tells_nothing_is_refused(results: Judged, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        learn(results)
    assert refused.value.hint


def test_levels_and_verdicts_begin_where_they_say() -> None:
    promise = by_score(-1.0, 0.0, 1.0)
    chances = promise.chances(figures([-1.5, -1.0, 0.0, 0.9, 1.0, 3.0]))
    assert promise.levels(chances).tolist() == [0, 1, 2, 2, 3, 3]
    assert promise.verdict(0.9, chance_of(0.0)) == "found"
    assert promise.verdict(0.9, chance_of(-0.1)) == "weak" and promise.verdict(-0.1, 0.0) == "nothing"


def test_the_calibration_error_is_the_distance_from_what_happened() -> None:
    assert calibration_error(np.asarray([0.25] * 4), np.asarray([True, False, False, False])) == 0
    assert calibration_error(np.asarray([0.85, 0.85]), np.asarray([False, False])) == pytest.approx(0.85)


def test_what_ships_is_of_the_figures_that_are_taken() -> None:
    promise = bundled()
    assert promise.names == NAMES and promise.measured["requests"] >= 100
    assert promise.lead <= promise.close <= 1 and promise.nothing < promise.close and promise.found < 1


@pytest.mark.parametrize("name", ["useful", "squarely", "names"])
def test_a_promise_of_another_length_is_refused(name: str) -> None:
    values = {**bundled().__dict__, name: (0.0,)}
    with pytest.raises(ValueError, match="slope"):
        Promise.of(values)

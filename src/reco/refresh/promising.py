"""Learn what the figures of a result promise, from requests whose first results were judged by reading.

A logistic regression for each of two questions: is it useful (grade 1 or 2), is it squarely about what is
asked (grade 2)? Each level begins where results held out from the fit keep what it promises; so does each
verdict, for requests. Judged requests have an answer more often than those of a thin catalogue: so those that
have something squarely about them get half of the weight, and those that have not the other half. Nothing is
promised that was not measured: too few judgements raise InvalidInput.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.errors import InvalidInput, InvalidQuery
from reco.evaluation.beir import Topic
from reco.index.promise import Promise
from reco.ranking.evidence import NAMES
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender

FEWEST = 30
"""Judged requests below which nothing is promised."""

VERY_CLOSE = (0.83, 0.63)
"""Shares of results held out, by weight, that are useful, and squarely so, where *très proche* begins."""
CLOSE, LEAD = 0.5, 0.22
"""Shares of useful results held out, by weight, where *proche* and *piste* begin."""
FOUND = (0.9, 0.76)
"""Shares of requests told *found*, by weight, that have something useful, and something squarely so."""
NOTHING = 0.02
"""Share of requests told *nothing*, by weight, that may have something squarely about them."""

_FIRST = 10
_FOLDS = 10
_STRENGTH = 1.0
_NORMAL = 1.96
"""The quantile of a 95 % interval."""

Matrix = NDArray[np.float64]
Numbers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Judged results: their figures, (results, len(NAMES)); their grades; the number of their request."""

    figures: Matrix
    grades: Numbers
    requests: Numbers

    @property
    def weights(self) -> Matrix:
        """The weight of each result, (results,), 1 on average over requests: half to those with something."""
        numbers, places = np.unique(self.requests, return_inverse=True)
        answered = np.zeros(len(numbers), dtype=bool)
        np.logical_or.at(answered, places, self.grades == 2)
        some = int(answered.sum())
        if some in (0, len(numbers)):
            return np.ones(len(self.requests))
        each = np.where(answered, 0.5 / some, 0.5 / (len(numbers) - some)) * len(numbers)
        return np.asarray(each[places])

    def of(self, requests: Numbers) -> Judged:
        """Return the results of some requests."""
        chosen = np.isin(self.requests, requests)
        return Judged(self.figures[chosen], self.grades[chosen], self.requests[chosen])


def judged(recommender: Recommender, topics: Sequence[Topic]) -> Judged:
    """Return those of the first ten results of each topic that were judged; others count neither way."""
    figures, grades, requests = [], [], []
    for number, topic in enumerate(topics):
        try:
            shown = recommender.figures(Query.of(topic.text, _FIRST))
        except InvalidQuery:
            continue
        for identifier, row in shown:
            if identifier in topic.qrels:
                figures.append(row)
                grades.append(topic.qrels[identifier])
                requests.append(number)
    return Judged(
        np.asarray(figures, dtype=np.float64).reshape(-1, len(NAMES)),
        np.clip(np.asarray(grades, dtype=np.int64), 0, 2),
        np.asarray(requests, dtype=np.int64),
    )


def learn(results: Judged) -> Promise:
    """Learn a promise, with levels and verdicts that held on requests held out from the fit.

    Raises InvalidInput for fewer than `FEWEST` requests, or grades that are all the same.
    """
    count = len(np.unique(results.requests))
    if count < FEWEST:
        raise InvalidInput(
            f"{count} judged requests have a result among the first ten; at least {FEWEST} are needed.",
            "Judge more requests with `reco judge`, or leave the levels to what ships with reco.",
        )
    for least, name in ((1, "useful"), (2, "squarely about what is asked")):
        if len(np.unique(results.grades >= least)) < 2:
            raise InvalidInput(
                f"The judged results are all {name}, or none is: nothing tells them apart.",
                "Judge requests of both kinds: some that have an answer, and some that have none.",
            )
    promise = _fit(results)
    held_out = np.zeros((len(results.grades), 2))
    for fold in range(_FOLDS):
        out = results.requests % _FOLDS == fold
        if out.any() and not out.all():
            rest = Judged(results.figures[~out], results.grades[~out], results.requests[~out])
            held_out[out] = (_fit(rest) if _tells(rest) else promise).chances(results.figures[out])
    return _with_thresholds(promise, held_out, results)


def learn_and_measure(recommender: Recommender, topics: Sequence[Topic]) -> Promise:
    """Learn from every judged topic, with figures of what each half of them promises for the other.

    No request is measured by a model that it taught. Raises what `learn` raises.
    """
    results = judged(recommender, topics)
    numbers = np.unique(results.requests)
    promise = learn(results)
    if len(numbers) < 2 * FEWEST:
        return promise
    halves = results.of(numbers[::2]), results.of(numbers[1::2])
    return replace(
        promise, measured=measured([(learn(half), other) for half, other in (halves, halves[::-1])])
    )


def measured(trials: Sequence[tuple[Promise, Judged]]) -> Mapping[str, float]:
    """Return what promises were worth on results that they did not learn from: shares, counts and errors.

    `_low` and `_high` are the bounds of the 95 % interval of a share (Wilson 1927, JASA 22).
    """
    chances = [promise.chances(results.figures) for promise, results in trials]
    level = np.concatenate([p.levels(found) for (p, _), found in zip(trials, chances, strict=True)])
    grades = np.concatenate([results.grades for _, results in trials])
    every = np.concatenate(chances)
    told = [_told(*trial, found) for trial, found in zip(trials, chances, strict=True)]
    verdicts, useful, squarely = (np.concatenate(column) for column in zip(*told, strict=True))
    figures: dict[str, float] = {"requests": len(verdicts), "results": len(level)}
    for place, name in ((3, "very_close"), (2, "close"), (1, "lead"), (0, "far")):
        figures |= _shares(f"{name}_useful", grades[level == place] >= 1)
        figures |= _shares(f"{name}_squarely", grades[level == place] == 2)
    found, nothing = verdicts == "found", verdicts == "nothing"
    figures |= _shares("found_useful", useful[found]) | _shares("found_squarely", squarely[found])
    figures |= _shares("squarely_found", found[squarely]) | _shares("nothing_squarely", squarely[nothing])
    figures["calibration_error"] = calibration_error(every[:, 0], grades >= 1)
    figures["calibration_error_squarely"] = calibration_error(every[:, 1], grades == 2)
    return {name: round(float(value), 4) for name, value in figures.items()}


def _told(promise: Promise, results: Judged, chances: Matrix) -> tuple[NDArray[np.str_], Booleans, Booleans]:
    best, useful, squarely, _ = _by_request(chances, results)
    return np.asarray([promise.verdict(*chance) for chance in best.tolist()]), useful, squarely


def _shares(name: str, true: Booleans) -> dict[str, float]:
    """Return a share, the number it is of, and the bounds of its interval."""
    count = len(true)
    if not count:
        return {f"{name}_of": 0}
    share, spread = float(true.mean()), _NORMAL**2 / count
    middle = (share + spread / 2) / (1 + spread)
    reach = _NORMAL / (1 + spread) * float(np.sqrt(share * (1 - share) / count + spread / (4 * count)))
    return {name: share, f"{name}_of": count, f"{name}_low": middle - reach, f"{name}_high": middle + reach}


def calibration_error(chances: Matrix, true: NDArray[np.bool_], bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance of a probability from what happened.

    Over bins of equal width, weighted by their size (Naeini, Cooper and Hauskrecht 2015, AAAI).
    """
    place = np.minimum((chances * bins).astype(np.int64), bins - 1)
    gaps = [
        abs(chances[place == b].mean() - true[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


def _tells(results: Judged) -> bool:
    return all(len(np.unique(results.grades >= least)) == 2 for least in (1, 2))


def _fit(results: Judged) -> Promise:
    return Promise(
        NAMES,
        _logistic(results, results.grades >= 1),
        _logistic(results, results.grades == 2),
        *(1.0,) * 4,
        nothing=0.0,
    )


def _logistic(results: Judged, true: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return the intercept and slopes in the figures' own units."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(results.figures)
    model = LogisticRegression(C=_STRENGTH, solver="newton-cholesky", tol=1e-10)
    model.fit(scaler.transform(results.figures), true, sample_weight=results.weights)
    slopes = model.coef_[0] / scaler.scale_
    return (float(model.intercept_[0] - slopes @ scaler.mean_), *map(float, slopes))


def _with_thresholds(promise: Promise, chances: Matrix, results: Judged) -> Promise:
    """Set where each level and verdict begins, from chances of held-out results."""
    useful, squarely, weights = results.grades >= 1, results.grades == 2, results.weights
    very_close = _least(chances[:, 1], weights, (useful, VERY_CLOSE[0]), (squarely, VERY_CLOSE[1]))
    rest = chances[:, 1] < very_close
    close = _least(chances[rest, 0], weights[rest], (useful[rest], CLOSE))
    far = rest & (chances[:, 0] < close)
    lead = min(_least(chances[far, 0], weights[far], (useful[far], LEAD)), close)
    best, has_useful, has_squarely, by_request = _by_request(chances, results)
    found = _least(best[:, 1], by_request, (has_useful, FOUND[0]), (has_squarely, FOUND[1]))
    # From below: as many as possible, while few of them have something.
    order = np.argsort(best[:, 0], kind="stable")
    weight = by_request[order]
    kept = np.flatnonzero(np.cumsum(has_squarely[order] * weight) / np.cumsum(weight) <= NOTHING)
    nothing = float(best[order[kept[-1]], 0]) + 1e-9 if len(kept) else 0.0
    return replace(promise, very_close=very_close, close=close, lead=lead, found=found, nothing=nothing)


def _least(chances: Matrix, weights: Matrix, *wanted: tuple[NDArray[np.bool_], float]) -> float:
    """Return the least chance above which each share of `wanted` is reached; just above 1 if never."""
    order = np.argsort(-chances, kind="stable")
    weight = weights[order]
    reached = np.ones(len(order), dtype=bool)
    for true, share in wanted:
        reached &= np.cumsum(true[order] * weight) / np.cumsum(weight) >= share
    places = np.flatnonzero(reached)
    return float(chances[order[places[-1]]]) if len(places) else 1.0001


def _by_request(chances: Matrix, results: Judged) -> tuple[Matrix, Booleans, Booleans, Matrix]:
    """Return the best chances of each request, (requests, 2), what it has of each kind, and its weight."""
    numbers = np.unique(results.requests)
    rows = [results.requests == number for number in numbers]
    return (
        np.asarray([chances[of].max(axis=0) for of in rows]),
        np.asarray([(results.grades[of] >= 1).any() for of in rows]),
        np.asarray([(results.grades[of] == 2).any() for of in rows]),
        np.asarray([results.weights[of][0] for of in rows]),
    )

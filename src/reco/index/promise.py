"""What the figures of a result promise: that it is useful, and that it is squarely about what is asked.

Two logistic regressions on the figures of `reco.ranking.evidence`, learnt from requests that were judged
by reading (`reco.refresh.promising`). The figures mean the same in every catalogue, so that a model learnt
on one serves others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Figures = NDArray[np.float64]


@dataclass(frozen=True)
class Promise:
    """The intercept and a slope for each of `names`, for both probabilities.

    `very_close`, `close` and `lead` are the least probabilities of the levels: the first of being squarely
    about it, the others of being useful. `found` is the least best chance of being squarely about it for that
    verdict, `nothing` the best chance of being useful below which there is nothing. `measured` are figures on
    requests that were not learnt from.
    """

    names: tuple[str, ...]
    useful: tuple[float, ...]
    squarely: tuple[float, ...]
    very_close: float
    close: float
    lead: float
    found: float
    nothing: float
    measured: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Promise:
        """Read the fields of a promise, as JSON gives them. Raises TypeError or ValueError for any others."""
        sequences = {name: tuple(values[name]) for name in ("names", "useful", "squarely")}
        promise = cls(**{**values, **sequences})
        if not len(promise.useful) == len(promise.squarely) == len(promise.names) + 1:
            raise ValueError("a promise has an intercept and a slope for each figure")
        return promise

    def levels(self, chances: Figures) -> NDArray[np.int64]:
        """Return the place in `reco.index.calibration.LEVELS` of each row of chances, (rows,)."""
        place = (chances[:, 0] >= self.lead).astype(np.int64) + (chances[:, 0] >= self.close)
        return np.asarray(np.where((place == 2) & (chances[:, 1] >= self.very_close), 3, place))

    def verdict(self, useful: float, squarely: float) -> str:
        """Return *found*, *weak* or *nothing* for the best chances among the results."""
        return "found" if squarely >= self.found else "nothing" if useful < self.nothing else "weak"

    def chances(self, figures: Figures) -> Figures:
        """Return the probabilities of being useful and squarely about it, (rows, 2).

        `figures` is (rows, len(names)). The second is never above the first.
        """
        both = np.column_stack([_logistic(figures, side) for side in (self.useful, self.squarely)])
        both[:, 1] = np.minimum(both[:, 0], both[:, 1])
        return both


def _logistic(figures: Figures, weights: Sequence[float]) -> Figures:
    logits = weights[0] + figures @ np.asarray(weights[1:])
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))


@lru_cache(maxsize=1)
def bundled() -> Promise:
    """Return what ships with reco: learnt from the requests of `data/judged` on the bundled catalogue."""
    return Promise.of(json.loads((files("reco.index") / "promise.json").read_bytes()))

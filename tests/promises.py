"""Promises whose chances follow the score alone, so that a test knows every level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reco.index.calibration import Levels
from reco.index.promise import Promise
from reco.ranking.evidence import NAMES
from reco.ranking.recommender import Fusion

_SLOPES = (0.0, 1.0, *(0.0,) * (len(NAMES) - 1))


def chance_of(score: float) -> float:
    """Return the chance of a score, a little above which a level can begin."""
    return float(1 / (1 + np.exp(-score)))


def by_score(lead: float, close: float, very_close: float) -> Promise:
    """Return a promise whose levels begin at these scores; a verdict is *found* from `close` on."""
    cuts = [chance_of(score) for score in (lead, close, very_close)]
    return Promise(NAMES, _SLOPES, _SLOPES, cuts[2], cuts[1], cuts[0], found=cuts[1], nothing=0.0)


def levels_of(promise: Promise, dimension: int, fusion: Fusion | None = None) -> Levels:
    """Return levels for which every query belongs to the field."""
    return Levels(
        promise=promise,
        direction=(0.0,) * dimension,
        offset=0.0,
        weights=(0.0, 0.0, 0.0),
        threshold=0.0,
        calibrated="bundled",
        made_for=(fusion or Fusion()).stamp,
    )


def figures(rows: Sequence[float]) -> np.ndarray:
    """Return figures with these scores and nothing else."""
    found = np.zeros((len(rows), len(NAMES)))
    found[:, 0] = rows
    return found

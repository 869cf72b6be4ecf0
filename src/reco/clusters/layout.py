"""A map: resources near in meaning are near on it. A landmark's place is by t-SNE, the others' by theirs.

New resources find their place among those that have one, which do not move.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from reco.clusters.grouping import Labels, Points, neighbours

Places = NDArray[np.float32]

LANDMARKS = 5000
_PERPLEXITY = 30.0
_STEPS = 500
_NEIGHBOURS = 5


def lay_out(points: Points, groups: Labels, seed: int) -> Places:
    """Return the place of each point on the map, (points, 2), within -1 and 1.

    t-SNE (van der Maaten and Hinton 2008; Barnes-Hut, van der Maaten 2014) starts from the middles of
    the groups on two axes, so that what is far apart stays far apart (Kobak and Berens 2019).
    """
    marks = _landmarks(points, groups, seed)
    placed = _tsne(points[marks], seed)
    placed -= np.median(placed, axis=0).astype(np.float32)
    places = np.empty((len(points), 2), dtype=np.float32)
    places[marks] = placed
    rest = np.setdiff1d(np.arange(len(points)), marks)
    places[rest] = place_among(points[rest], points[marks], places[marks])
    extent = float(np.abs(places).max())
    if extent > 0:
        places /= np.float32(extent)
    return places


def place_among(points: Points, known: Points, places: Places) -> Places:
    """Return where new points go: the mean place of their five nearest, weighted by closeness."""
    found = np.zeros((len(points), 2), dtype=np.float32)
    count = min(_NEIGHBOURS, len(known))
    for rows, near, close in neighbours(points, known, count):
        # Close ones count most: the weight falls by half for each 0.05 of cosine lost.
        weight = np.exp2((close - close.max(axis=1, keepdims=True)) / 0.05)
        weight /= weight.sum(axis=1, keepdims=True)
        found[rows] = np.einsum("ij,ijk->ik", weight, places[near])
    return found


def _landmarks(points: Points, groups: Labels, seed: int) -> NDArray[np.int64]:
    """Return rows drawn from each group in proportion to its size, at most `LANDMARKS` in all."""
    if len(points) <= LANDMARKS:
        return np.arange(len(points))
    order = np.random.default_rng(seed).permutation(len(points))
    order = order[np.argsort(groups[order], kind="stable")]
    return np.sort(order[np.linspace(0, len(order) - 1, LANDMARKS).astype(np.int64)])


def _tsne(points: Points, seed: int) -> Places:
    from sklearn.manifold import TSNE

    start = points[:, :2].astype(np.float32)
    start = start / max(float(start[:, 0].std()), 1e-9) * 1e-4
    # Points in one place have no gradient between them: the same texts are told apart by a hair.
    start += np.random.default_rng(seed).normal(scale=1e-6, size=start.shape).astype(np.float32)
    model = TSNE(
        perplexity=min(_PERPLEXITY, (len(points) - 1) / 4),
        init=start,
        max_iter=_STEPS,
        random_state=seed,
        method="barnes_hut",
    )
    placed: Places = model.fit_transform(points).astype(np.float32)
    return placed


def aligned(places: Places, ids: Sequence[str], before: Places, known: Sequence[str]) -> Places:
    """Return a new map turned and mirrored so that it is nearest to the one before (Schönemann 1966)."""
    at = {identifier: row for row, identifier in enumerate(known)}
    both = [(row, at[identifier]) for row, identifier in enumerate(ids) if identifier in at]
    if len(both) < 3:
        return places
    new, old = (list(rows) for rows in zip(*both, strict=True))
    turn, _ = orthogonal_procrustes(places[new], before[old])
    turned: Places = (places @ turn).astype(np.float32)
    turned /= np.float32(max(1.0, float(np.abs(turned).max())))
    return turned

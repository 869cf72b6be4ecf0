"""The map: resources near in meaning are near on it.

t-SNE places the landmarks; the other resources go among their nearest landmarks. New resources go among
the known ones, which do not move.
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
    """Return the coordinates of each point on the map, (points, 2), between -1 and 1.

    t-SNE (van der Maaten and Hinton 2008; Barnes-Hut, van der Maaten 2014) starts from the first two
    principal axes, so distant points stay distant (Kobak and Berens 2019).
    """
    marks = _landmarks(points, groups, seed)
    placed = _tsne(points[marks], seed)
    placed -= np.median(placed, axis=0).astype(np.float32)
    places = np.empty((len(points), 2), dtype=np.float32)
    places[marks] = placed
    others = np.setdiff1d(np.arange(len(points)), marks)
    places[others] = place_among(points[others], points[marks], places[marks])
    extent = float(np.abs(places).max())
    if extent > 0:
        places /= np.float32(extent)
    return places


def place_among(points: Points, known: Points, places: Places) -> Places:
    """Return the coordinates of new points: the mean of their five nearest, weighted by cosine."""
    coordinates = np.zeros((len(points), 2), dtype=np.float32)
    count = min(_NEIGHBOURS, len(known))
    for rows, near, cosines in neighbours(points, known, count):
        # The weight falls by half for each 0.05 of cosine lost.
        weight = np.exp2((cosines - cosines.max(axis=1, keepdims=True)) / 0.05)
        weight /= weight.sum(axis=1, keepdims=True)
        coordinates[rows] = np.einsum("ij,ijk->ik", weight, places[near])
    return coordinates


def _landmarks(points: Points, groups: Labels, seed: int) -> NDArray[np.int64]:
    """Draw at most `LANDMARKS` rows, from each group in proportion to its size."""
    if len(points) <= LANDMARKS:
        return np.arange(len(points))
    order = np.random.default_rng(seed).permutation(len(points))
    order = order[np.argsort(groups[order], kind="stable")]
    return np.sort(order[np.linspace(0, len(order) - 1, LANDMARKS).astype(np.int64)])


def _tsne(points: Points, seed: int) -> Places:
    from sklearn.manifold import TSNE

    start = points[:, :2].astype(np.float32)
    start = start / max(float(start[:, 0].std()), 1e-9) * 1e-4
    # Equal points have no gradient between them: a tiny noise separates equal texts.
    start += np.random.default_rng(seed).normal(scale=1e-6, size=start.shape).astype(np.float32)
    model = TSNE(
        perplexity=min(_PERPLEXITY, (len(points) - 1) / 4),
        init=start,
        max_iter=_STEPS,
        random_state=seed,
        method="barnes_hut",
    )
    places: Places = model.fit_transform(points).astype(np.float32)
    return places


def aligned(places: Places, ids: Sequence[str], before: Places, known: Sequence[str]) -> Places:
    """Rotate and mirror a new map to fit the last one best (orthogonal Procrustes, Schönemann 1966)."""
    known_row = {identifier: row for row, identifier in enumerate(known)}
    both = [(row, known_row[identifier]) for row, identifier in enumerate(ids) if identifier in known_row]
    if len(both) < 3:
        return places
    new, old = (list(rows) for rows in zip(*both, strict=True))
    turn, _ = orthogonal_procrustes(places[new], before[old])
    turned: Places = (places @ turn).astype(np.float32)
    turned /= np.float32(max(1.0, float(np.abs(turned).max())))
    return turned

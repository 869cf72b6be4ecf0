"""Grouping in nested levels: broad subjects, subjects and, in a large catalogue, fine subjects.

1. Each point moves to the mean of its nearest points, one step of mean shift (Fukunaga and Hostetler
   1975), so no single text sets a border.
2. Ward's criterion (Ward 1963) joins the points, or many small k-means clusters in a large catalogue.
3. k-means (Lloyd 1982) refines each cut of that tree, on unit vectors, where distance and cosine agree.

Ward gives a start almost independent of the seed; k-means gives a border almost independent of the tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from reco.encoder.protocol import unit
from reco.errors import InvalidInput

Labels = NDArray[np.int64]
Points = NDArray[np.float32]

AXES = 30
"""Principal axes. On the catalogues of `docs/exploring.md`, fewer or more axes were less stable."""
FEWEST = 20
"""The fewest distinct texts to group."""
_THREE_LEVELS = 1000
_SMALLEST = 3
_MOST_PIECES = 2000
_LARGE = 10_000
"""Points above which k-means works in batches, and the number drawn as landmarks for nearest points."""
_NEAREST = 10
_BLOCK = 2048
_SMALL_BLOCK = 16
"""Points per block when they are compared with more than `_LARGE` others."""
_SAMPLE_STEP = 16


@dataclass(frozen=True)
class Grouping:
    """Nested groups. `levels`, broadest first: the group of each resource, (resources,), -1 for an outlier.

    `centres` are unit vectors, (groups, axes), per level. `parents` give, for each level after the first,
    the parent of each group. `strength` is the cosine of a resource to the centre of its second-level
    group; a resource below `fence` is an outlier.
    """

    space: Space
    levels: tuple[Labels, ...]
    centres: tuple[Points, ...]
    parents: tuple[Labels, ...]
    strength: NDArray[np.float32]
    fence: float


def sizes_for(resources: int, levels: int | None = None) -> tuple[int, ...]:
    """Return the number of groups at each level.

    For 500, 2,000 and 100,000 resources: about 8, 11 and 20 broad subjects; 23, 34 and 100 subjects; and
    for the last two, 112 and 790 fine subjects. A fixed rule, since a search for the best score would
    give other numbers at each refresh.
    """
    broad = int(np.clip(round(1.7 * resources**0.25), 2, 20))
    middle = int(np.clip(round(4.0 * resources**0.28), broad + 1, max(resources // 5, broad + 1)))
    fine = int(np.clip(round(2.5 * resources**0.5), middle + 1, 800))
    wanted = levels or (3 if resources >= _THREE_LEVELS else 2)
    return (broad, middle, fine)[:wanted]


def require_enough(vectors: NDArray[np.float32]) -> None:
    """Raise InvalidInput for fewer than twenty distinct texts."""
    distinct = len(np.unique(vectors.round(5), axis=0)) if len(vectors) < 5 * FEWEST else FEWEST
    if len(vectors) >= 5 * FEWEST and len(np.unique(vectors[:: len(vectors) // 99].round(5), axis=0)) < 2:
        distinct = len(np.unique(vectors.round(5), axis=0))
    if distinct < FEWEST:
        raise InvalidInput(
            f"The catalogue has {len(vectors)} resources with {distinct} distinct texts: "
            f"clusters need at least {FEWEST} distinct texts.",
            "Add sources, or read the catalogue as a list.",
        )


def group(vectors: NDArray[np.float32], seed: int, sizes: Sequence[int]) -> Grouping:
    """Group unit vectors, (resources, dimension), into about `sizes[i]` groups at level i.

    Deterministic for a seed. Raises InvalidInput for fewer than twenty distinct texts.
    """
    require_enough(vectors)
    space = Space.of(vectors)
    points = space.place(vectors)
    settled = settle(points, _landmarks(points, seed))
    pieces, of_piece = _pieces(settled, seed, sizes)
    tree = linkage(pieces.astype(np.float64), "ward")
    cuts = [fcluster(tree, size, "maxclust")[of_piece] - 1 for size in sizes[:2]]
    broad, middle = (refined(settled, cut) for cut in cuts)
    above = _majority(middle, broad)
    levels, parents = [above[middle], middle], [above]
    if len(sizes) > 2:
        fine = _split(settled, middle, sizes[2], seed)
        parents.append(_majority(fine, middle))
        levels.append(fine)
    used = np.unique(levels[0])
    levels[0], parents[0] = np.searchsorted(used, levels[0]), np.searchsorted(used, parents[0])
    return _with_outliers(space, points, levels, parents)


def settle(points: Points, among: Points) -> Points:
    """Return the mean direction of each point's nearest points in `among`, (points, axes).

    It takes the ten nearest, or fewer among fewer than 400 points: ten points of a hundred would be a
    tenth of the catalogue, not a neighbourhood.
    """
    count = min(_NEAREST, max(1, len(among) // (4 * _NEAREST)))
    settled = np.empty_like(points)
    for rows, near, _ in neighbours(points, among, count):
        settled[rows] = unit(among[near].mean(axis=1))
    return settled


def neighbours(
    points: Points, among: Points, count: int
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield, block by block, the `count` nearest points of `among` and their cosines, (block, count).

    The nearest points are not sorted. Small blocks and `_largest` limit memory: a few new points
    among 100,000 would otherwise take a gigabyte.
    """
    large = len(among) > _LARGE
    size = _SMALL_BLOCK if large else _BLOCK
    for start in range(0, len(points), size):
        cosines = points[start : start + size] @ among.T
        near = _largest(cosines, count) if large else np.argpartition(-cosines, count - 1)[:, :count]
        yield slice(start, start + len(near)), near, np.take_along_axis(cosines, near, axis=1)


def _largest(cosines: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the positions of the `count` largest values of each row, (rows, count).

    A sample of the row gives a lower bound, and only values above it are partitioned.
    """
    sample = cosines[:, ::_SAMPLE_STEP]
    least = np.partition(sample, sample.shape[1] - count)[:, -count]
    near = np.empty((len(cosines), count), dtype=np.int64)
    for row, values in enumerate(cosines):
        above = np.flatnonzero(values >= least[row])
        near[row] = above[np.argpartition(-values[above], count - 1)[:count]]
    return near


def refined(points: Points, labels: Labels) -> Labels:
    """Refine groups by k-means from their centres; points of groups of one or two join other groups."""
    from sklearn.cluster import KMeans

    for _ in range(2):
        start = middles(points, labels)
        model = KMeans(len(start), init=start, n_init=1, max_iter=25, tol=1e-4)
        clusters = model.fit(points).labels_
        kept = np.flatnonzero(np.bincount(clusters, minlength=len(start)) >= _SMALLEST)
        labels = nearest(points, unit(model.cluster_centers_[kept]))
        if len(kept) == len(start):
            break
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def nearest(points: Points, centres: Points) -> Labels:
    """Return the index of the centre with the largest cosine to each point, (points,)."""
    indices = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), 16_384):
        indices[start : start + 16_384] = np.argmax(points[start : start + 16_384] @ centres.T, axis=1)
    return indices


def middles(points: Points, labels: Labels) -> Points:
    """Return the unit mean direction of each group, (groups, axes). Points with label -1 have no group."""
    sums = np.zeros((int(labels.max()) + 1, points.shape[1]))
    np.add.at(sums, labels[labels >= 0], points[labels >= 0])
    return unit(sums)


def compared(
    first: Labels, second: Labels, counted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of common points of groups, and their Jaccard overlaps, (first, second) groups each.

    Only the points of the mask `counted` count. A negative label has no group.
    """
    shared = np.zeros((int(first.max(initial=-1)) + 1, int(second.max(initial=-1)) + 1), dtype=np.int64)
    both = counted & (first >= 0) & (second >= 0)
    np.add.at(shared, (first[both], second[both]), 1)
    sizes = np.bincount(first[counted & (first >= 0)], minlength=shared.shape[0])
    others = np.bincount(second[counted & (second >= 0)], minlength=shared.shape[1])
    return shared, shared / np.maximum(sizes[:, None] + others - shared, 1)


def _landmarks(points: Points, seed: int) -> Points:
    """Return the points searched for nearest points: all, or `_LARGE` drawn at random."""
    if len(points) <= _LARGE:
        return points
    return points[np.sort(np.random.default_rng(seed).choice(len(points), _LARGE, replace=False))]


def _pieces(points: Points, seed: int, sizes: Sequence[int]) -> tuple[Points, Labels]:
    """Return the pieces for Ward's criterion, (pieces, axes), and the piece of each point, (points,)."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    if len(points) <= _MOST_PIECES:
        return points, np.arange(len(points), dtype=np.int64)
    wanted = min(max(int(8 * np.sqrt(len(points))), 2 * sizes[1]), _MOST_PIECES)
    if len(points) > _LARGE:
        model = MiniBatchKMeans(wanted, n_init=1, random_state=seed, batch_size=8192, max_iter=15)
    else:
        model = KMeans(wanted, n_init=1, random_state=seed, max_iter=30)
    model.fit(points)
    kept = np.unique(model.labels_)
    return model.cluster_centers_[kept], np.searchsorted(kept, model.labels_).astype(np.int64)


def _split(points: Points, labels: Labels, wanted: int, seed: int) -> Labels:
    """Split each group into finer groups, in proportion to its size."""
    from sklearn.cluster import KMeans

    fine, used = np.empty_like(labels), 0
    for parent in range(int(labels.max()) + 1):
        inside = np.flatnonzero(labels == parent)
        parts = max(1, min(round(wanted * len(inside) / len(labels)), len(inside) // (2 * _SMALLEST)))
        cut = np.zeros(len(inside), dtype=np.int64)
        if parts > 1 and np.ptp(points[inside], axis=0).max() > 1e-6:
            model = KMeans(parts, n_init=2, random_state=seed, max_iter=30).fit(points[inside])
            cut = refined(points[inside], np.unique(model.labels_, return_inverse=True)[1])
        fine[inside] = cut + used
        used += int(cut.max()) + 1
    return fine


def _majority(inner: Labels, outer: Labels) -> Labels:
    """Return, for each inner group, the outer group with most of its points."""
    majority: Labels = compared(inner, outer, np.ones(len(inner), dtype=bool))[0].argmax(axis=1)
    return majority


def _with_outliers(
    space: Space, points: Points, levels: Sequence[Labels], parents: Sequence[Labels]
) -> Grouping:
    """Mark outliers: strength below Tukey's lower fence, Q1 - 1.5 IQR (Tukey 1977)."""
    centres = tuple(middles(points, labels) for labels in levels)
    strength = np.einsum("ij,ij->i", points, centres[1][levels[1]])
    first, third = np.quantile(strength, (0.25, 0.75))
    fence = float(first - 1.5 * (third - first))
    out = strength < fence
    # No group loses all its members: with no group left, they would be far from nothing.
    for labels in levels:
        remaining = np.bincount(labels[~out], minlength=int(labels.max()) + 1)
        out &= remaining[labels] >= _SMALLEST
    marked = tuple(np.where(out, -1, labels) for labels in levels)
    return Grouping(space, marked, centres, tuple(parents), strength.astype(np.float32), fence)


@dataclass(frozen=True)
class Space:
    """A principal component space: a centre, (dimension,), and axes, (dimension, axes)."""

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Space:
        """Learn the space of unit vectors, (resources, dimension), from their covariance."""
        centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = np.zeros((vectors.shape[1],) * 2)
        for start in range(0, len(vectors), 8192):
            block = (vectors[start : start + 8192] - centre).astype(np.float64)
            spread += block.T @ block
        axes = np.linalg.eigh(spread)[1][:, ::-1][:, :AXES]
        # The sign of an eigenvector is arbitrary: make its largest coordinate positive.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        return cls(centre, (axes * signs).astype(np.float32))

    def place(self, vectors: NDArray[np.float32]) -> Points:
        """Project unit vectors to unit points, (resources, axes). A zero vector has a zero point."""
        points = np.empty((len(vectors), self.axes.shape[1]), dtype=np.float32)
        for start in range(0, len(vectors), 8192):
            block = vectors[start : start + 8192]
            seen = unit((block - self.centre) @ self.axes)
            points[start : start + 8192] = np.where(np.any(block, axis=1, keepdims=True), seen, 0.0)
        return points

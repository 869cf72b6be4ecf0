"""Grouping: broad subjects, subjects and, in a large catalogue, fine subjects, each within the one above.

Each point first moves to the mean of its nearest, one step of mean shift (Fukunaga and Hostetler 1975),
so that no single text draws a border. Points, or in a larger catalogue many small k-means clusters, are
joined by Ward's criterion (Ward 1963), and each cut of that tree is refined by k-means (Lloyd 1982) on
points of length one, where distance and cosine agree. Joining gives a start that hardly depends on
chance, refining a border that hardly depends on the tree.
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

FEWEST = 20
"""Distinct texts below which there is nothing to group."""
_THREE_LEVELS = 1000
_SMALLEST = 3
_MOST_PIECES = 2000
_LARGE = 10_000
"""Points above which k-means reads them in batches, and as many of them are looked at for the nearest."""
_NEAREST = 10
_BLOCK = 2048
_FEW = 16
"""Points compared with more than `_LARGE` others at a time."""
_SAMPLED = 16


@dataclass(frozen=True)
class Grouping:
    """`levels`, broadest first: the group of each resource, (resources,), -1 for an outlier.

    `centres` are their middles, (groups, axes), of length one. `parents` give, for each level but the
    first, the group above of each of its groups. `strength` is the cosine of a resource to the middle
    of its subject, and `fence` the least that is no outlier.
    """

    space: Space
    levels: tuple[Labels, ...]
    centres: tuple[Points, ...]
    parents: tuple[Labels, ...]
    strength: NDArray[np.float32]
    fence: float


def sizes_for(resources: int, levels: int | None = None) -> tuple[int, ...]:
    """Return how many groups each level should have: for 500, 2,000 and 100,000 resources, some 8, 11
    and 20 broad subjects, 23, 34 and 100 subjects, and in the two larger 112 and 790 fine subjects.

    A rule, not a search for the best score: a search would change its mind from night to night.
    """
    broad = int(np.clip(round(1.7 * resources**0.25), 2, 20))
    middle = int(np.clip(round(4.0 * resources**0.28), broad + 1, max(resources // 5, broad + 1)))
    fine = int(np.clip(round(2.5 * resources**0.5), middle + 1, 800))
    wanted = levels or (3 if resources >= _THREE_LEVELS else 2)
    return (broad, middle, fine)[:wanted]


def require_enough(vectors: NDArray[np.float32]) -> None:
    """Raise InvalidInput for fewer than twenty texts that differ."""
    distinct = len(np.unique(vectors.round(5), axis=0)) if len(vectors) < 5 * FEWEST else FEWEST
    if len(vectors) >= 5 * FEWEST and len(np.unique(vectors[:: len(vectors) // 99].round(5), axis=0)) < 2:
        distinct = len(np.unique(vectors.round(5), axis=0))
    if distinct < FEWEST:
        raise InvalidInput(
            f"The catalogue has {len(vectors)} resources, of which {distinct} say something of their own: "
            f"clusters need at least {FEWEST} such texts.",
            "Add sources, or read the catalogue as a list.",
        )


def group(vectors: NDArray[np.float32], seed: int, sizes: Sequence[int]) -> Grouping:
    """Group unit vectors, (resources, dimension), into about so many groups at each level.

    The same for the same seed. Raises InvalidInput for fewer than twenty texts that differ.
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
    levels[0], parents[0] = _dense(levels[0], parents[0])
    return _with_outliers(space, points, levels, parents)


def settle(points: Points, among: Points) -> Points:
    """Return the mean direction of the points of `among` nearest to each point, (points, axes).

    Ten of them, fewer among fewer than four hundred: a tenth of a small catalogue is no neighbourhood.
    """
    count = min(_NEAREST, max(1, len(among) // (4 * _NEAREST)))
    found = np.empty_like(points)
    for rows, near, _ in neighbours(points, among, count):
        found[rows] = unit(among[near].mean(axis=1))
    return found


def neighbours(
    points: Points, among: Points, count: int
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield, for some points at a time, their `count` nearest of `among`, (points, count), and the cosines.

    Not in order. To be few at a time and to be chosen from few keeps a night's few points among a hundred
    thousand from taking a gigabyte.
    """
    large = len(among) > _LARGE
    size = _FEW if large else _BLOCK
    for start in range(0, len(points), size):
        cosines = points[start : start + size] @ among.T
        near = _best_of_many(cosines, count) if large else np.argpartition(-cosines, count - 1)[:, :count]
        yield slice(start, start + len(near)), near, np.take_along_axis(cosines, near, axis=1)


def _best_of_many(cosines: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the places of the `count` largest of each row: none of them is below those of a sample."""
    sample = cosines[:, ::_SAMPLED]
    least = np.partition(sample, sample.shape[1] - count)[:, -count]
    near = np.empty((len(cosines), count), dtype=np.int64)
    for row, values in enumerate(cosines):
        above = np.flatnonzero(values >= least[row])
        near[row] = above[np.argpartition(-values[above], count - 1)[:count]]
    return near


def refined(points: Points, labels: Labels) -> Labels:
    """Return groups refined by k-means from their own middles, those of one or two points dissolved."""
    from sklearn.cluster import KMeans

    for _ in range(2):
        start = middles(points, labels)
        model = KMeans(len(start), init=start, n_init=1, max_iter=25, tol=1e-4)
        found = model.fit(points).labels_
        kept = np.flatnonzero(np.bincount(found, minlength=len(start)) >= _SMALLEST)
        labels = nearest(points, unit(model.cluster_centers_[kept]))
        if len(kept) == len(start):
            break
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def nearest(points: Points, centres: Points) -> Labels:
    """Return the centre with the largest cosine to each point, (points,)."""
    found = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), 16_384):
        found[start : start + 16_384] = np.argmax(points[start : start + 16_384] @ centres.T, axis=1)
    return found


def middles(points: Points, labels: Labels) -> Points:
    """Return the mean direction of each group, (groups, axes), of length one; -1 belongs to none."""
    sums = np.zeros((int(labels.max()) + 1, points.shape[1]))
    np.add.at(sums, labels[labels >= 0], points[labels >= 0])
    return unit(sums)


def _landmarks(points: Points, seed: int) -> Points:
    """Return the points among which the nearest are looked for: all, or `_LARGE` drawn by chance."""
    if len(points) <= _LARGE:
        return points
    return points[np.sort(np.random.default_rng(seed).choice(len(points), _LARGE, replace=False))]


def _pieces(points: Points, seed: int, sizes: Sequence[int]) -> tuple[Points, Labels]:
    """Return what Ward's criterion joins, (pieces, axes), and the piece of each point, (points,)."""
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
    """Return groups within the given ones: each is cut in proportion to its size."""
    from sklearn.cluster import KMeans

    fine, used = np.empty_like(labels), 0
    for one in range(int(labels.max()) + 1):
        inside = np.flatnonzero(labels == one)
        parts = max(1, min(round(wanted * len(inside) / len(labels)), len(inside) // (2 * _SMALLEST)))
        cut = np.zeros(len(inside), dtype=np.int64)
        if parts > 1 and np.ptp(points[inside], axis=0).max() > 1e-6:
            model = KMeans(parts, n_init=2, random_state=seed, max_iter=30).fit(points[inside])
            cut = refined(points[inside], np.unique(model.labels_, return_inverse=True)[1])
        fine[inside] = cut + used
        used += int(cut.max()) + 1
    return fine


def _majority(inner: Labels, outer: Labels) -> Labels:
    """Return, for each inner group, the outer one that holds most of it."""
    counts = np.zeros((int(inner.max()) + 1, int(outer.max()) + 1), dtype=np.int64)
    np.add.at(counts, (inner, outer), 1)
    most: Labels = counts.argmax(axis=1)
    return most


def _dense(labels: Labels, parents: Labels) -> tuple[Labels, Labels]:
    used = np.unique(labels)
    return np.searchsorted(used, labels), np.searchsorted(used, parents)


def _with_outliers(
    space: Space, points: Points, levels: Sequence[Labels], parents: Sequence[Labels]
) -> Grouping:
    """Take out what is far from every subject: below Tukey's lower fence, Q1 - 1.5 IQR (Tukey 1977)."""
    centres = tuple(middles(points, labels) for labels in levels)
    strength = np.einsum("ij,ij->i", points, centres[1][levels[1]])
    first, third = np.quantile(strength, (0.25, 0.75))
    fence = float(first - 1.5 * (third - first))
    out = strength < fence
    # A group is never emptied: its own members would be far from nothing.
    for labels in levels:
        left = np.bincount(labels[~out], minlength=int(labels.max()) + 1)
        out &= left[labels] >= _SMALLEST
    told = tuple(np.where(out, -1, labels) for labels in levels)
    return Grouping(space, told, centres, tuple(parents), strength.astype(np.float32), fence)


Points = NDArray[np.float32]


AXES = 30
"""Principal axes kept. On the catalogues of `docs/exploring.md`, fewer or more were less stable."""


@dataclass(frozen=True)
class Space:
    """A centre, (dimension,), and principal axes, (dimension, axes)."""

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
        # The sign of an eigenvector is arbitrary: its largest coordinate is made positive.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        return cls(centre, (axes * signs).astype(np.float32))

    def place(self, vectors: NDArray[np.float32]) -> Points:
        """Return the points of unit vectors, (resources, axes), of length one; an empty vector's is zero."""
        points = np.empty((len(vectors), self.axes.shape[1]), dtype=np.float32)
        for start in range(0, len(vectors), 8192):
            block = vectors[start : start + 8192]
            seen = unit((block - self.centre) @ self.axes)
            points[start : start + 8192] = np.where(np.any(block, axis=1, keepdims=True), seen, 0.0)
        return points

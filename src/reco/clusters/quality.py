"""Quality of a grouping: stability in resamples, and coherence and diversity of its terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from reco.clusters.grouping import Grouping, Labels, compared, group
from reco.clusters.labelling.corpus import Corpus
from reco.clusters.labelling.labels import Term, npmi
from reco.errors import InvalidInput

RESAMPLES = 3
SHARE = 0.8
_MOST = 10_000
"""The most resources that resamples draw from: more give the same figures and take minutes."""
_ABSENT = -9
"""The label of a resource outside a sample."""


@dataclass(frozen=True)
class Stability:
    """Stability in resamples: the mean adjusted Rand index per level, the mean best Jaccard per group."""

    levels: tuple[float, ...]
    groups: tuple[NDArray[np.float64], ...]


def stability(vectors: NDArray[np.float32], found: Grouping, seed: int, sizes: Sequence[int]) -> Stability:
    """Group samples of 80 % again, and compare them with each other and with `found`.

    The adjusted Rand index (Hubert and Arabie 1985) compares two samples; Jaccard overlap (Hennig 2007)
    compares a group with its best match in a sample. Values are NaN when a sample is too small to group.
    """
    rng = np.random.default_rng(seed)
    pool = np.arange(len(vectors)) if len(vectors) <= _MOST else rng.choice(len(vectors), _MOST, False)
    samples = [np.sort(rng.choice(pool, round(SHARE * len(pool)), False)) for _ in range(RESAMPLES)]
    try:
        regrouped = [group(vectors[rows], seed, sizes).levels for rows in samples]
    except InvalidInput:  # a sample of a catalogue with barely twenty distinct texts
        undefined = tuple(np.full(len(centres), np.nan) for centres in found.centres)
        return Stability((np.nan,) * len(found.levels), undefined)
    levels, groups = [], []
    for number, labels in enumerate(found.levels):
        runs = [
            _spread(run[number], rows, len(vectors)) for run, rows in zip(regrouped, samples, strict=True)
        ]
        levels.append(float(np.mean([_adjusted_rand(a, b) for i, a in enumerate(runs) for b in runs[:i]])))
        overlaps = [compared(labels, run, run != _ABSENT)[1] for run in runs]
        groups.append(np.mean([overlap.max(axis=1) for overlap in overlaps], axis=0))
    return Stability(tuple(levels), tuple(groups))


def coherence(corpus: Corpus, terms: Sequence[Term]) -> float | None:
    """Return the mean normalised pointwise mutual information (NPMI) of pairs of terms, -1 to 1.

    It counts whole texts (Bouma 2009; for topics, Lau et al. 2014). None for fewer than two terms.
    """
    columns = [corpus.columns[term.stem] for term in terms if term.stem in corpus.columns]
    if len(columns) < 2:
        return None
    present = csc_array(corpus.presence_by_stem[:, columns] > 0, dtype=np.float64)
    together = np.asarray((present.T @ present).todense()) / present.shape[0]
    return float(npmi(together)[np.triu_indices(len(columns), 1)].mean())


def diversity(groups: Sequence[Sequence[Term]]) -> float:
    """Return the share of distinct stems among the terms of all groups (Dieng et al. 2020)."""
    stems = [term.stem for terms in groups for term in terms]
    return len(set(stems)) / len(stems) if stems else 0.0


def agreement(labels: Labels, themes: Sequence[str]) -> float | None:
    """Return the adjusted mutual information of groups and themes (Vinh et al. 2010).

    Outliers and resources without a theme do not count. None for fewer than two themes.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    known = np.asarray([bool(theme) for theme in themes]) & (labels >= 0)
    known_themes = np.asarray(themes, dtype=object)[known].astype(str)
    if len(set(known_themes.tolist())) < 2:
        return None
    return float(adjusted_mutual_info_score(known_themes, labels[known]))


def main_theme(themes: Sequence[Sequence[str]]) -> tuple[str, float | None]:
    """Return the most frequent theme and its share of resources with a theme; "" and None without any."""
    distinct_themes = [set(names) for names in themes if names]
    counts = Counter(theme for names in distinct_themes for theme in names)
    if not counts:
        return "", None
    theme = min(counts, key=lambda name: (-counts[name], name))
    return theme, counts[theme] / len(distinct_themes)


def _spread(labels: Labels, rows: NDArray[np.int64], count: int) -> Labels:
    whole = np.full(count, _ABSENT, dtype=np.int64)
    whole[rows] = labels
    return whole


def _adjusted_rand(first: Labels, second: Labels) -> float:
    from sklearn.metrics import adjusted_rand_score

    both = (first != _ABSENT) & (second != _ABSENT)
    return float(adjusted_rand_score(first[both], second[both]))

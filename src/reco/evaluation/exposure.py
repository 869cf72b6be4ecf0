"""The audit of exposure: hubs, orphans, and how the results shown compare with the catalogue.

The lists are the product's results for queries and for the catalogue's own titles. A title's own resource
does not count in its list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.catalogue.taxonomy import UNKNOWN
from reco.encoder.protocol import Progress
from reco.errors import InvalidInput
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender

K = 10
HUB = 5.0
"""A hub is in this many times more of the titles' lists than the average resource."""

TITLES = 1000
"""Most titles used as queries; a random sample of a larger catalogue."""

FACETS = ("publisher", "type", "theme")
_BANDS = ((2_000, "under 2,000"), (20_000, "2,000 to 20,000"), (100_000, "20,000 to 100,000"))
_LARGEST = "100,000 and more"
_FEWEST = 2


@dataclass(frozen=True)
class Shown:
    """A resource, and the number of lists that show it, for titles and for queries."""

    id: str
    title: str
    titles: int
    requests: int


@dataclass(frozen=True)
class ExposureShare:
    """A value's share of the catalogue and of the exposure; `ratio` is the second over the first."""

    value: str
    catalogue: float
    shown: float
    ratio: float


@dataclass(frozen=True)
class Concentration:
    """The concentration of a facet's values, in the catalogue and in the results shown.

    `gini` is 0 when all values have the same amount, near 1 when one value has all (Gini 1912). `hhi` is
    the sum of squared shares (Herfindahl 1950), 1 when one value has all.
    """

    facet: str
    gini_catalogue: float
    gini_shown: float
    hhi_catalogue: float
    hhi_shown: float
    values: tuple[ExposureShare, ...]


@dataclass(frozen=True)
class Audit:
    """The exposure of a snapshot's resources.

    `skewness` is that of the k-occurrences over titles: 0 when all resources are neighbours equally often,
    above 1.4 when hubs matter (Radovanović et al. 2010; Feldbauer and Flexer 2019). `population` compares
    bands of communes by inhabitants, smallest first; `scale` compares the resources' scales.
    """

    snapshot: str
    k: int
    titles: int
    requests: int
    skewness: float
    hubs: tuple[Shown, ...]
    orphans: tuple[Shown, ...]
    concentration: tuple[Concentration, ...]
    population: tuple[ExposureShare, ...]
    scale: tuple[ExposureShare, ...]


def audit(
    recommender: Recommender,
    requests: Sequence[str] = (),
    k: int = K,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Rank every title, at most `TITLES`, and every query of `requests`; report their first `k` results.

    Raises InvalidInput for a catalogue of one resource, or when lists of `k` show nearly all of it.
    """
    catalogue = recommender.snapshot.catalogue
    if len(catalogue) < _FEWEST * k:
        raise InvalidInput(
            f"The catalogue has {len(catalogue)} resources: lists of {k} show nearly all of them.",
            f"Add sources, or audit shorter lists: at most {len(catalogue) // _FEWEST}.",
        )
    titles = _titles(catalogue, seed)
    total = len(titles) + len(requests)
    lists: list[NDArray[np.int64]] = []
    for count, (text, own_row) in enumerate([*titles, *((text, -1) for text in requests)], start=1):
        hits = recommender.rank(Query.of(text, k + (own_row >= 0)))
        lists.append(np.asarray([hit.row for hit in hits if hit.row != own_row][:k], dtype=np.int64))
        if progress is not None:
            progress(count, total)
    return _report(recommender, lists[: len(titles)], lists[len(titles) :], k)


def skewness(occurrences: NDArray[np.int64]) -> float:
    """Return the skewness of k-occurrences, E[(N - m)³] / s³ (Radovanović et al. 2010); 0 without spread."""
    deviation = occurrences - occurrences.mean()
    spread = float(np.sqrt((deviation**2).mean()))
    return float((deviation**3).mean() / spread**3) if spread > 0 else 0.0


def gini(amounts: Iterable[float]) -> float:
    """Return the Gini coefficient of amounts; 0 for no amount and for equal amounts."""
    ordered = np.sort(np.asarray(list(amounts), dtype=np.float64))
    if not len(ordered) or ordered.sum() == 0:
        return 0.0
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


def hhi(amounts: Iterable[float]) -> float:
    """Return the Herfindahl-Hirschman index of amounts: the sum of their squared shares."""
    values = np.asarray(list(amounts), dtype=np.float64)
    return float(((values / values.sum()) ** 2).sum()) if values.sum() > 0 else 0.0


def _titles(catalogue: Catalogue, seed: int) -> list[tuple[str, int]]:
    """Return the titles to use as queries, each with its row."""
    rows = np.arange(len(catalogue))
    if len(rows) > TITLES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, TITLES, replace=False))
    return [(catalogue[row].title, row) for row in rows.tolist()]


def _report(
    recommender: Recommender,
    titles: Sequence[NDArray[np.int64]],
    requests: Sequence[NDArray[np.int64]],
    k: int,
) -> Audit:
    snapshot = recommender.snapshot
    catalogue = snapshot.catalogue
    of_titles, of_requests = _counts(titles, len(catalogue)), _counts(requests, len(catalogue))
    exposure = _exposure([*titles, *requests], len(catalogue))
    shown = [
        Shown(resource.id, resource.title, int(a), int(b))
        for resource, a, b in zip(catalogue, of_titles, of_requests, strict=True)
    ]
    limit = HUB * len(titles) * k / len(catalogue)
    hubs = sorted((item for item in shown if item.titles > limit), key=lambda item: (-item.titles, item.id))
    seen = _seen_through_family(recommender, {item.id for item in shown if item.titles + item.requests})
    order = [*(name for _, name in _BANDS), _LARGEST, UNKNOWN]
    bands = _compared(*_amounts(catalogue, exposure, _band))
    return Audit(
        snapshot=snapshot.id,
        k=k,
        titles=len(titles),
        requests=len(requests),
        skewness=round(skewness(of_titles), 4),
        hubs=tuple(hubs),
        orphans=tuple(item for item in shown if item.id not in seen),
        concentration=tuple(_concentration(catalogue, exposure, facet) for facet in FACETS),
        population=tuple(sorted(bands, key=lambda share: order.index(share.value))),
        scale=_compared(*_amounts(catalogue, exposure, lambda resource: (resource.scale or UNKNOWN,))),
    )


def _counts(lists: Sequence[NDArray[np.int64]], resources: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(
        np.concatenate([np.empty(0, dtype=np.int64), *lists]), minlength=resources
    )
    return counts


def _exposure(lists: Sequence[NDArray[np.int64]], resources: int) -> NDArray[np.float64]:
    """Return the exposure of each resource: the sum of 1 / log2(1 + rank) over the lists that show it.

    This is the discount of nDCG, an estimate of the chance that a reader gets to that rank (Singh and
    Joachims 2018).
    """
    exposure = np.zeros(resources)
    for rows in lists:
        np.add.at(exposure, rows, 1.0 / np.log2(np.arange(2, len(rows) + 2)))
    return exposure


def _seen_through_family(recommender: Recommender, seen: set[str]) -> set[str]:
    """Return the ids seen, plus the other listings of each one, which its card shows too."""
    families = recommender.snapshot.families
    if families is None:
        return seen
    return seen | {
        member
        for family in families.families
        if not seen.isdisjoint(family.members)
        for member in family.members
    }


def _concentration(catalogue: Catalogue, exposure: NDArray[np.float64], facet: str) -> Concentration:
    def values(resource: Resource) -> tuple[str, ...]:
        labels = resource.themes if facet == "theme" else (getattr(resource, facet),)
        return tuple(value for value in labels if value) or (UNKNOWN,)

    stock, shown = _amounts(catalogue, exposure, values)
    return Concentration(
        facet=facet,
        gini_catalogue=round(gini(stock.values()), 4),
        gini_shown=round(gini(shown[value] for value in stock), 4),
        hhi_catalogue=round(hhi(stock.values()), 4),
        hhi_shown=round(hhi(shown[value] for value in stock), 4),
        values=_compared(stock, shown),
    )


def _amounts(
    catalogue: Catalogue, exposure: NDArray[np.float64], values: Callable[[Resource], tuple[str, ...]]
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return the number of resources and the exposure of each value.

    A resource with several values counts as a fraction for each.
    """
    stock: Counter[str] = Counter()
    shown: defaultdict[str, float] = defaultdict(float)
    for resource, amount in zip(catalogue, exposure.tolist(), strict=True):
        labels = values(resource)
        for value in labels:
            stock[value] += 1 / len(labels)  # type: ignore[assignment]
            shown[value] += amount / len(labels)
    return dict(stock), shown


def _compared(stock: Mapping[str, float], shown: Mapping[str, float]) -> tuple[ExposureShare, ...]:
    """Return the shares of each value, largest share of the catalogue first."""
    all_stock, all_shown = sum(stock.values()), sum(shown.values()) or 1.0
    shares = [(value, stock[value] / all_stock, shown[value] / all_shown) for value in stock]
    compared = [ExposureShare(value, round(a, 4), round(b, 4), round(b / a, 3)) for value, a, b in shares]
    return tuple(sorted(compared, key=lambda share: (-share.catalogue, share.value)))


def _band(resource: Resource) -> tuple[str, ...]:
    """Return the population band of the smallest commune that a resource is about."""
    sizes = [p.population for p in resource.localities if p.kind == "commune" and p.population is not None]
    if not sizes:
        return (UNKNOWN,)
    return (next((name for limit, name in _BANDS if min(sizes) < limit), _LARGEST),)

"""How like the place of a resource is to a place that someone chose. Never a part of relevance.

    value = 0.5 size + 0.2 setting + 0.3 nearness, halved when one place is overseas and the other is not

size      1 for as many inhabitants, 0 for 32 times more or fewer, by the logarithm in between
setting   1 when both are rural, towns, suburbs or cities
nearness  1 in the same commune, 0.9 in the same EPCI, 0.6 in the same département, 0.3 in the same région

What is not known counts 0, and no reason is given for it. Inhabitants are those of the communes; where
one of the two is an EPCI, those of both EPCI. A resource without a place, whose source says for which
scale it is, has only a size and a setting; one that says neither has no likeness at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, log2

from reco.catalogue.places.gazetteer import Gazetteer, Locality
from reco.text.clean import fold

BANDS = (500, 2_000, 5_000, 20_000, 100_000, 400_000)
"""Where bands of population begin, after the first, in inhabitants."""

REASONS = (
    "same_commune",
    "same_epci",
    "same_department",
    "same_region",
    "same_band",
    "close_band",
    "smaller",
    "larger",
    "both_rural",
    "both_town",
    "both_suburb",
    "both_city",
    "both_overseas",
    "overseas_differs",
    "epci_compared",
    "scale_only",
)
"""Every code of a reason."""

TOLERANCE = 0.1
"""Where levels are not known, scores count as equal down to this share below the best of them."""

NEUTRAL = 0.35
"""Where a resource whose place is not known stands among its equals: after like places, before unlike."""

_WORTH = {"size": 0.5, "setting": 0.2, "nearness": 0.3}
_NEARNESS = {"same_commune": 1.0, "same_epci": 0.9, "same_department": 0.6, "same_region": 0.3}
_LOWEST = "éloigné"
_FARTHEST = 5.0
"""Doublings of the population after which sizes have nothing in common."""

_SCALES = {
    "commune rurale": (1, 1_999),
    "petite ville": (2_000, 19_999),
    "ville moyenne": (20_000, 99_999),
    "metropole": (100_000, inf),
}
"""Inhabitants of the communes that a scale of `taxonomy.SCALES` speaks of."""

_SCALE_SETTINGS = {
    "commune rurale": "rural",
    "petite ville": "town",
    "ville moyenne": "city",
    "metropole": "city",
}
_OVERSEAS_REGIONS = ("01", "02", "03", "04", "06")

_RURAL = 2_000  # INSEE's urban units have 2,000 inhabitants or more
_CITY = 20_000
_CONURBATION = 200_000


@dataclass(frozen=True)
class Likeness:
    """How like a place is, 0 to 1, and why: codes of `REASONS`.

    `place` is the resource's place that was compared, with its département and inhabitants where known.
    """

    value: float
    reasons: tuple[str, ...]
    place: str = ""
    population: int | None = None


def likeness(mine: Locality, theirs: Sequence[Locality], scale: str, gazetteer: Gazetteer) -> Likeness | None:
    """Compare a commune or an EPCI with a resource's places, of which the most like counts.

    Returns None when neither a place nor a scale of the resource can be compared.
    """
    found = [_compared(mine, place, scale, gazetteer) for place in theirs]
    if not found and (sized := _by_scale(mine, scale, gazetteer)) is not None:
        size, reasons = sized
        found = [_sum(size, reasons, 0.0, ())]
    return max(found, key=lambda one: one.value, default=None)


def among_equals(
    scores: Sequence[float], levels: Sequence[str | None], likenesses: Sequence[Likeness | None]
) -> tuple[int, ...]:
    """Return the order of positions by likeness among those that are equally relevant.

    `scores` descend. Equals have the same level; where it is not known, or the lowest, which says nothing
    of relevance, also a score within `TOLERANCE` of the best of them. Those equally like keep their order.
    """
    order: list[int] = []
    for start, end in _equals(scores, levels):
        values = [NEUTRAL if one is None else one.value for one in likenesses[start:end]]
        order += sorted(range(start, end), key=lambda position: -values[position - start])
    return tuple(order)


def _equals(scores: Sequence[float], levels: Sequence[str | None]) -> Iterator[tuple[int, int]]:
    start = 0
    for position in range(1, len(scores) + 1):
        if position == len(scores) or not _equal(scores, levels, start, position):
            yield start, position
            start = position


def _equal(scores: Sequence[float], levels: Sequence[str | None], first: int, other: int) -> bool:
    if levels[other] != levels[first]:
        return False
    if levels[first] not in (None, _LOWEST):
        return True
    return scores[other] >= scores[first] - TOLERANCE * abs(scores[first])


def _compared(mine: Locality, theirs: Locality, scale: str, gazetteer: Gazetteer) -> Likeness:
    near = _nearness(mine, theirs)
    size, reasons = _sizes(mine, theirs, gazetteer) or _by_scale(mine, scale, gazetteer) or (0.0, ())
    found = _sum(size, reasons, _NEARNESS.get(near, 0.0), (near,) if near else ())
    value = found.value
    far = [_overseas(place) for place in (mine, theirs)]
    more = ("both_overseas",) if all(far) else ("overseas_differs",) if any(far) else ()
    if any(far) and not all(far):
        value /= 2
    return Likeness(round(value, 4), found.reasons + more, gazetteer.label(theirs), theirs.population)


def _sum(size: float, sized: tuple[str, ...], nearness: float, near: tuple[str, ...]) -> Likeness:
    setting = float(any(reason.startswith("both_") for reason in sized))
    value = _WORTH["size"] * size + _WORTH["setting"] * setting + _WORTH["nearness"] * nearness
    return Likeness(round(value, 4), near + sized)


def _nearness(mine: Locality, theirs: Locality) -> str:
    """Return the narrowest ground that both share."""
    if (mine.kind, mine.code) == (theirs.kind, theirs.code):
        return "same_commune" if mine.kind == "commune" else "same_epci"
    if _epci(mine) and _epci(mine) == _epci(theirs):
        return "same_epci"
    department = theirs.code if theirs.kind == "department" else theirs.department
    if theirs.kind != "region" and department and department == mine.department:
        return "same_department"
    region = theirs.code if theirs.kind == "region" else theirs.region
    return "same_region" if region and region == mine.region else ""


def _sizes(mine: Locality, theirs: Locality, gazetteer: Gazetteer) -> tuple[float, tuple[str, ...]] | None:
    """Compare inhabitants and settings; None where either is not known."""
    if theirs.kind not in ("commune", "epci"):
        return None
    grouped = "epci" in (mine.kind, theirs.kind)
    pair = [_group(place, gazetteer) if grouped else place for place in (mine, theirs)]
    if pair[0] is None or pair[1] is None or not pair[0].population or not pair[1].population:
        return None
    ours, other = pair[0].population, pair[1].population
    size = max(0.0, 1 - abs(log2(ours / other)) / _FARTHEST)
    settings = [_setting(place, gazetteer) for place in (mine, theirs)]
    both = (f"both_{settings[0]}",) if settings[0] and settings[0] == settings[1] else ()
    return size, (_banded(ours, other), *both, *(("epci_compared",) if grouped else ()))


def _banded(ours: int, other: int) -> str:
    apart = bisect_right(BANDS, other) - bisect_right(BANDS, ours)
    if abs(apart) <= 1:
        return "close_band" if apart else "same_band"
    return "larger" if apart > 0 else "smaller"


def _by_scale(mine: Locality, scale: str, gazetteer: Gazetteer) -> tuple[float, tuple[str, ...]] | None:
    """Compare a commune's inhabitants and setting with those that a scale speaks of."""
    bounds = _SCALES.get(fold(scale))
    if bounds is None or mine.kind != "commune" or not mine.population:
        return None
    least, most = bounds
    setting = _setting(mine, gazetteer)
    both = (f"both_{setting}",) if setting == _SCALE_SETTINGS[fold(scale)] else ()
    if least <= mine.population <= most:
        return 1.0, ("same_band", *both, "scale_only")
    above = mine.population > most
    doublings = log2(mine.population / most) if above else log2(least / mine.population)
    return max(0.0, 1 - doublings / _FARTHEST), ("smaller" if above else "larger", *both, "scale_only")


def _setting(place: Locality, gazetteer: Gazetteer) -> str:
    """Return what the gazetteer lets one say of a commune: rural, town, suburb or city."""
    if place.kind != "commune" or not place.population:
        return ""
    group = _group(place, gazetteer)
    if place.population >= _CITY:
        return "city"
    if group is not None and (group.population or 0) >= _CONURBATION:
        return "suburb"
    return "rural" if place.population < _RURAL else "town"


def _group(place: Locality, gazetteer: Gazetteer) -> Locality | None:
    """Return the EPCI that a place is or belongs to."""
    return gazetteer.by_code(_epci(place)) if _epci(place) else None


def _epci(place: Locality) -> str:
    return place.code if place.kind == "epci" else place.epci


def _overseas(place: Locality) -> bool:
    """Whether a place is in a département or territory overseas, whose codes begin with 97 and 98."""
    if place.kind == "region":
        return place.code in _OVERSEAS_REGIONS or place.code.startswith(("97", "98"))
    return (place.code if place.kind == "department" else place.department).startswith(("97", "98"))

"""The likeness of a resource's place to a chosen commune or EPCI. It is never part of the score.

    value = 0.5 size + 0.2 setting + 0.3 nearness, halved when one place is overseas and the other is not

size      1 for equal populations, 0 for a ratio of 32 or more, linear in the logarithm between them
setting   1 when both are rural, towns, suburbs or cities
nearness  1 in the same commune, 0.9 in the same EPCI, 0.6 in the same département, 0.3 in the same région

An unknown part counts 0 and gives no reason. Populations are those of the communes; if one of the two
places is an EPCI, those of both EPCI. A resource without a place but with a scale has only a size and a
setting. A resource with neither has no likeness.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, log2

from reco.catalogue.places.gazetteer import Gazetteer, Locality
from reco.text.clean import fold

BANDS = (500, 2_000, 5_000, 20_000, 100_000, 400_000)
"""Lower bounds of the population bands after the first, in inhabitants."""

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
"""Every reason code."""

TOLERANCE = 0.1
"""Without levels, scores count as equal down to this share below the best of them."""

NEUTRAL = 0.35
"""The likeness assumed for an unknown place: after similar places, before dissimilar ones."""

_WEIGHTS = {"size": 0.5, "setting": 0.2, "nearness": 0.3}
_NEARNESS = {"same_commune": 1.0, "same_epci": 0.9, "same_department": 0.6, "same_region": 0.3}
_LOWEST_LEVEL = "éloigné"
_FARTHEST = 5.0
"""Doublings of the population from which `size` is 0."""

_SCALES = {
    "commune rurale": (1, 1_999, "rural"),
    "petite ville": (2_000, 19_999, "town"),
    "ville moyenne": (20_000, 99_999, "city"),
    "metropole": (100_000, inf, "city"),
}
"""Populations and setting of the communes that a scale of `taxonomy.SCALES` means."""

_OVERSEAS_REGIONS = ("01", "02", "03", "04", "06")

_RURAL = 2_000  # INSEE's urban units have 2,000 inhabitants or more
_CITY = 20_000
_CONURBATION = 200_000


@dataclass(frozen=True)
class Likeness:
    """The likeness of a place, 0 to 1, with its reasons: codes of `REASONS`.

    `place` is the label of the resource's place that was compared; `population` is None if unknown.
    """

    value: float
    reasons: tuple[str, ...]
    place: str = ""
    population: int | None = None


def likeness(mine: Locality, theirs: Sequence[Locality], scale: str, gazetteer: Gazetteer) -> Likeness | None:
    """Compare a commune or EPCI, `mine`, with a resource's places; the most similar place counts.

    Without places, the resource's `scale` is compared. Returns None when neither can be.
    """
    found = [_compare(mine, place, scale, gazetteer) for place in theirs]
    if not found and (sized := _by_scale(mine, scale, gazetteer)) is not None:
        size, reasons = sized
        found = [_weighted(size, reasons, 0.0, ())]
    return max(found, key=lambda one: one.value, default=None)


def among_equals(
    scores: Sequence[float], levels: Sequence[str | None], likenesses: Sequence[Likeness | None]
) -> tuple[int, ...]:
    """Return the order of positions that puts similar places first among equally relevant results.

    `scores` descend. Equally relevant results have the same level. If the level is unknown, or the lowest
    one, which does not tell relevance, their scores must also be within `TOLERANCE` of the best of them.
    The sort is stable.
    """
    order: list[int] = []
    for start, end in _groups_of_equals(scores, levels):
        values = [NEUTRAL if one is None else one.value for one in likenesses[start:end]]
        order += sorted(range(start, end), key=lambda position: -values[position - start])
    return tuple(order)


def _groups_of_equals(scores: Sequence[float], levels: Sequence[str | None]) -> Iterator[tuple[int, int]]:
    start = 0
    for position in range(1, len(scores) + 1):
        if position == len(scores) or not _are_equal(scores, levels, start, position):
            yield start, position
            start = position


def _are_equal(scores: Sequence[float], levels: Sequence[str | None], first: int, other: int) -> bool:
    if levels[other] != levels[first]:
        return False
    if levels[first] not in (None, _LOWEST_LEVEL):
        return True
    return scores[other] >= scores[first] - TOLERANCE * abs(scores[first])


def _compare(mine: Locality, theirs: Locality, scale: str, gazetteer: Gazetteer) -> Likeness:
    near = _nearness(mine, theirs)
    size, reasons = _by_size(mine, theirs, gazetteer) or _by_scale(mine, scale, gazetteer) or (0.0, ())
    found = _weighted(size, reasons, _NEARNESS.get(near, 0.0), (near,) if near else ())
    value = found.value
    far = [_overseas(place) for place in (mine, theirs)]
    more = ("both_overseas",) if all(far) else ("overseas_differs",) if any(far) else ()
    if any(far) and not all(far):
        value /= 2
    return Likeness(round(value, 4), found.reasons + more, gazetteer.label(theirs), theirs.population)


def _weighted(size: float, sized: tuple[str, ...], nearness: float, near: tuple[str, ...]) -> Likeness:
    setting = float(any(reason.startswith("both_") for reason in sized))
    value = _WEIGHTS["size"] * size + _WEIGHTS["setting"] * setting + _WEIGHTS["nearness"] * nearness
    return Likeness(round(value, 4), near + sized)


def _nearness(mine: Locality, theirs: Locality) -> str:
    """Return the reason for the narrowest territory that both share, or "" for none."""
    if (mine.kind, mine.code) == (theirs.kind, theirs.code):
        return "same_commune" if mine.kind == "commune" else "same_epci"
    if _epci_code(mine) and _epci_code(mine) == _epci_code(theirs):
        return "same_epci"
    department = theirs.code if theirs.kind == "department" else theirs.department
    if theirs.kind != "region" and department and department == mine.department:
        return "same_department"
    region = theirs.code if theirs.kind == "region" else theirs.region
    return "same_region" if region and region == mine.region else ""


def _by_size(mine: Locality, theirs: Locality, gazetteer: Gazetteer) -> tuple[float, tuple[str, ...]] | None:
    """Compare populations and settings: the size and the reasons, or None if a population is unknown."""
    if theirs.kind not in ("commune", "epci"):
        return None
    grouped = "epci" in (mine.kind, theirs.kind)
    pair = [_epci_of(place, gazetteer) if grouped else place for place in (mine, theirs)]
    if pair[0] is None or pair[1] is None or not pair[0].population or not pair[1].population:
        return None
    ours, other = pair[0].population, pair[1].population
    size = max(0.0, 1 - abs(log2(ours / other)) / _FARTHEST)
    settings = [_setting(place, gazetteer) for place in (mine, theirs)]
    both = (f"both_{settings[0]}",) if settings[0] and settings[0] == settings[1] else ()
    return size, (_band_reason(ours, other), *both, *(("epci_compared",) if grouped else ()))


def _band_reason(ours: int, other: int) -> str:
    apart = bisect_right(BANDS, other) - bisect_right(BANDS, ours)
    if abs(apart) <= 1:
        return "close_band" if apart else "same_band"
    return "larger" if apart > 0 else "smaller"


def _by_scale(mine: Locality, scale: str, gazetteer: Gazetteer) -> tuple[float, tuple[str, ...]] | None:
    """Compare a commune's population and setting with those of a scale: the size and the reasons."""
    meant = _SCALES.get(fold(scale))
    if meant is None or mine.kind != "commune" or not mine.population:
        return None
    least, most, setting = meant
    both = (f"both_{setting}",) if setting == _setting(mine, gazetteer) else ()
    if least <= mine.population <= most:
        return 1.0, ("same_band", *both, "scale_only")
    above = mine.population > most
    doublings = log2(mine.population / most) if above else log2(least / mine.population)
    return max(0.0, 1 - doublings / _FARTHEST), ("smaller" if above else "larger", *both, "scale_only")


def _setting(place: Locality, gazetteer: Gazetteer) -> str:
    """Return the setting of a commune: `rural`, `town`, `suburb`, `city`, or "" if unknown."""
    if place.kind != "commune" or not place.population:
        return ""
    group = _epci_of(place, gazetteer)
    if place.population >= _CITY:
        return "city"
    if group is not None and (group.population or 0) >= _CONURBATION:
        return "suburb"
    return "rural" if place.population < _RURAL else "town"


def _epci_of(place: Locality, gazetteer: Gazetteer) -> Locality | None:
    """Return the EPCI that a place is, or belongs to."""
    return gazetteer.by_code(_epci_code(place)) if _epci_code(place) else None


def _epci_code(place: Locality) -> str:
    return place.code if place.kind == "epci" else place.epci


def _overseas(place: Locality) -> bool:
    """Whether a place is overseas: its département or territory has a code in 97 or 98."""
    if place.kind == "region":
        return place.code in _OVERSEAS_REGIONS or place.code.startswith(("97", "98"))
    return (place.code if place.kind == "department" else place.department).startswith(("97", "98"))

"""The lines under a result: its placement, the likeness of its place and its cautions."""

from __future__ import annotations

from collections.abc import Iterator

from reco.catalogue.places.similarity import Likeness
from reco.ranking.recommender import Recommendation
from reco.ranking.rerank import Placement

_PLACEMENT = {
    "shelf": "balanced shelf",
    "diversity": "diversity",
    "need": "need",
    "place": "similar place",
}
_LIKENESS = {
    "same_commune": "the same commune",
    "same_epci": "the same EPCI",
    "same_department": "the same département",
    "same_region": "the same région",
    "same_band": "the same size",
    "close_band": "about the same size",
    "smaller": "much smaller",
    "larger": "much larger",
    "both_rural": "rural too",
    "both_town": "a small town too",
    "both_suburb": "a suburb too",
    "both_city": "a city too",
    "both_overseas": "overseas too",
    "overseas_differs": "only one of the two is overseas",
    "epci_compared": "one EPCI compared with the other",
    "scale_only": "judged by the scale alone",
}


def asides(item: Recommendation) -> Iterator[str]:
    """Yield the lines to print under a result."""
    if item.placement is not None:
        yield _placement(item.placement)
    if item.likeness is not None:
        yield _likeness(item.likeness)
    for point in item.vigilance:
        yield f"caution ({point.kind}): « {point.text} »"


def _placement(placement: Placement) -> str:
    text = f" ({placement.text})" if placement.text else ""
    return f"moved by: {_PLACEMENT[placement.reason]}{text}; rank {placement.from_rank} by score"


def _likeness(likeness: Likeness) -> str:
    inhabitants = f", {likeness.population} inhabitants" if likeness.population else ""
    where = f"{likeness.place}{inhabitants}: " if likeness.place else ""
    reasons = ", ".join(_LIKENESS[reason] for reason in likeness.reasons) or "nothing in common"
    return f"place: {likeness.value:.2f}, {where}{reasons}"

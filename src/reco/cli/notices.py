"""What a card says beside its result, in words: what moved it, how like its place is, what can go wrong."""

from __future__ import annotations

from collections.abc import Iterator

from reco.catalogue.places.similarity import Likeness
from reco.ranking.recommender import Recommendation
from reco.ranking.rerank import Placement

_VIGILANCE = {
    "obstacle": "obstacle",
    "cost": "coût",
    "delay": "délai",
    "abandonment": "abandon ou échec",
    "condition": "condition",
}
_PLACEMENT = {
    "shelf": "rayon équilibré",
    "diversity": "diversité",
    "need": "besoin",
    "place": "lieu semblable",
}
_LIKENESS = {
    "same_commune": "la même commune",
    "same_epci": "la même intercommunalité",
    "same_department": "le même département",
    "same_region": "la même région",
    "same_band": "même taille",
    "close_band": "taille voisine",
    "smaller": "bien plus petit",
    "larger": "bien plus grand",
    "both_rural": "rural aussi",
    "both_town": "petite ville aussi",
    "both_suburb": "banlieue aussi",
    "both_city": "ville aussi",
    "both_overseas": "outre-mer aussi",
    "overseas_differs": "l'un outre-mer, l'autre non",
    "epci_compared": "d'une intercommunalité à l'autre",
    "scale_only": "d'après l'échelle seule",
}


def asides(item: Recommendation) -> Iterator[str]:
    """Yield the lines that follow a result's quote."""
    if item.placement is not None:
        yield _placement(item.placement)
    if item.likeness is not None:
        yield _likeness(item.likeness)
    for point in item.vigilance:
        yield f"vigilance ({_VIGILANCE[point.kind]}) : « {point.text} »"


def _placement(placement: Placement) -> str:
    why = (
        f"{_PLACEMENT[placement.reason]} ({placement.text})"
        if placement.text
        else _PLACEMENT[placement.reason]
    )
    return f"rang : {why}, {placement.from_rank}{'er' if placement.from_rank == 1 else 'e'} au score"


def _likeness(likeness: Likeness) -> str:
    inhabitants = f", {likeness.population} hab." if likeness.population else ""
    where = f"{likeness.place}{inhabitants} : " if likeness.place else ""
    reasons = ", ".join(_LIKENESS[reason] for reason in likeness.reasons) or "rien de commun"
    return f"lieu : {likeness.value:.2f}, {where}{reasons}"

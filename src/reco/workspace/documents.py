"""Answers as documents of the JSON interface."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reco.catalogue.places.gazetteer import bundled
from reco.catalogue.resource import Resource
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommendation


def answer_document(found: Answer) -> dict[str, Any]:
    """Return an answer as a document of the JSON interface."""
    return {
        "query": found.query.text,
        "snapshot": found.snapshot,
        "place": place_document(found.query.place),
        "verdict": found.verdict,
        "confidence": found.confidence,
        "chance": found.chance,
        "unmet": list(found.unmet),
        "expansions": [
            {"short": one.short, "full": one.entry.full, "written": one.written} for one in found.expansions
        ],
        "without": list(found.query.without),
        "understood": found.understood,
        "corrections": [asdict(one) for one in found.corrections],
        "exact": list(found.query.exact),
        "needs": [asdict(need) for need in found.needs],
        "shelf": [asdict(slot) for slot in found.shelf],
        "reading": reading_document(found.query),
        "recommendations": [_item(item) for item in found.recommendations],
    }


def reading_document(query: Query) -> dict[str, Any] | None:
    """Return what is read of a paper and what is left out; None for a text that is read whole."""
    reading = query.reading
    if not reading.kind:
        return None
    sides = (("kept", reading.kept), ("left_out", reading.left_out))
    texts = {
        name: [{"label": part.label, "text": query.text[part.start : part.end]} for part in parts]
        for name, parts in sides
    }
    return {"kind": reading.kind, "lead": reading.lead, **texts}


def place_document(code: str) -> dict[str, str] | None:
    """Return the code and the unambiguous name of a place, or None."""
    place = bundled().by_code(code) if code else None
    return {"code": code, "name": bundled().label(place)} if place is not None else None


def _item(item: Recommendation) -> dict[str, Any]:
    return {
        **item.row(),
        "place": item.resource.place,
        "others": [listing(other) for other in item.others],
        "placement": asdict(item.placement) if item.placement else None,
        "likeness": asdict(item.likeness) if item.likeness else None,
        "vigilance": [asdict(point) for point in item.vigilance],
        "chance": asdict(item.chance) if item.chance else None,
        "explanation": asdict(item.explanation),
    }


def listing(resource: Resource) -> dict[str, Any]:
    """Return the fields that distinguish the listings of one document."""
    names = ("id", "title", "publisher", "year", "url", "source")
    return {name: getattr(resource, name) for name in names}

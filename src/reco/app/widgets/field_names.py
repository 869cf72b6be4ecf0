"""Names of the fields of a resource, in the visitor's language."""

from __future__ import annotations

from reco.app.phrases import say


def field_names() -> dict[str, str]:
    """Return the name of each field in the visitor's language."""
    return {
        "id": say("field.id"),
        "title": say("field.title"),
        "summary": say("field.summary"),
        "type": say("field.type"),
        "theme": say("field.theme"),
        "themes": say("field.theme"),
        "publisher": say("field.publisher"),
        "authors": say("field.authors"),
        "year": say("field.year"),
        "url": say("field.url"),
        "audience": say("field.audience"),
        "scale": say("field.scale"),
        "place": say("field.place"),
        "place_code": say("field.place_code"),
        "language": say("field.language"),
        "source": say("field.source"),
        "evidence": say("field.evidence"),
        "notes": say("field.notes"),
    }

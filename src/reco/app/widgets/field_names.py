"""What each field of a resource is called, in the visitor's language."""

from __future__ import annotations

from reco.app.phrases import say


def field_names() -> dict[str, str]:
    """Return what each field of a resource is called."""
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

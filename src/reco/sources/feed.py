"""RSS and Atom feeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax import ContentHandler, SAXException

import feedparser
from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from reco.catalogue.resource import Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.content import is_html, shown_place, unreadable, whole
from reco.sources.rows import Row, refuse


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the entries of a feed. Malformed XML adds one rejection with the XML error."""
    data = whole(config, cache)
    if is_html(data):
        raise unreadable(config, "it is a web page (HTML), not a feed")
    broken = _fault(config, data)
    feed = feedparser.parse(BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    if not feed.get("version"):
        raise unreadable(config, broken or "it is neither RSS nor Atom")
    place = shown_place(config)
    language = feed.feed.get("language")
    for rank, entry in enumerate(feed.entries, 1):
        yield Row(f"{place}#{rank}", _cells(entry, language))
    if broken:
        yield refuse(config, place, f"the feed is not well-formed, entries may be missing: {broken}")


def _fault(config: SourceConfig, data: bytes) -> str:
    """Return the XML error, or "". Raises `SourceError` for a document type or an entity."""
    try:
        parseString(data, ContentHandler(), forbid_dtd=True)
    except (SAXException, ValueError, LookupError) as error:
        if isinstance(error, DefusedXmlException) or b"<!ENTITY" in data.replace(b"\0", b"").upper():
            raise SourceError(
                f"source {config.name}: the XML of {shown_place(config)} has a document type",
                "Give the address of the feed itself; a feed with a document type can hide an attack.",
            ) from error
        return str(error)
    return ""


def _cells(entry: Mapping[str, Any], language: object) -> dict[str, object]:
    """Return the cells of an entry under feedparser's names. The summary is its longest text."""
    content = [part.get("value", "") for part in entry.get("content", [])]
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    return {
        "id": entry.get("id") or entry.get("link") or "",
        "title": entry.get("title"),
        "link": entry.get("link"),
        "author": [person["name"] for person in entry.get("authors", []) if person.get("name")],
        "summary": max([entry.get("summary", ""), *content], key=len),
        "tags": [tag.term for tag in entry.get("tags", []) if tag.get("term")],
        "year": moment.tm_year if moment else entry.get("published") or entry.get("updated"),
        "language": language,
    }

"""An Atom feed (RFC 4287) of the newest resources, for subscribers to a catalogue."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from reco.catalogue.resource import Resource
from reco.snapshots.history import NightChanges

_ATOM = "http://www.w3.org/2005/Atom"
_TAG = "tag:reco.invalid,2026:"
"""Prefix of the ids, which never change: a tag URI (RFC 4151) under a reserved domain."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Arrival:
    """A new resource, with the ISO 8601 dates of the snapshots that added it and last changed it."""

    resource: Resource
    published: str
    updated: str


def arrivals(nights: Sequence[NightChanges], newest: int) -> list[Arrival]:
    """Return the `newest` added resources that are still in the catalogue, newest first.

    `nights` are those of a `History`, newest first. The resources of the oldest snapshot on disk are not
    new, unless it is the first ever made.
    """
    current: dict[str, Arrival] = {}
    for night in reversed(nights):
        for resource in night.left:
            current.pop(resource.id, None)
        for resource in night.came:
            current[resource.id] = Arrival(resource, night.created, night.created)
        for revised in night.changed:
            if earlier := current.get(revised.resource.id):
                current[earlier.resource.id] = replace(
                    earlier, resource=revised.resource, updated=night.created
                )
    by_id = sorted(current.values(), key=lambda arrival: arrival.resource.id)
    return sorted(by_id, key=lambda arrival: arrival.published, reverse=True)[:newest]


def document(found: Sequence[Arrival], made: str) -> bytes:
    """Return the feed as XML in UTF-8. `made` is the date of the served snapshot, in ISO 8601."""
    feed = ET.Element("feed", {"xmlns": _ATOM})
    _text(feed, "title", "Nouvelles ressources")
    _text(feed, "id", f"{_TAG}new-resources")
    _text(feed, "updated", made)
    _text(feed, "generator", "reco")
    _text(ET.SubElement(feed, "author"), "name", "reco")
    for arrival in found:
        _entry(ET.SubElement(feed, "entry"), arrival)
    data: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return data


def _entry(entry: ET.Element, arrival: Arrival) -> None:
    resource = arrival.resource
    _text(entry, "title", resource.title)
    _text(entry, "id", f"{_TAG}resource:{quote(resource.id, safe='')}")
    _text(entry, "published", arrival.published)
    _text(entry, "updated", arrival.updated)
    if author := resource.authors or resource.publisher:
        _text(ET.SubElement(entry, "author"), "name", author)
    if link := _readable(resource.link):
        ET.SubElement(entry, "link", {"rel": "alternate", "href": link})
    for label in (resource.type, *resource.themes):
        if label:
            ET.SubElement(entry, "category", {"term": _readable(label)})
    _text(entry, "content", resource.summary or resource.title)


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _readable(text)


def _readable(text: str) -> str:
    """Return a text without the characters that XML forbids."""
    return _NOT_XML.sub("", text)

"""An Atom feed (RFC 4287) of the resources that came lately, for who follows a catalogue from afar."""

from __future__ import annotations

import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.errors import SnapshotError
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore

logger = logging.getLogger(__name__)

_ATOM = "http://www.w3.org/2005/Atom"
_TAG = "tag:reco.invalid,2026:"
"""Of the ids, which never change: RFC 4151, under a name that nobody can own."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Arrival:
    """A resource, when it came and when it last changed: the dates of two snapshots, in ISO 8601."""

    resource: Resource
    published: str
    updated: str


def arrivals(store: SnapshotStore, served: Snapshot, newest: int) -> list[Arrival]:
    """Return the `newest` of the resources served that came with a snapshot on disk, newest first.

    What the oldest snapshot on disk already had is not new, unless that one is the first ever made. A
    snapshot that is damaged, or that was rolled back from, is passed over.
    """
    came: dict[str, Arrival] = {}
    before = Catalogue(())
    first = True
    for number in store.lineage(served.manifest):
        try:
            snapshot = store.open(number)
        except SnapshotError as error:
            logger.warning("the feed passes snapshot %s over: %s", number, error)
            continue
        came = _next(came, before, snapshot, first)
        before, first = snapshot.catalogue, False
    found = sorted(_next(came, before, served, first).values(), key=lambda arrival: arrival.resource.id)
    return sorted(found, key=lambda arrival: arrival.published, reverse=True)[:newest]


def document(found: Sequence[Arrival], made: str) -> bytes:
    """Return the feed as XML in UTF-8. `made` is the date of the snapshot served, in ISO 8601."""
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


def _next(came: dict[str, Arrival], before: Catalogue, snapshot: Snapshot, first: bool) -> dict[str, Arrival]:
    """Return the arrivals once `snapshot` has followed `before`; what has left is forgotten."""
    made = snapshot.manifest.created
    known = first and bool(snapshot.manifest.parent)
    found = {}
    for resource in snapshot.catalogue:
        row = before.row(resource.id)
        if row is None and not known:
            found[resource.id] = Arrival(resource, made, made)
        elif resource.id in came:
            same = row is not None and before[row] == resource
            earlier = came[resource.id]
            found[resource.id] = earlier if same else replace(earlier, resource=resource, updated=made)
    return found


def _entry(entry: ET.Element, arrival: Arrival) -> None:
    resource = arrival.resource
    _text(entry, "title", resource.title)
    _text(entry, "id", f"{_TAG}resource:{quote(resource.id, safe='')}")
    _text(entry, "published", arrival.published)
    _text(entry, "updated", arrival.updated)
    if author := resource.authors or resource.publisher:
        _text(ET.SubElement(entry, "author"), "name", author)
    if link := _link(resource.url):
        ET.SubElement(entry, "link", {"rel": "alternate", "href": link})
    for label in (resource.type, *resource.themes):
        if label:
            ET.SubElement(entry, "category", {"term": _readable(label)})
    _text(entry, "content", resource.summary or resource.title)


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _readable(text)


def _readable(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)


def _link(address: str) -> str:
    """Return an address that a reader may follow, or an empty text."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return ""
    return _readable(address) if parts.scheme in ("http", "https") and host else ""

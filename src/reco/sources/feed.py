"""RSS and Atom feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import feedparser

from reco.catalogue import addresses
from reco.catalogue.resource import Rejection, Remark
from reco.errors import NoCatalogue, SourceError
from reco.sources.casualties import told
from reco.sources.config import SourceConfig
from reco.sources.content import Contents, contents, is_html, shown_place, unreadable
from reco.sources.kinds import refuse_other
from reco.sources.rows import Row
from reco.sources.xml_text import CutShort, Document, DocumentType, document

_ITEMS = ("item", "entry")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|www\.", re.IGNORECASE)
_NAME = re.compile(r"\s*\w")
_LINK = re.compile(rb"<link(?:\s[^<>]*+)?>\s*+(<!\[CDATA\[)?[^<>]++")
_PARAMETER = re.compile(rb"(&amp;(?!amp;)\w+;)")
_BARE_PARAMETER = re.compile(rb"(&(?:amp;)?(?!amp;)\w+;)")


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield the entries of a feed; a flawed one is mended or left out, and told.

    Raises `SourceError` for what is no feed, or is cut short.
    """
    got = contents(config, cache)
    found = _sound(config, got)
    data = _LINK.sub(_kept, found.data)
    feed = feedparser.parse(BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    if not feed.get("version"):
        problem = unreadable(config, "it is neither RSS nor Atom")
        raise NoCatalogue(str(problem), problem.hint)
    place = shown_place(config)
    language = feed.feed.get("language")
    base = _base(got.url, feed.feed.get("link", ""))
    for rank, entry in enumerate(feed.entries, 1):
        if rank not in found.lost:
            yield Row(f"{place}#{rank}", _cells(entry, language, base))
    yield from told(config, place, found, len(feed.entries))


def _sound(config: SourceConfig, got: Contents) -> Document:
    """Return the feed as well-formed XML."""
    if is_html(got.data):
        raise unreadable(config, "it is a web page (HTML), not a feed")
    if not got.data.strip():
        raise unreadable(config, "it is empty")
    if got.data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        raise SourceError(
            f"source {config.name}: {shown_place(config)} cannot be read as rss: it is JSON",
            'Set `kind = "json"` with `records = "items"`, which is where a JSON Feed has its entries.',
        )
    refuse_other(config, BytesIO(got.data))
    try:
        return document(got.data, got.content_type, _ITEMS)
    except DocumentType as error:
        raise SourceError(
            f"source {config.name}: the XML of {shown_place(config)} has a document type",
            "Give the address of the feed itself; a feed with a document type can hide an attack.",
        ) from error
    except CutShort as error:
        raise unreadable(config, f"it is cut short, its end is missing: {error}") from error
    except ValueError as error:
        raise unreadable(config, str(error)) from error


def _kept(link: re.Match[bytes]) -> bytes:
    """Return the start of a link with its `&copy;=` doubled to `&copy;;=`: feedparser drops such a sign."""
    return (_BARE_PARAMETER if link[1] else _PARAMETER).sub(rb"\1;", link[0])


def _base(feed: str, channel: str) -> str:
    """Return what relative links start from: the link of the channel, itself resolved, else the feed."""
    whole = addresses.read(channel).url or addresses.joined(feed, channel)
    return whole if whole.startswith("http") else feed


def _cells(entry: Mapping[str, Any], language: object, base: str) -> dict[str, object]:
    """Return the cells of an entry under feedparser's names. The summary is its longest text."""
    content = [part.get("value", "") for part in entry.get("content", [])]
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    return {
        "id": entry.get("id") or entry.get("link") or "",
        "title": entry.get("title"),
        "link": _link(entry, base),
        "author": [person["name"] for person in entry.get("authors", []) if person.get("name")],
        "summary": max([entry.get("summary", ""), *content], key=len),
        "tags": [tag.term for tag in entry.get("tags", []) if tag.get("term")],
        "year": moment.tm_year if moment else entry.get("published") or entry.get("updated"),
        "language": language,
    }


def _link(entry: Mapping[str, Any], base: str) -> str | None:
    """Return the address of an entry, resolved. An identifier that is no address leads nowhere as it is.

    Without a base, a relative address starts with a sign that no host starts with.
    """
    link = entry.get("link")
    if not isinstance(link, str) or _ABSOLUTE.match(link.strip()):
        return link
    if entry.get("guidislink") and link == entry.get("id") and not link.startswith("/"):
        return link
    if base:
        return addresses.joined(base, link)
    return f"./{link}" if _NAME.match(link) else link

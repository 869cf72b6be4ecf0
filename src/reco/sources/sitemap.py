"""The pages that a site lists in its sitemaps (sitemaps.org), gzipped or not, nested or not."""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

import httpx2
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from reco.catalogue.resource import Rejection, Remark
from reco.sources.casualties import told
from reco.sources.config import SourceConfig
from reco.sources.content import Limited, is_html
from reco.sources.remote import Fetched, Remote, shown
from reco.sources.robots import is_near
from reco.sources.xml_text import CutShort, Document, DocumentType, document

MOST_SITEMAPS = 500
"""Sitemaps of one site. Each may list 50,000 pages."""

USUAL_PLACES = ("/sitemap.xml", "/sitemap_index.xml")
"""Paths of the sitemap of a site whose robots.txt names none."""

_GZIP = b"\x1f\x8b"
_MOST_SECTIONS, _MOST_NAMED = 1_000, 8
_LONGEST_ADDRESS = 2_048
"""Longest address in a sitemap, by its protocol."""

Get = Callable[[str], Fetched]


@dataclass
class _Found:
    """The pages found so far, address -> last change as written there, and the sections of other pages."""

    pages: dict[str, str] = field(default_factory=dict)
    sections: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0


@dataclass(frozen=True)
class _Listing:
    """One `loc` of a sitemap: a page, or another sitemap."""

    url: str
    lastmod: str
    is_page: bool


def pages(
    config: SourceConfig,
    remote: Remote,
    get: Get,
    sitemaps: Sequence[str],
    said: list[Remark | Rejection] | None = None,
) -> Mapping[str, str]:
    """Return the pages under `include`, in order: address -> `lastmod` as its sitemap writes it, or "".

    Only pages on the host of their sitemap count. `said` takes what was mended in a sitemap.

    Raises `SourceError` for a sitemap that cannot be read,
    for more than `max_pages` pages, and when no page is left.
    """
    found, seen, waiting = _Found(), set(sitemaps), deque(sitemaps)
    while waiting:
        fetched = get(waiting.popleft())
        for listing in _listings(config, remote, fetched, said if said is not None else []):
            if listing.is_page:
                _count(config, remote, found, listing, fetched.url)
            elif listing.url not in seen and is_near(listing.url, fetched.url):
                seen.add(listing.url)
                waiting.append(listing.url)
        if len(seen) > MOST_SITEMAPS:
            hint = "Give the address of one of its sitemaps as `url`."
            raise remote.error(fetched.url, f"the site has more than {MOST_SITEMAPS} sitemaps", hint)
    if not found.pages:
        raise _nothing(config, remote, found, sitemaps[0])
    return found.pages


def _count(config: SourceConfig, remote: Remote, found: _Found, listing: _Listing, sitemap: str) -> None:
    if not is_near(listing.url, sitemap):
        found.elsewhere += 1
        return
    path = unquote(urlsplit(listing.url).path) or "/"
    if not path.startswith(unquote(config.include)):
        section = f"/{path.split('/')[1]}/"
        if section in found.sections or len(found.sections) < _MOST_SECTIONS:
            found.sections[section] += 1
        return
    if _is_valid(listing.url):
        found.pages.setdefault(listing.url, listing.lastmod)
    if len(found.pages) > config.max_pages:
        hint = 'Read one section, such as `include = "/experiences/"`, or raise `max_pages` of this source.'
        raise remote.error(sitemap, f"the sitemap lists more than {config.max_pages:,} pages", hint)


def _nothing(config: SourceConfig, remote: Remote, found: _Found, sitemap: str) -> Exception:
    if found.sections:
        first = ", ".join(
            f"{section} ({count})" for section, count in found.sections.most_common(_MOST_NAMED)
        )
        hint = f"Correct `include` of this source; the sections are: {first}."
        return remote.error(sitemap, f"the sitemap lists no page under {config.include}", hint)
    if found.elsewhere:
        hint = "Give the address of the sitemap of the host that has the pages."
        return remote.error(sitemap, f"its {found.elsewhere:,} pages are all on another host", hint)
    return remote.error(sitemap, "the sitemap lists no page", "Give the address of a sitemap that has pages.")


def _is_valid(url: str) -> bool:
    try:
        return bool(httpx2.URL(url).host)
    except httpx2.InvalidURL:
        return False


def _listings(
    config: SourceConfig, remote: Remote, fetched: Fetched, said: list[Remark | Rejection]
) -> Iterator[_Listing]:
    """Yield every `loc`; of a sitemap that is flawed, what is sound first, then all of it, mended."""
    try:
        yield from _read(remote, fetched, _unpacked(config, fetched.body))
    except (ParseError, UnicodeError, LookupError) as error:
        found = _mended(config, remote, fetched, error)
        yield from _read(remote, fetched, io.BytesIO(found.data))
        said.extend(told(config, shown(fetched.url), found, max(found.lost, default=0)))


def _mended(config: SourceConfig, remote: Remote, fetched: Fetched, fault: Exception) -> Document:
    """Return a sitemap that is not well-formed as XML that is. Raises `SourceError`."""
    if is_html(fetched.body):
        raise _no_sitemap(remote, fetched, "it is a web page (HTML)") from fault
    try:
        body = _unpacked(config, fetched.body).read()
        return document(body, fetched.headers.get("content-type", ""), ("url", "sitemap"))
    except DocumentType as error:
        raise _attack(remote, fetched) from error
    except CutShort as error:
        raise _no_sitemap(remote, fetched, f"it is cut short: {error}") from error
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise _no_sitemap(remote, fetched, str(error)) from error


def _read(remote: Remote, fetched: Fetched, stream: BinaryIO) -> Iterator[_Listing]:
    """Yield every `loc`, and hold one element at a time: a sitemap may have 50,000 of them and more."""
    try:
        events = iterparse(stream, ("start", "end"), forbid_dtd=True)
        _, root = next(events)
        depth = 0
        if _name(root) not in ("urlset", "sitemapindex"):
            raise _no_sitemap(remote, fetched, f"its XML is <{_name(root)}>")
        for event, element in events:
            name = _name(element)
            if event == "end" and name in ("url", "sitemap"):
                url = _text(element, "loc").partition("#")[0]
                if 0 < len(url) <= _LONGEST_ADDRESS:
                    yield _Listing(url, _text(element, "lastmod"), name == "url")
            depth += 1 if event == "start" else -1
            if depth == 0:
                root.clear()
    except DefusedXmlException as error:
        raise _attack(remote, fetched) from error
    except (OSError, EOFError, zlib.error) as error:
        raise _no_sitemap(remote, fetched, str(error)) from error


def _attack(remote: Remote, fetched: Fetched) -> Exception:
    hint = "Do not use this source: a document type can hide an attack."
    return remote.error(fetched.url, "the XML has a document type", hint)


def _unpacked(config: SourceConfig, body: bytes) -> BinaryIO:
    stream = io.BytesIO(body)
    if not body.startswith(_GZIP):
        return stream
    return io.BufferedReader(Limited(config, cast(BinaryIO, gzip.GzipFile(fileobj=stream))))


def _no_sitemap(remote: Remote, fetched: Fetched, why: str) -> Exception:
    hint = "Give the home of the site, or the address of its sitemap in XML."
    return remote.error(fetched.url, f"not a sitemap: {why}", hint)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    """Return the text of a direct child: a picture listed inside a page has a `loc` too."""
    return next(((child.text or "").strip() for child in element if _name(child) == name), "")

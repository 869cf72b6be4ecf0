"""Web sites by what they announce: WordPress, feeds, OAI-PMH, sitemaps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import get_args

import httpx2
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from reco.catalogue.resource import FIELDS
from reco.sources.config import Kind
from reco.sources.discovery.files import FEED, of, xml_root
from reco.sources.discovery.proposal import Proposal
from reco.sources.discovery.site import Site, merged
from reco.sources.remote import Fetched

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_HEAD = 300_000
"""Bytes of a page in which its links are searched: they stand in its head."""
_FEED_TYPES = ("application/rss+xml", "application/atom+xml")
_INTERFACE = "/wp-json/"
_CONTENT_TYPE = re.compile(r"/wp-json/wp/v2/[\w-]+$")
_SITEMAP = re.compile(r"^sitemap:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_DELAY_SECONDS = 1.0

_WORDPRESS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "title": ("title.rendered",),
    "summary": ("content.rendered",),
    "url": ("link",),
    "year": ("year",),
}
_DUBLIN_CORE: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "title": ("title",),
    "summary": ("description",),
    "authors": ("creator",),
    "publisher": ("publisher",),
    "theme": ("subject",),
    "type": ("type",),
    "year": ("year",),
    "url": ("url",),
    "language": ("language",),
}


class _Links(HTMLParser):
    """The `link` elements of a page, as their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "link":
            self.found.append({name: value or "" for name, value in attrs})


def links(page: Fetched) -> list[dict[str, str]]:
    """Return the attributes of each `link` element in the head of a page."""
    parser = _Links()
    parser.feed(page.body[:_HEAD].decode("utf-8", "replace"))
    return parser.found


def oai(site: Site) -> Proposal | None:
    """Recognise an OAI-PMH repository by its answer, or by an address that says so."""
    says_so = "oai" in str(site.url).lower().removeprefix(site.url.scheme)
    if not says_so and xml_root(site.page().body[:_HEAD]) != b"OAI-PMH":
        return None
    base = str(site.url.copy_with(query=None))
    fetched = site.look(merged(base, verb="Identify"))
    named = _repository(fetched.body) if fetched else None
    if named is None:
        return None
    return Proposal(
        what="An OAI-PMH repository, in Dublin Core",
        kind="oai",
        url=base,
        part=site.url.params.get("set", ""),
        label=named,
        options={"set": site.url.params["set"]} if site.url.params.get("set") else {},
        known=_DUBLIN_CORE,
        remarks=('`set = "NAME"` reads one set; `?verb=ListSets` lists them.',),
    )


def _repository(data: bytes) -> str | None:
    """Return the name in an answer to Identify, or None."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, ValueError, LookupError, DefusedXmlException):
        return None
    if root.tag != f"{_OAI}OAI-PMH" or root.find(f"{_OAI}Identify") is None:
        return None
    return (root.findtext(f".//{_OAI}repositoryName") or "").strip()


def wordpress(site: Site) -> Proposal | None:
    """Recognise a WordPress site by its API."""
    announced = [
        link.get("href", "") for link in links(site.page()) if link.get("rel") == "https://api.w.org/"
    ]
    interface = str(site.url.join(announced[0])) if any(announced[:1]) else f"{site.root}{_INTERFACE}"
    about = site.document(interface) if interface.endswith(_INTERFACE) else {}
    spaces = about.get("namespaces")
    if not isinstance(spaces, list) or "wp/v2" not in spaces:
        return None
    is_part = _CONTENT_TYPE.search(site.url.path) is not None
    name = about.get("name")
    return Proposal(
        what="A WordPress site",
        kind="wordpress",
        url=str(site.url.copy_with(query=None)) if is_part else interface.removesuffix(_INTERFACE),
        part=site.steps[-1] if is_part else "",
        label=name if isinstance(name, str) else "",
        known=_WORDPRESS,
        remarks=() if is_part else ("Its posts; /wp-json/wp/v2/types names its other contents.",),
    )


def feed(site: Site) -> Proposal | None:
    """Recognise the feed that a page announces."""
    for link in links(site.page()):
        if "alternate" in link.get("rel", "").lower().split() and link.get("type") in _FEED_TYPES:
            address = str(site.url.join(link.get("href", "")))
            fetched = site.look(address)
            found = of(fetched, address) if fetched else None
            if found is not None and found.kind == "rss":
                remarks = ("The page announces this feed.", "A feed holds only its newest entries.")
                return Proposal(
                    "A feed", "rss", address, label=link.get("title", ""), known=FEED, remarks=remarks,
                    body=found.body,
                )  # fmt: skip
    return None


def sitemap(site: Site, kinds: tuple[str, ...] = get_args(Kind)) -> Proposal | None:
    """Recognise any site with a sitemap, if its kind can be read."""
    if "site" not in kinds:
        return None
    robots = site.look(f"{site.root}/robots.txt")
    named = _SITEMAP.findall(robots.body.decode("utf-8", "replace")) if robots else []
    for address in (*named[:3], f"{site.root}/sitemap.xml"):
        fetched = site.look(str(httpx2.URL(site.root).join(address)))
        if fetched and xml_root(fetched.body[:_HEAD]) in (b"urlset", b"sitemapindex"):
            return _pages(site, address)
    return None


def _pages(site: Site, address: str) -> Proposal:
    section = f"/{'/'.join(site.steps)}/" if site.steps and not site.steps[-1].endswith(".xml") else ""
    return Proposal(
        what="The pages of a site, by its sitemap",
        kind="site",
        url=f"{site.root}/",
        part="-".join(site.steps) if section else "",
        options={**({"include": section} if section else {}), "delay_seconds": _DELAY_SECONDS},
        known={ours: (ours,) for ours in FIELDS},
        remarks=(
            f"Its sitemap: {address}",
            '`include = "/section/"` keeps the pages of one section; `delay_seconds` is the pause.',
            "Ask the owner of the site, or read its terms, before you read all of it every night.",
        ),
    )

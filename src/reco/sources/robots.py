"""What a site's robots.txt allows (RFC 9309)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import httpx2
from protego import Protego

from reco.sources.remote import Fetched, Refused, Remote

_AGENT = "reco"
"""Our name in robots.txt: the product token of the client's user agent."""

_MOST_BYTES = 512_000
_WAIT = frozenset((408, 429))


@dataclass(frozen=True)
class Robots:
    """The rules of one site. `origin` is its scheme and host after redirects: "https://www.example.org"."""

    origin: str
    rules: Protego

    @property
    def delay(self) -> float:
        """The pause that the site asks for between two requests, in seconds."""
        asked = self.rules.crawl_delay(_AGENT)
        return asked if asked is not None and asked > 0 else 0.0

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The addresses of the sitemaps that it names, in order, but for those that cannot be read."""
        return tuple(dict.fromkeys(whole for url in self.rules.sitemaps if (whole := self._joined(url))))

    def owns(self, url: str) -> bool:
        """Return whether an address is on this site."""
        return is_near(url, self.origin)

    def allow(self, url: str) -> bool:
        """Return whether a page may be read."""
        return self.rules.can_fetch(url, _AGENT)

    def _joined(self, url: str) -> str:
        try:
            return str(httpx2.URL(self.origin).join(url))
        except httpx2.InvalidURL:
            return ""


def robots_of(remote: Remote, url: str) -> Robots:
    """Fetch the rules of the site of `url`. A site without robots.txt allows everything.

    Raises `SourceError` when the server fails: a rule that cannot be read may forbid.
    """
    origin = origin_of(url)
    fetched = _fetched(remote, f"{origin}/robots.txt")
    if fetched is None:
        return Robots(origin, Protego.parse(""))
    there = origin_of(fetched.url)
    rules = Protego.parse(fetched.body.decode("utf-8", "replace").removeprefix("\ufeff"))
    return Robots(there if site_of(there) == site_of(origin) else origin, rules)


def origin_of(url: str) -> str:
    """Return the scheme, host and port of an address: "https://example.org:8080/a" without "/a"."""
    return str(httpx2.URL(url).copy_with(raw_path=b"/", fragment=None)).removesuffix("/")


def site_of(url: str) -> tuple[str, int | None]:
    """Return what two addresses of one site share: the host without "www.", and the port.

    Raises `httpx2.InvalidURL` or ValueError for what is not the address of a web page.
    """
    parts = urlsplit(url)
    return _site(parts.scheme.lower(), parts.netloc)


def is_near(url: str, other: str) -> bool:
    """Return whether an address can be read, and is on the site of another one."""
    try:
        return site_of(url) == site_of(other)
    except (httpx2.InvalidURL, ValueError):
        return False


@lru_cache(maxsize=64)  # a sitemap names one host 50,000 times
def _site(scheme: str, netloc: str) -> tuple[str, int | None]:
    address = httpx2.URL(f"{scheme}://{netloc}/")
    if scheme not in ("http", "https") or not address.host:
        raise ValueError(f"{scheme}://{netloc} is not the address of a web page")
    return address.host.removeprefix("www."), address.port


def _fetched(remote: Remote, url: str) -> Fetched | None:
    try:
        return remote.find(url, most=_MOST_BYTES)
    except Refused as refused:
        if 400 <= refused.status < 500 and refused.status not in _WAIT:
            return None  # RFC 9309, 2.3.1.3: such a server has no rules
        raise

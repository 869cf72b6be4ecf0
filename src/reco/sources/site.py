"""Pages of any web site that has a sitemap, read politely.

Only addresses that the sitemap lists are read: no link is followed, so a calendar without end is never
entered. A page that did not change since it was last read is not fetched again.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from reco.catalogue.resource import Rejection, Remark
from reco.sources import sitemap
from reco.sources.config import SourceConfig
from reco.sources.page_store import PageStore, StoredPage
from reco.sources.remote import Fetched, Refused, Remote, shown
from reco.sources.robots import Robots, robots_of
from reco.sources.rows import Row, refuse
from reco.sources.web_page import cells_of

logger = logging.getLogger(__name__)

MOST_PAGE_BYTES = 1_000_000
"""Largest page that is read. The time to find its text grows faster than its size."""

MOST_FAILURES = 10
"""Pages that may fail in a row. After that the site itself is at fault, and is left alone until tomorrow."""

_FEWEST_MERGED = 10
"""Readable pages from which on a site that loses most of them to shared addresses is at fault."""

_SITEMAP = re.compile(r"\.xml(?:\.gz)?$|sitemap[^/]*$", re.IGNORECASE)
_STOP = frozenset((429, 503))
"""Answers of a site that asks to be left alone."""

_LATER = frozenset((408, 425))
"""Answers of a server that had no time for a page. They do not withdraw it."""


def rows(
    config: SourceConfig, cache: Path | None, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Row | Rejection | Remark]:
    """Yield one row per page under `include`, a rejection for a page that is forbidden or has no text.

    Pages with one canonical address are one row. Raises `SourceError` for a site without a sitemap, for
    more pages than the limits allow, and when the site fails or asks to be left alone.
    """
    room = config.max_pages + sitemap.MOST_SITEMAPS + 1  # `max_pages` counts pages; `sitemap` counts them
    with Remote(config.model_copy(update={"max_pages": room}), cache, sleep=sleep) as remote:
        robots = robots_of(remote, config.url)
        visit = _Visit(config, remote, robots, PageStore(cache))
        said: list[Remark | Rejection] = []
        listed = sitemap.pages(config, remote, visit.sitemap, visit.sitemaps(), said)
        yield from said
        visit.require_consent(listed)
        visit.require_time(listed)
        seen, readable = set[str](), 0
        for url, lastmod in listed.items():
            row = visit.row(url, lastmod)
            if isinstance(row, Rejection):
                yield row
                continue
            readable += 1
            if (identifier := str(row.cells["id"])) not in seen:
                seen.add(identifier)
                yield row
        if readable >= _FEWEST_MERGED and len(seen) * 2 < readable:
            hint = "Tell the owner of the site: its pages name a wrong canonical address."
            what = f"its {readable:,} pages have {len(seen):,} canonical addresses only"
            raise remote.error(config.url, what, hint)


@dataclass
class _Visit:
    """One reading of one site.

    `failures` counts the pages that failed in a row; `found` is a sitemap fetched to see if it exists.
    """

    config: SourceConfig
    remote: Remote
    robots: Robots
    store: PageStore
    failures: int = 0
    found: Fetched | None = None

    @property
    def delay(self) -> float:
        return max(self.config.delay_seconds, self.robots.delay)

    def sitemaps(self) -> tuple[str, ...]:
        """Return the addresses of the sitemaps to read: `url`, or those that the site names."""
        if _SITEMAP.search(httpx2.URL(self.config.url).path):
            return (self.config.url,)
        named = tuple(filter(self.robots.owns, self.robots.sitemaps))
        if named:
            return named
        for path in sitemap.USUAL_PLACES:
            self.remote.pause(self.delay)
            if found := self.remote.find(url := self.robots.origin + path, remember=True):
                self.found = found
                return (url,)
        other = f" (its robots.txt names {self.robots.sitemaps[0]})" if self.robots.sitemaps else ""
        raise self.remote.error(
            self.config.url,
            "the site has no sitemap: robots.txt names none of its own, "
            f"and {sitemap.USUAL_PLACES[0]} is missing{other}",
            "Give the address of its sitemap as `url`, or read its feed (`rss`) or its API instead.",
        )

    def sitemap(self, url: str) -> Fetched:
        """Fetch a sitemap. Raises `SourceError` when it does not exist: its pages would be lost."""
        fetched, self.found = self.found, None
        if fetched is None:
            self.remote.pause(self.delay)
            fetched = self.remote.get(url, remember=True)
        if not self.robots.owns(fetched.url):
            hint = "Give the address of the sitemap of the host that has the pages."
            raise self.remote.error(url, f"it redirects to another host: {shown(fetched.url)}", hint)
        return fetched

    def require_consent(self, listed: Mapping[str, str]) -> None:
        """Raise `SourceError` when robots.txt forbids every page."""
        if not any(map(self.robots.allow, listed)):
            section = f" under {self.config.include}" if self.config.include else ""
            raise self.remote.error(
                f"{self.robots.origin}/robots.txt",
                f"robots.txt forbids all {len(listed):,} pages{section}",
                "Ask the owner of the site to allow `reco` there, or for a file of the pages.",
            )

    def require_time(self, listed: Mapping[str, str]) -> None:
        """Raise `SourceError` when the pauses alone would take more than `max_seconds`."""
        allowed = filter(self.robots.allow, listed)
        asked = sum(1 for url in allowed if not self._unchanged(url, listed[url]))
        needed = asked * self.delay
        if needed > self.config.max_seconds:
            raise self.remote.error(
                self.config.url,
                f"{asked:,} pages to fetch, one every {self.delay:g} s, take more than "
                f"{self.config.max_seconds:g} seconds",
                f"Set `max_seconds = {int(needed * 2)}` for this source, or read one section with `include`.",
            )

    def row(self, url: str, lastmod: str) -> Row | Rejection:
        """Return the row of a page, as stored if it did not change."""
        if not self.robots.allow(url):
            return self._refuse(url, "robots.txt forbids this page")
        stored = self._unchanged(url, lastmod) or self._read(url, lastmod)
        if isinstance(stored, Rejection):
            return stored
        return self._refuse(url, stored.problem) if stored.problem else Row(shown(url), stored.cells)

    def _unchanged(self, url: str, lastmod: str) -> StoredPage | None:
        stored = self.store.load(url) if lastmod else None
        return stored if stored and stored.lastmod == lastmod else None

    def _read(self, url: str, lastmod: str) -> StoredPage | Rejection:
        self.remote.pause(self.delay)
        try:
            fetched = self.remote.find(url, remember=True, most=MOST_PAGE_BYTES)
        except Refused as error:
            return self._failed(url, error)
        self.failures = 0
        if fetched is None:
            self.store.forget(url)
            return self._refuse(url, "the server answers 404")
        if problem := self._astray(fetched):
            return self._refuse(url, problem)
        page = self._page(fetched, lastmod, self.store.load(url))
        self.store.save(url, page)
        return page

    def _page(self, fetched: Fetched, lastmod: str, before: StoredPage | None) -> StoredPage:
        body = hashlib.sha256(fetched.body).hexdigest()
        if before and before.body == body:
            return StoredPage(lastmod, body, before.cells, before.problem)
        cells = cells_of(fetched.body, fetched.url, fetched.headers.get("content-type", ""))
        return (
            StoredPage(lastmod, body, {}, cells)
            if isinstance(cells, str)
            else StoredPage(lastmod, body, cells)
        )

    def _failed(self, url: str, error: Refused) -> StoredPage | Rejection:
        """Return what is left of a page that failed: yesterday's, unless the site withdrew it."""
        self.failures += 1
        if error.status in _STOP or self.failures >= MOST_FAILURES:
            raise error
        stored = self.store.load(url)
        withdrawn = 400 <= error.status < 500 and error.status not in _LATER
        if stored is not None and not withdrawn:
            logger.warning("%s; what was read of it before is kept", error)
            return stored
        self.store.forget(url)
        return self._refuse(url, str(error).removeprefix(f"source {self.config.name}: {shown(url)}: "))

    def _astray(self, fetched: Fetched) -> str:
        """Return what is wrong with the address that a page redirects to, if anything."""
        if not self.robots.owns(fetched.url):
            return f"it redirects to another host: {shown(fetched.url)}"
        return "" if self.robots.allow(fetched.url) else f"robots.txt forbids {shown(fetched.url)}"

    def _refuse(self, url: str, problem: str) -> Rejection:
        return refuse(self.config, shown(url), problem, url)

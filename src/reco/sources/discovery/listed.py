"""How much a site lists in its sitemaps, and the limits that reading all of it needs."""

from __future__ import annotations

from reco.sources import sitemap
from reco.sources.config import SourceConfig
from reco.sources.remote import Fetched, Remote
from reco.sources.robots import Robots, robots_of

MOST_PAGES = 250_000
"""Pages of a site that can be added. A larger one is read by its sections."""

_MANY_PAGES = 150
"""Pages that the usual 600 seconds surely suffice for, with a pause of one second."""
_WEEK = 7 * 24 * 3_600.0


def limits(config: SourceConfig) -> dict[str, object]:
    """Return `max_pages` and `max_seconds` for all pages that a source of kind `site` lists now.

    Empty when the usual limits suffice. Raises `SourceError` when the sitemaps cannot be read, and above
    `MOST_PAGES`.
    """
    look = config.model_copy(update={"max_pages": MOST_PAGES, "max_seconds": _WEEK, "retries": 0})
    with Remote(look, None) as remote:
        robots = robots_of(remote, look.url)
        pause = max(config.delay_seconds, robots.delay)

        def get(url: str) -> Fetched:
            remote.pause(pause)
            return remote.get(url)

        pages = len(sitemap.pages(look, remote, get, _sitemaps(look, remote, robots)))
    if pages * max(pause, 1.0) <= _MANY_PAGES:
        return {}
    return {
        "max_pages": max(2 * pages, config.max_pages),
        "max_seconds": max(4 * pages * max(round(pause), 1), int(config.max_seconds)),
    }


def _sitemaps(config: SourceConfig, remote: Remote, robots: Robots) -> tuple[str, ...]:
    named = tuple(filter(robots.owns, robots.sitemaps))
    usual = (robots.origin + path for path in sitemap.USUAL_PLACES)
    found = named or tuple(url for url in usual if remote.find(url))[:1]
    if not found:
        raise remote.error(
            config.url,
            "the site has no sitemap of its own",
            "Give the address of the site that has its pages.",
        )
    return found

"""Posts of a WordPress site, from its REST API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2

from reco.catalogue.resource import Rejection
from reco.sources.config import SourceConfig
from reco.sources.json_file import items, parsed
from reco.sources.remote import Fetched, Remote, shown
from reco.sources.rows import Row

_INTERFACE = "/wp-json/wp/v2/"
_LONGEST_COUNT = 9


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield every post. `url` is the site's address, or that of a content type: .../wp-json/wp/v2/TYPE."""
    with Remote(config, cache) as remote:
        number, last = 0, 1
        while number < last:
            number += 1
            fetched = remote.get(_address(config, number))
            last = _pages(fetched, remote)
            place = shown(fetched.url)
            for row in items(config, parsed(config, fetched.body, place), place):
                yield row if isinstance(row, Rejection) else _dated(row)


def _address(config: SourceConfig, page: int) -> str:
    base = config.url if _INTERFACE in config.url else f"{config.url.rstrip('/')}{_INTERFACE}posts"
    parameters = {"per_page": str(config.page_size), "page": str(page)}
    return str(httpx2.URL(base).copy_merge_params(parameters))


def _pages(fetched: Fetched, remote: Remote) -> int:
    text = fetched.headers.get("x-wp-totalpages", "")
    if text.isdecimal() and len(text) <= _LONGEST_COUNT:
        return int(text)
    raise remote.error(
        fetched.url,
        "the response has no number of pages (X-WP-TotalPages)",
        f"Give the address of a WordPress site, or of one of its content types: .../{_INTERFACE}TYPE.",
    )


def _dated(row: Row) -> Row:
    year = str(row.cells.get("date", ""))[:4]
    return Row(row.locator, {"year": year, **row.cells} if year.isdecimal() else row.cells)

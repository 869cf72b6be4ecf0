"""Posts of a WordPress site, from its REST API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2

from reco.catalogue import addresses
from reco.catalogue.resource import Rejection, Remark
from reco.sources.config import SourceConfig
from reco.sources.json_file import page_of
from reco.sources.paging import REFUSALS, Progress, is_nothing
from reco.sources.remote import Fetched, Refused, Remote, shown
from reco.sources.rows import Row, remark

_INTERFACE = "/wp-json/wp/v2/"
_LONGEST_COUNT = 9


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield every post. `url` is the site's address, or that of a content type: .../wp-json/wp/v2/TYPE."""
    with Remote(config, cache) as remote:
        number, last, progress = 0, 1, Progress(config)
        while number < last:
            number += 1
            fetched = _fetched(config, remote, number, last)
            if fetched is None:
                yield remark(config, config.place, f"page {last} is gone: a post was taken out meanwhile")
                break
            last = _pages(fetched, remote, last if number > 1 else 0)
            place = shown(fetched.url)
            page = page_of(config, fetched.body, place, fetched.headers.get("content-type", ""))
            for row in progress.rows(page):
                yield _dated(row, fetched.url) if isinstance(row, Row) else row
            if progress.repeats:
                yield remark(config, place, "left out: the page repeats what the site gave")


def _fetched(config: SourceConfig, remote: Remote, number: int, last: int) -> Fetched | None:
    """Fetch a page, or return None for a last one that is there no more. Raises `SourceError`."""
    url = _address(config, number)
    is_last = 1 < number == last
    try:
        fetched = remote.find(url) if is_last else remote.get(url)
    except Refused as error:
        if error.status in REFUSALS and is_last:
            return None
        raise
    return None if fetched is None or (is_last and is_nothing(fetched)) else fetched


def _address(config: SourceConfig, page: int) -> str:
    base = config.url if _INTERFACE in config.url else f"{config.url.rstrip('/')}{_INTERFACE}posts"
    parameters = {"per_page": str(config.page_size), "page": str(page)}
    return str(httpx2.URL(base).copy_merge_params(parameters))


def _pages(fetched: Fetched, remote: Remote, known: int) -> int:
    """Return the number of pages, which is known from the page before if this one does not say it."""
    text = fetched.headers.get("x-wp-totalpages", "")
    if text.isdecimal() and len(text) <= _LONGEST_COUNT:
        return int(text)
    if known:
        return known
    raise remote.error(
        fetched.url,
        "the response has no number of pages (X-WP-TotalPages)",
        f"Give the address of a WordPress site, or of one of its content types: .../{_INTERFACE}TYPE.",
    )


def _dated(row: Row, base: str) -> Row:
    """Return a post with its year, and its link resolved: some sites write relative ones."""
    cells, year = dict(row.cells), str(row.cells.get("date", ""))[:4]
    if isinstance(link := cells.get("link"), str):
        cells["link"] = addresses.joined(base, link)
    return Row(row.locator, {"year": year, **cells} if year.isdecimal() else cells)

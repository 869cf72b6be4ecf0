"""JSON APIs that return their records page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2

from reco.catalogue.resource import Rejection, Remark
from reco.sources.config import Pagination, SourceConfig
from reco.sources.json_file import Page, at, page_of
from reco.sources.paging import REFUSALS, Progress, is_nothing
from reco.sources.remote import Fetched, Refused, Remote, shown
from reco.sources.rows import Row, remark

Rows = Iterator[Row | Rejection | Remark]


def rows(config: SourceConfig, cache: Path | None) -> Rows:
    """Yield the records of every page. Raises `SourceError`, also for endless pages."""
    with Remote(config, cache) as remote:
        if config.pagination is None:
            yield from _page(config, remote.get(config.url, remember=True)).items()
        elif config.pagination.mode == "cursor":
            yield from _by_cursor(config, config.pagination, remote)
        else:
            yield from _by_position(config, config.pagination, remote)


def _by_position(config: SourceConfig, paging: Pagination, remote: Remote) -> Rows:
    """Fetch pages until one is empty, refused or repeated. A server may give less than requested."""
    position, progress = paging.first, Progress(config)
    while True:
        url = _address(config, paging, position)
        page = next_page(config, remote, url, progress)
        if page is None or not page.records:
            break
        yield from progress.rows(page)
        if progress.repeats:
            if progress.pages < 3 and not progress.is_complete:
                raise _loop(remote, url, f"ignores its parameter {paging.position_parameter!r}")
            yield remark(config, page.place, "the pages end here: the server repeats what it gave")
            break
        position += len(page.records) if paging.mode == "offset" else 1
    yield from progress.said(shown(url))


def _by_cursor(config: SourceConfig, paging: Pagination, remote: Remote) -> Rows:
    seen, progress = set[str](), Progress(config)
    url = _address(config, paging, None)
    while page := next_page(config, remote, url, progress):
        yield from progress.rows(page)
        cursor = str(at(page.found.document, paging.cursor) or "")
        if not cursor:
            break
        if cursor in seen:
            if not page.records or progress.is_complete:
                break
            raise _loop(remote, url, "gives the same cursor again")
        seen.add(cursor)
        url = _next_address(config, paging, remote, cursor)
    yield from progress.said(shown(url))


def next_page(config: SourceConfig, remote: Remote, url: str, progress: Progress) -> Page | None:
    """Fetch a page, or return None past the last one. Raises `SourceError` for a failure in the middle."""
    try:
        fetched = remote.find(url)
    except Refused as error:
        if error.status in REFUSALS and progress.may_end:
            return None
        raise
    if fetched is None or not fetched.body.strip() or (progress.pages and is_nothing(fetched)):
        if progress.may_end:
            return None
        what = "the server answers 404" if fetched is None else "the answer is empty"
        hint = "Correct the address of this source." if not progress.pages else "Try again later."
        raise remote.error(url, what, hint)
    return _page(config, fetched)


def _page(config: SourceConfig, fetched: Fetched) -> Page:
    return page_of(config, fetched.body, shown(fetched.url), fetched.headers.get("content-type", ""))


def _address(config: SourceConfig, paging: Pagination, position: int | str | None) -> str:
    parameters: dict[str, str] = {paging.size: str(paging.page_size)} if paging.size else {}
    if position is not None:
        parameters[paging.position_parameter] = str(position)
    return str(httpx2.URL(config.url).copy_merge_params(parameters))


def _next_address(config: SourceConfig, paging: Pagination, remote: Remote, cursor: str) -> str:
    """Return the address of the next page. Some APIs give the whole address, others only a value."""
    if not cursor.startswith(("http://", "https://", "/", "?")):
        return _address(config, paging, cursor)
    here = httpx2.URL(config.url)
    following = here.join(cursor)
    if following.host != here.host:
        raise remote.error(
            str(following), f"the next page is not on {here.host}", "Check `cursor` of this source."
        )
    return str(following)


def _loop(remote: Remote, url: str, fault: str) -> Exception:
    return remote.error(
        url, f"the server {fault}: its pages would never end", "Correct `pagination` of this source."
    )

"""JSON APIs that return their records page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2

from reco.catalogue.resource import Rejection
from reco.sources.config import Pagination, SourceConfig
from reco.sources.json_file import at, items, listed, parsed
from reco.sources.remote import Fetched, Remote, shown
from reco.sources.rows import Row
from reco.text.clean import digest


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the records of every page. Raises `SourceError`, also for endless pages."""
    with Remote(config, cache) as remote:
        if config.pagination is None:
            fetched = remote.get(config.url, remember=True)
            yield from items(config, _document(config, fetched), shown(fetched.url))
        elif config.pagination.mode == "cursor":
            yield from _by_cursor(config, config.pagination, remote)
        else:
            yield from _by_position(config, config.pagination, remote)


def _by_position(config: SourceConfig, paging: Pagination, remote: Remote) -> Iterator[Row | Rejection]:
    """Fetch pages until one is empty. A server may return shorter pages than requested."""
    position, before = paging.first, ""
    url = _address(config, paging, position)
    fetched: Fetched | None = remote.get(url)
    while fetched:
        document = _document(config, fetched)
        count = len(listed(config, document, shown(fetched.url)))
        if not count:
            return
        if before == (before := digest(fetched.body.decode("utf-8", "replace"))):
            raise _loop(remote, url, f"ignores its parameter {paging.position_parameter!r}")
        yield from items(config, document, shown(fetched.url))
        position += count if paging.mode == "offset" else 1
        url = _address(config, paging, position)
        fetched = remote.find(url)


def _by_cursor(config: SourceConfig, paging: Pagination, remote: Remote) -> Iterator[Row | Rejection]:
    seen = set[str]()
    url = _address(config, paging, None)
    while True:
        fetched = remote.get(url)
        document = _document(config, fetched)
        yield from items(config, document, shown(fetched.url))
        cursor = str(at(document, paging.cursor) or "")
        if not cursor:
            return
        if cursor in seen:
            raise _loop(remote, url, "gives the same cursor again")
        seen.add(cursor)
        url = _next_address(config, paging, remote, cursor)


def _document(config: SourceConfig, fetched: Fetched) -> object:
    return parsed(config, fetched.body, shown(fetched.url))


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

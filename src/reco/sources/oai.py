"""Records of an OAI-PMH repository, in Dublin Core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import httpx2
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from reco.catalogue import addresses, years
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.content import is_html
from reco.sources.remote import Fetched, Remote, shown
from reco.sources.rows import Row

_OAI = "{http://www.openarchives.org/OAI/2.0/}"


_OVERLAP = timedelta(days=1)
"""How far a night asks back before the last one: some repositories list a record hours after its date."""


class NotSelective(SourceError):
    """A repository that refuses to list only what changed."""


@dataclass(frozen=True)
class ListedRecords:
    """The records that a repository listed, by OAI identifier: None for a deleted one.

    `since` is the date from which the next night asks, by the repository's own clock; "" if it tells none.
    """

    since: str
    rows: Mapping[str, Row | None]


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row]:
    """Yield every record that is not deleted. Raises `SourceError`, also for an endless list."""
    for url, root in _pages(config, cache, ""):
        yield from (row for _, row in _records(url, root) if row is not None)


def changes(config: SourceConfig, cache: Path | None, since: str = "") -> ListedRecords:
    """Return the records that changed since a date (YYYY-MM-DD), or all of them without a date.

    A record that is listed twice is as it was listed last. Raises `SourceError`, and `NotSelective` when
    the repository refuses the date.
    """
    following, listed = "", dict[str, Row | None]()
    for number, (url, root) in enumerate(_pages(config, cache, since)):
        following = following if number else _since(root)
        listed.update(_records(url, root))
    return ListedRecords(following, listed)


def _since(root: Element) -> str:
    try:
        return str(date.fromisoformat((root.findtext(f"{_OAI}responseDate") or "").strip()[:10]) - _OVERLAP)
    except (ValueError, OverflowError):
        return ""


def _pages(config: SourceConfig, cache: Path | None, since: str) -> Iterator[tuple[str, Element]]:
    """Yield the address and the document of each page of the list."""
    parameters = {"metadataPrefix": config.metadata_prefix}
    parameters |= ({"set": config.set} if config.set else {}) | ({"from": since} if since else {})
    seen = set[str]()
    with Remote(config, cache) as remote:
        while parameters:
            url = str(httpx2.URL(config.url).copy_merge_params({"verb": "ListRecords", **parameters}))
            root = _parsed(remote, remote.get(url))
            _check(remote, url, root, "from" in parameters)
            yield url, root
            token = (root.findtext(f".//{_OAI}resumptionToken") or "").strip()
            if token in seen:
                hint = "Tell the repository's operator that its list loops. Reading a single `set` may help."
                raise remote.error(url, "the server gives the same resumptionToken again", hint)
            seen.add(token)
            parameters = {"resumptionToken": token} if token else {}


def _parsed(remote: Remote, fetched: Fetched) -> Element:
    if is_html(fetched.body):
        hint = "Open the address in a browser: it must be an OAI-PMH base address that needs no login."
        raise remote.error(fetched.url, "the server answers a web page (HTML), not a list of records", hint)
    try:
        root: Element = fromstring(fetched.body, forbid_dtd=True)
    except DefusedXmlException as error:
        hint = "Do not use this source: a document type can hide an attack."
        raise remote.error(fetched.url, "the XML has a document type", hint) from error
    except (ParseError, ValueError, LookupError) as error:
        hint = "Check in a browser that the address is an OAI-PMH base address."
        raise remote.error(fetched.url, f"not XML: {error}", hint) from error
    return root


def _check(remote: Remote, url: str, root: Element, selective: bool) -> None:
    error = root.find(f"{_OAI}error")
    if root.tag != f"{_OAI}OAI-PMH":
        hint = "Give the base address of an OAI-PMH repository."
        raise remote.error(url, "not an OAI-PMH response", hint)
    if error is not None and error.get("code") != "noRecordsMatch":
        fault = f"the repository answers {error.get('code')}: {(error.text or '').strip()[:200]}"
        refusal = remote.error(url, fault, "Check `set` and `metadata_prefix` of this source.")
        if selective and error.get("code") == "badArgument":
            raise NotSelective(str(refusal), refusal.hint)
        raise refusal


def _records(url: str, root: Element) -> Iterator[tuple[str, Row | None]]:
    """Yield the OAI identifier and the row of each record; None for a deleted one."""
    for rank, record in enumerate(root.iter(f"{_OAI}record"), 1):
        header, metadata = record.find(f"{_OAI}header"), record.find(f"{_OAI}metadata")
        if header is None:
            continue
        identifier = (header.findtext(f"{_OAI}identifier") or "").strip()
        if header.get("status") == "deleted":
            yield identifier, None
        elif metadata is not None:
            yield identifier, Row(f"{shown(url)}#{rank}", {"id": identifier, **_elements(metadata)})


def _elements(metadata: Element) -> dict[str, object]:
    """Return a record's elements by local name, plus the first date that has a year, and its own address."""
    cells: dict[str, list[str]] = {}
    for element in metadata.iter():
        if text := (element.text or "").strip():
            cells.setdefault(element.tag.rpartition("}")[2], []).append(text)
    dates = cells.get("date", [])
    dated = (text for text in dates if years.read(text)[0] is not None)
    return {
        **cells,
        "year": next(dated, next(iter(dates), None)),
        "url": _address(cells.get("identifier", [])),
    }


def _address(identifiers: Sequence[str]) -> str | None:
    """Return the first identifier that is an address, else the first DOI; a citation is neither."""
    webs = (text for text in identifiers if text.lower().startswith(("http://", "https://")))
    dois = (text for text in identifiers if " " not in text and addresses.read(text).url)
    return next(webs, None) or next(dois, None)

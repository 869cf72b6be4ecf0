"""Records of an OAI-PMH repository, in Dublin Core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import httpx2
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources.casualties import told
from reco.sources.config import SourceConfig
from reco.sources.content import is_html
from reco.sources.dublin_core import elements
from reco.sources.paging import REFUSALS
from reco.sources.remote import Fetched, Refused, Remote, shown
from reco.sources.rows import Row, remark
from reco.sources.xml_text import CutShort, Document, DocumentType, document

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_ITEMS, _FIRST = ("record",), r"\s*<(?:[\w.-]{1,40}:)?header[\s>]"
"""Some formats have elements named `record` inside a record."""

_OVERLAP = timedelta(days=1)
"""How far a night asks back before the last one: some repositories list a record hours after its date."""


class NotSelective(SourceError):
    """A repository that refuses to list only what changed."""


class _NoPage(SourceError):
    """The answer of a repository that is asked for a page past the last one, or too late."""


@dataclass(frozen=True)
class ListedRecords:
    """The records that a repository listed, by OAI identifier: None for a deleted one.

    `since` is the date from which the next night asks, by the repository's own clock; "" if it tells none.
    `told` is what was mended or left out.
    """

    since: str
    rows: Mapping[str, Row | None]
    told: Sequence[Remark | Rejection] = ()


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Remark | Rejection]:
    """Yield every record that is not deleted. Raises `SourceError`, also for an endless list."""
    for page in _pages(config, cache, ""):
        yield from (row for _, row in _records(page) if row is not None)
        yield from _told(config, page)


def changes(config: SourceConfig, cache: Path | None, since: str = "") -> ListedRecords:
    """Return the records that changed since a date (YYYY-MM-DD), or all of them without a date.

    A record that is listed twice is as it was listed last. Raises `SourceError`, and `NotSelective` when
    the repository refuses the date.
    """
    following, listed, said = "", dict[str, Row | None](), list[Remark | Rejection]()
    for number, page in enumerate(_pages(config, cache, since)):
        following = following if number else _since(page.root)
        listed.update(_records(page))
        said.extend(_told(config, page))
    return ListedRecords(following, listed, said)


def _since(root: Element) -> str:
    try:
        return str(date.fromisoformat((root.findtext(f"{_OAI}responseDate") or "").strip()[:10]) - _OVERLAP)
    except (ValueError, OverflowError):
        return ""


@dataclass(frozen=True)
class _Page:
    """One page of the list: its address, its XML as it was mended, and its root."""

    url: str
    found: Document
    root: Element


class _Progress:
    """The records listed so far, and how many the repository announces: None if it does not say."""

    def __init__(self) -> None:
        self._known, self._last = set[str](), set[str]()
        self._distinct = 0
        self.total: int | None = None
        self.repeats = False
        """Whether the last page is the one before, or leads to a page that was read."""

    def add(self, root: Element, leads_back: bool) -> None:
        """Count the records of the next page. `leads_back` says that the page after it was read."""
        names = {name.text or "" for name in root.iterfind(f".//{_OAI}record/{_OAI}header/{_OAI}identifier")}
        self.repeats = leads_back or bool(names and names == self._last)
        self._distinct += not names <= self._known
        self._known |= names
        self._last = names
        size = root.find(f".//{_OAI}resumptionToken")
        announced = size.get("completeListSize", "") if size is not None else ""
        self.total = int(announced) if re.fullmatch(r"[1-9][0-9]{0,8}", announced) else self.total

    @property
    def is_complete(self) -> bool:
        """Whether the repository's own count says that no record is left."""
        return self.total is not None and len(self._known) >= self.total

    @property
    def may_end(self) -> bool:
        """Whether a page that repeats another may be the last one: the repository went on before."""
        return self.is_complete or (self.total is None and self._distinct > 1)


def _pages(config: SourceConfig, cache: Path | None, since: str) -> Iterator[_Page]:
    """Yield each page of the list."""
    parameters = {"metadataPrefix": config.metadata_prefix}
    parameters |= ({"set": config.set} if config.set else {}) | ({"from": since} if since else {})
    seen, progress = set[str](), _Progress()
    with Remote(config, cache) as remote:
        while parameters:
            url = str(httpx2.URL(config.url).copy_merge_params({"verb": "ListRecords", **parameters}))
            try:
                found, root = _parsed(remote, _fetched(remote, url))
                _check(remote, url, root, "from" in parameters)
            except (Refused, _NoPage) as error:
                if not progress.is_complete or (isinstance(error, Refused) and error.status not in REFUSALS):
                    raise
                yield _end(url, "the repository refuses the next page, and has given all that it announces")
                return
            yield _Page(url, found, root)
            token = (root.findtext(f".//{_OAI}resumptionToken") or "").strip()
            progress.add(root, token in seen)
            if token and progress.repeats and progress.may_end:
                yield _end(url, "the repository repeats what it gave")
                return
            if token in seen:
                hint = "Tell the repository's operator that its list loops. Reading a single `set` may help."
                raise remote.error(url, "the server gives the same resumptionToken again", hint)
            seen.add(token)
            parameters = {"resumptionToken": token} if token else {}


def _end(url: str, why: str) -> _Page:
    """Return a page without records, for what there is to tell of the end of a list."""
    return _Page(url, Document(mended={0: [f"the list ends here: {why}"]}), Element("end"))


def _fetched(remote: Remote, url: str) -> Fetched:
    fetched = remote.find(url)
    if fetched is None or not fetched.body.strip():
        what = "the server answers 404" if fetched is None else "not XML: the answer is empty"
        refusal = remote.error(url, what, "Check in a browser that the address is an OAI-PMH base address.")
        raise _NoPage(str(refusal), refusal.hint)
    return fetched


def _parsed(remote: Remote, fetched: Fetched) -> tuple[Document, Element]:
    if is_html(fetched.body):
        hint = "Open the address in a browser: it must be an OAI-PMH base address that needs no login."
        raise remote.error(fetched.url, "the server answers a web page (HTML), not a list of records", hint)
    try:
        found = document(fetched.body, fetched.headers.get("content-type", ""), _ITEMS, _FIRST)
        root: Element = fromstring(found.data, forbid_dtd=True)
    except (DefusedXmlException, DocumentType) as error:
        hint = "Do not use this source: a document type can hide an attack."
        raise remote.error(fetched.url, "the XML has a document type", hint) from error
    except CutShort as error:
        hint = "Try again later. If it is cut short each time, tell the repository's operator."
        raise remote.error(fetched.url, f"not XML: the list is cut short: {error}", hint) from error
    except (ParseError, ValueError, LookupError) as error:
        hint = "Check in a browser that the address is an OAI-PMH base address."
        raise remote.error(fetched.url, f"not XML: {error}", hint) from error
    return found, root


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
        if error.get("code") == "badResumptionToken":
            raise _NoPage(str(refusal), refusal.hint)
        raise refusal


def _listed(root: Element) -> Iterator[Element]:
    """Yield the records of a page. Some formats have elements named `record` inside a record."""
    return root.iterfind(f"{_OAI}ListRecords/{_OAI}record")


def _told(config: SourceConfig, page: _Page) -> Iterator[Remark | Rejection]:
    """Yield what was mended or left out on a page, and the records that say nothing."""
    place, total = shown(page.url), 0
    for total, record in enumerate(_listed(page.root), 1):
        header = record.find(f"{_OAI}header")
        if total in page.found.lost or (header is not None and header.get("status") == "deleted"):
            continue
        if header is None or record.find(f"{_OAI}metadata") is None:
            name = (header.findtext(f"{_OAI}identifier") or "") if header is not None else ""
            lacks = "metadata" if header is not None else "header"
            yield remark(config, f"{place}#{total}", f"left out: the record {name} has no {lacks}")
    yield from told(config, place, page.found, total)


def _records(page: _Page) -> Iterator[tuple[str, Row | None]]:
    """Yield the OAI identifier and the row of each record; None for a deleted one."""
    for rank, record in enumerate(_listed(page.root), 1):
        header, metadata = record.find(f"{_OAI}header"), record.find(f"{_OAI}metadata")
        if header is None:
            continue
        identifier = (header.findtext(f"{_OAI}identifier") or "").strip()
        if header.get("status") == "deleted":
            yield identifier, None
        elif metadata is not None:
            yield identifier, Row(f"{shown(page.url)}#{rank}", {"id": identifier, **elements(metadata)})

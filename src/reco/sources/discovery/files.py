"""Files by their content: tables, JSON, feeds. The content type of a server decides only for plain text."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import urlsplit
from zipfile import BadZipFile, ZipFile

from reco.sources.content import is_html
from reco.sources.discovery.proposal import Proposal
from reco.sources.discovery.site import Site, as_json, text_at
from reco.sources.remote import Fetched
from reco.text.decoding import decoded

_START = 20_000
_GZIP = b"\x1f\x8b"
_ROOT = re.compile(rb"<(?:[\w-]+:)?([\w-]+)[\s>/]")
_PROLOGUE = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_LONGEST_PROLOGUE = 20_000
_FEEDS = (b"rss", b"feed", b"RDF")
_DELIMITERS = (";", ",", "\t", "|")
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_NEXT = ("next", "next_page", "links.next", "_links.next.href", "meta.next", "paging.next")
_FIRST_SHEET = ('The first visible sheet is read; `sheet = "NAME"` reads another.',)
_DEEPEST = 4
_SHAPE = 3
"""Least columns of a table that nothing calls one: two lines of prose can have a comma each."""


def given(site: Site) -> Proposal | None:
    """Recognise a file at the address itself."""
    return of(site.page(), str(site.url))


def of(fetched: Fetched, url: str) -> Proposal | None:
    """Recognise a file by what was fetched, or return None, for a web page too."""
    start = _start(fetched.body)
    if start.startswith(b"PK\x03\x04"):
        return _archive(fetched, url)
    if root := xml_root(start):
        is_feed = root in _FEEDS
        return Proposal("A feed", "rss", url, known=FEED, body=fetched.body) if is_feed else None
    if is_html(start) or b"\0" in start:
        return None
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _json(fetched, url, start)
    return _table(fetched, url, start)


FEED: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "title": ("title",),
    "summary": ("summary",),
    "url": ("link",),
    "authors": ("author",),
    "theme": ("tags",),
    "year": ("year",),
    "language": ("language",),
}


def xml_root(start: bytes) -> bytes:
    """Return the local name of the first element of an XML document, or b"".

    >>> xml_root(b'<?xml version="1.0"?><rdf:RDF xmlns="..."> ')
    b'RDF'
    """
    start = start.removeprefix(b"\xef\xbb\xbf")[:_LONGEST_PROLOGUE]
    position = 0
    while part := _PROLOGUE.match(start, position):  # one match after the other: `sub` tries every `<!--`
        position = part.end()
    found = _ROOT.match(start[position:].lstrip())
    return found[1] if found and found[1].lower() != b"html" else b""


def _start(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body[:_START]
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, _START)
    except zlib.error:
        return b""


def _archive(fetched: Fetched, url: str) -> Proposal | None:
    try:
        with ZipFile(BytesIO(fetched.body)) as archive:
            names = archive.namelist()
            written = archive.open("mimetype").read(100) if "mimetype" in names else b""
    except (BadZipFile, RuntimeError, NotImplementedError, ValueError):
        return None
    if "xl/workbook.xml" in names:
        return Proposal("An Excel workbook", "xlsx", url, _stem(url), remarks=_FIRST_SHEET, body=fetched.body)
    if b"opendocument.spreadsheet" in written:
        return Proposal(
            "An OpenDocument spreadsheet", "ods", url, _stem(url), remarks=_FIRST_SHEET, body=fetched.body
        )
    return None


def _json(fetched: Fetched, url: str, start: bytes) -> Proposal | None:
    document = as_json(fetched.body)
    if document is None:
        first = start.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
        is_lines = isinstance(as_json(first), dict) or (
            fetched.body.startswith(_GZIP) and first.startswith(b'{"')
        )
        return Proposal("Lines of JSON", "jsonl", url, _stem(url), body=fetched.body) if is_lines else None
    lists = sorted(_lists(document, ""), key=lambda found: -found[1])
    if not lists:
        return None
    path = lists[0][0]
    options: dict[str, object] = {"records": path} if path else {}
    for following in _NEXT:
        if text_at(document, following).startswith(("http://", "https://", "/", "?")):
            paging = {"mode": "cursor", "cursor": following}
            return Proposal(
                "A JSON API, page by page", "api", url, _stem(url), options=options | {"pagination": paging}
            )
    return Proposal("A JSON document", "json", url, _stem(url), options=options, body=fetched.body)


def _lists(document: object, path: str) -> Iterator[tuple[str, int]]:
    """Yield the dotted path and the length of each list of objects."""
    if isinstance(document, list):
        if document and isinstance(document[0], Mapping):
            yield path, len(document)
    elif isinstance(document, Mapping) and path.count(".") < _DEEPEST:
        for key, value in document.items():
            if "." not in key and isinstance(value, Mapping | list):
                yield from _lists(value, f"{path}.{key}" if path else key)


def _table(fetched: Fetched, url: str, start: bytes) -> Proposal | None:
    """Recognise a table of delimited text: called so by the server or its name, or shaped so."""
    called = "csv" in fetched.headers.get("content-type", "") or _path(url).lower().endswith(_TABLES)
    lines = [line for line in decoded(start).splitlines() if line.strip()][:2]
    if len(lines) < 2:
        return None
    shaped = any(_width(lines[0], mark) == _width(lines[1], mark) >= _SHAPE for mark in _DELIMITERS)
    if not called and not shaped:
        return None
    return Proposal("A table of text (CSV)", "csv", url, _stem(url), body=fetched.body)


def _width(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter), []))


def _path(url: str) -> str:
    return urlsplit(url).path


def _stem(url: str) -> str:
    return PurePosixPath(_path(url)).name.partition(".")[0]

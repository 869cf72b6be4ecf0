"""The text of a web page and what it says of itself: trafilatura, JSON-LD, OpenGraph and meta tags."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import httpx2
import trafilatura
from trafilatura.utils import load_html

from reco.catalogue.admission import LONGEST_ID
from reco.text.clean import digest
from reco.text.decoding import decoded
from reco.text.markup import mended

for _library in ("trafilatura", "htmldate"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)  # what they warn of is the rejection of the page

RECIPE = "page/4"
"""How a page becomes cells. It is part of what is stored with them."""

VERSION_READ = trafilatura.__version__

_DATES = {"original_date": True, "extensive_search": False, "max_date": "2100-12-31"}
"""Only dates that a page declares: a search of its text finds the year of the copyright line."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]{1,40})", re.IGNORECASE)
_HEAD = 4_096
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_MOST_META, _LONGEST_META = 60, 2_000
_LONGEST_DATA = 100_000
_DEEPEST_DATA = 40
_ENCODINGS = re.compile(
    r"utf-?8|utf-16(le|be)?|us-ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|macintosh|shift_jis|euc-(jp|kr)|gb2312|gbk|gb18030|big5",
    re.IGNORECASE,
)
"""Encodings of the web. Python has codecs of other kinds, such as punycode, that take hours on a page."""
_WIDE = "\uff06"
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that a parser lets through and refuses to take back."""
_TOLD = ("content", "title", "alt")
"""Attributes that people read."""
_JSON_LD = './/script[@type="application/ld+json"]'


def cells_of(body: bytes, url: str, content_type: str = "") -> Mapping[str, object] | str:
    """Return the cells of the page at `url`, or the reason why it is none.

    `id` and `url` are its canonical address, `summary` is its text. `tags`, `description`, `date`, `meta`
    (name -> content) and `data` (the nodes of its JSON-LD) are for `fields` to choose from.
    """
    if content_type and "html" not in content_type.lower():
        return f"not a web page but {content_type.partition(';')[0].strip()[:60]}"
    try:
        return _cells(_decoded(body, content_type), url)
    except Exception as error:  # hostile bytes can make a parser raise anything, and spare the other pages
        return f"the page cannot be read: {type(error).__name__}: {str(error)[:200]}"


def _cells(page: str, url: str) -> Mapping[str, object] | str:
    tree = load_html(mended(page)) if page.strip() else None
    if tree is None:
        return "not a web page: no HTML in it"
    meta, data = _meta(tree), _data(tree)
    read = trafilatura.bare_extraction(
        _disguised(copy(tree)),
        url=url,
        include_comments=False,
        with_metadata=True,
        date_extraction_params=dict(_DATES),
    )
    if read is None or isinstance(read, dict) or not (text := _beneath(read.title, read.text)):
        return "the page has no text"
    tags = dict.fromkeys([*(read.categories or ()), *(read.tags or ())])
    address = _canonical(tree, url)
    return {
        "id": address if len(address) <= LONGEST_ID else f"{httpx2.URL(address).host} {digest(address)}",
        "title": _revealed(read.title),
        "authors": _revealed(read.author),
        "publisher": _revealed(read.sitename),
        "year": (read.date or "")[:4] or None,
        "url": address,
        "summary": _revealed(text),
        "language": _language(tree, meta),
        "date": read.date,
        "description": _revealed(read.description),
        "tags": list(map(_revealed, tags)),
        "meta": meta,
        "data": data,
    }


def _disguised(tree: Any) -> Any:
    """Write each "&" of a parsed page as its wide twin: trafilatura decodes references once more.

    "?a=1&region=53" would come out as "?a=1®ion=53".
    """
    for element in tree.iter("*"):
        if element.text and "&" in element.text:
            element.text = _wide(element.text)
        if element.tail and "&" in element.tail:
            element.tail = _wide(element.tail)
        for name in _TOLD:
            if "&" in (value := element.get(name) or ""):
                element.set(name, _wide(value))
    return tree


def _wide(text: str) -> str:
    return _ILLEGAL.sub("", text).replace("&", _WIDE)


def _revealed(text: str | None) -> str | None:
    return text.replace(_WIDE, "&") if text else text


def _beneath(title: str | None, text: str | None) -> str:
    """Return the text of a page without the heading that repeats its title."""
    whole = (text or "").strip()
    first, _, rest = whole.partition("\n")
    return rest.strip() if first.strip() == (title or "").strip() else whole


def _decoded(body: bytes, content_type: str) -> str:
    """Decode a page: by its header, else by its meta tag, else UTF-8, else Windows-1252."""
    header = _HEADER_CHARSET.search(content_type)
    inside = _CHARSET.search(body[:_HEAD])
    named = [header[1]] if header else []
    named += [inside[1].decode("ascii", "replace")] if inside else []
    for encoding in filter(_ENCODINGS.fullmatch, named):
        try:
            return body.decode(encoding).removeprefix("\ufeff")
        except (LookupError, UnicodeError):
            continue  # pages often name a wrong encoding
    return decoded(body)


def _canonical(tree: Any, url: str) -> str:
    """Return the address that the page calls its own. The home is that of no other page: a common mistake."""
    named = [link.get("href") for link in tree.iterfind('.//link[@rel="canonical"]')]
    named += [meta.get("content") for meta in tree.iterfind('.//meta[@property="og:url"]')]
    here = httpx2.URL(url)
    for name in named:
        try:
            address = here.join((name or "").strip()).copy_with(fragment=None)
        except httpx2.InvalidURL:
            continue
        is_home = address.path in ("", "/") and not address.query
        if name and address.scheme in ("http", "https") and address.host and not is_home:
            return str(address)
    return str(here.copy_with(fragment=None))


def _language(tree: Any, meta: Mapping[str, str]) -> str | None:
    """Return the language of the page as two or three letters: "fr-FR" -> "fr"."""
    root = tree.getroottree().getroot()
    named = (root.get("lang"), meta.get("og:locale"), meta.get("language"), meta.get("content-language"))
    codes = (re.split("[-_]", name.strip().lower())[0] for name in named if name)
    return next((code for code in codes if _LANGUAGE.fullmatch(code)), None)


def _meta(tree: Any) -> dict[str, str]:
    """Return the meta tags of the page: name -> content, the first of each name."""
    meta: dict[str, str] = {}
    for tag in tree.iterfind(".//meta[@content]"):
        name = tag.get("property") or tag.get("name") or tag.get("itemprop") or tag.get("http-equiv")
        if name and len(meta) < _MOST_META:
            meta.setdefault(name.strip().lower()[:100], tag.get("content").strip()[:_LONGEST_META])
    return meta


def _data(tree: Any) -> list[Mapping[str, object]]:
    """Return the JSON-LD nodes of the page, those of an `@graph` one by one."""
    nodes: list[Mapping[str, object]] = []
    left = _LONGEST_DATA
    for script in tree.iterfind(_JSON_LD):
        left -= len(script.text or "")
        if left >= 0:
            nodes.extend(_nodes(script.text or ""))
    return nodes


def _nodes(text: str) -> Iterator[Mapping[str, object]]:
    try:
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return  # the page itself is sound: what is broken is only an ornament
    for item in document if isinstance(document, list) else [document]:
        graph = item.get("@graph", [item]) if isinstance(item, dict) else []
        yield from (
            node
            for node in (graph if isinstance(graph, list) else [graph])
            if isinstance(node, dict) and not _is_deep(node)
        )


def _is_deep(node: object) -> bool:
    """Return whether a node is nested deeper than code that calls itself can follow."""
    level = [node]
    for _ in range(_DEEPEST_DATA):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)

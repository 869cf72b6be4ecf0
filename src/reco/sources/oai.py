"""Records of an OAI-PMH repository, in Dublin Core."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import httpx2
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from reco.sources.config import SourceConfig
from reco.sources.remote import Fetched, Remote
from reco.sources.rows import Row

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row]:
    """Yield every record that is not deleted. Raises `SourceError`, also for an endless list."""
    parameters = {"metadataPrefix": config.metadata_prefix} | ({"set": config.set} if config.set else {})
    seen = set[str]()
    with Remote(config, cache) as remote:
        while parameters:
            url = str(httpx2.URL(config.url).copy_merge_params({"verb": "ListRecords", **parameters}))
            root = _parsed(remote, remote.get(url))
            _check(remote, url, root)
            yield from _records(url, root)
            token = (root.findtext(f".//{_OAI}resumptionToken") or "").strip()
            if token in seen:
                hint = "Tell the repository's operator that its list loops. Reading a single `set` may help."
                raise remote.error(url, "the server gives the same resumptionToken again", hint)
            seen.add(token)
            parameters = {"resumptionToken": token} if token else {}


def _parsed(remote: Remote, fetched: Fetched) -> Element:
    try:
        root: Element = fromstring(fetched.body, forbid_dtd=True)
    except DefusedXmlException as error:
        hint = "Do not use this source: a document type can hide an attack."
        raise remote.error(fetched.url, "the XML has a document type", hint) from error
    except (ParseError, ValueError, LookupError) as error:
        hint = "Check in a browser that the address is an OAI-PMH base address."
        raise remote.error(fetched.url, f"not XML: {error}", hint) from error
    return root


def _check(remote: Remote, url: str, root: Element) -> None:
    error = root.find(f"{_OAI}error")
    if root.tag != f"{_OAI}OAI-PMH":
        hint = "Give the base address of an OAI-PMH repository."
        raise remote.error(url, "not an OAI-PMH response", hint)
    if error is not None and error.get("code") != "noRecordsMatch":
        fault = f"the repository answers {error.get('code')}: {(error.text or '').strip()[:200]}"
        raise remote.error(url, fault, "Check `set` and `metadata_prefix` of this source.")


def _records(url: str, root: Element) -> Iterator[Row]:
    for rank, record in enumerate(root.iter(f"{_OAI}record"), 1):
        header, metadata = record.find(f"{_OAI}header"), record.find(f"{_OAI}metadata")
        if header is None or header.get("status") == "deleted" or metadata is None:
            continue
        identifier = header.findtext(f"{_OAI}identifier") or ""
        yield Row(f"{url}#{rank}", {"id": identifier.strip(), **_elements(metadata)})


def _elements(metadata: Element) -> dict[str, object]:
    """Return a record's elements by local name, plus the first year and web address found in them."""
    cells: dict[str, list[str]] = {}
    for element in metadata.iter():
        if text := (element.text or "").strip():
            cells.setdefault(element.tag.rpartition("}")[2], []).append(text)
    years = (year[0] for date in cells.get("date", []) if (year := _YEAR.search(date)))
    addresses = (text for text in cells.get("identifier", []) if text.startswith(("http://", "https://")))
    return {**cells, "year": next(years, None), "url": next(addresses, None)}

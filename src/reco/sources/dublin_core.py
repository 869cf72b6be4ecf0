"""A record in Dublin Core, as repositories write it: several dates, types for machines, two languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from reco.catalogue import addresses, years

_TIME = re.compile(r"\dT\d\d:\d\d")
_NOISE = re.compile(r"info:eu-repo/|https?://purl\.org/", re.IGNORECASE)
"""Types that are codes for machines; most repositories write them beside a type for people."""
_HANDLE = re.compile(r"hdl:\s*(\S+/\S+)", re.IGNORECASE)
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def elements(metadata: Element) -> dict[str, object]:
    """Return a record's elements by local name, plus the date and the web address found in them."""
    cells: dict[str, list[str]] = {}
    languages: dict[str, list[str]] = {}
    for element in metadata.iter():
        if text := (element.text or "").strip():
            name = element.tag.rpartition("}")[2]
            cells.setdefault(name, []).append(text)
            languages.setdefault(name, []).append(element.get(_LANG, "").lower()[:2])
    if "title" in cells:
        cells["title"] = _in_own_language(cells["title"], languages["title"], cells.get("language", []))
    if "type" in cells:
        cells["type"] = [kind for kind in cells["type"] if not _NOISE.match(kind)] or cells["type"]
    return {**cells, "year": _date(cells.get("date", [])), "url": _address(cells.get("identifier", []))}


def _in_own_language(texts: list[str], languages: list[str], own: Sequence[str]) -> list[str]:
    """Return the texts in the first language of the record that has some, or else all of them."""
    for language in (*(name.lower()[:2] for name in own), "fr"):
        if chosen := [text for text, code in zip(texts, languages, strict=True) if code == language]:
            return chosen
    return texts


def _date(dates: Sequence[str]) -> str | None:
    """Return the date of a record. One with a time is that of an upload: DSpace lists it first."""
    dated = [text for text in dates if years.read(text)[0] is not None]
    issued = [text for text in dated if not _TIME.search(text)]
    earliest = min(dated, key=lambda text: years.read(text)[0] or 0, default=next(iter(dates), None))
    return issued[0] if issued else earliest


def _address(identifiers: Sequence[str]) -> str | None:
    """Return the first identifier that is an address, else the first DOI or handle; a citation is none."""
    webs = (text for text in identifiers if text.lower().startswith(("http://", "https://")))
    dois = (text for text in identifiers if " " not in text and addresses.read(text).url)
    handles = (
        f"https://hdl.handle.net/{known[1]}" for text in identifiers if (known := _HANDLE.fullmatch(text))
    )
    return next(webs, None) or next(dois, None) or next(handles, None)

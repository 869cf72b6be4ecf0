"""A record in Dublin Core, as repositories write it: several dates, types for machines, two languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

_YEAR = re.compile(r"(?<!\d)(?:1[4-9]|20)\d\d(?!\d)")
_TIME = re.compile(r"\dT\d\d:\d\d")
_NOISE = re.compile(r"info:eu-repo/|https?://purl\.org/", re.IGNORECASE)
"""Types that are codes for machines; most repositories write them beside a type for people."""
_SCHEMES = (
    (re.compile(r"(?:doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE), "https://doi.org/"),
    (re.compile(r"hdl:\s*(\S+/\S+)", re.IGNORECASE), "https://hdl.handle.net/"),
)
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def elements(metadata: Element) -> dict[str, object]:
    """Return a record's elements by local name, plus the year and the web address found in them."""
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
    return {**cells, "year": _year(cells.get("date", [])), "url": _address(cells.get("identifier", []))}


def _in_own_language(texts: list[str], languages: list[str], own: Sequence[str]) -> list[str]:
    """Return the texts in the first language of the record that has some, or else all of them."""
    for language in (*(name.lower()[:2] for name in own), "fr"):
        if chosen := [text for text, code in zip(texts, languages, strict=True) if code == language]:
            return chosen
    return texts


def _year(dates: Sequence[str]) -> str | None:
    """Return the year of a record. A date with a time is that of an upload: DSpace lists it first."""
    found = [(year[0], _TIME.search(text) is not None) for text in dates if (year := _YEAR.search(text))]
    issued = [year for year, is_upload in found if not is_upload]
    return issued[0] if issued else min((year for year, _ in found), default=None)


def _address(identifiers: Sequence[str]) -> str | None:
    """Return the web address of a record: one that it gives, or that of its DOI or handle."""
    for text in identifiers:
        if text.lower().startswith(("http://", "https://")):
            return text
    for pattern, resolver in _SCHEMES:
        for text in identifiers:
            if known := pattern.fullmatch(text):
                return resolver + known[1]
    return None

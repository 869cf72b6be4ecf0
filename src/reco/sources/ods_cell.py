"""A cell of an OpenDocument spreadsheet as text: what it shows, its value, and the address behind it."""

from __future__ import annotations

import re

from lxml import etree

from reco.sources import formula, number_format

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_DIGITS = re.compile(r"\d+")
_WEB = ("http://", "https://")


def shown(cell: etree._Element) -> str:
    """Return a cell as text: as its sheet shows it where that says more than its value."""
    text = "\n".join(_paragraph(part) for part in cell if part.tag == f"{_TEXT}p")
    value_type: str | None = cell.get(f"{_OFFICE}value-type")
    match value_type:
        case "float" | "percentage" | "currency":
            return _number(cell.get(f"{_OFFICE}value", ""), text)
        case "date":
            return _date(cell.get(f"{_OFFICE}date-value", ""), text)
        case "boolean":
            return str(cell.get(f"{_OFFICE}boolean-value", ""))
        case _:
            return text or str(cell.get(f"{_OFFICE}string-value", ""))


def _number(value: str, shown: str) -> str:
    text = number_format.number(float(value or "nan"), "")
    digits = "".join(_DIGITS.findall(shown))
    is_code = digits.startswith("0") and len(digits) > 1 and digits.lstrip("0") == text.lstrip("0")
    if is_code and "," not in shown and "." not in shown:
        return shown if any(map(str.isalpha, shown)) else digits
    return "" if text == "0" and shown.startswith(("#", "Err")) else text


def _date(value: str, shown: str) -> str:
    """Return a date in ISO form, only its year or its month if no more is shown.

    >>> _date("2021-03-01", "2021"), _date("2021-03-01", "mars 2021"), _date("2021-03-01", "01/03/2021")
    ('2021', '2021-03', '2021-03-01')
    """
    year, month = value[:4], value[5:7]
    numbers = [number.lstrip("0") for number in _DIGITS.findall(shown)]
    if numbers == [year.lstrip("0")]:
        return year if shown.strip() == year else f"{year}-{month}"
    if sorted(numbers) == sorted([year.lstrip("0"), month.lstrip("0")]):
        return f"{year}-{month}"
    return value.removesuffix("T00:00:00")


def _paragraph(paragraph: etree._Element) -> str:
    """Return the text of a paragraph: blanks, tabs and line breaks are elements, notes are left out."""
    parts = [paragraph.text or ""]
    for part in paragraph:
        if part.tag == f"{_TEXT}s":
            parts.append(" " * min(int(part.get(f"{_TEXT}c", 1)), 1_000))
        elif part.tag == f"{_TEXT}tab":
            parts.append("\t")
        elif part.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif isinstance(part.tag, str) and part.tag.startswith(_TEXT):
            parts.append(_paragraph(part))
        parts.append(part.tail or "")
    return "".join(parts)


def link_of(cell: etree._Element) -> str:
    """Return the web address behind a cell, "" without one."""
    found = [formula.link_of(cell.get(f"{_TABLE}formula", ""))]
    if any(len(part) for part in cell):  # most cells have one paragraph of plain text
        found += [link.get(_HREF, "") for link in cell.iter(f"{_TEXT}a")]
    return next((link for link in found if link.lower().startswith(_WEB)), "")

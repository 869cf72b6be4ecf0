"""Formulas as they stand in files: the address that one opens, and the text that one writes."""

from __future__ import annotations

import re

_LONGEST = 10_000
"""Characters of a formula that are looked at."""
_TEXT = r'"((?:[^"]|"")*)"'
_LINK = re.compile(
    rf"\s*(?:of:|oooc:)?=?\s*(?:_xlfn\.)?(?:HYPERLINK|LIEN_HYPERTEXTE)\(\s*{_TEXT}(?:\s*[;,]\s*{_TEXT}\s*\))?",
    re.IGNORECASE,
)
_WRITTEN = re.compile(f"={_TEXT}")
_WEB = ("http://", "https://")


def link_of(formula: str) -> str:
    """Return the web address that a formula opens, "" without one.

    >>> link_of('=HYPERLINK("https://a.example.org/";"Un verger")')
    'https://a.example.org/'
    """
    found = _LINK.match(formula[:_LONGEST])
    address = _unquoted(found[1]) if found else ""
    return address if address.lower().startswith(_WEB) else ""


def shown(cell: str) -> str:
    """Return what a spreadsheet shows for a cell that holds a text or a link as a formula, else the cell.

    >>> shown('="02408"'), shown('=HYPERLINK("https://a.example.org/";"Un verger")'), shown("=1+1")
    ('02408', 'Un verger', '=1+1')
    """
    if not cell.startswith("="):
        return cell
    if len(cell) <= _LONGEST and (written := _WRITTEN.fullmatch(cell.rstrip())):
        return _unquoted(written[1])
    found = _LINK.match(cell[:_LONGEST])
    return cell if found is None else _unquoted(found[2] or found[1])


def _unquoted(text: str) -> str:
    return text.replace('""', '"')

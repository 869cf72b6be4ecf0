"""Codes of places as spreadsheets and people write them, as INSEE and SIREN write them."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST = 200
_BETWEEN = re.compile(r"\s*(?:[;,|\n]|/(?=\s*\d))\s*")
_DECIMAL = re.compile(r"[.,]0+$")
_GAPS = re.compile(r"[\s.'’_-]+")
_COMMUNE = re.compile(r"\d[\dAB]\d{3}")
_SHORT_COMMUNE = re.compile(r"\d{4}")
_SHORT_CORSICA = re.compile(r"(2[AB])(\d{1,2})")
_SIREN = re.compile(r"\d{9}")
_DEPARTMENT = re.compile(r"\d\d|2[AB]|9[78]\d")
_PADDED = re.compile(r"0(\d[1-9]|[1-9]0|2[AB])")
"""A département with three digits, as the land registry writes it: `002`."""
_BEFORE = re.compile(r"(?:code\s*)?(?:insee|cog|com|postal|cp|d[eé]pt?|fr)\b[\s:=.°-]*", re.IGNORECASE)
_FIRST = re.compile(r"(\d[\dAB]?(?: ?\d){0,7})\s*(?:[-–—:(]\s*|\s)[^\W\d_].*", re.IGNORECASE)
"""A code followed by a name: "02408 - Laon", "2 : Aisne"."""


@lru_cache(maxsize=4096)
def written(text: str) -> str:
    """Return codes as INSEE writes them, joined by "; ", and anything else as it stands.

    A spreadsheet eats the first zero of a number, and a person adds spaces: `"2408"`, `"2408.0"` and
    `"02 408"` are `"02408"`, `"2a4"` is `"2A004"`, `"2"` is `"02"`.
    """
    if not text or len(text) > _LONGEST:
        return text
    whole = _one(text)
    if whole:
        return whole
    parts = [part for part in _BETWEEN.split(text) if part]
    mended = [_one(part) or part for part in parts]
    return text if mended == parts else "; ".join(mended)


def listed(code: str) -> tuple[str, ...]:
    """Return the codes of a field, each as INSEE writes it."""
    return tuple(part for part in _BETWEEN.split(written(code)) if part)


def is_of_commune(code: str) -> bool:
    """Whether a code has the form of a commune's INSEE code, which is that of a postal code too."""
    return _COMMUNE.fullmatch(code) is not None


def _one(text: str) -> str:
    """Return one code as INSEE writes it, "" for what is none."""
    value = _BEFORE.sub("", text.strip().upper(), count=1) or text
    if named := _FIRST.fullmatch(value):
        value = named[1]
    value = _GAPS.sub("", _DECIMAL.sub("", value.strip('[]()"=?*~ ')))
    if _SHORT_COMMUNE.fullmatch(value):
        return f"0{value}"
    if short := _SHORT_CORSICA.fullmatch(value):
        return f"{short[1]}{int(short[2]):03}"
    if padded := _PADDED.fullmatch(value):
        return padded[1]
    if len(value) == 1 and value in "123456789":
        return f"0{value}"
    known = _COMMUNE.fullmatch(value) or _SIREN.fullmatch(value) or _DEPARTMENT.fullmatch(value)
    return value if known else ""

"""Numbers and dates as a sheet shows them, where the format says more than the value: 2408 as 02408."""

from __future__ import annotations

import datetime as dt
import math
import re
from functools import lru_cache

_TOKEN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|.', re.DOTALL)
_COLOUR_OR_PLACE = re.compile(r"\[(?:\$[^\]]*|[^\W\d_]+ ?\d*)\]")
_SIGNIFICANT = 15
"""Digits of a number that a spreadsheet keeps."""


def number(value: float, shown_as: str) -> str:
    """Return a number as text: with the zeros that its format puts before it, and no rounding noise.

    >>> number(2408, "00000"), number(0.1 + 0.2, "0.00")
    ('02408', '0.3')
    """
    if not math.isfinite(value):
        return ""
    if value == int(value):
        pattern = _pattern(shown_as) if value >= 0 else ()
        return _padded(int(value), pattern) if pattern else str(int(value))
    return repr(float(f"{value:.{_SIGNIFICANT}g}"))


def date(value: dt.date, shown_as: str) -> str:
    """Return a date in ISO form, only its year or its month if its format shows no more."""
    letters = {part.lower() for part in _TOKEN.findall(shown_as) if len(part) == 1}
    if "y" in letters and not letters & set("dhs"):
        return f"{value.year:04}-{value.month:02}" if "m" in letters else f"{value.year:04}"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return value.isoformat()


@lru_cache(maxsize=4_096)
def _pattern(shown_as: str) -> tuple[str, ...]:
    """Return a format as zeros and texts, () unless it writes two digits or more and is no number's."""
    parts: list[str] = []
    for part in _TOKEN.findall(shown_as):
        if part == ";":
            break
        if part[0] == "[" and len(part) > 1:
            if not _COLOUR_OR_PLACE.fullmatch(part):
                return ()
        elif part[0] == '"' or (part[0] == "\\" and len(part) > 1):
            parts.append(part.strip('"').removeprefix("\\"))
        elif part in "0 -()/":
            parts.append(part)
        elif part[0] not in "_*":
            return ()
    return tuple(parts) if parts.count("0") > 1 else ()


def _padded(value: int, pattern: tuple[str, ...]) -> str:
    """Return digits under a pattern. Marks between them are left out: they only help the eye."""
    zeros = pattern.count("0")
    digits = str(value).zfill(zeros)
    if not any(character.isalnum() for part in pattern if part != "0" for character in part):
        return digits
    left, text, seen = len(digits) - zeros, "", False
    for part in pattern:
        if part != "0":
            text += part
            continue
        width = 1 if seen else left + 1
        text, digits, seen = text + digits[:width], digits[width:], True
    return text

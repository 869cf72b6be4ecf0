"""Years as people write them: one year, or none, and why.

No spelling of a date refuses a row. What is no plain year or date leaves a note, so that a person can
correct it. Two digits of a year mean 1950 to 2049 (`PIVOT`): the clock has no say.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from reco.text.clean import fold

FIRST, LAST = 1400, 2100
PIVOT = 50
"""Two-digit years below this are of the 21st century: `12/03/19` is 2019, `98` is 1998."""

_LONGEST = 60
"""Characters of a date. A longer text only mentions years."""

_PLAIN = re.compile(r"(\d{4})(?:\.0+)?")
_DATE = re.compile(
    r"(\d{4})([-/.])(\d{1,2})(?:\2\d{1,2}(?:[T ].*)?)?"  # 2019-03, 2019-03-12T10:00:00Z
    r"|\d{1,2}[-/.](\d{1,2})[-/.](\d{4})(?: \d{1,2}[:h].*)?"  # 12/03/2019 10:00
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(?:(\d\d)(?:T?\d{4,6}Z?)?)?")
_COMPACT_FRENCH = re.compile(r"(\d\d)(\d\d)(\d{4})")
_GROUPED = re.compile(r"([12])[ .,'’](\d{3})")
"""`2 019`, as a spreadsheet shows a number."""
_SHORT = re.compile(r"(?:\d{1,2}[-/.])?(?P<month>\d{1,2})[-/.](?P<year>\d\d)|'?(?P<alone>\d\d)")
_NAMED_MONTH = re.compile(
    r"(?:\d{1,2}[- ])?(?:janv|fevr|mars|avr|mai|juin|juil|aout|sept|oct|nov|dec)\w{0,6}\.?[-/ ](?P<year>\d\d)"
)
"""`mars-19`, as Excel shows a month."""
_DOUBTFUL = re.compile(r"\d[\dOoIl]{2,3}[?.xX*_-]{1,2}(?!\d)")
"""`200?`, `20??` and `19..` name a decade or a century."""
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_MISTYPED = re.compile(r"(?<!\w)[12lI][0-9OoIl]{3}(?!\w)")
"""A year with letters that look like digits, as scans and typists write it: `2O19`."""
_DIGITS = str.maketrans("OoIl", "0011")
_EPOCH = dt.date(1899, 12, 30)
"""Day 0 of the dates of spreadsheets."""


def read(text: str) -> tuple[int | None, str]:
    """Return the year that a text gives, None if it gives none, and a note ("" for a plain year or date).

    The first year of several counts. The time is linear in the length of `text`.
    """
    if len(text) == 4 and text.isascii() and text.isdigit() and _is_year(int(text)):
        return int(text), ""  # nearly every cell
    value = " ".join(unicodedata.normalize("NFKC", text[: _LONGEST * 20]).split())
    if not value:
        return None, ""
    plain = _plain(value)
    if plain is not None and _is_year(plain):
        return plain, ""
    found = _loose(value) if len(value) <= _LONGEST else None
    if found is not None:
        return found, f"year read as {found} from {value[:_LONGEST]!r}"
    if plain is not None and plain > 0:
        return None, f"year set aside, it is not between {FIRST} and {LAST}: {value[:_LONGEST]}"
    return None, f"year unknown, the source says: {value[:_LONGEST]}"


def of_day(day: dt.date) -> int:
    """Return the year of a date cell.

    A year typed in a cell that a spreadsheet shows as a date is stored as a day of 1905: 2019 days after
    its day 0.
    """
    serial = (dt.date(day.year, day.month, day.day) - _EPOCH).days
    return serial if 1900 <= serial <= LAST else day.year


def _plain(value: str) -> int | None:
    """Return the year of a plain year or date, whatever its range."""
    if match := _PLAIN.fullmatch(value):
        return int(match[1])
    if (match := _DATE.fullmatch(value)) and _is_month(match[3] or match[4]):  # `2021-22` is no month
        return int(match[1] or match[5])
    if (match := _COMPACT.fullmatch(value)) and _is_month(match[2]) and int(match[3] or 1) <= 31:
        return int(match[1]) if _is_year(int(match[1])) else None
    if (match := _COMPACT_FRENCH.fullmatch(value)) and _is_month(match[2]):
        return int(match[3])
    return None


def _loose(value: str) -> int | None:
    """Return the first year in a text, or that of a short date."""
    for number in map(int, _YEAR.findall(value)):
        if _is_year(number):
            return number
    if (grouped := _GROUPED.fullmatch(value)) and _is_year(number := int(grouped[1] + grouped[2])):
        return number
    if short := _SHORT.fullmatch(value):
        return _of_two_digits(short)
    if month := _NAMED_MONTH.fullmatch(fold(value)):
        return _in_century(month["year"])
    return None if _DOUBTFUL.search(value) else _mistyped(value)


def _mistyped(value: str) -> int | None:
    for word in _MISTYPED.findall(value):
        number = int(word.translate(_DIGITS))
        if sum(character.isdigit() for character in word) >= 2 and _is_year(number):
            return number
    return None


def _of_two_digits(match: re.Match[str]) -> int | None:
    if (match["month"] and not _is_date(match)) or match["alone"] == "00":
        return None
    return _in_century(match["year"] or match["alone"])


def _in_century(digits: str) -> int:
    return int(digits) + (2000 if int(digits) < PIVOT else 1900)


def _is_date(match: re.Match[str]) -> bool:
    """Whether the numbers before a two-digit year can be a day and a month, in either order."""
    numbers = [int(number) for number in re.findall(r"\d+", match.group())[:-1]]
    return all(1 <= number <= 31 for number in numbers) and min(numbers) <= 12


def _is_month(digits: str) -> bool:
    return 1 <= int(digits) <= 12


def _is_year(number: int) -> bool:
    return FIRST <= number <= LAST

"""CSV files with any delimiter and encoding, and with broken quotes and rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources import header_row, table
from reco.sources.config import SourceConfig
from reco.sources.content import LONGEST_LINE, opened, unreadable
from reco.sources.csv_text import LONGEST_KEPT, Lines, whole_lines
from reco.sources.header_row import Found, Line
from reco.sources.kinds import refuse_other
from reco.sources.rows import Columns, Row

_DELIMITERS = (";", ",", "\t", "|")
_ONE_COLUMN = "\x1f"
"""Delimiter for a table of one column: a control character that no text has."""

_UNDECODED = re.compile("[\udc80-\udcff]")
_SEPARATOR = re.compile(r'"?sep=(.)"?[;,\s]*', re.IGNORECASE | re.DOTALL)


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield the rows of the table. A ragged or undecodable row is a rejection with its line number."""
    with opened(config, cache) as stream:
        try:
            text, found, delimiter = _opened(config, stream, ())
            below = _Below(config, text, delimiter, found.number)
            yield from table.rows(config, found, below)
        except (UnicodeError, csv.Error) as error:
            raise unreadable(config, error) from error


def columns(config: SourceConfig, names: Sequence[str] = (), cache: Path | None = None) -> Columns:
    """Return the columns of a table. Raises `SourceError` for an empty one."""
    with opened(config, cache) as stream:
        try:
            _, found, delimiter = _opened(config, stream, names)
        except (UnicodeError, csv.Error) as error:
            raise unreadable(config, error) from error
    return Columns(found.cells, found.number, "," if delimiter == _ONE_COLUMN else delimiter)


class _Below:
    """The lines below the column names, as a table reads them."""

    positional = False

    def __init__(self, config: SourceConfig, text: Lines, delimiter: str, after: int) -> None:
        self._text, self._delimiter, self._after = text, delimiter, after
        self._encoding = config.encoding or "utf-8"
        self._is_strict = bool(config.encoding)

    def __iter__(self) -> Iterator[Line]:
        text, delimiter = self._text, self._delimiter
        while (cells := text.row(delimiter)) is not None:
            if text.number > self._after:
                yield Line(text.number, cells, self._problem(cells))

    def is_torn(self, width: int) -> bool:
        """Return whether a later line of the current row has as many cells as the table."""
        return len(self._text.taken) > 1 and self._valid(width) is not None

    def raw(self, width: int) -> str:
        """Return the text of the current row. A later line that is valid on its own is read again."""
        taken = self._text.taken
        whole = len(taken) if (valid := self._valid(width)) is None else valid
        return self._text.give_back(whole).rstrip("\r\n")[:LONGEST_KEPT]

    def _valid(self, width: int) -> int | None:
        """Return the position of the first later line that is a row on its own."""
        later = enumerate(self._text.taken[1:], 1)
        return next((at for at, line in later if _fits(line, self._delimiter, width)), None)

    def _problem(self, cells: list[str]) -> str:
        if self._text.too_long:
            return f"a line of more than {LONGEST_LINE:,} bytes"
        if self._text.unclosed:
            return "a quote is never closed"
        if self._is_strict and _UNDECODED.search("".join(cells)):
            return f"not written in {self._encoding}"
        return ""


def _fits(line: str, delimiter: str, width: int) -> bool:
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return len(cells) >= width > 1 and not any(cells[width:])


def _opened(config: SourceConfig, stream: BinaryIO, names: Sequence[str]) -> tuple[Lines, Found, str]:
    """Return the text before its first row, its column names and its delimiter."""
    refuse_other(config, stream)
    text = Lines(whole_lines(config, stream))
    told = _separator(text)
    best: tuple[tuple[bool, int, int, int], Found, str] | None = None
    for delimiter in [config.delimiter or told] if config.delimiter or told else _DELIMITERS:
        if (found := _found(config, text, delimiter, names)) is None:
            raise table.empty(config)
        score = (*found.score, *_regular(text, delimiter))
        if best is None or score > best[0]:
            best = score, found, delimiter
    if best is None:
        raise table.empty(config)
    _, found, delimiter = best
    if "\0" in "".join(found.cells):
        raise SourceError(
            f"source {config.name}: the first line of {config.place} holds NUL bytes: "
            "it is not text, or it is UTF-16 text",
            'Save the file as UTF-8, or set `encoding = "utf-16-le"` for this source.',
        )
    if len(found.cells) == 1 and not config.delimiter and not told:
        delimiter = _ONE_COLUMN
    text.is_spaced = len(found.cells) > 1 and all(cell.startswith(" ") for cell in found.cells[1:])
    return text, found, delimiter


def _separator(text: Lines) -> str:
    """Take the line `sep=;` by which Excel is told the delimiter, and return it, "" without one."""
    peeked = text.peek(_ONE_COLUMN)
    first = next(peeked, None)
    peeked.close()
    told = _SEPARATOR.fullmatch("".join(first.cells)) if first else None
    if told is None:
        return ""
    text.row(_ONE_COLUMN)
    return told[1]


def _found(config: SourceConfig, text: Lines, delimiter: str, names: Sequence[str]) -> Found | None:
    peeked = text.peek(delimiter)
    try:
        return header_row.find(config, peeked, names)
    finally:
        peeked.close()


def _regular(text: Lines, delimiter: str) -> tuple[int, int]:
    """Return how many of the first lines have the same number of cells, above one, and that number."""
    peeked = text.peek(delimiter)
    first = (len(line.cells) for line in islice(peeked, header_row.FIRST))
    widths = Counter(width for width in first if width > 1)
    peeked.close()
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return count, width

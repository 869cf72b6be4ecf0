"""CSV files with any delimiter and encoding, and with broken quotes and rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources import header_row, table
from reco.sources.config import SourceConfig
from reco.sources.content import LONGEST_LINE, Limited, lines, opened, unreadable
from reco.sources.header_row import Found, Line
from reco.sources.kinds import refuse_other
from reco.sources.rows import Columns, Row
from reco.text.decoding import decoded_line, encoding_of

csv.field_size_limit(2**31 - 1)  # a long cell may cost its row, but must not stop the file

_DELIMITERS = (";", ",", "\t", "|")
_ONE_COLUMN = "\x1f"
"""Delimiter for a table of one column: a control character that no text has."""
_MOST_LINES = 2_000
"""Most lines of one row. Beyond it, a quote was left open, and it must not swallow the whole file."""
_MOST_SNIFFED = 1_000_000
"""Characters searched for the column names."""
_LONGEST_KEPT = 100_000

_UNDECODED = re.compile("[\udc80-\udcff]")
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n|\Z)")
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
    return Columns(found.cells, found.number, delimiter)


class _Lines:
    """The physical lines of a file. It keeps the lines of the current row, which can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._ahead: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 1
        """Number of the line where the current row starts."""
        self.unclosed = self.too_long = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines, None)
        if line is None or self.too_long or len(self.taken) >= _MOST_LINES:
            self.unclosed = bool(self.taken)
            if line is not None:
                self._ahead.appendleft(line)
            raise StopIteration
        self.taken.append(line)
        if type(line) is _Cut:
            self.too_long = True
            self.taken[-1] = str(line)
        return line

    def row(self, delimiter: str) -> list[str] | None:
        """Return the cells of the next row, an empty list for a blank line, None at the end."""
        self.number += len(self.taken)
        self.taken, self.unclosed, self.too_long = [], False, False
        try:
            return next(csv.reader(self, delimiter=delimiter, strict=True), None)
        except csv.Error:
            if len(self.taken) == 1 and not self.unclosed:  # a stray quote inside a cell is harmless
                return next(csv.reader(self.taken, delimiter=delimiter))
            self.unclosed = True
            return []

    def give_back(self, kept: int) -> str:
        """End the current row after `kept` lines, put the others back, and return the text of the row."""
        self._ahead.extendleft(reversed(self.taken[kept:]))
        self.taken = self.taken[:kept]
        return "".join(self.taken)

    def peek(self, delimiter: str) -> Iterator[Line]:
        """Yield the first rows. Read to its end, or closed, all of them are given back."""
        self.number += len(self.taken)
        start, seen, size, self.taken = self.number, [], 0, []
        try:
            while size < _MOST_SNIFFED and (cells := self.row(delimiter)) is not None:
                seen += self.taken
                size += sum(map(len, self.taken))
                yield Line(self.number, cells)
        finally:
            self._ahead.extendleft(reversed(seen))
            self.number, self.taken = start, []


class _Below:
    """The lines below the column names, as a table reads them."""

    positional = False

    def __init__(self, config: SourceConfig, text: _Lines, delimiter: str, after: int) -> None:
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
        return self._text.give_back(whole).rstrip("\r\n")[:_LONGEST_KEPT]

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


def _opened(config: SourceConfig, stream: BinaryIO, names: Sequence[str]) -> tuple[_Lines, Found, str]:
    """Return the text before its first row, its column names and its delimiter."""
    refuse_other(config, stream)
    text = _Lines(_whole(config, stream))
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
    return text, found, delimiter


def _separator(text: _Lines) -> str:
    """Take the line `sep=;` by which Excel is told the delimiter, and return it, "" without one."""
    peeked = text.peek(_ONE_COLUMN)
    first = next(peeked, None)
    peeked.close()
    told = _SEPARATOR.fullmatch("".join(first.cells)) if first else None
    if told is None:
        return ""
    text.row(_ONE_COLUMN)
    return told[1]


def _found(config: SourceConfig, text: _Lines, delimiter: str, names: Sequence[str]) -> Found | None:
    peeked = text.peek(delimiter)
    try:
        return header_row.find(config, peeked, names)
    finally:
        peeked.close()


def _regular(text: _Lines, delimiter: str) -> tuple[int, int]:
    """Return how many of the first lines have the same number of cells, above one, and that number."""
    peeked = text.peek(delimiter)
    widths = Counter(
        len(line.cells) for line, _ in zip(peeked, range(header_row.FIRST)) if len(line.cells) > 1
    )
    peeked.close()
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return count, width


class _Cut(str):
    """The start of a line that is too long."""

    __slots__ = ()


def _whole(config: SourceConfig, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a text. Of one that is longer than `LONGEST_LINE`, only the start."""
    is_rest = False
    for part in decoded(config, stream):
        is_long = len(part) >= LONGEST_LINE // 4 and not part.endswith(("\n", "\r"))
        if not is_rest:
            yield _Cut(part[:_LONGEST_KEPT]) if is_long else part
        is_rest = is_long or (is_rest and not part.endswith(("\n", "\r")))


def decoded(config: SourceConfig, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a text with their ends, without byte order marks.

    Without a mark or `encoding`, each line is UTF-8, else Windows-1252.
    """
    start = stream.read(2_000)
    stream.seek(0)
    encoding = encoding_of(start)
    encoding = config.encoding if config.encoding and not encoding else encoding.replace("-sig", "")
    if encoding and (encoding != "utf-8" or config.encoding):
        limited = io.BufferedReader(Limited(config, stream))
        text = io.TextIOWrapper(limited, encoding, "surrogateescape", newline="")
        found = iter(lambda: text.readline(LONGEST_LINE), "")
    else:
        found = (part for line in lines(config, stream) for part in _LONE_RETURN.split(decoded_line(line)))
    yield next(found, "").lstrip("\ufeff")
    yield from found

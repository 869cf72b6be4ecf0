"""CSV files with any delimiter and encoding, and with broken quotes and rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reco.catalogue.resource import Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.content import LONGEST_LINE, Limited, lines, opened, unreadable
from reco.sources.mapping import check_columns, field_names
from reco.sources.rows import Row, refuse

csv.field_size_limit(2**31 - 1)  # a long cell may cost its row, but must not stop the file

_DELIMITERS = (";", ",", "\t", "|")
_MOST_LINES = 2_000
"""Most lines of one row. Beyond it, a quote was left open, and it must not swallow the whole file."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDECODED = re.compile("[\udc80-\udcff]")
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n|\Z)")


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the rows of the table. A ragged or undecodable row is a rejection with its line number."""
    with opened(config, cache) as stream:
        try:
            yield from _table(config, _Lines(decoded(config, stream)))
        except (UnicodeError, csv.Error) as error:
            raise unreadable(config, error) from error


def columns(config: SourceConfig, cache: Path | None = None) -> tuple[list[str], str]:
    """Return the column names of a table and its delimiter. Raises `SourceError` for an empty table."""
    with opened(config, cache) as stream:
        try:
            return _header(config, _Lines(decoded(config, stream)))
        except (UnicodeError, csv.Error) as error:
            raise unreadable(config, error) from error


class _Lines:
    """The physical lines of a file. It keeps the lines of the current row, which can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._ahead: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 1
        """Number of the line where the current row starts."""
        self.unclosed = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines, None)
        if line is None or len(self.taken) >= _MOST_LINES:
            self.unclosed = bool(self.taken)
            if line is not None:
                self._ahead.appendleft(line)
            raise StopIteration
        self.taken.append(line)
        return line

    def row(self, delimiter: str) -> list[str] | None:
        """Return the cells of the next row, an empty list for a blank line, None at the end."""
        self.number += len(self.taken)
        self.taken, self.unclosed = [], False
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


def _table(config: SourceConfig, table: _Lines) -> Iterator[Row | Rejection]:
    header, delimiter = _header(config, table)
    check_columns(config, header)
    while (cells := table.row(delimiter)) is not None:
        locator = f"{config.place}:{table.number}"
        if not cells and not table.unclosed:
            continue
        if table.unclosed or len(cells) != len(header):
            yield _ragged(config, locator, table, len(cells), len(header), delimiter)
        elif _is_undecoded("".join(cells)):
            yield refuse(
                config, locator, f"not written in {config.encoding or 'utf-8'}", "".join(table.taken)
            )
        else:
            yield Row(locator, dict(zip(header, cells, strict=True)))


def _ragged(
    config: SourceConfig, locator: str, table: _Lines, found: int, expected: int, delimiter: str
) -> Rejection:
    """Reject the current row, but no later line that is valid on its own."""
    problem = f"{found} cells where the header has {expected}"
    if table.unclosed:
        problem = "a quote is never closed"
    valid = (n for n, line in enumerate(table.taken) if n and _width(line, delimiter) == expected > 1)
    return refuse(config, locator, problem, table.give_back(next(valid, len(table.taken))).rstrip("\r\n"))


def _header(config: SourceConfig, table: _Lines) -> tuple[list[str], str]:
    while (first := table.row(",")) is not None and not "".join(table.taken).strip():
        continue
    if first is None:
        raise SourceError(
            f"source {config.name}: {config.place} is empty",
            "Give a file whose first line names its columns.",
        )
    delimiter = config.delimiter or _sniffed(config, table.taken)
    table.give_back(0)
    header = [cell.strip() for cell in table.row(delimiter) or []]
    if "\0" in "".join(header):
        raise SourceError(
            f"source {config.name}: the first line of {config.place} holds NUL bytes: "
            "it is not text, or it is UTF-16 text",
            'Save the file as UTF-8, or set `encoding = "utf-16-le"` for this source.',
        )
    return header, delimiter


def _sniffed(config: SourceConfig, header: list[str]) -> str:
    """Return the delimiter that finds the most wanted columns, then the most columns."""
    wanted = set(field_names(config).values())

    def score(delimiter: str) -> tuple[int, int]:
        cells = {cell.strip() for cell in next(csv.reader(header, delimiter=delimiter), [])}
        return len(cells & wanted), len(cells)

    return max(_DELIMITERS, key=score)


def _width(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter), []))


def decoded(config: SourceConfig, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a text with their ends.

    Without a BOM or `encoding`, each line is UTF-8, else Windows-1252.
    """
    start = stream.read(4)
    stream.seek(0)
    marked = next((name for bom, name in _BOMS if start.startswith(bom)), "")
    if marked or config.encoding:
        limited = io.BufferedReader(Limited(config, stream))
        text = io.TextIOWrapper(limited, marked or config.encoding, "surrogateescape", newline="")
        yield from iter(lambda: text.readline(LONGEST_LINE), "")
        return
    for line in lines(config, stream):
        one = _guessed(line)
        if (at := one.find("\r")) < 0 or one[at:] == "\r\n":
            yield one
        else:
            yield from _LONE_RETURN.split(one)


def _is_undecoded(text: str) -> bool:
    try:
        text.encode()  # a fifth of the time of the search
    except UnicodeEncodeError:
        return _UNDECODED.search(text) is not None
    return False


def _guessed(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")

"""The lines of a delimited text, cut into rows: any encoding, any line end, quotes left open."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import BinaryIO

from reco.sources.config import SourceConfig
from reco.sources.content import LONGEST_LINE, Limited, lines
from reco.sources.header_row import Line
from reco.text.decoding import decoded_line, encoding_of

csv.field_size_limit(2**31 - 1)  # a long cell may cost its row, but must not stop the file

LONGEST_KEPT = 100_000
"""Characters that are kept of a line that is too long."""
_MOST_LINES = 2_000
"""Most lines of one row. Beyond it, a quote was left open, and it must not swallow the whole file."""
_MOST_PEEKED = 1_000_000
"""Characters read ahead."""
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n|\Z)")


class Lines:
    """The physical lines of a file. It keeps the lines of the current row, which can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._ahead: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 1
        """Number of the line where the current row starts."""
        self.unclosed = self.too_long = False
        self.is_spaced = False
        """Whether blanks stand after each delimiter: a quote after them opens a cell."""

    def __iter__(self) -> Lines:
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
        return line

    def row(self, delimiter: str) -> list[str] | None:
        """Return the cells of the next row, an empty list for a blank line, None at the end."""
        self.number += len(self.taken)
        self.taken, self.unclosed, self.too_long = [], False, False
        if (plain := self._plain()) is not None:
            bare = plain.rstrip("\r\n")
            return bare.split(delimiter) if bare else []
        try:
            reader = csv.reader(self, delimiter=delimiter, strict=True, skipinitialspace=self.is_spaced)
            return next(reader, None)
        except csv.Error:
            if len(self.taken) == 1 and not self.unclosed:  # a stray quote inside a cell is harmless
                return next(csv.reader(self.taken, delimiter=delimiter))
            self.unclosed = True
            return []

    def _plain(self) -> str | None:
        """Take the next line if it has no quote, as `csv` reads it at three times the cost. Else None."""
        line = self._ahead.popleft() if self._ahead else next(self._lines, None)
        if line is None:
            return None
        if '"' in line or type(line) is _Cut:
            self._ahead.appendleft(line)
            return None
        self.taken.append(line)
        return line

    def give_back(self, kept: int) -> str:
        """End the current row after `kept` lines, put the others back, and return the text of the row."""
        self._ahead.extendleft(reversed(self.taken[kept:]))
        self.taken = self.taken[:kept]
        return "".join(self.taken)

    def peek(self, delimiter: str) -> Generator[Line, None, None]:
        """Yield the first rows. Read to its end, or closed, all of them are given back."""
        self.number += len(self.taken)
        start, seen, size, self.taken = self.number, [], 0, []
        try:
            while size < _MOST_PEEKED and (cells := self.row(delimiter)) is not None:
                seen += self.taken
                size += sum(map(len, self.taken))
                yield Line(self.number, cells)
        finally:
            self._ahead.extendleft(reversed(seen))
            self.number, self.taken = start, []


class _Cut(str):
    """The start of a line that is too long."""

    __slots__ = ()


def whole_lines(config: SourceConfig, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a text. Of one that is longer than `LONGEST_LINE`, only the start."""
    is_rest = False
    for part in decoded(config, stream):
        is_long = len(part) >= LONGEST_LINE // 4 and not part.endswith(("\n", "\r"))
        if not is_rest:
            yield _Cut(part[:LONGEST_KEPT]) if is_long else part
        is_rest = is_long or (is_rest and not part.endswith(("\n", "\r")))


def decoded(config: SourceConfig, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a text with their ends, without byte order marks.

    Without a mark or `encoding`, each line is UTF-8, else Windows-1252.
    """
    start = stream.read(2_000)
    stream.seek(0)
    encoding = encoding_of(start)
    is_marked = encoding in ("utf-8-sig", "utf-16", "utf-32")
    encoding = config.encoding if config.encoding and not is_marked else encoding.removesuffix("-sig")
    if encoding and (encoding != "utf-8" or config.encoding):
        limited = io.BufferedReader(Limited(config, stream))
        text = io.TextIOWrapper(limited, encoding, "surrogateescape", newline="")
        found = iter(lambda: text.readline(LONGEST_LINE), "")
    else:
        found = (part for line in lines(config, stream) for part in _parted(decoded_line(line)))
    yield next(found, "").lstrip("\ufeff")
    yield from found


def _parted(line: str) -> Sequence[str]:
    """Return the lines within what ends by a line feed: some programs end lines by CR alone."""
    first = line.find("\r")  # most lines have none, or end by it: the search of all takes five times as long
    return (line,) if first < 0 or line[first:] == "\r\n" else _LONE_RETURN.split(line)

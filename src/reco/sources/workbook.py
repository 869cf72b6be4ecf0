"""Sheets of a workbook in any format: is its archive safe, which sheet is read, what do merged cells hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources import header_row, kinds, table
from reco.sources.config import SourceConfig
from reco.sources.content import shown_place, unreadable
from reco.sources.header_row import Found, Line, filled
from reco.sources.headers import listing, plain
from reco.sources.rows import Columns, Row, remark
from reco.sources.sandbox.limits import MOST_ENTRIES, MOST_RATIO

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""Excel's own limits. A file can number its next row one billion."""
_MOST_UNPACKED = 1_000_000_000
"""Bytes that the parts of a workbook may declare: 100,000 rows of a catalogue take 130 MB as ODS.

They are read row by row, in a child process that `max_memory` limits.
"""
_CHUNK = 1_000_000
_DOCTYPE = b"<!doctype"
_LONGEST_ROW = 5_000_000
"""Most bytes of XML in one row. A parser holds it as a tree many times that size."""
_SHEETS = (b"worksheet", b"office:spreadsheet")


class Merges:
    """Cells merged over several rows. What is written once is repeated in each row that it covers."""

    def __init__(self) -> None:
        self._starting: dict[int, list[tuple[int, int]]] = {}
        self._active: dict[int, tuple[int, str]] = {}
        self.repeated = 0

    def add(self, row: int, column: int, last: int) -> None:
        """Say that a cell, by its row from 1 and its column from 0, covers the rows up to `last`."""
        if last > row:
            self._starting.setdefault(row, []).append((column, last))

    def fill(self, line: Line) -> None:
        """Repeat the values that cover a row, unless nothing else is written in it."""
        if self._active and filled(line.cells):
            for column, (last, text) in list(self._active.items()):
                if last < line.number:
                    del self._active[column]
                elif not _cell(line, column) and text:
                    line.cells.extend([""] * (column + 1 - len(line.cells)))
                    line.cells[column] = text
                    self.repeated += 1
        for column, last in self._starting.pop(line.number, ()):
            self._active[column] = last, _cell(line, column)


def _cell(line: Line, column: int) -> str:
    return line.cells[column] if column < len(line.cells) else ""


@dataclass
class Sheet:
    """A sheet: its lines, its merged cells, and counts of what is hidden or was never calculated.

    The counts are final once the lines have been read.
    """

    name: str
    lines: Iterator[Line]
    merges: Merges = field(default_factory=Merges)
    hidden_rows: int = 0
    hidden_columns: int = 0
    uncalculated: int = 0
    remarks: list[str] = field(default_factory=list)
    others: Sequence[str] = ()
    """Names of the other sheets, unless `sheet` chose this one."""

    @property
    def place(self) -> str:
        """The sheet in an error: what it lacks may stand in another one."""
        more = f" (`sheet` can name another: {listing(self.others)})" if self.others else ""
        return f", sheet {self.name!r}{more},"

    def told(self) -> Iterator[str]:
        """Yield what a person should know of the sheet."""
        yield from self.remarks
        if self.hidden_rows:
            yield f"{_some(self.hidden_rows, 'hidden row')} of the sheet read like the others"
        if self.hidden_columns:
            yield f"{_some(self.hidden_columns, 'hidden column')} of the sheet read like the others"
        if self.merges.repeated:
            yield f"{_some(self.merges.repeated, 'cell')} filled with the value of the merged cell over them"
        if self.uncalculated:
            formulas = _some(self.uncalculated, "formula")
            yield f"{formulas} without a value: open the file in a spreadsheet and save it"


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count > 1)}"


def rows(config: SourceConfig, sheet: Sheet) -> Iterator[Row | Rejection | Remark]:
    """Yield the rows of a sheet. A workbook without text has none, if it need not have a certain line.

    Raises `SourceError` for a sheet without text beside others.
    """
    found, lines = _found(config, sheet, ())
    if found is None and sheet.others:
        raise SourceError(
            f"source {config.name}: {shown_place(config)}, sheet {sheet.name!r}, is empty",
            f"Set `sheet` of this source to the one that holds the table: {listing(sheet.others)}.",
        )
    if found is not None:
        below = _Below(lines, found.number)
        yield from table.rows(config, found, below, sheet.place)
    for text in sheet.told():
        yield remark(config, f"{config.place}, sheet {sheet.name!r}", text)


def columns(config: SourceConfig, sheet: Sheet, names: Sequence[str]) -> Columns:
    """Return the columns of a sheet. Raises `SourceError` for one without text."""
    found, _ = _found(config, sheet, names)
    if found is None:
        raise table.empty(config)
    return Columns(found.cells, found.number)


def _found(config: SourceConfig, sheet: Sheet, names: Sequence[str]) -> tuple[Found | None, Iterator[Line]]:
    """Return the column names of a sheet, and all of its lines."""
    seen: list[Line] = []

    def lines() -> Iterator[Line]:
        for line in sheet.lines:
            sheet.merges.fill(line)
            yield line

    merged = lines()
    found = header_row.find(config, _seen(merged, seen), names)
    return found, chain(seen, merged)


def _seen(lines: Iterator[Line], seen: list[Line]) -> Iterator[Line]:
    for line in lines:
        seen.append(line)
        yield line


class _Below:
    """The lines below the column names, as a table reads them."""

    positional = True

    def __init__(self, lines: Iterator[Line], after: int) -> None:
        self._lines, self._after = lines, after
        self._current: Line | None = None

    def __iter__(self) -> Iterator[Line]:
        for line in self._lines:
            if line.number > self._after:
                self._current = line
                yield line

    def is_torn(self, _width: int) -> bool:
        """Return False: cells have their places."""
        return False

    def raw(self, _width: int) -> str:
        """Return the filled cells of the current line."""
        return "; ".join(filter(None, self._current.cells)) if self._current else ""


def chosen(config: SourceConfig, sheets: Sequence[tuple[str, bool]]) -> tuple[int, list[str], Sequence[str]]:
    """Return the position of the sheet that is read, by names and whether each is visible, and remarks.

    The third are the names of the others, if no setting chose it.

    It is `sheet`, hidden or not, else the first visible one. Raises `SourceError` without such a sheet.
    """
    names = [name for name, _ in sheets]
    if config.sheet:
        fit = [at for at, name in enumerate(names) if name == config.sheet]
        fit = fit or [at for at, name in enumerate(names) if plain(name) == plain(config.sheet)]
        if len(fit) == 1:
            return fit[0], [], ()
        raise SourceError(
            f"source {config.name}: {shown_place(config)} has no sheet {config.sheet!r}",
            f"Correct `sheet` of this source; the sheets are: {listing(names)}.",
        )
    visible = [at for at, (_, is_visible) in enumerate(sheets) if is_visible]
    if not names:
        raise SourceError(
            f"source {config.name}: {shown_place(config)} has no sheet", "Save the table as a sheet of cells."
        )
    first = visible[0] if visible else 0
    skipped = [f"sheet {name!r} is hidden and not read" for name in names[:first]]
    remarks = skipped if visible else [f"every sheet is hidden; {names[0]!r} is read"]
    return first, remarks, [*names[:first], *names[first + 1 :]]


def refuse_bomb(config: SourceConfig, stream: BinaryIO) -> None:
    """Refuse an archive that would fill memory, is locked, or has XML with entities or outside references."""
    try:
        size = stream.seek(0, 2)
        with ZipFile(stream) as archive:
            entries = archive.infolist()
            total = sum(entry.file_size for entry in entries)
            if len(entries) > MOST_ENTRIES or total > min(_MOST_UNPACKED, MOST_RATIO * size):
                packed = f"{len(entries)} parts of {total:,} bytes are packed in {size:,} bytes"
                raise SourceError(
                    f"source {config.name}: {shown_place(config)} cannot be read as {config.kind}: {packed}",
                    "A cell, or a picture, is far longer than a catalogue needs: remove it, or divide it.",
                )
            if any(entry.flag_bits & 1 for entry in entries) or _is_encrypted(archive):
                raise kinds.locked(config)
            for entry in entries:
                if fault := _fault(archive, entry.filename):
                    raise unreadable(config, f"{entry.filename} has {fault}")
    except (BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError) as error:
        raise unreadable(config, error) from error
    stream.seek(0)


def _is_encrypted(archive: ZipFile) -> bool:
    try:
        with archive.open("META-INF/manifest.xml") as manifest:
            return b"encryption-data" in manifest.read(_CHUNK)
    except KeyError:
        return False


def _fault(archive: ZipFile, name: str) -> str:
    """Return why a part must not be parsed, or ""."""
    if not name.lower().endswith((".xml", ".rels", ".vml")):
        return ""
    rest, since_row, is_sheet, row_count = b"", 0, False, 0
    with archive.open(name) as part:
        while chunk := part.read(_CHUNK):
            text = rest + chunk.replace(b"\0", b"").lower()
            if _DOCTYPE in text:
                return "a document type, which can hide an attack"
            is_sheet = is_sheet or any(mark in text for mark in _SHEETS)
            row = max(text.rfind(b"row>"), text.rfind(b"row "))
            since_row = since_row + len(chunk) if row < 0 else len(text) - row
            row_count += text.count(b"row>") if row >= 0 else 0
            if is_sheet and since_row > _LONGEST_ROW:
                return f"a row of more than {_LONGEST_ROW:,} bytes, after {_some(row_count, 'row')}"
            rest = text[-len(_DOCTYPE) :]
    return ""

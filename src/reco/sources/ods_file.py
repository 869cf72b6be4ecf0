"""OpenDocument spreadsheets, row by row: the document itself holds what each cell shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import ZipFile

from lxml import etree

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources import kinds, workbook
from reco.sources.config import SourceConfig
from reco.sources.content import opened, unreadable
from reco.sources.header_row import Line
from reco.sources.ods_cell import link_of, shown
from reco.sources.rows import Columns, Row
from reco.sources.workbook import MOST_COLUMNS, MOST_ROWS, Sheet

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_CELL, _COVERED = f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"
_ROW, _COLUMN, _SHEET = f"{_TABLE}table-row", f"{_TABLE}table-column", f"{_TABLE}table"
_STYLE_NAME = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}name"
_SHEET_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}table-properties"
_HIDDEN = ("collapse", "filter")
_MOST_CELLS = 20_000_000
"""Cells that repeated ones may unfold to."""


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield the rows of `sheet`, or of the first visible sheet."""
    with _sheet(config, cache) as sheet:
        yield from workbook.rows(config, sheet)


def columns(config: SourceConfig, names: Sequence[str] = (), cache: Path | None = None) -> Columns:
    """Return the columns of a sheet. Raises `SourceError` for an empty one."""
    with _sheet(config, cache) as sheet:
        return workbook.columns(config, sheet, names)


@contextmanager
def _sheet(config: SourceConfig, cache: Path | None) -> Iterator[Sheet]:
    with opened(config, cache) as stream:
        kinds.refuse_other(config, stream)
        try:
            workbook.refuse_bomb(config, stream)
            with ZipFile(stream) as archive:
                with archive.open("content.xml") as part:
                    sheets = _sheets(part)
                at, remarks, others = workbook.chosen(config, sheets)
                with archive.open("content.xml") as part:
                    sheet = _Rows(config, part, sheets[at][0], at, remarks).sheet
                    sheet.others = others
                    yield sheet
        except SourceError:
            raise
        except Exception as error:  # a malformed part raises those of zipfile or lxml
            raise unreadable(config, error) from error


def _sheets(part: IO[bytes]) -> list[tuple[str, bool]]:
    """Return the name of each sheet and whether it is visible."""
    hidden: set[str] = set()
    found: list[tuple[str, bool]] = []
    for event, element in _elements(part, (_SHEET, _ROW, _SHEET_STYLE)):
        if element.tag == _SHEET_STYLE:
            if element.get(f"{_TABLE}display") == "false":
                hidden.add(element.getparent().get(_STYLE_NAME, ""))
        elif event == "end":
            _drop(element)
        elif element.tag == _SHEET and next(element.iterancestors(_SHEET), None) is None:
            is_visible = element.get(f"{_TABLE}style-name") not in hidden
            found.append((element.get(f"{_TABLE}name", ""), is_visible))
    return found


def _elements(part: IO[bytes], tags: Sequence[str]) -> Iterator[tuple[str, etree._Element]]:
    """Yield the start and the end of the elements of a document. Nothing outside of it is fetched."""
    events = ("start", "end")
    yield from etree.iterparse(part, events=events, tag=tags, resolve_entities=False, no_network=True)


def _drop(element: etree._Element) -> None:
    """Drop what has been read, so that memory does not grow with the document."""
    element.clear()
    while element.tag == _ROW and element.getprevious() is not None:
        del element.getparent()[0]


class _Rows:
    """The rows of one sheet, read from the document once. The tree of a row is dropped after it."""

    def __init__(self, config: SourceConfig, part: IO[bytes], name: str, at: int, remarks: list[str]) -> None:
        self._config, self._part, self._at = config, part, at
        self._number = self._cells = 0
        self.sheet = Sheet(name, self._lines(), remarks=remarks)

    def _lines(self) -> Iterator[Line]:
        position, ours = -1, None
        for event, element in _elements(self._part, (_SHEET, _ROW, _COLUMN)):
            if element.tag == _SHEET:
                outer = next(element.iterancestors(_SHEET), None) is None
                if event == "start" and outer:
                    position += 1
                    ours = element if position == self._at else None
                elif element is ours:
                    return
            elif event == "end":
                if ours is not None and next(element.iterancestors(_SHEET), None) is ours:
                    if element.tag == _ROW:
                        yield from self._row(element)
                    elif element.get(f"{_TABLE}visibility") in _HIDDEN:
                        self._hidden_columns(_repeated(element, "columns"))
                _drop(element)

    def _hidden_columns(self, count: int) -> None:
        if count < MOST_COLUMNS // 16:  # the rest of the sheet hidden is no table
            self.sheet.hidden_columns += count

    def _row(self, row: etree._Element) -> Iterator[Line]:
        times = _repeated(row, "rows")
        first = self._number + 1
        self._number += times
        cells, links = self._texts(row, first)
        if not any(cells):
            return
        self._check(times * len(cells))
        if row.get(f"{_TABLE}visibility") in _HIDDEN:
            self.sheet.hidden_rows += times
        for number in range(first, first + times):
            yield Line(number, list(cells), "", links)

    def _texts(self, row: etree._Element, number: int) -> tuple[list[str], dict[int, str]]:
        cells: list[str] = []
        links: dict[int, str] = {}
        blank = 0
        for cell in row:
            if cell.tag not in (_CELL, _COVERED):
                continue
            times = _repeated(cell, "columns")
            text = shown(cell) if cell.tag == _CELL else ""
            if not text:
                blank += times
                if cell.get(f"{_TABLE}formula") and cell.get(f"{_OFFICE}value-type") is None:
                    self.sheet.uncalculated += 1
                continue
            cells.extend([""] * min(blank, MOST_COLUMNS))
            blank = 0
            span = int(cell.get(f"{_TABLE}number-rows-spanned", 1))
            self.sheet.merges.add(number, len(cells), number + span - 1)
            if link := link_of(cell):
                links[len(cells)] = link
            cells.extend([text] * min(times, MOST_COLUMNS))
            if len(cells) > MOST_COLUMNS:
                raise unreadable(
                    self._config, f"row {number} has more columns than a sheet can have ({MOST_COLUMNS:,})"
                )
        return cells, links

    def _check(self, cells: int) -> None:
        self._cells += cells
        if self._number > MOST_ROWS or self._cells > _MOST_CELLS:
            raise unreadable(
                self._config, f"it has more rows than a sheet can have ({MOST_ROWS:,}), or too many cells"
            )


def _repeated(element: etree._Element, what: str) -> int:
    return max(1, int(element.get(f"{_TABLE}number-{what}-repeated", 1)))

"""Excel workbooks: XLSX by openpyxl, for its number formats; XLS, the older format, by calamine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import load_workbook
from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources import kinds, number_format, workbook, xlsx_marks
from reco.sources.config import SourceConfig
from reco.sources.content import opened, unreadable
from reco.sources.header_row import Line
from reco.sources.mapping import to_text
from reco.sources.rows import Columns, Row
from reco.sources.workbook import MOST_ROWS, Sheet

_LOCKED = "EncryptedPackage".encode("utf-16-le")
_NONE: Mapping[int, str] = {}


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
        is_old = stream.read(len(kinds.OLE)) == kinds.OLE
        stream.seek(0)
        try:
            if is_old:
                yield _old(config, stream)
            else:
                workbook.refuse_bomb(config, stream)
                yield _new(config, stream)
        except SourceError:
            raise
        except PasswordError as error:
            raise kinds.locked(config) from error
        except Exception as error:  # both libraries raise any exception on a malformed part
            raise unreadable(config, error) from error


def _new(config: SourceConfig, stream: BinaryIO) -> Sheet:
    book = load_workbook(stream, read_only=True, data_only=True)
    sheets = book.worksheets  # charts are no sheets of cells
    states = [(sheet.title, sheet.sheet_state == "visible") for sheet in sheets]
    at, remarks, others = workbook.chosen(config, states)
    sheet = sheets[at]
    sheet.reset_dimensions()  # the declared size is often wrong
    marks = xlsx_marks.read(stream, sheet._worksheet_path)
    return Sheet(
        sheet.title,
        _lines(config, sheet, marks.links),
        marks.merges,
        marks.hidden_rows,
        marks.hidden_columns,
        marks.uncalculated,
        remarks,
        others,
    )


def _lines(config: SourceConfig, sheet: Any, links: Mapping[int, Mapping[int, str]]) -> Iterator[Line]:
    for number, cells in enumerate(sheet.iter_rows(), 1):
        _check(config, number)
        texts = ["" if (value := cell.value) is None else _text(value, cell) for cell in cells]
        yield Line(number, texts, "", links.get(number, _NONE))


def _text(value: object, cell: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number_format.number(value, cell.number_format or "")
        case dt.date():
            return number_format.date(value, cell.number_format or "")
        case _:
            return to_text(value) or ""


def _old(config: SourceConfig, stream: BinaryIO) -> Sheet:
    if _LOCKED in stream.read():
        raise kinds.locked(config)
    stream.seek(0)
    book = CalamineWorkbook.from_filelike(stream)
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [(sheet.name, sheet.visible == SheetVisibleEnum.Visible) for sheet in sheets]
    at, remarks, others = workbook.chosen(config, visible)
    remarks.append("the old format XLS: links behind cells and zeros before a code are lost; XLSX keeps them")
    sheet = book.get_sheet_by_name(sheets[at].name)
    found = Sheet(sheet.name, _old_lines(config, sheet), remarks=remarks, others=others)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        found.merges.add(top + 1, left, bottom + 1)
    return found


def _old_lines(config: SourceConfig, sheet: Any) -> Iterator[Line]:
    for number, values in enumerate(sheet.to_python(skip_empty_area=False), 1):
        _check(config, number)
        yield Line(number, [_old_text(value) for value in values])


def _old_text(value: object) -> str:
    match value:
        case bool() | str():
            return to_text(value) or ""
        case int() | float():
            return number_format.number(value, "")
        case dt.date():
            return number_format.date(value, "")
        case _:
            return to_text(value) or ""


def _check(config: SourceConfig, number: int) -> None:
    if number > MOST_ROWS:
        raise unreadable(config, f"it has more rows than a sheet can have ({MOST_ROWS:,})")

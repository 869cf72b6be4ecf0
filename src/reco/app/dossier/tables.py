"""A dossier as a table: CSV for a French spreadsheet, and XLSX. No cell is ever a formula."""

from __future__ import annotations

import io

from reco.app.dossier.content import Dossier, Headings, Item, address, cut, one_line
from reco.storage.tables import FORMULA, Cell, csv_bytes

COLUMNS = (
    "rank",
    "title",
    "level",
    "publisher",
    "authors",
    "year",
    "type",
    "theme",
    "place",
    "quotes",
    "reasons",
    "note",
    "link",
    "id",
)
"""Columns of the table, as names of `Headings` fields."""

_A4 = 9
"""Excel's number of the paper size. Without it a printer takes its own, or US Letter."""

_WIDTHS = {"title": 44, "quotes": 70, "reasons": 50, "note": 40, "rank": 6, "year": 8}


def table_bytes(dossier: Dossier, headings: Headings) -> bytes:
    """Return CSV in UTF-8 with semicolons. `reco.storage.tables` makes its cells inert."""
    names = _names(headings)
    rows = [{names[key]: value for key, value in row.items()} for row in _rows(dossier)]
    return csv_bytes(list(names.values()), rows, delimiter=";", mark=True)


def xlsx_bytes(dossier: Dossier, headings: Headings) -> bytes:
    """Return a workbook of two sheets: the resources; then the title, the query and the foot."""
    import xlsxwriter

    stream = io.BytesIO()
    # By default, xlsxwriter turns a source's text into formulas, links and numbers.
    inert = {f"strings_to_{what}": False for what in ("formulas", "urls", "numbers")}
    with xlsxwriter.Workbook(stream, {"in_memory": True, **inert}) as book:
        sheet = _Sheet(book, headings.resources)
        sheet.put(0, list(_names(headings).values()), heading=True)
        for number, row in enumerate(_rows(dossier), start=1):
            sheet.put(number, list(row.values()))
        sheet.lay_out([_WIDTHS.get(name, 18) for name in COLUMNS])
        about = _Sheet(book, headings.request)
        for number, text in enumerate((dossier.title, dossier.request, dossier.foot)):
            about.put(number, [cut(text)], heading=number == 0)
        about.lay_out([100], frozen=False)
    return stream.getvalue()


def _names(headings: Headings) -> dict[str, str]:
    return {name: getattr(headings, name) for name in COLUMNS}


def _rows(dossier: Dossier) -> list[dict[str, Cell]]:
    return [_row(rank, item) for rank, item in enumerate(dossier.items, start=1)]


def _row(rank: int, item: Item) -> dict[str, Cell]:
    resource = item.resource
    cells: dict[str, Cell] = {
        "rank": rank,
        "title": one_line(resource.title),
        "level": item.level,
        "publisher": resource.publisher,
        "authors": resource.authors,
        "year": resource.year,
        "type": resource.type,
        "theme": resource.theme,
        "place": resource.place,
        "quotes": "\n".join(item.quotes),
        "reasons": "\n".join(item.reasons),
        "note": item.note,
        "link": address(resource),
        "id": resource.id,
    }
    return {name: cut(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}


class _Sheet:
    """A worksheet whose text cells stay text, even after somebody edits them."""

    def __init__(self, book: object, name: str) -> None:
        add = book.add_format  # type: ignore[attr-defined]
        self._sheet = book.add_worksheet(_sheet_name(name))  # type: ignore[attr-defined]
        self._plain = add({"text_wrap": True, "valign": "top"})
        self._quoted = add({"text_wrap": True, "valign": "top", "quote_prefix": True})
        self._heading = add(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "quote_prefix": True}
        )

    def put(self, row: int, cells: list[Cell], heading: bool = False) -> None:
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                like_a_formula = cell.startswith(FORMULA)
                style = self._heading if heading else self._quoted if like_a_formula else self._plain
                self._sheet.write_string(row, column, cell, style)
            elif cell is not None:
                self._sheet.write_number(row, column, cell, self._plain)

    def lay_out(self, widths: list[int], frozen: bool = True) -> None:
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)
        if frozen:
            self._sheet.freeze_panes(1, 2)
        self._sheet.set_paper(_A4)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)


def _sheet_name(name: str) -> str:
    return "".join(character for character in name if character not in "[]:*?/\\'")[:31] or "1"

"""The rows of any table, whatever its format: short, repeated and closing lines are told, not refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources import asides, formula, headers
from reco.sources.config import SourceConfig
from reco.sources.content import shown_place
from reco.sources.header_row import Found, Line, filled
from reco.sources.rows import LINK, Row, refuse, remark
from reco.text.visible import shown

_MOST_HELD = 200
"""Lines held back: more than that are no notes."""
_MOST_LISTED = 5
_SHOWN = 60
_MAY_BE_A_TOTAL = frozenset(("", "tota", "sous"))
"""The first letters of the first cell of a total, in lower case: it can stand in a later column."""


class Lines(Protocol):
    """The lines below the column names. `positional` tells that a cell cannot slip under another name."""

    positional: bool

    def __iter__(self) -> Iterator[Line]: ...

    def is_torn(self, width: int) -> bool:
        """Return whether the current line has swallowed one that is whole."""

    def raw(self, width: int) -> str:
        """Return the text of the current line, and read again what it has swallowed."""


def empty(config: SourceConfig) -> SourceError:
    """Return the error for a table without text."""
    return SourceError(
        f"source {config.name}: {shown_place(config)} is empty",
        "Give a file with a line that names its columns.",
    )


def rows(
    config: SourceConfig, found: Found, lines: Lines, where: str = ""
) -> Iterator[Row | Rejection | Remark]:
    """Yield the rows below the column names. `where` names the sheet in an error.

    What is mended is told: titles above, error cells, short rows, repeated column names, lines below.
    """
    headers.check(config, found.header, found.cells, where)
    if found.above and config.header_row is None:
        above = f"the column names are on line {found.number}; what stands above them is left out"
        yield remark(config, f"{config.place}:{found.number}", above)
    yield from _Body(config, found, lines).rows()


class _Body:
    """The rows of one table, and what has to be told of them."""

    def __init__(self, config: SourceConfig, found: Found, lines: Lines) -> None:
        self._config, self._lines, self._found = config, lines, found
        self._place = config.place
        self._names = found.header.names
        self._width = len(self._names)
        self._mapped = tuple(found.header.fields.values())
        self._url, self._title = (found.header.fields.get(name, -1) for name in ("url", "title"))
        self._fewest = 0
        """Least filled cells of the rows so far, 0 before the first: a closing line has fewer."""
        self._told: dict[str, list[int]] = {}
        self._closing: list[tuple[Line, str]] = []
        self._short: tuple[Line, int, str] | None = None

    def rows(self) -> Iterator[Row | Rejection | Remark]:
        width, names, place, lines = self._width, self._names, self._place, self._lines
        mark, marked = self._mapped[0], self._found.cells[self._mapped[0]]
        blank = False
        for line in lines:
            cells = line.cells
            if not (text := "".join(cells)).strip() and not line.problem:
                blank = True
                continue
            some = len(cells) - cells.count("")
            if (
                len(cells) == width
                and (some > 2 or some == width)
                and not (line.problem or line.links or blank or self._closing or self._short)
                and self._fewest
                and cells[mark] != marked
                and cells[0][:4].lower() not in _MAY_BE_A_TOTAL
                and "#" not in text
                and "Err" not in text
                and ('"' not in text or ('="' not in text and '("' not in text))
            ):
                self._fewest = min(self._fewest, some)
                yield Row(f"{place}:{line.number}", dict(zip(names, cells, strict=True)))
                continue
            yield from self._unusual(line, blank)
            blank = False
        closing, self._closing = self._closing, []
        yield from self._held()
        if closing:
            (first, raw), count = closing[0], len(closing)
            told = (
                f"{count} line{'s' * (count > 1)} below the table left out, from {shown(raw.strip(), _SHOWN)}"
            )
            yield remark(self._config, f"{place}:{first.number}", told)
        if not self._fewest:
            yield remark(
                self._config, f"{place}:{self._found.number}", "no row stands below the column names"
            )
        yield from self._remarks()

    def _unusual(self, line: Line, blank: bool) -> Iterator[Row | Rejection]:
        width, count = self._width, len(line.cells)
        short = count < width and not self._lines.positional
        if line.problem or (short and self._lines.is_torn(width)):
            yield from self._held()
            yield self._refused(line, line.problem or self._ragged(count))
            return
        if filled(line.cells[width:]):
            if not self._lines.positional:
                yield from self._held()
                yield self._refused(line, self._ragged(count))
                return
            self._tell("cells right of the last column name are not read", line)
        line.cells = [*line.cells[:width], *[""] * (width - count)]
        self._mend(line)
        if self._is_closing(line, blank):
            self._closing.append((line, self._lines.raw(width)))
            return
        if short and self._short and self._is_rest(line, count):
            yield from self._cut(line)
            return
        yield from self._held()
        if short:
            self._short = (line, count, self._lines.raw(width))
        else:
            yield from self._row(line)

    def _row(self, line: Line) -> Iterator[Row]:
        cells, header = line.cells, self._found.cells
        if all(cells[at].strip() == header[at].strip() for at in self._mapped):
            self._tell("the column names are repeated; that line is left out", line)
            return
        if line.number == self._found.number + 1 and not any(cells[at] for at in self._mapped):
            self._tell("a second line of column names, where no column that is read has one", line)
            return
        if asides.is_total(cells):
            self._tell("a total is left out", line)
            return
        if line.number == self._found.number + 1 and asides.is_numbering(cells):
            self._tell("a line that numbers the columns is left out", line)
            return
        if self._is_heading(cells):
            self._tell("a line with one cell and no title is left out", line)
            return
        self._fewest = min(self._fewest or self._width, filled(cells))
        values = dict(zip(self._names, cells, strict=True))
        is_blank = self._url < 0 or not cells[self._url].strip()
        if link := line.links.get(self._url) or (is_blank and line.links.get(self._title)):
            values[LINK] = link
        yield Row(f"{self._place}:{line.number}", values)

    def _is_heading(self, cells: list[str]) -> bool:
        """Return whether a line names a section of the table: it could only be refused."""
        if self._title < 0 or self._width < 3 or self._fewest == 1 or filled(cells) > 1:
            return False
        return not cells[self._title].strip()

    def _mend(self, line: Line) -> None:
        """Empty the error cells of a line, and write what its formulas show."""
        for at, cell in enumerate(line.cells):
            if asides.is_error(cell):
                line.cells[at] = ""
                self._tell("an error of the spreadsheet (such as #N/A) is taken for an empty cell", line)
            elif cell.startswith("="):
                line.cells[at] = formula.shown(cell)
                if link := formula.link_of(cell):
                    line.links = {**line.links, at: link}

    def _is_closing(self, line: Line, blank: bool) -> bool:
        """Return whether a line can be a note, a source or a total below the table."""
        some, most = filled(line.cells), self._fewest or min(2, self._width - 1)
        if not some or some > 2 or some >= self._width or len(self._closing) >= _MOST_HELD:
            return False
        at, first = asides.first(line.cells)
        if asides.starts_total(first):
            return True
        if some >= most:
            return False
        if asides.starts_note(first):
            return True
        if some > 1:  # below a note, a line of two cells is one more
            return any(asides.starts_note(asides.first(held.cells)[1]) for held, _ in self._closing)
        return (at == 0 or at not in self._mapped) and (blank or bool(self._closing))

    def _is_rest(self, line: Line, count: int) -> bool:
        """Return whether a short line is the rest of the one before, cut by a line break without quotes."""
        if self._short is None:
            return False
        before, cells_before, _ = self._short
        return (
            cells_before + count - 1 == self._width
            and " " in line.cells[0].strip()
            and " " not in before.cells[0].strip()
        )

    def _cut(self, line: Line) -> Iterator[Rejection]:
        if self._short is not None:
            before, count, raw = self._short
            self._short = None
            problem = f"{self._ragged(count)}: a line break without quotes, it seems"
            yield refuse(self._config, f"{self._place}:{before.number}", problem, raw)
            yield self._refused(line, f"the rest of line {before.number}, it seems")

    def _held(self) -> Iterator[Row]:
        """Yield the lines that were held back: what follows them is in the table."""
        held = [line for line, _ in self._closing]
        self._closing = []
        if self._short is not None:
            held.insert(0, self._short[0])
            self._tell("fewer cells than column names; the last ones are taken for empty", self._short[0])
            self._short = None
        for line in held:
            yield from self._row(line)

    def _refused(self, line: Line, problem: str) -> Rejection:
        self._fewest = self._fewest or self._width  # a refused row is one too
        return refuse(self._config, f"{self._place}:{line.number}", problem, self._lines.raw(self._width))

    def _ragged(self, count: int) -> str:
        return f"{count} cells where the header has {self._width}"

    def _tell(self, text: str, line: Line) -> None:
        self._told.setdefault(text, []).append(line.number)

    def _remarks(self) -> Iterator[Remark]:
        for text, numbers in self._told.items():
            listed = ", ".join(map(str, dict.fromkeys(numbers[:_MOST_LISTED])))
            more = f"; {len(numbers)} in all" if len(numbers) > _MOST_LISTED else ""
            where = "line" if len(set(numbers[:_MOST_LISTED])) == 1 else "lines"
            yield remark(self._config, f"{self._place}:{numbers[0]}", f"{text} ({where} {listed}{more})")

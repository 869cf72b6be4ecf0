"""Where a table starts: the line of its column names, under titles, blank lines and groups of columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from reco.errors import SourceError
from reco.sources import headers
from reco.sources.config import SourceConfig
from reco.sources.content import shown_place
from reco.sources.headers import Header

FIRST = 30
"""Lines that are not blank among which the column names are searched."""
_NEARLY_FULL = 0.6
_WIDEST = 2_000
"""Columns of a line of groups: no table has more."""


@dataclass(slots=True)
class Line:
    """A line of a table as texts, with its number in the file, from 1.

    `problem` says why it could not be cut into cells. `links` are the addresses behind cells, by position.
    """

    number: int
    cells: list[str]
    problem: str = ""
    links: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The line of the column names: its number, its cells and what they name. `above` lines hold no row."""

    number: int
    cells: tuple[str, ...]
    header: Header
    complete: bool
    above: tuple[int, ...] = ()

    @property
    def score(self) -> tuple[bool, int]:
        return self.complete, len(self.header.fields)


def find(config: SourceConfig, lines: Iterable[Line], names: Sequence[str] = ()) -> Found | None:
    """Return the line of the column names, None for a table without text.

    It is `header_row`, else the first line that has every column of `fields`, or one of `names` if given,
    else two lines that have them together. Without such a line, it is the nearest to one.
    Raises `SourceError` when `header_row` is blank or behind the end.
    """
    first: list[Line] = []
    alone: list[Found] = []
    for line in lines:
        if config.header_row is not None:
            if line.number >= config.header_row:
                return _chosen(config, line)
        elif filled(line.cells):
            found = _found(config, line.number, line.cells, names, first)
            if found.complete and (not first or names or config.fields or len(found.header.fields) > 1):
                return found
            first.append(line)
            alone.append(found)
            if len(first) == FIRST:
                break
    if config.header_row is not None:
        raise _no_header(config, "the table ends before it")
    return _nearest(config, first, alone, names)


def filled(cells: Sequence[str]) -> int:
    """Return the number of cells that hold more than blanks."""
    return sum(1 for cell in cells if cell and not cell.isspace())


def _chosen(config: SourceConfig, line: Line) -> Found:
    if not filled(line.cells) or line.number > (config.header_row or 0):
        raise _no_header(config, "that line is blank, or inside a cell")
    return _found(config, line.number, line.cells, (), ())


def _no_header(config: SourceConfig, why: str) -> SourceError:
    return SourceError(
        f"source {config.name}: {shown_place(config)} has no column names at `header_row` "
        f"= {config.header_row}: {why}",
        "Give the number of the line that names the columns, counted from 1, blank lines too.",
    )


def _found(
    config: SourceConfig, number: int, cells: Sequence[str], names: Sequence[str], above: Sequence[Line]
) -> Found:
    last = max((at for at, cell in enumerate(cells, 1) if cell and not cell.isspace()), default=0)
    header = headers.resolved(config, cells[:last])
    if names:
        known = {headers.loose(cell) for cell in cells}
        complete = any(headers.loose(name) in known for name in names)
    else:
        complete = bool(header.fields) and not header.missing and not header.doubled
    return Found(number, tuple(cells[:last]), header, complete, tuple(line.number for line in above))


def _nearest(
    config: SourceConfig, lines: Sequence[Line], alone: Sequence[Found], names: Sequence[str]
) -> Found | None:
    if not lines:
        return None
    for at, (upper, lower) in enumerate(pairwise(lines)):
        if names or not config.fields or len(upper.cells) > _WIDEST:
            break
        both = _found(config, lower.number, _joined(upper.cells, lower.cells), names, lines[:at])
        if both.complete:
            return both
    best = max(alone, key=lambda found: found.score)  # the first of those with most columns
    if best.header.fields or best.complete:
        return best
    most = max(filled(line.cells) for line in lines)
    return next(one for one in alone if filled(one.cells) >= max(1, most * _NEARLY_FULL))


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Return the names of two header lines: the lower one, after its group where it repeats."""
    names, group, counts = [], "", Counter(lower)
    for at in range(max(len(upper), len(lower))):
        above = upper[at] if at < len(upper) else ""
        below = lower[at] if at < len(lower) else ""
        group = above or (group if below else "")
        repeats = bool(below) and counts[below] > 1 and group != below
        names.append(f"{group} {below}".strip() if repeats else below or above)
    return names

"""The mapping of a source's columns to our fields: names, value types, constants and defaults."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import cast

from reco.catalogue import years
from reco.catalogue.resource import FIELDS, Record, Rejection
from reco.sources.config import SourceConfig
from reco.sources.rows import LINK, Row, refuse
from reco.text.clean import clean
from reco.text.decoding import decoded

_USUAL: Mapping[str, Mapping[str, str]] = {
    "rss": {"url": "link", "authors": "author"},
    "oai": {"authors": "creator", "theme": "subject", "summary": "description"},
    "wordpress": {"title": "title.rendered", "summary": "content.rendered", "url": "link"},
}
"""Kind -> our field -> their name, for formats that fix their names."""

_MOST_NAMED, _LONGEST_NAME = 20, 60
"""Most names in a message, and characters of each: a file of another kind can have millions."""

_MOST_PLANS = 50
"""Sets of columns that are kept: a table has one, and documents can have as many as records."""

_Plan = tuple[tuple[str, ...], Callable[[Mapping[str, object]], tuple[object, ...]]]
_TEXT = {str}
_SHEETS = frozenset(("xlsx", "ods", "folder"))
_DAY_OF_1905 = re.compile(r"190[45]-[01]\d-[0-3]\d")
"""How a sheet shows a year that was typed in a cell of dates."""


def usual_names(kind: str) -> Mapping[str, str]:
    """Return our field -> their name, for the names that the format of `kind` fixes."""
    return _USUAL.get(kind, {})


def field_names(config: SourceConfig) -> dict[str, str]:
    """Return our field -> its name or dotted path in this source, for every field."""
    return {field: field for field in FIELDS} | dict(usual_names(config.kind)) | config.fields


class Mapper:
    """Turns the rows of one source into records."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._names = field_names(config)
        self._plans: dict[tuple[str, ...], _Plan | None] = {}

    def record(self, row: Row) -> Record | Rejection:
        """Return `row` as texts under our field names, without the fields that it lacks."""
        try:
            return self._record(row)
        except RecursionError:
            return refuse(self._config, row.locator, "its values are nested too deeply to be read")

    def _record(self, row: Row) -> Record:
        cells = row.cells
        values = self._plain(cells)
        if values is None:
            values = self._texts(cells)
        for field in self._config.splits:
            if field in values:
                values[field] = self._split(field, values[field])
        if link := cells.get(LINK):
            values["url"] = str(link)  # what a click opens, whatever the cell shows
        for field, text in self._config.defaults.items():
            if not values.get(field, "").strip():
                values[field] = text
        values.update(self._config.constants)
        return Record(self._config.name, row.locator, values)

    def _plain(self, cells: Mapping[str, object]) -> dict[str, str] | None:
        """Return the fields of a row of texts, or None for any other row. A third of the time of `_texts`."""
        columns = tuple(cells)
        if columns not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[columns] = self._plan(columns)
        plan = self._plans[columns]
        if plan is None:
            return None
        fields, pick = plan
        texts = pick(cells)
        is_text = {*map(type, texts)} == _TEXT
        return cast("dict[str, str]", dict(zip(fields, texts, strict=True))) if is_text else None

    def _plan(self, columns: tuple[str, ...]) -> _Plan | None:
        """Return the fields that rows with these columns fill, and what picks their cells."""
        found = {field: path for field, path in self._names.items() if path in columns}
        nested = any("." in path for path in self._names.values() if path not in columns)
        if nested or len(found) < 2 or self._config.kind in _SHEETS:
            return None
        return tuple(found), itemgetter(*found.values())

    def _texts(self, cells: Mapping[str, object]) -> dict[str, str]:
        values = {}
        for field, path in self._names.items():
            if path in cells:
                exists, cell = True, cells[path]
            elif "." in path:
                exists, cell = _look_up(cells, path)
            else:
                continue
            if field == "year":
                cell = self._year(cell)
            text = cell if type(cell) is str else to_text(cell)
            if text is None and exists and field == "id":
                text = ""  # an empty id is a fault of the row; a source without an id column is not
            if text is not None:
                values[field] = text
        return values

    def _year(self, cell: object) -> object:
        """Return the year of a date; readers of sheets give dates in ISO form."""
        if type(cell) is str and self._config.kind in _SHEETS and _DAY_OF_1905.fullmatch(cell):
            cell = dt.date.fromisoformat(cell)
        return years.of_day(cell) if isinstance(cell, dt.date) else cell

    def _split(self, field: str, text: str) -> str:
        parts = text.split(self._config.splits[field])
        return "; ".join(part.strip() for part in parts if part.strip())


def to_text(cell: object) -> str | None:
    """Return a cell as text, or None without a value. Lists are joined: `["a", "b"]` -> "a; b"."""
    match cell:
        case None:
            return None
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case float() | Decimal():
            return _number(cell)
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.date():
            return cell.isoformat()
        case bytes():
            return decoded(cell)
        case Mapping():
            return json.dumps(cell, ensure_ascii=False, default=str)
        case Sequence():
            return "; ".join(text for item in cell if (text := to_text(item))) or None
        case _:
            return str(cell)


def unmapped(config: SourceConfig, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that no field uses, in order."""
    distinct = tuple(column for column in dict.fromkeys(columns) if column != LINK)
    paths = field_names(config).values()
    used = {path if path in distinct else path.split(".")[0] for path in paths}
    return tuple(column for column in distinct if column and column not in used)


def named(names: Iterable[str]) -> str:
    """Return the first names of columns or keys, cleaned for a message."""
    first = list(islice(names, _MOST_NAMED + 1))
    shown = [clean(name[:_LONGEST_NAME]) or "''" for name in first[:_MOST_NAMED]]
    return ", ".join(shown + ["..."] * (len(first) > _MOST_NAMED)) or "none"


def _look_up(cells: object, path: str) -> tuple[bool, object]:
    """Return whether `path` exists in nested data, and its value; a list gives those of its items."""
    if isinstance(cells, Mapping):
        if path in cells:
            return True, cells[path]
        head, _, rest = path.partition(".")
        return _look_up(cells[head], rest) if rest and head in cells else (False, None)
    if isinstance(cells, list):
        values = [cell for exists, cell in (_look_up(item, path) for item in cells) if exists]
        return bool(values), values
    return False, None


def _number(value: float | Decimal) -> str | None:
    if not math.isfinite(value):
        return None
    return str(int(value)) if value == int(value) else str(value)

"""What openpyxl's fast reader leaves out of a sheet: links, merged cells, what is hidden, empty formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import BinaryIO
from xml.etree.ElementTree import Element
from xml.parsers import expat
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

from reco.sources import formula
from reco.sources.workbook import Merges

_REFERENCE = re.compile(r"\$?[A-Z]{1,3}\$?\d{1,7}(?::\$?[A-Z]{1,3}\$?\d{1,7})?")
_WEB = ("http://", "https://")
_MOST_LINKED = 1_000
"""Cells that one link covers."""
_CHUNK = 1_000_000


@dataclass
class Marks:
    """Links by row from 1 and column from 0, merged cells, and counts of what is hidden or has no value."""

    links: dict[int, dict[int, str]] = field(default_factory=dict)
    merges: Merges = field(default_factory=Merges)
    hidden_rows: int = 0
    hidden_columns: int = 0
    uncalculated: int = 0


def read(stream: BinaryIO, path: str) -> Marks:
    """Return the marks of the sheet at `path` of a workbook. Raises any exception of a broken part."""
    with ZipFile(stream) as archive:
        parser = _Parser(_targets(archive, path))
        with archive.open(path) as part:
            while chunk := part.read(_CHUNK):
                parser.feed(chunk)
    return parser.marks


def _targets(archive: ZipFile, path: str) -> dict[str, str]:
    """Return the addresses outside of the workbook that a sheet names, by their id."""
    name = normpath(join(dirname(path), "_rels", path.rpartition("/")[2] + ".rels"))
    if name not in archive.namelist():
        return {}
    root: Element = fromstring(archive.read(name))
    return {
        element.get("Id", ""): target
        for element in root
        if (target := element.get("Target", "")).lower().startswith(_WEB)
    }


class _Parser:
    """Reads the tags of a sheet. It keeps no tree."""

    def __init__(self, targets: dict[str, str]) -> None:
        self.marks = Marks()
        self._targets = targets
        self._row = self._column = 0
        self._is_text = self._is_formula = False
        self._formula: list[str] | None = None
        self._value: list[str] = []
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, chunk: bytes) -> None:
        self._parser.Parse(chunk, False)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        match tag.rpartition("}")[2]:
            case "c":
                place = attributes.get("r")
                self._column = coordinate_to_tuple(place)[1] if place else self._column + 1
                self._is_text = attributes.get("t") == "str"
                self._is_formula = False
            case "f":
                self._is_formula, self._value, self._formula = True, [], []
                self._parser.CharacterDataHandler = self._formula.append
            case "v" if self._is_formula:
                self._parser.CharacterDataHandler = self._value.append
            case "row":
                self._row, self._column = int(attributes.get("r", self._row + 1)), 0
                self.marks.hidden_rows += attributes.get("hidden") in ("1", "true")
            case "col" if attributes.get("hidden") in ("1", "true"):
                first, last = int(attributes.get("min", 1)), int(attributes.get("max", 1))
                if last - first < _MOST_LINKED:  # the rest of the sheet hidden is no table
                    self.marks.hidden_columns += last - first + 1
            case "mergeCell" if _REFERENCE.fullmatch(attributes.get("ref", "")):
                left, top, _, bottom = range_boundaries(attributes["ref"])
                self.marks.merges.add(top, left - 1, bottom)
            case "hyperlink":
                self._linked(attributes)

    def _end(self, tag: str) -> None:
        match tag.rpartition("}")[2]:
            case "f":
                self._parser.CharacterDataHandler = None
                if link := formula.link_of("".join(self._formula or ())):
                    self._link(self._row, self._column - 1, link)
            case "v":
                self._parser.CharacterDataHandler = None
            case "c" if self._is_formula and not self._is_text and not self._value:
                self.marks.uncalculated += 1

    def _linked(self, attributes: dict[str, str]) -> None:
        wanted = next((value for name, value in attributes.items() if name.endswith("relationships}id")), "")
        target, place = self._targets.get(wanted, ""), attributes.get("ref", "")
        if target and _REFERENCE.fullmatch(place):
            left, top, right, bottom = range_boundaries(place)
            if (right - left + 1) * (bottom - top + 1) <= _MOST_LINKED:
                for row in range(top, bottom + 1):
                    for column in range(left - 1, right):
                        self._link(row, column, target)

    def _link(self, row: int, column: int, address: str) -> None:
        if address.lower().startswith(_WEB):
            self.marks.links.setdefault(row, {})[column] = address

"""Rows of a source under its own column names, before they are mapped to our fields, and their readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from reco.catalogue.resource import Rejection, Remark
from reco.sources.config import Kind, SourceConfig

RAW = "raw"
"""The key of the raw text in the rejection of a row that could not be cut into columns."""

LINK = "\0link"
"""The key of the address behind a cell of a row: of its url, or of its title if the table has no url."""

_LONGEST_RAW = 100_000
"""Characters of that text that are kept: enough to find the row again."""


@dataclass(frozen=True)
class Row:
    """A row as its file holds it: the file's column names, values of any type, nested or not."""

    locator: str
    cells: Mapping[str, object]


@dataclass(frozen=True)
class Columns:
    """The column names of a table, their line, and the delimiter of a text."""

    names: tuple[str, ...]
    row: int
    delimiter: str = ""


Reader = Callable[[SourceConfig, Path | None], Iterator[Row | Rejection | Remark]]
"""Yields the rows of one kind of source, in order. Raises `SourceError` when the source itself is broken.

A flaw that the reader mends, such as an illegal character, is a `Remark` beside the rows.
"""

_MODULES: Mapping[Kind, str] = {
    "csv": "csv_file",
    "jsonl": "json_lines",
    "json": "json_file",
    "page": "page",
    "xlsx": "xlsx_file",
    "ods": "ods_file",
    "parquet": "parquet_file",
    "folder": "folder",
    "rss": "feed",
    "oai": "oai",
    "wordpress": "wordpress",
    "api": "api",
    "site": "site",
}


def reader(kind: Kind) -> Reader:
    """Return the reader of a kind of source. Its module is imported at first use: some load slowly."""
    return cast(Reader, import_module(f"reco.sources.{_MODULES[kind]}").rows)


def columns(config: SourceConfig, names: Sequence[str] = ()) -> Columns:
    """Return the columns of a table on this machine: `csv`, `xlsx` or `ods`.

    They stand on the first line that has those of `fields`, or one of `names` if given. Raises `SourceError`.
    """
    module = import_module(f"reco.sources.{_MODULES[config.kind]}")
    return cast(Columns, module.columns(config, names))


def remark(config: SourceConfig, locator: str, text: str) -> Remark:
    """Return a remark on a source for whoever keeps it."""
    return Remark(config.name, locator, text)


def refuse(config: SourceConfig, locator: str, problem: str, raw: str = "") -> Rejection:
    """Return the rejection of a row for one problem, with its raw text if any."""
    return Rejection(config.name, locator, (problem,), {RAW: raw[:_LONGEST_RAW]} if raw else {})

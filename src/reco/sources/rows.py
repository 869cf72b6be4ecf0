"""Rows of a source under its own column names, before they are mapped to our fields, and their readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from reco.catalogue.resource import Rejection, Remark
from reco.sources.config import Kind, SourceConfig

RAW = "raw"
"""The key of the raw text in the rejection of a row that could not be cut into columns."""

_LONGEST_RAW = 100_000
"""Characters of that text that are kept: enough to find the row again."""


@dataclass(frozen=True)
class Row:
    """A row as its file holds it: the file's column names, values of any type, nested or not."""

    locator: str
    cells: Mapping[str, object]


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


def remark(config: SourceConfig, locator: str, text: str) -> Remark:
    """Return a remark on a source for whoever keeps it."""
    return Remark(config.name, locator, text)


def refuse(config: SourceConfig, locator: str, problem: str, raw: str = "") -> Rejection:
    """Return the rejection of a row for one problem, with its raw text if any."""
    return Rejection(config.name, locator, (problem,), {RAW: raw[:_LONGEST_RAW]} if raw else {})

"""Rows of a source under its own column names, before they are mapped to our fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reco.catalogue.resource import Rejection
from reco.sources.config import SourceConfig

RAW = "raw"
"""The key of the raw text in the rejection of a row that could not be cut into columns."""

_LONGEST_RAW = 100_000
"""Characters of that text that are kept: enough to find the row again."""


@dataclass(frozen=True)
class Row:
    """A row as its file holds it: the file's column names, values of any type, nested or not."""

    locator: str
    cells: Mapping[str, object]


class SourceReader(Protocol):
    """A function that reads the rows of one kind of source."""

    def __call__(self, config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
        """Yield rows in order. Raises `SourceError` when the source itself is broken."""


def refuse(config: SourceConfig, locator: str, problem: str, raw: str = "") -> Rejection:
    """Return the rejection of a row for one problem, with its raw text if any."""
    return Rejection(config.name, locator, (problem,), {RAW: raw[:_LONGEST_RAW]} if raw else {})

"""What a reader yields: rows with their own column names, before they are mapped to our fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reco.catalogue.resource import Rejection
from reco.sources.config import SourceConfig

RAW = "raw"
"""The key under which a rejection keeps a row that could not even be cut into columns."""

_LONGEST_RAW = 100_000
"""Characters of such a row that are kept: enough to find it again."""


@dataclass(frozen=True)
class Row:
    """A row as its file holds it: their column names, values of any type, nested or not."""

    locator: str
    cells: Mapping[str, object]


class SourceReader(Protocol):
    """Reads every row of one kind of source."""

    def __call__(self, config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
        """Yield rows in their order. Raises `SourceError` when the source itself is broken."""


def refuse(config: SourceConfig, locator: str, problem: str, raw: str = "") -> Rejection:
    """Return the rejection of a row for one problem, with the row itself when there is one."""
    return Rejection(config.name, locator, (problem,), {RAW: raw[:_LONGEST_RAW]} if raw else {})

"""The reader of each kind of source. Readers are imported at first use: some libraries load slowly."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from reco.sources.config import Kind
from reco.sources.rows import SourceReader

_MODULES: Mapping[Kind, str] = {
    "csv": "csv_file",
    "jsonl": "json_lines",
    "json": "json_file",
    "page": "page_file",
    "xlsx": "xlsx_file",
    "parquet": "parquet_file",
    "folder": "folder",
    "rss": "feed",
    "oai": "oai",
    "wordpress": "wordpress",
    "api": "api",
}


def reader(kind: Kind) -> SourceReader:
    """Return the reader of a kind of source."""
    return cast(SourceReader, import_module(f"reco.sources.{_MODULES[kind]}").rows)

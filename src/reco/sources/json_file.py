"""JSON documents that hold a list of records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from reco.catalogue.resource import Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.content import whole
from reco.sources.mapping import named
from reco.sources.rows import Row, refuse
from reco.text.decoding import decoded


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the items of the list at `records`, or of the document itself."""
    yield from items(config, parsed(config, whole(config, cache), config.place), config.place)


def parsed(config: SourceConfig, data: bytes, place: str) -> object:
    """Return the document in `data`. Raises `SourceError` when it is not JSON."""
    try:
        document: object = json.loads(decoded(data))
    except (ValueError, RecursionError) as error:
        start = decoded(data[:40])
        raise SourceError(
            f"source {config.name}: {place} is not JSON: {error} (it starts with {start!r})",
            "Check that the file is whole and that `kind` of this source is right.",
        ) from error
    return document


def at(document: object, path: str) -> object:
    """Return the value at a dotted path of a document, or None: `at({"a": {"b": 1}}, "a.b")` is 1."""
    for key in path.split(".") if path else ():
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def listed(config: SourceConfig, document: object, place: str) -> list[object]:
    """Return the list at `records` of a document. Raises `SourceError` when there is none."""
    records = at(document, config.records)
    if isinstance(records, list):
        return records
    within = document if isinstance(document, Mapping) else {}
    lists = named(key for key, value in within.items() if isinstance(value, list))
    raise SourceError(
        f"source {config.name}: {place} holds no list at {config.records or 'its top'!r}",
        f"Set `records` to the path of the list; lists at the top of this document: {lists}.",
    )


def items(config: SourceConfig, document: object, place: str) -> Iterator[Row | Rejection]:
    """Yield each record `listed` in a document. Its locator ends with its rank, from 1."""
    for rank, item in enumerate(listed(config, document, place), 1):
        locator = f"{place}#{rank}"
        if isinstance(item, dict):
            yield Row(locator, item)
        else:
            problem = f"not an object but a {type(item).__name__}"
            yield refuse(config, locator, problem, _as_json(item))


def _as_json(item: object) -> str:
    try:
        return json.dumps(item, ensure_ascii=False)
    except RecursionError:  # shallow enough to parse, too deep to write
        return ""

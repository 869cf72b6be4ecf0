"""JSON documents that hold a list of records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from reco.catalogue.resource import Rejection, Remark
from reco.errors import NoCatalogue, SourceError
from reco.sources.casualties import casualties
from reco.sources.config import SourceConfig
from reco.sources.content import contents, is_html, shown_place
from reco.sources.json_text import Left, Read, read
from reco.sources.kinds import refuse_other
from reco.sources.mapping import field_names, named
from reco.sources.rows import Row, refuse, remark


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield the items of the list at `records`, or of the document itself."""
    got = contents(config, cache)
    place = shown_place(config)
    if not is_html(got.data):
        refuse_other(config, BytesIO(got.data))
    yield from page_of(config, got.data, place, got.content_type).items()


@dataclass(frozen=True)
class Page:
    """A document of records: all of a source, or one page of it."""

    config: SourceConfig
    place: str
    found: Read
    records: list[object]

    def items(self) -> Iterator[Row | Rejection | Remark]:
        """Yield each record, its locator ending with its rank from 1; then what is left out or mended."""
        lost: dict[str, str] = {}
        flaws = sum(not isinstance(item, dict) for item in self.records)
        for rank, item in enumerate(self.records, 1):
            locator = f"{self.place}#{rank}"
            if isinstance(item, dict):
                yield Row(locator, item)
            elif isinstance(item, Left):
                lost[locator] = f"not JSON: {item.why}"
            elif self.config.kind == "json" and flaws > 1:
                yield refuse(self.config, locator, _no_object(item), _as_json(item))
            else:
                lost[locator] = f"{_no_object(item)}: {_as_json(item)[:80]}"
        yield from casualties(self.config, lost, len(self.records))
        for said in self.found.mended:
            yield remark(self.config, self.place, f"mended: {said}")


def page_of(config: SourceConfig, data: bytes, place: str, content_type: str = "") -> Page:
    """Return the records of a document. Raises `SourceError` when it is not JSON or lists none."""
    if is_html(data):
        raise SourceError(
            f"source {config.name}: {place} is not JSON: it is a web page ({_start(data)})",
            "Open the address in a browser: it must answer JSON, and need no login.",
        )
    try:
        found = read(data, content_type, config.records)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"source {config.name}: {place} is not JSON: {error} (it starts with {_start(data)})",
            "Check that the file is whole and that `kind` of this source is right.",
        ) from error
    return Page(config, place, found, listed(config, found.document, place))


def at(document: object, path: str) -> object:
    """Return the value at a dotted path of a document, or None: `at({"a": {"b": 1}}, "a.b")` is 1."""
    return _found(document, path)[1]


def _found(document: object, path: str) -> tuple[bool, object]:
    """Return whether a dotted path exists in a document, and its value."""
    for key in path.split(".") if path else ():
        if not isinstance(document, Mapping) or key not in document:
            return False, None
        document = document[key]
    return True, document


def listed(config: SourceConfig, document: object, place: str) -> list[object]:
    """Return the records at `records` of a document, written as a list, by id, or alone.

    Raises `SourceError` when there are none. `null` in place of a list is an empty one.
    """
    exists, records = _found(document, config.records)
    if isinstance(records, list):
        return records
    if exists and config.records and (records is None or records in ({}, "", False)):
        return []
    if isinstance(records, Mapping) and (taken := _taken(config, records)) is not None:
        return taken
    within = document if isinstance(document, Mapping) else {}
    lists = named(key for key, value in within.items() if isinstance(value, list))
    fault = NoCatalogue if lists == "none" and not config.records else SourceError
    raise fault(
        f"source {config.name}: {place} holds no list at {config.records or 'its top'!r}",
        f"Set `records` to the path of the list; lists at the top of this document: {lists}.",
    )


def _taken(config: SourceConfig, records: Mapping[str, object]) -> list[object] | None:
    """Return the records of a mapping: those that it holds by id, or itself if it is one, or None."""
    if field_names(config)["title"].split(".")[0] in records:
        return [records]
    known = [value for value in records.values() if isinstance(value, Mapping)]
    if len(known) * 2 <= len(records) or not known:
        return None
    shared = set(known[0]).intersection(*known[1:])
    if not shared or (not config.records and len(known) < 2):
        return None
    return [{"id": key, **value} if isinstance(value, Mapping) else value for key, value in records.items()]


def _start(data: bytes) -> str:
    return repr(data[:40].decode("utf-8", "replace"))


def _no_object(item: object) -> str:
    return f"not an object but a {type(item).__name__}"


def _as_json(item: object) -> str:
    try:
        return json.dumps(item, ensure_ascii=False)
    except RecursionError:  # shallow enough to parse, too deep to write
        return ""

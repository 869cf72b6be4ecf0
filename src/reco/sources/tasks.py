"""What is done with a source in the child process. Each task yields what it reads, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import cast

from reco.catalogue.resource import Remark
from reco.errors import RecoError
from reco.sources.child.wire import Answer, Item, Request
from reco.sources.config import SourceConfig
from reco.sources.content import unreadable
from reco.sources.mapping import Mapper, unmapped
from reco.sources.rows import Row, columns, reader

logger = logging.getLogger(__name__)


def prepare(request: Request) -> None:
    """Import what a task needs, before the files that may be written are limited: an import writes some."""
    kind = request.config.get("kind")
    if isinstance(kind, str):
        reader(kind)  # type: ignore[arg-type]


def run(request: Request) -> Iterator[Item]:
    """Do what is asked, and yield what it gives. Raises `RecoError`."""
    config = SourceConfig.model_validate(request.config)
    cache = Path(request.cache) if request.cache is not None else None
    with _as_source_errors(config):
        yield from _TASKS[request.task](config, cache, request.arguments)


Task = Callable[[SourceConfig, Path | None, Mapping[str, object]], Iterator[Item]]


def _records(config: SourceConfig, cache: Path | None, _: Mapping[str, object]) -> Iterator[Item]:
    """Yield every row, mapped to our fields."""
    mapped = Mapper(config).record
    for item in reader(config.kind)(config, cache):
        yield mapped(item) if isinstance(item, Row) else item


def _first(config: SourceConfig, cache: Path | None, given: Mapping[str, object]) -> Iterator[Item]:
    """Yield the first rows, mapped, then the columns that no field uses."""
    mapper, seen = Mapper(config), dict[str, None]()
    left = cast(int, given["limit"])
    for item in reader(config.kind)(config, cache):
        if isinstance(item, Row):
            seen.update(dict.fromkeys(item.cells))
        yield mapper.record(item) if isinstance(item, Row) else item
        left -= not isinstance(item, Remark)
        if not left:
            break
    yield Answer(unmapped(config, seen))


def _rows(config: SourceConfig, cache: Path | None, _: Mapping[str, object]) -> Iterator[Item]:
    """Yield every row under its own column names."""
    return iter(reader(config.kind)(config, cache))


def _changes(config: SourceConfig, cache: Path | None, given: Mapping[str, object]) -> Iterator[Item]:
    """Yield the records of an OAI-PMH repository that are not deleted, then what is told of others.

    The answer has all identifiers, in the order of the records.
    """
    from reco.sources import oai

    since = str(given["since"])
    try:
        listed, whole = oai.changes(config, cache, since), not since
    except oai.NotSelective as error:
        logger.warning("source %s is read whole: %s", config.name, error)
        listed, whole = oai.changes(config, cache), True
    mapper = Mapper(config)
    for row in listed.rows.values():
        if row is not None:
            yield mapper.record(row)
    yield from listed.told
    keys = [[key, row is not None] for key, row in listed.rows.items()]
    yield Answer({"since": listed.since, "whole": whole, "keys": keys})


def _nothing(config: SourceConfig, _: Path | None, __: Mapping[str, object]) -> Iterator[Item]:
    """Show that a child starts, and that its reader can be imported."""
    yield Answer(config.kind)


def _columns(config: SourceConfig, _: Path | None, given: Mapping[str, object]) -> Iterator[Item]:
    """Give the columns of a table."""
    yield Answer(asdict(columns(config, cast("list[str]", given["names"]))))


def _lines(config: SourceConfig, cache: Path | None, _: Mapping[str, object]) -> Iterator[Item]:
    """Yield the lines of a text, each as a row with one cell "line"."""
    from reco.sources.content import opened
    from reco.sources.csv_text import decoded

    with opened(config, cache) as stream:
        for number, line in enumerate(decoded(config, stream), 1):
            yield Row(str(number), {"line": line})


def _discovered(config: SourceConfig, cache: Path | None, given: Mapping[str, object]) -> Iterator[Item]:
    """Find the source at an address: its first rows, then its settings."""
    found = import_module("reco.sources.discovery.discover").found  # it asks for this task
    return cast("Iterator[Item]", found(config, cache, given))


_TASKS: Mapping[str, Task] = {
    "records": _records,
    "first": _first,
    "rows": _rows,
    "changes": _changes,
    "columns": _columns,
    "nothing": _nothing,
    "lines": _lines,
    "discover": _discovered,
}


@contextmanager
def _as_source_errors(config: SourceConfig) -> Iterator[None]:
    """Turn any failure of a reader into a `SourceError`, so that other sources are read."""
    try:
        yield
    except (RecoError, MemoryError):
        raise
    except Exception as error:
        logger.exception("the reader of source %s failed", config.name)
        raise unreadable(config, error) from error

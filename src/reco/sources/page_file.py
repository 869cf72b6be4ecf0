"""Pasted web pages, kept as text files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reco.catalogue.resource import Rejection
from reco.catalogue.taxonomy import THEMES, TYPES
from reco.errors import SourceError
from reco.sources import page
from reco.sources.config import SourceConfig
from reco.sources.content import unreadable, whole
from reco.sources.rows import Row, refuse

_START = 1_000
"""Bytes searched for NUL, which no text file holds."""


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the resources of a page. Lines that are not a valid resource are a rejection.

    Raises `SourceError` when the page holds no resource.
    """
    parsed = page.parse(
        _text(config, whole(config, cache)),
        config.themes or THEMES,
        config.types or tuple(TYPES.values()),
    )
    if not any(isinstance(item, page.PageRecord) for item in parsed):
        raise SourceError(
            f"source {config.name}: no resource found in {config.place}",
            'Check that `themes` and `types` list the labels of the lines "publisher theme / type".',
        )
    for item in parsed:
        locator = f"{config.place}:{item.line}"
        if isinstance(item, page.PageReject):
            yield refuse(config, locator, item.problem, item.raw)
        else:
            yield Row(locator, _cells(item))


def _cells(record: page.PageRecord) -> dict[str, object]:
    return {
        "title": record.title,
        "authors": list(record.authors),
        "publisher": list(record.publishers),
        "theme": record.theme,
        "type": record.type,
        "summary": record.summary,
        "evidence": _evidence(record),
    }


def _evidence(record: page.PageRecord) -> str:
    """Return the confidence of each field, and the other spellings of names on the page."""
    sure = ", ".join(f"{name} {value:.0%}" for name, value in record.confidence.items())
    others = [f"{name}: also written {', '.join(seen)}" for name, seen in record.variants.items()]
    return "; ".join([f"read from a page, sure of: {sure}", *others])


def _text(config: SourceConfig, data: bytes) -> str:
    encoding = config.encoding or ("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "")
    if not encoding and b"\0" in data[:_START]:
        raise unreadable(config, "it holds NUL bytes: it is not text, or it is UTF-16 text")
    try:
        return data.decode(encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        if encoding:
            raise unreadable(config, error) from error
        return data.decode("cp1252", "replace")

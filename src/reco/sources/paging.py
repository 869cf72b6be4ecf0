"""When the pages of an API end: what servers answer past the last page, and what they repeat."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reco.catalogue.resource import Rejection, Remark
from reco.sources.config import SourceConfig
from reco.sources.json_file import Page, at
from reco.sources.mapping import field_names
from reco.sources.remote import Fetched
from reco.sources.rows import Row, remark
from reco.text.clean import digest

REFUSALS = frozenset((400, 404, 410, 416, 422))
"""Answers of servers that are asked for a page past the last one. Others are failures."""

_NOTHING = frozenset((b"", b"null", b"[]", b"{}", b'""', b"false"))

_TOTALS = frozenset(
    "count total totalcount nhits numfound totalresults totalelements totalitems recordcount totalrecords "
    "resultcount @odata.count hydra:totalitems".split()
)
_AROUND = ("meta", "pagination", "paging", "page", "response", "result", "info", "links")
_LEEWAY = 0.1
"""Share of the announced records that may be missing when a server refuses a page: counts are often wrong."""


def is_nothing(fetched: Fetched) -> bool:
    """Return whether an answer holds nothing: past the last page, many servers answer so."""
    return fetched.body.strip() in _NOTHING


class Progress:
    """The pages read so far: how many records, which ones, and how many the server announces."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._known = set[str]()
        self._longest = 0
        self._last = 0
        self.pages = 0
        self.total: int | None = None
        self.repeats = False
        """Whether the last page held nothing new."""

    def rows(self, page: Page) -> Iterator[Row | Rejection | Remark]:
        """Yield the rows of the next page. A record of an earlier page, which slid, is kept once."""
        marks = {
            rank: self._mark(item) for rank, item in enumerate(page.records, 1) if isinstance(item, dict)
        }
        old = {rank for rank, mark in marks.items() if mark in self._known}
        self.repeats = bool(page.records) and len(old) == len(page.records)
        self.total = _total(page.found.document) if self.total is None else self.total
        self._longest, self._last = max(self._longest, len(page.records)), len(page.records)
        self.pages += 1
        self._known |= set(marks.values())
        if self.repeats:
            return
        for row in page.items():
            if isinstance(row, Row) and int(row.locator.rpartition("#")[2]) in old:
                yield remark(self._config, row.locator, "left out: an earlier page has this record")
            else:
                yield row

    def _mark(self, item: Mapping[str, object]) -> str:
        """Return what tells a record from others: its id and its title, for it may count its readers."""
        names = field_names(self._config)
        own = [at(item, names[name]) for name in ("id", "title")]
        return digest(
            json.dumps(
                item if any(value in (None, "") for value in own) else own, sort_keys=True, default=str
            )
        )

    @property
    def count(self) -> int:
        """The number of distinct records."""
        return len(self._known)

    @property
    def is_complete(self) -> bool:
        """Whether the server's own count says that no record is left."""
        return self.total is not None and self.count >= self.total

    @property
    def may_end(self) -> bool:
        """Whether a refused page may be one past the last, and not one in the middle."""
        if not self.pages:
            return False
        if self.total is None or self.is_complete or self._last < self._longest:
            return True
        return self.total - self.count <= self.total * _LEEWAY

    def said(self, place: str) -> Iterator[Remark]:
        """Yield a remark if the server announced another number of records than it gave."""
        if self.total is not None and self.total > self.count:
            text = f"the server announces {self.total:,} records, and gives {self.count:,}"
            yield remark(self._config, place, text)


def _total(document: object) -> int | None:
    """Return the number of records that a document announces, or None."""
    if not isinstance(document, Mapping):
        return None
    around = [document, *(value for key in _AROUND if isinstance(value := document.get(key), Mapping))]
    for part in around:
        for key, value in part.items():
            if key.lower().replace("_", "").replace("-", "") in _TOTALS and type(value) is int and value >= 0:
                return value
    return None

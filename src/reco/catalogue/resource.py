"""A record as its source gives it, and the resource or rejection that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from reco.catalogue.places.gazetteer import Locality
from reco.text.clean import digest
from reco.text.passages import Span, without

FIELDS = (
    "id",
    "title",
    "authors",
    "publisher",
    "year",
    "type",
    "theme",
    "url",
    "place",
    "place_code",
    "audience",
    "scale",
    "summary",
    "language",
    "evidence",
)
"""Every field that a source can fill. Ranking reads only `id`, `title` and `summary`."""


@dataclass(frozen=True)
class Record:
    """A row of a source: strings only, with its origin.

    `locator` helps a person find the row again: a file and line, or an address and rank.
    """

    source: str
    locator: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Resource:
    """A resource to recommend. An empty string means "unknown"; themes keep their source's order.

    >>> Resource("haies", "Planter des haies", "essai", themes=("Eau", "Biodiversité")).theme
    'Eau; Biodiversité'
    """

    id: str
    title: str
    source: str
    authors: str = ""
    publisher: str = ""
    year: int | None = None
    type: str = ""
    themes: tuple[str, ...] = ()
    url: str = ""
    place: str = ""
    place_code: str = ""
    audience: str = ""
    scale: str = ""
    summary: str = ""
    language: str = ""
    evidence: str = ""
    notes: tuple[str, ...] = ()
    """Remarks on values of the row that were left out, such as an unusable link."""
    set_aside: tuple[Span, ...] = field(default=(), compare=False)
    """Derived: the spans of the summary that are not embedded, because they say nothing of this resource."""
    _hash = ""
    localities: tuple[Locality, ...] = field(default=(), compare=False)
    """Derived: the communes, EPCI, départements and régions that `place` and `place_code` name."""

    @property
    def read_summary(self) -> str:
        """The summary with spaces in place of the spans set aside, so that positions stay valid."""
        return without(self.summary, self.set_aside)

    @property
    def content_hash(self) -> str:
        """Digest of the embedded text: the title and `read_summary`."""
        if not self._hash:
            # `cached_property` would add a dictionary to each resource, which doubles its size.
            object.__setattr__(self, "_hash", digest(self.title, self.read_summary))
        return self._hash

    @property
    def link(self) -> str:
        """The address if it is http or https with a host, so that a browser may open it; else ""."""
        try:
            parts = urlsplit(self.url)
            host = parts.hostname
        except ValueError:
            return ""
        return self.url if parts.scheme in ("http", "https") and host else ""

    @property
    def theme(self) -> str:
        """The themes joined by "; ", as sources write them."""
        return "; ".join(self.themes)


@dataclass(frozen=True)
class Rejection:
    """A row that is refused, with every reason and its values, so that nothing is lost."""

    source: str
    locator: str
    problems: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Remark:
    """What a reader mended, or left out, of a source that it read to its end. No row is lost by it."""

    source: str
    locator: str
    text: str


class Double(Rejection):
    """A row that is refused only because another row has its id."""

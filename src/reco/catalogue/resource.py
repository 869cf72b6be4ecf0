"""What is recommended: a record as its source gave it, and the resource or rejection it becomes."""

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
"""Every field a source can fill. `id`, `title` and `summary` are the only ones that ranking reads."""


@dataclass(frozen=True)
class Record:
    """A row as its source gave it: strings only, with where it came from.

    `locator` is what a person needs to find the row again: a file and line, or an address and rank.
    """

    source: str
    locator: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Resource:
    """A valid thing to recommend. Empty strings mean "not said"; themes keep their source's order.

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
    """What was set aside from the source's row, in words: a link that leads nowhere, for instance."""
    set_aside: tuple[Span, ...] = field(default=(), compare=False)
    """Derived: what of the summary is not read, because it says nothing of this resource."""
    _hash = ""
    localities: tuple[Locality, ...] = field(default=(), compare=False)
    """Derived: the communes, EPCI, départements or régions that `place` and `place_code` name."""

    @property
    def read_summary(self) -> str:
        """The summary as it is read: spaces stand where something was set aside, so positions stay."""
        return without(self.summary, self.set_aside)

    @property
    def content_hash(self) -> str:
        """Digest of exactly the text that is embedded: title and what is read of the summary."""
        if not self._hash:
            # `cached_property` would give each resource a dictionary of its own, twice its size.
            object.__setattr__(self, "_hash", digest(self.title, self.read_summary))
        return self._hash

    @property
    def link(self) -> str:
        """The address, when a browser may follow it: the web's, with a host. Else an empty string."""
        try:
            parts = urlsplit(self.url)
            host = parts.hostname
        except ValueError:
            return ""
        return self.url if parts.scheme in ("http", "https") and host else ""

    @property
    def theme(self) -> str:
        """The themes as one text, as sources write them."""
        return "; ".join(self.themes)


@dataclass(frozen=True)
class Rejection:
    """A record that cannot be recommended, with every reason and the row itself, so nothing is lost."""

    source: str
    locator: str
    problems: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)

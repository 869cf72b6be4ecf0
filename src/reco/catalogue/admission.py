"""The one door: a record becomes a resource, or a rejection with all its problems."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from urllib.parse import urlsplit

from reco.catalogue.resource import Record, Rejection, Resource
from reco.catalogue.taxonomy import canonical
from reco.text.clean import clean, digest, fold, strip_markup
from reco.version import __version__

LONGEST_ID = 200
LONGEST_TITLE = 1_000
LONGEST_SUMMARY = 100_000
LONGEST_FIELD = 5_000
LONGEST_KEPT = 1_000_000
"""Characters of a refused value that are kept: more than could be read, less than fills the memory."""
FIRST_YEAR, LAST_YEAR = 1400, 2100
RECIPE = "admission/2"
"""Names how a row is read: whoever changes it, or how texts are cleaned, changes this."""

_YEAR = re.compile(r"(?<!\d)(1[4-9]\d\d|20\d\d|2100)(?!\d)")
_LINK = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[/?#]\S*)?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Rules:
    """What a source may say. A closed list rejects other values; empty values are refused there too."""

    themes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    closed: bool = False

    @cached_property
    def stamp(self) -> bytes:
        """What decides, beside a row, what it becomes."""
        return repr((RECIPE, __version__, unicodedata.unidata_version, self)).encode()


class KnownRows:
    """What rows became the night before, and tonight: an unchanged row is read only once.

    `resources` are those of the night before, and `origins`, by id, the digest of the row that gave each.
    Afterwards `origins` has those of tonight, and a resource equal to the one of its id is that very one:
    a large catalogue of which little changed is in memory once.
    """

    def __init__(
        self, resources: Mapping[str, Resource] | None = None, origins: Mapping[str, bytes] | None = None
    ) -> None:
        self._resources = resources or {}
        self._before = origins or {}
        self._became = {origin: self._resources[i] for i, origin in self._before.items()}
        self.origins: dict[str, bytes] = {}

    def recall(self, origin: bytes) -> Resource | None:
        """Return what a row became, if it was there the night before."""
        return self._became.get(origin)

    def accept(self, resource: Resource, origin: bytes) -> Resource:
        """Remember what a row became; returns the resource of the night before if it is the same."""
        self.origins[resource.id] = origin
        before = self._resources.get(resource.id)
        return before if before is not None and (before is resource or before == resource) else resource

    def keep(self, resource: Resource) -> None:
        """Remember a resource of the night before, whose row was not read."""
        self.origins.pop(resource.id, None)
        if resource.id in self._before:
            self.origins[resource.id] = self._before[resource.id]


def _origin(record: Record, rules: Rules) -> bytes:
    """Return a digest of all that decides what a row becomes."""
    state = blake2b(rules.stamp, digest_size=16)
    row = "".join([f"{name} {len(value)} {value}" for name, value in record.values.items()])
    state.update(f"{record.source}\n{row}".encode("utf-8", "surrogatepass"))
    return state.digest()


@dataclass
class _FieldReader:
    """Collects every problem of one record before anything is decided."""

    values: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self, name: str, longest: int = LONGEST_FIELD, keep_lines: bool = False) -> str:
        if not (raw := self.values.get(name)):
            return ""
        if len(raw) > max(longest * 20, 100_000):
            self.problems.append(f"{name} has {len(raw):,} characters; at most {longest:,} are read")
            return ""
        value = clean(strip_markup(raw))
        if not keep_lines:
            value = " ".join(value.split())
        if len(value) > longest:
            self.problems.append(f"{name} has {len(value):,} characters; at most {longest:,} are read")
            return ""
        return value


def admit(record: Record, rules: Rules) -> Resource | Rejection:
    """Return the resource that `record` describes, or its rejection with every reason."""
    reading = _FieldReader(record.values)
    title = reading.text("title", LONGEST_TITLE)
    summary = reading.text("summary", LONGEST_SUMMARY, keep_lines=True)
    if not _READABLE.search(title) and not any("title" in p for p in reading.problems):
        reading.problems.append("the title is missing")
    resource = Resource(
        id=_identifier(reading, title),
        title=title,
        source=record.source,
        authors=reading.text("authors"),
        publisher=reading.text("publisher"),
        year=_year(reading),
        type=_type(reading, rules),
        themes=_themes(reading, rules),
        url=_url(reading),
        place=reading.text("place"),
        place_code=reading.text("place_code"),
        audience=reading.text("audience"),
        scale=reading.text("scale"),
        summary=summary,
        language=reading.text("language").casefold()[:20],
        evidence=reading.text("evidence"),
        notes=tuple(reading.notes),
    )
    if reading.problems:
        return _refused(record, tuple(reading.problems))
    return resource


def _refused(row: Record | Rejection, problems: tuple[str, ...]) -> Rejection:
    values = {name: value[:LONGEST_KEPT] for name, value in row.values.items()}
    return Rejection(row.source, row.locator, problems, values)


def admit_all(
    rows: Iterable[Record | Rejection],
    rules: Rules,
    taken: Mapping[str, str] | None = None,
    seen: KnownRows | None = None,
) -> tuple[list[Resource], list[Rejection]]:
    """Admit the rows of one source; an id used before, here or in `taken` (id -> source), is refused.

    `seen` remembers the rows of the night before.
    """
    memory = seen if seen is not None else KnownRows()
    resources: list[Resource] = []
    rejections: list[Rejection] = []
    used = {identifier: f"in source {source}" for identifier, source in (taken or {}).items()}
    for row in rows:
        origin = _origin(row, rules) if isinstance(row, Record) else b""
        admitted = (memory.recall(origin) or admit(row, rules)) if isinstance(row, Record) else row
        identifier = admitted.values.get("id", "") if isinstance(admitted, Rejection) else admitted.id
        twice = (f"the id {identifier!r} is already used {used[identifier]}",) if identifier in used else ()
        if isinstance(admitted, Rejection):
            rejections.append(replace(admitted, problems=admitted.problems + twice))
        elif twice:
            rejections.append(_refused(row, twice))
        else:
            used[admitted.id] = f"at {row.locator}"
            resources.append(memory.accept(admitted, origin))
    return resources, rejections


def _identifier(reading: _FieldReader, title: str) -> str:
    if "id" not in reading.values:
        publisher = reading.values.get("publisher", "") + reading.values.get("authors", "")
        slug = re.sub(r"[^a-z0-9]+", "-", fold(title)).strip("-")[:60]
        return f"{slug}-{digest(title, publisher)[:8]}" if slug else digest(title, publisher)[:16]
    identifier = reading.text("id", LONGEST_ID)
    if not identifier and not any(p.startswith("id ") for p in reading.problems):
        reading.problems.append("the id is empty")
    return identifier


def _year(reading: _FieldReader) -> int | None:
    value = reading.text("year", 60)
    if not value:
        return None
    found = _YEAR.search(value)
    if found is None:
        reading.problems.append(f"the year {value[:40]!r} is not between {FIRST_YEAR} and {LAST_YEAR}")
        return None
    return int(found.group())


def _type(reading: _FieldReader, rules: Rules) -> str:
    value = reading.text("type")
    return _listed(reading, "type", value, rules.types, rules.closed)


def _themes(reading: _FieldReader, rules: Rules) -> tuple[str, ...]:
    values = [part.strip() for part in reading.text("theme").split(";") if part.strip()]
    if not values and rules.closed and rules.themes:
        reading.problems.append("the theme is missing")
    listed = [_listed(reading, "theme", value, rules.themes, rules.closed) for value in values]
    return tuple(dict.fromkeys(label for label in listed if label))


def _listed(reading: _FieldReader, name: str, value: str, known: Sequence[str], closed: bool) -> str:
    if not known:
        return value
    label = canonical(value, known)
    if label is None and closed:
        reading.problems.append(f"the {name} {value!r} is not in this source's list")
    return label or value


def _url(reading: _FieldReader) -> str:
    value = reading.text("url")
    if not value:
        return ""
    inside = _LINK.search(value)
    if inside is not None:
        found = inside.group()
    elif _DOMAIN.fullmatch(value):
        found = f"https://{value}"
    elif _SCHEME.match(value):
        reading.problems.append(f"the address {value[:80]!r} is neither http nor https")
        return ""
    else:
        reading.notes.append(f"url set aside, it leads nowhere by itself: {value[:200]}")
        return ""
    try:
        host = urlsplit(found).hostname
    except ValueError:
        host = None
    if not host:
        reading.notes.append(f"url set aside, it cannot be read: {value[:200]}")
        return ""
    return found

"""Admission: a record becomes a resource, or a rejection with all its problems."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b

from reco.catalogue import addresses, languages, years
from reco.catalogue.places.codes import written
from reco.catalogue.resource import Double, Record, Rejection, Resource
from reco.catalogue.taxonomy import canonical
from reco.text.clean import clean, digest, fold, strip_markup
from reco.version import __version__

LONGEST_ID = 200
LONGEST_TITLE = 1_000
LONGEST_SUMMARY = 100_000
LONGEST_FIELD = 5_000
LONGEST_KEPT = 1_000_000
"""Characters kept of a refused value: more than any field may hold, and little enough for memory."""
RECIPE = "admission/3"
"""Version of the admission code. Raise it when admission or the cleaning of texts changes."""

_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Rules:
    """The themes and types of a source. If `closed`, a row with another value, or without one, is refused."""

    themes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    closed: bool = False

    @cached_property
    def stamp(self) -> bytes:
        """Everything but the row itself that decides its admission."""
        return repr((RECIPE, __version__, unicodedata.unidata_version, self)).encode()


class KnownRows:
    """A cache of the admitted rows of one source: an unchanged row is not admitted again.

    `resources` (by the source's own id) come from the previous refresh, and `origins` (by id) hold the digest
    of the row behind each. The attribute `origins` then collects the digests of this refresh. A resource that
    did not change stays the same object, so a large catalogue with few changes is in memory once.
    """

    def __init__(
        self, resources: Mapping[str, Resource] | None = None, origins: Mapping[str, bytes] | None = None
    ) -> None:
        self._resources = resources or {}
        self._before = origins or {}
        self._became = {origin: self._resources[i] for i, origin in self._before.items()}
        self.origins: dict[str, bytes] = {}

    def recall(self, origin: bytes) -> Resource | None:
        """Return the resource of the row with this digest, or None if the previous refresh lacked the row."""
        return self._became.get(origin)

    def accept(self, resource: Resource, origin: bytes) -> Resource:
        """Record an admitted resource; return the previous refresh's object if it is equal."""
        self.origins[resource.id] = origin
        before = self._resources.get(resource.id)
        return before if before is not None and (before is resource or before == resource) else resource

    def keep(self, resource: Resource) -> None:
        """Record a resource of the previous refresh whose row was not read this time."""
        self.origins.pop(resource.id, None)
        if resource.id in self._before:
            self.origins[resource.id] = self._before[resource.id]


def _origin(record: Record, rules: Rules) -> bytes:
    """Return a digest of the row and of the rules that decide its admission."""
    state = blake2b(rules.stamp, digest_size=16)
    row = "".join([f"{name} {len(value)} {value}" for name, value in record.values.items()])
    state.update(f"{record.source}\n{row}".encode("utf-8", "surrogatepass"))
    return state.digest()


@dataclass
class _FieldReader:
    """Reader of one record's fields; it collects every problem and note."""

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
    """Return the resource of `record`, or its rejection with every reason."""
    reader = _FieldReader(record.values)
    title = reader.text("title", LONGEST_TITLE)
    summary = reader.text("summary", LONGEST_SUMMARY, keep_lines=True)
    if not _READABLE.search(title) and not any("title" in p for p in reader.problems):
        reader.problems.append("the title is missing")
    resource = Resource(
        id=_identifier(reader, title),
        title=title,
        source=record.source,
        authors=reader.text("authors"),
        publisher=reader.text("publisher"),
        year=_year(reader),
        type=_listed(reader, "type", reader.text("type"), rules.types, rules.closed),
        themes=_themes(reader, rules),
        url=_url(reader),
        place=reader.text("place"),
        place_code=written(reader.text("place_code")),
        audience=reader.text("audience"),
        scale=reader.text("scale"),
        summary=summary,
        language=_language(reader),
        evidence=reader.text("evidence"),
        notes=tuple(reader.notes),
    )
    if reader.problems:
        return _rejection(record, tuple(reader.problems))
    return resource


def identifier(row: Record | Rejection) -> str:
    """Return the id that the resource of a row has, or would have if it were admitted."""
    reader = _FieldReader(row.values)
    return _identifier(reader, reader.text("title", LONGEST_TITLE))


def _rejection(row: Record | Rejection, problems: tuple[str, ...]) -> Rejection:
    values = {name: value[:LONGEST_KEPT] for name, value in row.values.items()}
    return Rejection(row.source, row.locator, problems, values)


def admit_all(
    rows: Iterable[Record | Rejection],
    rules: Rules,
    seen: KnownRows | None = None,
) -> tuple[list[Resource], list[Rejection]]:
    """Admit the rows of one source, under their own ids.

    A row is refused if its id occurs earlier in `rows`: an id belongs to its source, and what another source
    has is told apart later. `seen` is the cache of the previous refresh.
    """
    known_rows = seen if seen is not None else KnownRows()
    resources: list[Resource] = []
    rejections: list[Rejection] = []
    used: dict[str, str] = {}
    for row in rows:
        origin = _origin(row, rules) if isinstance(row, Record) else b""
        admitted = (known_rows.recall(origin) or admit(row, rules)) if isinstance(row, Record) else row
        identifier = admitted.values.get("id", "") if isinstance(admitted, Rejection) else admitted.id
        first = used.get(identifier)
        reused = (f"the id {identifier!r} is already used at {first}",) if first is not None else ()
        if isinstance(admitted, Rejection):
            rejections.append(replace(admitted, problems=admitted.problems + reused))
        elif reused:
            rejections.append(Double(**vars(_rejection(row, reused))))
        else:
            used[admitted.id] = row.locator
            resources.append(known_rows.accept(admitted, origin))
    return resources, rejections


def _identifier(reader: _FieldReader, title: str) -> str:
    if "id" not in reader.values:
        publisher = reader.values.get("publisher", "") + reader.values.get("authors", "")
        slug = re.sub(r"[^a-z0-9]+", "-", fold(title)).strip("-")[:60]
        return f"{slug}-{digest(title, publisher)[:8]}" if slug else digest(title, publisher)[:16]
    identifier = reader.text("id", LONGEST_ID)
    if not identifier and not any(p.startswith("id ") for p in reader.problems):
        reader.problems.append("the id is empty")
    return identifier


def _year(reader: _FieldReader) -> int | None:
    year, note = years.read(reader.text("year"))
    reader.notes += [note] if note else []
    return year


def _language(reader: _FieldReader) -> str:
    language, note = languages.read(reader.text("language"))
    reader.notes += [note] if note else []
    return language


def _themes(reader: _FieldReader, rules: Rules) -> tuple[str, ...]:
    values = [part.strip() for part in reader.text("theme").split(";") if part.strip()]
    if not values and rules.closed and rules.themes:
        reader.problems.append("the theme is missing")
    listed = [_listed(reader, "theme", value, rules.themes, rules.closed) for value in values]
    return tuple(dict.fromkeys(label for label in listed if label))


def _listed(reader: _FieldReader, name: str, value: str, known: Sequence[str], closed: bool) -> str:
    if not known:
        return value
    label = canonical(value, known)
    if label is None and closed:
        reader.problems.append(f"the {name} {value!r} is not in this source's list")
    return label or value


def _url(reader: _FieldReader) -> str:
    raw = reader.values.get("url") or ""
    if len(raw) > LONGEST_FIELD:
        reader.problems.append(f"url has {len(raw):,} characters; at most {LONGEST_FIELD:,} are read")
        return ""
    found = addresses.read(raw)
    reader.notes += [found.note] if found.note else []
    reader.problems += [found.problem] if found.problem else []
    return found.url

"""Gathering: the rows of each source under their own ids, then all of them under the ids as served."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reco.catalogue import identifiers
from reco.catalogue.admission import KnownRows, Rules, admit_all, identifier
from reco.catalogue.identifiers import FILE, Before, Ids, tell_apart
from reco.catalogue.resource import Double, Record, Rejection, Remark, Resource
from reco.errors import SourceError
from reco.refresh.readings import Admitted, Reading
from reco.sources.config import SourceConfig
from reco.sources.content import shown_place
from reco.sources.read import log_remark

logger = logging.getLogger(__name__)


@dataclass
class Owned:
    """What the served snapshot has of one source, by the source's own ids.

    `origins` hold the digests of the rows. A resource that is served under another id than its own has none:
    more than its row made it.
    """

    resources: dict[str, Resource] = field(default_factory=dict)
    origins: dict[str, bytes] = field(default_factory=dict)


def owned(served: Iterable[Resource], ids: Ids, origins: Mapping[str, bytes]) -> dict[str, Owned]:
    """Return what a snapshot has of each source. `origins` are by the ids as served."""
    found: dict[str, Owned] = {}
    for resource in served:
        source = found.setdefault(resource.source, Owned())
        own = ids.own(resource.source, resource.id)
        source.resources[own] = resource if own == resource.id else replace(resource, id=own)
        if own == resource.id and own in origins:
            source.origins[own] = origins[own]
    return found


@dataclass
class Part:
    """What one source gives tonight, under its own ids.

    `read` counts the rows that were read, `failure` says why it failed, `served` is what it had before.
    """

    source: SourceConfig
    reading: Reading
    served: Owned
    seen: KnownRows
    resources: list[Resource] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    read: int = 0
    failure: str = ""


class Gathering:
    """The sources of a night, read one after the other.

    `served` is what the served snapshot has of each source; `readable` says whether there is one.
    """

    def __init__(self, served: Mapping[str, Owned], readable: bool, rules: Mapping[str, Rules]) -> None:
        self._served = served
        self._readable = readable
        self._rules = rules

    def read(self, source: SourceConfig, reading: Reading) -> Part:
        """Read what a source shows tonight, and add what it has besides; if it fails, what it had before."""
        served = self._served.get(source.name) or Owned()
        part = Part(source, reading, served, KnownRows(served.resources, served.origins))
        try:
            part.resources, part.rejections = self._admit(part, reading.rows())
            _require_sound(source, part.resources, part.rejections)
            part.read = len(part.resources) + len(part.rejections)
        except SourceError as error:
            _fall_back(part, error)
        self._complete(part)
        return part

    def _complete(self, part: Part) -> None:
        """Add the rows that tonight's reading lacks and that are kept."""
        if part.failure:
            rows = [] if self._readable else part.reading.last()
        else:
            before = tuple(part.served.resources.values())
            rows = part.reading.rest(Admitted(part.resources, part.rejections, before))
        if not rows:
            return
        taken = {resource.id for resource in part.resources}
        rows = [row for row in rows if identifier(row) not in taken]
        logger.info("source %s keeps %d rows that it does not give tonight", part.source.name, len(rows))
        resources, unfit = self._admit(part, rows)
        part.resources += resources
        part.rejections = part.rejections + unfit

    def _admit(
        self, part: Part, rows: Iterable[Record | Rejection]
    ) -> tuple[list[Resource], list[Rejection]]:
        return admit_all(rows, self._rules[part.source.name], part.seen)


def named(parts: Sequence[Part], before: Before) -> tuple[list[Resource], dict[str, bytes], Ids]:
    """Return the resources of all sources under the ids as served, their origins by id, and the ids."""
    ids = tell_apart({p.source.name: {r.id for r in p.resources} for p in parts}, before)
    new = {key: name for key, name in ids.names.items() if name != key[1] and key not in before.ids.names}
    resources: list[Resource] = []
    origins: dict[str, bytes] = {}
    for part in parts:
        for resource in part.resources:
            name = ids.served(resource.source, resource.id)
            if name != resource.id:
                resources.append(replace(resource, id=name))
                continue
            resources.append(resource)
            if name in part.seen.origins:
                origins[name] = part.seen.origins[name]
        _remark(part, {own: name for (source, own), name in new.items() if source == part.source.name})
        part.rejections = [_as_served(row, ids) for row in part.rejections]
    return resources, origins, ids


def _remark(part: Part, apart: Mapping[str, str]) -> None:
    """Tell the ids of a source, by own id, that are served under another from tonight on."""
    if not apart:
        return
    own, name = min(apart.items())
    told = f"{len(apart)} of its ids are used by other sources too: {own!r} is served as {name!r}"
    remark = Remark(part.source.name, FILE, told)
    log_remark(remark)
    part.reading.remarks.append(remark)


def as_served(
    resources: Sequence[Resource], sources: Sequence[str], served: Iterable[Resource], home: Path
) -> list[Resource]:
    """Return some rows of one source under the ids that the next refresh would serve them.

    `sources` are the names of all sources, in the settings' order; `served` is the served catalogue.
    """
    known = identifiers.load(home)
    found = {name: owns.resources for name, owns in owned(served, known, {}).items()}
    shown = {name: set(found.get(name, ())) for name in sources}
    for resource in resources:
        shown.setdefault(resource.source, set()).add(resource.id)
    ids = tell_apart(shown, Before(found, known))
    return [replace(resource, id=ids.served(resource.source, resource.id)) for resource in resources]


def _as_served(row: Rejection, ids: Ids) -> Rejection:
    """Return the rejection of a row whose id another row of the source has, with the id as served."""
    if not isinstance(row, Double):
        return row
    own = identifier(row)
    name = ids.served(row.source, own)
    if name == own:
        return row
    problems = tuple(f"{problem} (served as {name!r})" for problem in row.problems)
    return replace(row, problems=problems)


def _fall_back(part: Part, error: SourceError) -> None:
    rows = list(part.served.resources.values())
    logger.warning("source %s failed and keeps its %d resources: %s", part.source.name, len(rows), error)
    part.failure = f"{str(error).removesuffix('.')}. {error.hint}".strip()
    part.resources = rows
    part.seen = KnownRows(part.served.resources, part.served.origins)
    for resource in rows:
        part.seen.keep(resource)


def _require_sound(source: SourceConfig, admitted: Sequence[Resource], refused: Sequence[Rejection]) -> None:
    total = len(admitted) + len(refused)
    if not total:
        raise SourceError(
            f"{shown_place(source)} has no rows.",
            "An empty source deletes nothing. To drop its rows, remove it from reco.toml.",
        )
    share = len(refused) / total
    if share > source.reject_limit:
        first = f"{refused[0].locator}: {'; '.join(refused[0].problems)}"
        raise SourceError(
            f"{len(refused)} of its {total} rows were rejected ({share:.0%}; "
            f"limit {source.reject_limit:.0%}). "
            f"First rejection: {first.removesuffix('.')}.",
            "Fix the rows (see the quarantine file), or raise `reject_limit` for this source.",
        )

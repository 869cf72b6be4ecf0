"""Finds the source at an address: its kind, its settings, the mapping of its columns, its first rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import ValidationError

from reco.catalogue.resource import FIELDS, Record, Rejection, Remark
from reco.errors import InvalidInput
from reco.sources.child import door
from reco.sources.child.wire import Answer, Item
from reco.sources.config import SourceConfig
from reco.sources.discovery import files, listed, pages, portals
from reco.sources.discovery.columns import Mapped, mapped
from reco.sources.discovery.proposal import Proposal
from reco.sources.discovery.site import Site
from reco.sources.discovery.table import table
from reco.sources.mapping import Mapper, named, unmapped
from reco.sources.read import Inspection, inspection
from reco.sources.remote import Remote, shown
from reco.sources.rows import LINK, Row, columns, reader
from reco.text.clean import clean, fold

Recogniser = Callable[[Site], Proposal | None]

RECOGNISERS: tuple[Recogniser, ...] = (
    portals.ods_dataset,
    portals.hal,
    portals.udata_dataset,
    portals.ckan_dataset,
    files.given,
    pages.oai,
    portals.ods_portal,
    portals.ckan_portal,
    portals.udata_portal,
    pages.wordpress,
    pages.feed,
    pages.sitemap,
)
"""In order: those that read the address, then what it answers, then the usual addresses of its host."""

FIRST_ROWS = 10

_LIMITS: Mapping[str, object] = {"retries": 0, "max_pages": 20, "max_seconds": 120}
"""Limits of the search. A person waits for it, so a busy server is an error at once."""
_LONGEST_NAME, _LONGEST_LABEL = 64, 100
_TABLES = ("csv", "xlsx", "ods")
_SECRET = re.compile(r"(^|//)[^/]*@")
_MARKS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Discovered:
    """A source found at an address: its settings, their commented text, and its first rows as mapped."""

    config: SourceConfig
    toml: str
    first: Inspection


def discover(
    url: str,
    name: str = "",
    chosen: Mapping[str, str] | None = None,
    allow_private: bool = False,
    cache: Path | None = None,
) -> Discovered:
    """Return the source at `url`. `chosen` maps our field to a column, and wins over what is found.

    Raises InvalidInput for an address without a known source, or a source without titles or ids;
    SourceError when a server refuses, or cannot be reached.
    """
    limits = {**_LIMITS, "allow_private": allow_private}
    given = _checked({"name": name or _name(url, ""), "kind": "json", "url": url.strip(), **limits})
    asked = {"url": url, "name": name, "chosen": dict(chosen or {}), "allow_private": allow_private}
    items = list(door.ask("discover", given, cache, asked))
    told = cast("dict[str, Any]", door.answer(items))
    config, seen = _checked(told["config"]), inspection(items)
    first = Inspection(
        tuple(replace(row, source=config.name) for row in seen.records),
        tuple(replace(row, source=config.name) for row in seen.rejections),
        tuple(told["unmapped"]),
    )
    return Discovered(config, told["toml"], first)


def found(given: SourceConfig, cache: Path | None, asked: Mapping[str, Any]) -> Iterator[Item]:
    """Find the source, in the child process. Yield its first rows, then its settings."""
    url, name = asked["url"], asked["name"]
    one = _found(given, url, name, asked["chosen"], asked["allow_private"], cache)
    yield from one.first.records
    yield from one.first.rejections
    settings = one.config.model_dump(mode="json", exclude_unset=True)
    yield Answer({"config": settings, "toml": one.toml, "unmapped": one.first.unmapped})


def _found(
    given: SourceConfig,
    url: str,
    name: str,
    chosen: Mapping[str, str],
    allow_private: bool,
    cache: Path | None,
) -> Discovered:
    with Remote(given, None) as remote:
        site = Site(given.url, remote)
        proposal = next((found for one in RECOGNISERS if (found := one(site))), None)
    if proposal is None:
        raise _unknown(url, site.refusals)
    values = _settings(proposal, name or _name(url, proposal.part), allow_private)
    return _mapped(proposal, values, dict(chosen), cache)


def _mapped(
    proposal: Proposal, values: dict[str, object], chosen: dict[str, str], cache: Path | None
) -> Discovered:
    plain = _checked(values)
    if plain.kind == "site":
        values |= listed.limits(plain)
        plain = _checked(values)
    rows = _first_rows(plain, proposal, cache)
    cells = [row.cells for row in rows if isinstance(row, Row)]
    if not cells:
        raise InvalidInput(
            f"{shown(plain.url)} holds no row that can be read.", "Give an address with at least one record."
        )
    found = mapped(cells, proposal.known, proposal.readable, chosen)
    _check_fields(plain, found, chosen)
    constants = {ours: text for ours, text in proposal.constants.items() if ours not in found.fields}
    if constants:
        values["constants"] = {ours: " ".join(clean(text).split()) for ours, text in constants.items()}
    if found.splits:
        values["splits"] = found.splits
    config = _checked({**values, "fields": found.fields})
    records = [Mapper(config).record(row) if isinstance(row, Row) else row for row in rows]
    columns = unmapped(config, (column for row in cells for column in row))
    first = Inspection(
        tuple(row for row in records if isinstance(row, Record)),
        tuple(row for row in records if isinstance(row, Rejection)),
        columns,
    )
    return Discovered(config, table(values, proposal, found, columns), first)


def _check_fields(config: SourceConfig, found: Mapped, chosen: Mapping[str, str]) -> None:
    """Raise InvalidInput for a choice that cannot be followed, and for a source without titles or ids."""
    listed = f"the columns are: {named(found.columns)}."
    if unknown := [ours for ours in chosen if ours not in FIELDS]:
        raise InvalidInput(
            f"{', '.join(unknown)}: not a field of reco.", f"The fields are: {', '.join(FIELDS)}."
        )
    if absent := [column for column in chosen.values() if column not in found.columns]:
        raise InvalidInput(f"{shown(config.url)} has no column {absent[0]!r}.", f"Correct --field; {listed}")
    for ours, what in (("title", "the titles"), ("id", "an id for each row")):
        if ours not in found.fields:
            raise InvalidInput(
                f"{shown(config.url)}: no column seems to hold {what}.",
                f"Choose it with --field {ours}=COLUMN; {listed}",
            )


def _first_rows(config: SourceConfig, proposal: Proposal, cache: Path | None) -> list[Row | Rejection]:
    quick = config.model_copy(update={"retries": 0})
    if proposal.body is None:
        quick = quick.model_copy(update={"url": proposal.sample or config.url})
        return list(islice(_without_remarks(reader(config.kind)(quick, cache)), FIRST_ROWS))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "source"
        file.write_bytes(proposal.body)
        local = quick.model_copy(update={"path": file, "url": ""})
        local = local.model_copy(update=_any_column(local))
        rows = list(islice(_without_remarks(reader(config.kind)(local, None)), FIRST_ROWS))
    return [_with_address(row, str(file), config.url) for row in rows]


def _with_address(row: Row | Rejection, file: str, url: str) -> Row | Rejection:
    row = replace(row, locator=row.locator.replace(file, url))
    if isinstance(row, Row) and LINK in row.cells:  # what lies behind a cell is no column
        return replace(row, cells={name: cell for name, cell in row.cells.items() if name != LINK})
    return row


def _without_remarks(items: Iterable[Row | Rejection | Remark]) -> Iterator[Row | Rejection]:
    return (item for item in items if not isinstance(item, Remark))


def _any_column(config: SourceConfig) -> dict[str, object]:
    """Return settings that the reader of a table accepts before the columns are known."""
    if config.kind not in _TABLES:
        return {}
    found = columns(config)
    return {"fields": {"title": next(filter(None, found.names), "")}, "header_row": found.row}


def _settings(proposal: Proposal, name: str, allow_private: bool) -> dict[str, object]:
    label = " ".join(clean(proposal.label).split())[:_LONGEST_LABEL]
    return {
        "name": name,
        **({"label": label} if label else {}),
        "kind": proposal.kind,
        "url": proposal.url,
        **proposal.options,
        **({"allow_private": True} if allow_private else {}),
    }


def _name(url: str, part: str) -> str:
    """Return a name for the source: its host, and its part if any."""
    host = (urlsplit(url).hostname or "source").removeprefix("www.")
    return _MARKS.sub("-", fold(f"{host} {part}")).strip("-")[:_LONGEST_NAME].strip("-") or "source"


def _checked(values: Mapping[str, object]) -> SourceConfig:
    try:
        return SourceConfig.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(found["msg"].removeprefix("Value error, ") for found in error.errors())
        raise InvalidInput(
            f"{shown(_SECRET.sub('...@', str(values['url']))) or 'The address'} cannot be used: {problems}.",
            "Write a complete address, such as https://data.example.org/explore/dataset/projets/.",
        ) from error


def _unknown(url: str, refusals: Sequence[str]) -> InvalidInput:
    told = f" ({refusals[0]})" if refusals else ""
    return InvalidInput(
        f"There is no known source at {shown(url)}{told}.",
        "Give the address of an open data portal, a data set page, an API, a feed, or a CSV, Excel "
        "or JSON file; docs/add-a-source.md says how to write the settings by hand.",
    )

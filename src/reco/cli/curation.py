"""Commands for the curator: `source test`, `decisions check`, `facets`, `duplicates`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.options import Common, Filtering
from reco.errors import InvalidInput, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reco.catalogue.resource import Resource
    from reco.index.duplicates import Family
    from reco.refresh.collect import Collected
    from reco.sources.config import SourceConfig


def test_source(
    name: Annotated[str, typer.Argument(help="The source's name in the settings.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="Number of rows to read.")] = 20,
    *,
    common: Common,
) -> None:
    """Read the first rows of a source. Shows the resources, the rejections and the unmapped columns."""
    from reco.catalogue.admission import Rules, admit_all
    from reco.cli import render
    from reco.refresh.gathering import as_served
    from reco.sources.read import inspect

    source = _source(name, common.settings.sources)
    seen = inspect(source, limit, common.store.home / "cache")
    rules = Rules(source.themes, source.types, source.closed)
    rows, refused = admit_all([*seen.records, *seen.rejections], rules)
    names = [source.name for source in common.settings.sources]
    admitted = as_served(rows, names, _served(common), common.store.home)
    found = {
        "records": [{**asdict(record), "themes": list(record.themes)} for record in admitted],
        "rejections": [asdict(rejection) for rejection in refused],
        "warnings": [asdict(remark) for remark in seen.remarks],
        "unmapped": list(seen.unmapped),
        "unfilled": render.unfilled(admitted),
    }
    common.show(
        found, partial(render.trial, admitted, refused, seen.unmapped, source.reject_limit, seen.remarks)
    )


def _served(common: Common) -> Sequence[Resource]:
    """Return the served catalogue, where other sources may have the ids of one; nothing for one source."""
    if len(common.settings.sources) < 2:
        return ()
    try:
        return common.store.serve()[0].catalogue
    except SnapshotError:
        return ()


def _source(name: str, sources: Sequence[SourceConfig]) -> SourceConfig:
    for source in sources:
        if source.name == name:
            return source
    names = ", ".join(source.name for source in sources) or "none"
    raise InvalidInput(f"There is no source {name!r}.", f"Choose among the sources in the settings: {names}.")


def check_decisions(*, common: Common) -> None:
    """List the decisions that no longer apply. Reads the sources and publishes nothing."""
    from reco.refresh.collect import collect

    settings = common.settings
    curation = settings.curation.curation()
    try:
        previous = common.store.serve()[0]
    except SnapshotError:
        previous = None
    home = common.store.home
    collected = collect(settings.sources, previous, home / "cache", curation, home=home)
    decisions = len(curation.decisions.lines)
    found = {
        "decisions": decisions,
        "stale": [asdict(stale) for stale in collected.stale],
        "failed_sources": list(collected.failures),
    }
    common.show(found, partial(_print_decisions, decisions, collected))


def _print_decisions(count: int, collected: Collected) -> None:
    print(f"{count} decisions, {len(collected.stale)} no longer apply")
    for stale in collected.stale:
        print(f"  line {stale.line}, {stale.action} {stale.id}: {stale.why}")
    for name in collected.failures:
        print(f"  not checked: decisions on the source {name}, which could not be read")


def duplicates(*, common: Common) -> None:
    """List the documents served under several ids. Newest first, with the reason for each pair."""
    from reco.workspace.documents import listing

    snapshot = common.snapshot()
    resources = {resource.id: resource for resource in snapshot.catalogue}
    families = snapshot.families.families if snapshot.families is not None else ()
    listed = [
        {
            "members": [listing(resources[member]) for member in family.members],
            "pairs": [asdict(pair) for pair in family.pairs],
        }
        for family in families
    ]
    found = {"snapshot": snapshot.id, "families": listed}
    common.show(found, partial(_print_families, families, resources))


def _print_families(families: Sequence[Family], resources: Mapping[str, Resource]) -> None:
    from reco.cli.render import joined

    print(f"{len(families)} documents are listed more than once")
    for family in families:
        print()
        for member in family.members:
            found = resources[member]
            print(
                f"  {member}  {joined(found.title, found.publisher, found.year, found.place, found.source)}"
            )
        for pair in family.pairs:
            print(f"    {pair.why}: {pair.first} = {pair.second}")


def facets(
    *,
    filtering: Filtering,
    most: Annotated[int, typer.Option("-n", min=1, help="Most values shown of each facet.")] = 15,
    common: Common,
) -> None:
    """Count the values of each facet. With filters, counts only the resources that pass them."""
    catalogue = common.snapshot().catalogue
    kept = filtering.filters()
    catalogue.require_known(kept)
    counted = catalogue.facets(kept)
    common.show(counted, partial(_print_facets, int(catalogue.select(kept).sum()), counted, most))


def _print_facets(resources: int, counted: Mapping[str, Mapping[str, int]], most: int) -> None:
    print(f"{resources} resources")
    for facet, values in counted.items():
        print(f"{facet} ({len(values)})")
        for value, count in list(values.items())[:most]:
            print(f"  {count:>6}  {value}")
        if len(values) > most:
            print(f"  {'...':>6}  and {len(values) - most} more")

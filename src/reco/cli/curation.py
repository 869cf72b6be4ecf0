"""Commands for who keeps a catalogue: `source test`, `facets`."""

from __future__ import annotations

from typing import Annotated

import typer

from reco.cli.console import note, run, show_json
from reco.cli.filtering import (
    FirstYear,
    Languages,
    LastYear,
    Places,
    Publishers,
    Scales,
    Themes,
    Types,
    filters,
)
from reco.cli.options import Config, Home, Json


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    sources = typer.Typer(help="Try a source before it is refreshed.", no_args_is_help=True)
    sources.command("test")(test_source)
    app.add_typer(sources, name="source")
    decided = typer.Typer(help="The curator's decisions.", no_args_is_help=True)
    decided.command("check")(check_decisions)
    app.add_typer(decided, name="decisions")
    app.command()(facets)
    app.command()(duplicates)


def test_source(
    name: Annotated[str, typer.Argument(help="The source's name in the settings.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many rows to read.")] = 20,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show a source's first records as mapped, those refused with every reason, and unmapped columns."""

    def work() -> None:
        from dataclasses import asdict

        from reco.catalogue.admission import Rules, admit_all
        from reco.cli import render
        from reco.cli.render import unfilled
        from reco.errors import InvalidInput
        from reco.sources.read import inspect
        from reco.workspace.settings import load
        from reco.workspace.workspace import home_of

        settings = load(config)
        source = next((s for s in settings.sources if s.name == name), None)
        if source is None:
            names = ", ".join(s.name for s in settings.sources) or "none"
            raise InvalidInput(f"There is no source {name!r}.", f"The settings have: {names}.")
        seen = inspect(source, limit, home_of(settings, home) / "cache")
        rules = Rules(source.themes, source.types, source.closed)
        admitted, refused = admit_all([*seen.records, *seen.rejections], rules)
        if as_json:
            found = {
                "records": [{**asdict(r), "themes": list(r.themes)} for r in admitted],
                "rejections": [asdict(r) for r in refused],
                "unmapped": list(seen.unmapped),
                "unfilled": unfilled(admitted),
            }
            show_json(found)
        else:
            render.trial(admitted, refused, seen.unmapped, source.reject_limit)

    run(work, as_json)


def check_decisions(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Read the sources anew and say which decisions no longer apply; nothing is published."""

    def work() -> None:
        from dataclasses import asdict

        from reco.errors import SnapshotError
        from reco.refresh.collect import collect
        from reco.workspace.settings import load
        from reco.workspace.workspace import home_of, store_of

        settings = load(config)
        curation = settings.curation.curation()
        try:
            previous = store_of(settings, home).serve()[0]
        except SnapshotError:
            previous = None
        collected = collect(settings.sources, previous, home_of(settings, home) / "cache", curation)
        found = {
            "decisions": len(curation.decisions.lines),
            "stale": [asdict(stale) for stale in collected.stale],
            "failed_sources": list(collected.failures),
        }
        if as_json:
            show_json(found)
            return
        print(f"{found['decisions']} decisions, {len(collected.stale)} no longer apply")
        for stale in collected.stale:
            print(f"  line {stale.line}, {stale.action} {stale.id}: {stale.why}")
        for name in collected.failures:
            print(f"  not judged: the resources of {name}, which could not be read")

    run(work, as_json)


def duplicates(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """List what is served under several ids, newest first, and why each pair is one thing."""

    def work() -> None:
        from dataclasses import asdict

        from reco.cli.render import listing
        from reco.workspace.settings import load
        from reco.workspace.workspace import store_of

        snapshot, warning = store_of(load(config), home).serve()
        note(warning)
        resources = {resource.id: resource for resource in snapshot.catalogue}
        families = snapshot.families.families if snapshot.families is not None else ()
        shown = [
            {
                "members": [listing(resources[member]) for member in family.members],
                "pairs": [asdict(pair) for pair in family.pairs],
            }
            for family in families
        ]
        if as_json:
            show_json({"snapshot": snapshot.id, "families": shown})
            return
        print(f"{len(shown)} things are listed more than once")
        for family in families:
            print()
            for member in family.members:
                found = resources[member]
                facts = (found.title, found.publisher, found.year, found.place, found.source)
                print(f"  {member}  {' · '.join(str(fact) for fact in facts if fact)}")
            for pair in family.pairs:
                print(f"    {pair.why}: {pair.first} = {pair.second}")

    run(work, as_json)


def facets(
    types: Types = None,
    themes: Themes = None,
    publishers: Publishers = None,
    scales: Scales = None,
    languages: Languages = None,
    places: Places = None,
    first_year: FirstYear = None,
    last_year: LastYear = None,
    most: Annotated[int, typer.Option("-n", min=1, help="How many values of each, at most.")] = 15,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Count the values of each facet in what is served, or in what passes the filters."""

    def work() -> None:
        from reco.workspace.settings import load
        from reco.workspace.workspace import store_of

        snapshot, warning = store_of(load(config), home).serve()
        note(warning)
        kept = filters((types, themes, publishers, scales, languages, places), first_year, last_year)
        snapshot.catalogue.require_known(kept)
        counted = snapshot.catalogue.facets(kept)
        if as_json:
            show_json(counted)
            return
        print(f"{snapshot.catalogue.select(kept).sum()} resources")
        for facet, values in counted.items():
            print(f"{facet} ({len(values)})")
            for value, count in list(values.items())[:most]:
                print(f"  {count:>6}  {value}")
            if len(values) > most:
                print(f"  {'...':>6}  and {len(values) - most} more")

    run(work, as_json)

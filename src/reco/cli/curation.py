"""Commands for who keeps a catalogue: `source test`, `facets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reco.cli.console import note, run, show_json

Home = Annotated[Path | None, typer.Option("--home", help="Where snapshots live (default: RECO_HOME).")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: ./reco.toml).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    sources = typer.Typer(help="Try a source before it is refreshed.", no_args_is_help=True)
    sources.command("test")(test_source)
    app.add_typer(sources, name="source")
    app.command()(facets)


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

        from reco.admission import Rules, admit_all
        from reco.errors import InvalidInput
        from reco.settings import home_of, load
        from reco.sources import inspect

        settings = load(config)
        source = next((s for s in settings.sources if s.name == name), None)
        if source is None:
            names = ", ".join(s.name for s in settings.sources) or "none"
            raise InvalidInput(f"There is no source {name!r}.", f"The settings have: {names}.")
        seen = inspect(source, limit, home_of(settings, home) / "cache")
        rules = Rules(source.themes, source.types, source.closed)
        admitted, refused = admit_all([*seen.records, *seen.rejections], rules)
        found: dict[str, list[object]] = {
            "records": [{**asdict(r), "themes": list(r.themes)} for r in admitted],
            "rejections": [asdict(r) for r in refused],
            "unmapped": list(seen.unmapped),
        }
        if as_json:
            show_json(found)
        else:
            _show(found)

    run(work, as_json)


def facets(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Count the values of each facet in what is served."""

    def work() -> None:
        from reco.settings import load, store_of

        snapshot, warning = store_of(load(config), home).serve()
        note(warning)
        counted = snapshot.catalogue.facets()
        if as_json:
            show_json(counted)
            return
        for facet, values in counted.items():
            print(f"{facet} ({len(values)})")
            for value, count in list(values.items())[:15]:
                print(f"  {count:>6}  {value}")

    run(work, as_json)


def _show(found: dict[str, list[object]]) -> None:
    from pprint import pformat

    for kind, rows in found.items():
        print(f"{kind}: {len(rows)}")
        for row in rows:
            shown = {k: v for k, v in row.items() if v} if isinstance(row, dict) else row
            print(pformat(shown, width=110, sort_dicts=False))

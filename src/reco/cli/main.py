"""Commands. Heavy libraries are imported inside them, so that `reco --help` answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import reco
from reco.cli import analysis, curation, evaluation, feedback, logs, operations, projects
from reco.cli.console import fail, note, progress_bar, run
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
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from reco.ranking.recommender import Recommender
    from reco.refresh.publish import Forced
    from reco.workspace.settings import Settings

app = typer.Typer(
    name="reco",
    help="Which guides, reports, books and local experiences should a commune read?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Count = Annotated[int, typer.Option("-k", help="How many results.")]


@app.command()
def refresh(
    force: Annotated[bool, typer.Option("--force", help="Publish whatever the gates object to.")] = False,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="With --force: who, recorded.")] = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="With --force: why, recorded.")
    ] = "",
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Read the sources and publish a new snapshot if anything changed; exit with 4 if a gate objects."""

    def work() -> None:
        from reco.cli import render
        from reco.encoder.settings import build_encoder
        from reco.refresh.report import RefreshRefused
        from reco.refresh.run import refresh as refresh_now
        from reco.workspace.settings import load
        from reco.workspace.workspace import recipe_of, store_of

        forced = _forced(force, by, reason)
        settings = load(config)
        store = store_of(settings, home)
        recipe = recipe_of(settings)
        try:
            with progress_bar("Encoding") as progress:
                report = refresh_now(
                    store,
                    settings.sources,
                    lambda: build_encoder(settings.encoder),
                    progress,
                    recipe,
                    forced,
                )
        except RefreshRefused as refused:
            render.report(refused.report, as_json)
            note(f"{refused}\n{refused.hint}")
            raise SystemExit(refused.exit_code) from None
        projects.record_answers(store, settings)
        render.report(report, as_json)

    run(work, as_json)


@app.command()
def recommend(
    text: Annotated[
        str, typer.Argument(help="The project or worry, in plain words; - reads standard input.")
    ],
    k: Count = 10,
    types: Types = None,
    themes: Themes = None,
    publishers: Publishers = None,
    scales: Scales = None,
    languages: Languages = None,
    places: Places = None,
    first_year: FirstYear = None,
    last_year: LastYear = None,
    shelf: Annotated[
        bool, typer.Option("--shelf", help="The best of each type, from different publishers.")
    ] = False,
    diversity: Annotated[
        float | None, typer.Option("--diversity", help="Spread the list over its subject, 0 to 1.")
    ] = None,
    commune: Annotated[
        str,
        typer.Option("--commune", metavar="CODE|NAME", help="Yours, or your EPCI: compare places with it."),
    ] = "",
    near: Annotated[
        bool, typer.Option("--near", help="With --commune: like places first among equals.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="ACRONYM", help="Do not read this one in full; repeatable."),
    ] = None,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Find what to read for a project, with the passages that answer and why."""

    def work() -> None:
        from reco.cli import render
        from reco.ranking.recommender import Query

        listed = (types, themes, publishers, scales, languages, places)
        query = Query.of(
            _text(text),
            k,
            filters(listed, first_year, last_year),
            tuple(without or ()),
            diversity=diversity,
            shelf=shelf,
            place=commune,
            near=near,
        )
        render.answer(_recommender(_settings(config), home).recommend(query), as_json)

    run(work, as_json)


@app.command()
def similar(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A resource's id.")],
    k: Count = 10,
    types: Types = None,
    themes: Themes = None,
    publishers: Publishers = None,
    scales: Scales = None,
    languages: Languages = None,
    places: Places = None,
    first_year: FirstYear = None,
    last_year: LastYear = None,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Find the resources nearest to one of the catalogue."""

    def work() -> None:
        from reco.cli import render

        listed = (types, themes, publishers, scales, languages, places)
        kept = filters(listed, first_year, last_year)
        render.answer(_recommender(_settings(config), home).similar(identifier, k, kept), as_json)

    run(work, as_json)


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A resource's id.")],
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show one resource: its fields, and the text that the model reads."""

    def work() -> None:
        from reco.cli import render
        from reco.errors import UnknownResource
        from reco.workspace.workspace import encoder_of, store_of

        settings = _settings(config)
        snapshot, warning = store_of(settings, home).serve()
        note(warning)
        row = snapshot.catalogue.row(identifier)
        if row is None:
            raise UnknownResource(
                f"There is no resource {identifier!r} in snapshot {snapshot.id}.",
                "Ids are in the results of `reco recommend --json`.",
            )
        render.resource(snapshot, row, encoder_of(settings, snapshot).tokens, as_json)

    run(work, as_json)


@app.command()
def snapshots(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """List the snapshots on disk; the one served is marked."""

    def work() -> None:
        from reco.cli import render
        from reco.workspace.workspace import store_of

        render.snapshots(store_of(_settings(config), home).entries(), as_json)

    run(work, as_json)


@app.command(name="app")
def serve_app(
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 8501,
    address: Annotated[str, typer.Option("--address", help="Address to listen on.")] = "127.0.0.1",
    home: Home = None,
    config: Config = None,
) -> None:
    """Start the web application on this machine."""
    page = Path(reco.__file__).parent / "app" / "main.py"
    environment = dict(os.environ)
    if home is not None:
        environment["RECO_HOME"] = str(home.resolve())
    if config is not None:
        environment["RECO_CONFIG"] = str(config.resolve())
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 10,
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "client.disableDataExport": "true",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "streamlit", "run", str(page), *arguments]
    # The server takes this process's place, so that whoever stops the command stops the server.
    os.execve(sys.executable, command, environment)


curation.register(app)
evaluation.register(app)
analysis.register(app)
feedback.register(app)
projects.register(app)
operations.register(app)


def _forced(force: bool, by: str, reason: str) -> Forced | None:
    from reco.refresh.publish import Forced

    if not force and (by or reason):
        raise InvalidInput("--by and --reason go with --force.", "Add --force, or leave them out.")
    return Forced.of(by, reason) if force else None


def _text(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _settings(config: Path | None) -> Settings:
    from reco.workspace.settings import load

    return load(config)


def _recommender(settings: Settings, home: Path | None) -> Recommender:
    from reco.workspace.workspace import recommender_of, store_of

    snapshot, warning = store_of(settings, home).serve()
    note(warning)
    return recommender_of(settings, snapshot)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Wrong usage exits with 2, and as JSON when JSON was asked for."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        logs.configure()
    except InvalidInput as error:
        fail(error, "--json" in given)
    try:
        app(given, standalone_mode=False)
    except typer.Exit as done:
        raise SystemExit(done.exit_code) from None
    except typer.Abort:
        raise SystemExit(1) from None
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is None:
            raise
        fail(InvalidInput(usage(), "See `reco --help`."), "--json" in given)

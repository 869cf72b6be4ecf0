"""Commands for who follows projects: `batch`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import note, progress_bar, run, show_report

if TYPE_CHECKING:
    from reco.recommend import Recommender

Home = Annotated[Path | None, typer.Option("--home", help="Where snapshots live (default: RECO_HOME).")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: ./reco.toml).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(batch)


def batch(
    source: Annotated[
        Path, typer.Argument(metavar="IN.csv", help="Projects: a text, and perhaps id, type, theme.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="Where results go, one row each.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many results for each project.")] = 10,
    column: Annotated[
        str, typer.Option("--column", help="The column of the texts (default: text, projet or description).")
    ] = "",
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Answer every project of a CSV file into another, each as `recommend` would."""

    def work() -> None:
        from reco.batch import run as run_batch

        with progress_bar("Projects") as progress:
            done = run_batch(_recommender(config, home), source, out, k, column, progress)
        show_report(asdict(done), as_json)

    run(work, as_json)


def _recommender(config: Path | None, home: Path | None) -> Recommender:
    from reco.settings import load, recommender_of, store_of

    settings = load(config)
    snapshot, warning = store_of(settings, home).serve()
    note(warning)
    return recommender_of(settings, snapshot)

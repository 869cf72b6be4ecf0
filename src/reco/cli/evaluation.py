"""Commands that measure: `evaluate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import progress_bar, run, show_json, show_report

if TYPE_CHECKING:
    from reco.beir import JudgedSet
    from reco.evaluate import SetResult, Tried
    from reco.settings import Settings

Folders = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Judged sets in BEIR layout.")]
Home = Annotated[Path | None, typer.Option("--home", help="Where snapshots live (default: RECO_HOME).")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: ./reco.toml).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(evaluate)
    app.command()(adapt)


def evaluate(
    folders: Folders,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="First queries of each set only.")
    ] = None,
    systems: Annotated[str, typer.Option("--systems", help="Comma-separated.")] = "bm25,dense,product",
    report: Annotated[Path | None, typer.Option("--report", help="Write a .md or .html report here.")] = None,
    topics: Annotated[Path | None, typer.Option("--topics", help="Write a CSV, one row per topic.")] = None,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Measure this product and two fixed references on judged sets."""

    def work() -> None:
        from reco import report as reports
        from reco.beir import read_set
        from reco.evaluate import document
        from reco.settings import load

        names = _systems(systems)
        judged = [read_set(folder, limit) for folder in folders]
        settings = load(config)
        results = _run(judged, settings, home, names)
        found = document(results)
        if topics is not None:
            reports.write_topics(results, topics)
        if report is not None:
            reports.write_report(found, report)
        if as_json:
            show_json(found)
        else:
            print(reports.markdown(found))

    run(work, as_json)


def adapt(
    deep: Annotated[bool, typer.Option("--deep", help="Tune the encoder itself; takes minutes.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Forget what was learnt, deep or not.")] = False,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Learn from the catalogue alone, and keep what was learnt if it wins."""

    def work() -> None:
        from reco import adaptation
        from reco.adapt import learn_head
        from reco.background import background
        from reco.settings import build_encoder, deepening, head_of, load, store_of

        settings = load(config)
        store = store_of(settings, home)
        base = build_encoder(settings.encoder)
        with progress_bar("Adapting") as progress:
            if undo:
                done = adaptation.undo(store, base, progress)
            elif deep:
                done = adaptation.adapt_deep(store, base, deepening(progress), head_of(settings), progress)
            else:
                done = adaptation.adapt(store, base, lambda s, e: learn_head(s, e, background()))
        show_report(asdict(done), as_json)

    run(work, as_json)


def _systems(given: str) -> list[str]:
    from reco.errors import InvalidInput
    from reco.evaluate import SYSTEMS

    names = [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name not in SYSTEMS]
    if unknown or not names:
        raise InvalidInput(
            f"There is no system {', '.join(unknown) or 'named'}.", f"Choose among {', '.join(SYSTEMS)}."
        )
    return names


def _run(
    judged: list[JudgedSet], settings: Settings, home: Path | None, names: list[str]
) -> dict[str, SetResult]:
    from reco.evaluate import evaluate as evaluate_set
    from reco.settings import build_encoder

    plain = build_encoder(settings.encoder)
    tried = _tried(settings, home)
    results = {}
    for one in judged:
        with progress_bar(one.name) as progress:
            results[one.name] = evaluate_set(one, tried, plain, names, progress)
    return results


def _tried(settings: Settings, home: Path | None) -> Tried:
    """Return what the current snapshot of the home runs with; without one, the settings alone."""
    from reco.evaluate import Tried
    from reco.settings import build_encoder, encoder_of, store_of

    store = store_of(settings, home)
    if store.current() is None:
        return Tried(
            build_encoder(settings.encoder), settings.ranking.fusion(), None, settings.ranking.table()
        )
    snapshot, _ = store.serve()
    return Tried(
        encoder_of(settings, snapshot), settings.ranking.fusion(), snapshot.head, settings.ranking.table()
    )

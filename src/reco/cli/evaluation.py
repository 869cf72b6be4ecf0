"""Commands that measure: `evaluate`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import note, progress_bar, run, show_json, show_report
from reco.cli.options import Config, Home, Json

if TYPE_CHECKING:
    from reco.encoder.protocol import Encoder
    from reco.evaluation.beir import JudgedSet, Topic
    from reco.evaluation.evaluate import SetResult, Tried
    from reco.snapshots.snapshot import Snapshot
    from reco.workspace.settings import Settings

Folders = Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Judged sets in BEIR layout.")]


_SHOWN = 5


@dataclass(frozen=True)
class _Asked:
    """What a command line asks to be measured."""

    folders: tuple[Path, ...]
    golden: bool
    limit: int | None
    systems: tuple[str, ...]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(evaluate)
    app.command()(adapt)


def evaluate(
    folders: Folders = None,
    golden: Annotated[
        bool, typer.Option("--golden", help="Judge what is served, with the golden set of `[gates]`.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="First queries of each set only.")
    ] = None,
    systems: Annotated[str, typer.Option("--systems", help="Comma-separated.")] = "bm25,dense,product",
    report: Annotated[Path | None, typer.Option("--report", help="Write a .md or .html report here.")] = None,
    topics: Annotated[
        Path | None, typer.Option("--topics", help="Write a CSV, one row per topic, worst first.")
    ] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Print the N worst topics to read.")] = 0,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Measure this product and two fixed references on judged sets."""

    def work() -> None:
        from reco.evaluation import inspect_topics
        from reco.evaluation import report as reports
        from reco.evaluation.evaluate import document
        from reco.workspace.settings import load

        names = _systems(systems)
        if report is not None:
            reports.require_writable(report)
        if topics is not None:
            reports.require_writable(topics, (".csv",))
        settings = load(config)
        results = _results(settings, home, _Asked(tuple(folders or ()), golden, limit, tuple(names)))
        found = document(results)
        readings = inspect_topics.worst(results, worst)
        if topics is not None:
            reports.write_topics(results, topics)
        if report is not None:
            reports.write_report(results, report)
        if as_json:
            show_json({**found, **({"worst": [asdict(one) for one in readings]} if worst else {})})
            return
        print(reports.markdown(found))
        if readings:
            print("\n".join(["## The worst requests", "", *inspect_topics.lines(readings)]))

    run(work, as_json)


def adapt(
    deep: Annotated[bool, typer.Option("--deep", help="Tune the encoder itself; takes minutes.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Forget what was learnt, deep or not.")] = False,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Learn from the catalogue, and from approved opinions if any; keep what was learnt if it wins."""

    def work() -> None:
        from reco.encoder.settings import build_encoder
        from reco.refresh import on_demand
        from reco.workspace.settings import load
        from reco.workspace.workspace import recipe_of, store_of

        settings = load(config)
        store, recipe = store_of(settings, home), recipe_of(settings)
        base = build_encoder(settings.encoder)
        with progress_bar("Adapting") as progress:
            if undo:
                done = on_demand.undo(store, base, recipe, progress)
            elif deep:
                done = on_demand.adapt_deep(store, base, recipe, progress)
            else:
                done = on_demand.adapt(store, base, recipe)
        show_report(asdict(done), as_json)

    run(work, as_json)


def _systems(given: str) -> list[str]:
    from reco.errors import InvalidInput
    from reco.evaluation.evaluate import SYSTEMS

    names = [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name not in SYSTEMS]
    if unknown or not names:
        raise InvalidInput(
            f"There is no system {', '.join(unknown) or 'named'}.", f"Choose among {', '.join(SYSTEMS)}."
        )
    return names


def _results(settings: Settings, home: Path | None, asked: _Asked) -> dict[str, SetResult]:
    """Read every set before anything is encoded, then run the systems over each."""
    from reco.errors import InvalidInput
    from reco.evaluation.beir import read_set, read_topics

    golden = settings.gates.golden
    if asked.golden and golden is None:
        raise InvalidInput("The settings name no golden set.", 'Add `golden = "FOLDER"` under [gates].')
    served = asked.golden or any(_same(folder, golden) for folder in asked.folders)
    folders = [folder for folder in asked.folders if not _same(folder, golden)]
    if not served and not folders:
        raise InvalidInput("There is nothing to evaluate.", "Name folders of judged sets, or `--golden`.")
    topics = read_topics(golden, asked.limit) if served and golden is not None else ()
    judged = [read_set(folder, asked.limit) for folder in folders]
    names = [*(["golden"] if served else []), *(one.name for one in judged)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"Two sets have the name {', '.join(twice)}.", "Name each once, or rename one.")
    return _run(judged, topics, settings, home, asked.systems)


def _same(folder: Path, golden: Path | None) -> bool:
    return golden is not None and folder.resolve() == golden.resolve()


def _run(
    judged: list[JudgedSet],
    topics: tuple[Topic, ...],
    settings: Settings,
    home: Path | None,
    names: tuple[str, ...],
) -> dict[str, SetResult]:
    from reco.encoder.settings import build_encoder
    from reco.evaluation.evaluate import evaluate as evaluate_set
    from reco.evaluation.evaluate import evaluate_served
    from reco.workspace.workspace import store_of

    store = store_of(settings, home)
    snapshot = store.serve()[0] if topics or store.current() is not None else None
    plain = build_encoder(settings.encoder)
    tried = _tried(settings, snapshot, plain)
    results = {}
    if topics and snapshot is not None:
        with progress_bar("golden") as progress:
            results["golden"] = evaluate_served(topics, snapshot, tried, plain, names, progress)
        note(_left_out(results["golden"], len(topics)))
    for one in judged:
        with progress_bar(one.name) as progress:
            results[one.name] = evaluate_set(one, tried, plain, names, progress)
    return results


def _left_out(result: SetResult, requests: int) -> str:
    """Return what is said of judgements that the snapshot has no resource for; nothing if it has all."""
    gone = result.left_out
    if gone is None or not gone.ids:
        return ""
    shown = ", ".join(gone.ids[:_SHOWN]) + (", ..." if len(gone.ids) > _SHOWN else "")
    return (
        f"{len(gone.ids)} judged resources are not in the served catalogue ({shown}): {gone.judgements} "
        f"judgements and {len(gone.topics)} of {requests} requests are left out."
    )


def _tried(settings: Settings, snapshot: Snapshot | None, plain: Encoder) -> Tried:
    """Return what a snapshot runs with; without one, the settings alone."""
    from reco.evaluation.evaluate import Tried
    from reco.workspace.workspace import encoder_of

    fusion, acronyms = settings.ranking.fusion(), settings.ranking.table()
    if snapshot is None:
        return Tried(plain, fusion, None, acronyms)
    encoder = encoder_of(settings, snapshot)
    same = encoder.fingerprint == plain.fingerprint
    return Tried(plain if same else encoder, fusion, snapshot.head, acronyms)

"""Commands that measure and that learn: `evaluate`, `adapt`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, progress_bar
from reco.cli.options import Common, add_commands
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reco.encoder.protocol import Encoder
    from reco.evaluation.beir import JudgedSet, Topic
    from reco.evaluation.evaluate import SetResult, Tried
    from reco.evaluation.inspect_topics import TopicInspection
    from reco.snapshots.snapshot import Snapshot
    from reco.workspace.settings import Settings

Folders = Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Judged sets in BEIR layout.")]


_SHOWN = 5
"""Number of ids in a note."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    add_commands(app, evaluate=evaluate, adapt=adapt)


def evaluate(
    folders: Folders = None,
    golden: Annotated[
        bool, typer.Option("--golden", help="Evaluate the served snapshot on the golden set of `[gates]`.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Use the first N queries of each set.")
    ] = None,
    systems: Annotated[str, typer.Option("--systems", help="Separated by commas.")] = "bm25,dense,product",
    report: Annotated[Path | None, typer.Option("--report", help="Write a .md or .html report here.")] = None,
    topics: Annotated[
        Path | None, typer.Option("--topics", help="Write a CSV here, one row per topic, worst first.")
    ] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Print the N worst topics in full.")] = 0,
    *,
    common: Common,
) -> None:
    """Evaluate the product on judged sets. Two fixed baselines are measured beside it."""
    from reco.evaluation import inspect_topics
    from reco.evaluation import report as reports
    from reco.evaluation.evaluate import document

    names = _systems(systems)
    if report is not None:
        reports.require_writable(report)
    if topics is not None:
        reports.require_writable(topics, (".csv",))
    judged, requests = _sets(common.settings, folders or (), golden, limit)
    results = _results(common, judged, requests, names)
    found = document(results)
    readings = inspect_topics.worst(results, worst)
    if topics is not None:
        reports.write_topics(results, topics)
    if report is not None:
        reports.write_report(results, report)
    told = {**found, **({"worst": [asdict(one) for one in readings]} if worst else {})}
    common.show(told, partial(_print, found, readings))


def _print(found: Mapping[str, Any], readings: Sequence[TopicInspection]) -> None:
    from reco.evaluation import inspect_topics
    from reco.evaluation import report as reports

    print(reports.markdown(found))
    if readings:
        print("\n".join(["## The worst queries", "", *inspect_topics.lines(readings)]))


def adapt(
    deep: Annotated[bool, typer.Option("--deep", help="Fine-tune the encoder; takes minutes.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Remove what was learnt, deep or not.")] = False,
    *,
    common: Common,
) -> None:
    """Learn from the catalogue and the approved opinions. The result is kept only if it ranks better."""
    from reco.encoder.settings import build_encoder
    from reco.refresh import on_demand
    from reco.workspace.workspace import calibration_of, deepening, head_of, learning_of

    settings, store = common.settings, common.store
    base = build_encoder(settings.encoder)
    calibrate = calibration_of(settings)
    with progress_bar("Adapting") as progress:
        if undo:
            done = on_demand.undo(store, base, progress, calibrate)
        elif deep:
            learn = head_of(settings, common.home)
            done = on_demand.adapt_deep(store, base, deepening(progress), learn, progress, calibrate)
        else:
            done = on_demand.adapt(store, base, learning_of(settings, common.home), calibrate)
    common.show(asdict(done))


def _systems(given: str) -> list[str]:
    from reco.evaluation.evaluate import SYSTEMS

    names = [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name not in SYSTEMS]
    if unknown or not names:
        raise InvalidInput(
            f"There is no system {', '.join(unknown) or 'named'}.", f"Choose among {', '.join(SYSTEMS)}."
        )
    return names


def _sets(
    settings: Settings, folders: Sequence[Path], golden: bool, limit: int | None
) -> tuple[list[JudgedSet], Sequence[Topic]]:
    """Read the judged sets and the topics of the golden set, so that bad files fail before any encoding."""
    from reco.evaluation.beir import read_set, read_topics

    path = settings.gates.golden
    if golden and path is None:
        raise InvalidInput("The settings have no golden set.", 'Add `golden = "FOLDER"` under [gates].')
    served = golden or any(_same(folder, path) for folder in folders)
    others = [folder for folder in folders if not _same(folder, path)]
    if not served and not others:
        raise InvalidInput("There is nothing to evaluate.", "Give folders of judged sets, or `--golden`.")
    topics = read_topics(path, limit) if served and path is not None else ()
    judged = [read_set(folder, limit) for folder in others]
    names = [*(["golden"] if served else []), *(one.name for one in judged)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"Two sets have the name {', '.join(twice)}.", "Give each once, or rename one.")
    return judged, topics


def _same(folder: Path, golden: Path | None) -> bool:
    return golden is not None and folder.resolve() == golden.resolve()


def _results(
    common: Common, judged: Sequence[JudgedSet], topics: Sequence[Topic], names: Sequence[str]
) -> dict[str, SetResult]:
    """Run the systems on the golden set, if it has topics, and on each judged set."""
    from reco.encoder.settings import build_encoder
    from reco.evaluation.evaluate import evaluate as evaluate_set
    from reco.evaluation.evaluate import evaluate_served

    settings, store = common.settings, common.store
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
    """Return a note on the judged resources that the snapshot lacks, or "" if it has them all."""
    gone = result.left_out
    if gone is None or not gone.ids:
        return ""
    shown = ", ".join(gone.ids[:_SHOWN]) + (", ..." if len(gone.ids) > _SHOWN else "")
    return (
        f"{len(gone.ids)} judged resources are not in the served catalogue ({shown}): {gone.judgements} "
        f"judgements and {len(gone.topics)} of {requests} queries are left out."
    )


def _tried(settings: Settings, snapshot: Snapshot | None, plain: Encoder) -> Tried:
    """Return the encoder, weights and head under test, from the snapshot or else from the settings."""
    from reco.evaluation.evaluate import Tried
    from reco.workspace.workspace import encoder_of

    fusion, acronyms = settings.ranking.fusion(), settings.ranking.table()
    if snapshot is None:
        return Tried(plain, fusion, None, acronyms)
    encoder = encoder_of(settings, snapshot)
    same = encoder.fingerprint == plain.fingerprint
    return Tried(plain if same else encoder, fusion, snapshot.head, acronyms)

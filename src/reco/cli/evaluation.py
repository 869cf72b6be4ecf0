"""Commands that measure and that learn: `evaluate`, `adapt`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli import comparing
from reco.cli.console import note, progress_bar
from reco.cli.options import Common
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reco.evaluation.evaluate import SetResult
    from reco.evaluation.inspect_topics import TopicInspection

Folders = Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Judged sets in BEIR layout.")]


_SHOWN = 5
"""Number of ids in a note."""


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
    judged: Annotated[
        list[Path] | None,
        typer.Option("--judged", metavar="FILE", help="What a page of `reco compare` exported; repeatable."),
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="With --judged: the key of that page.")] = None,
    qrels: Annotated[
        Path | None, typer.Option("--qrels", metavar="DIR", help="With --judged: write the grades as a set.")
    ] = None,
    *,
    common: Common,
) -> None:
    """Evaluate the product on judged sets. Two fixed baselines are measured beside it."""
    from reco.evaluation import inspect_topics
    from reco.evaluation import report as reports
    from reco.evaluation.evaluate import document
    from reco.evaluation.sets import GOLDEN, require_systems

    if judged:
        if folders or golden:
            raise InvalidInput("--judged is read alone.", "Leave the judged sets out.")
        comparing.judged(judged, key, qrels, common.as_json)
        return
    if key is not None or qrels is not None:
        raise InvalidInput("--key and --qrels need --judged.", "Add --judged FILE, or leave them out.")
    names = [name.strip() for name in systems.split(",") if name.strip()]
    require_systems(names)
    if report is not None:
        reports.require_writable(report)
    if topics is not None:
        reports.require_writable(topics, (".csv",))
    if not folders and not golden:
        raise InvalidInput("There is nothing to evaluate.", "Name folders of judged sets, or `--golden`.")
    measured = common.opened.evaluate(
        *(folders or ()), systems=names, golden=golden, limit=limit, bars=progress_bar
    )
    results = measured.results
    note(_left_out(results.get(GOLDEN)))
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
    from reco.refresh import on_demand
    from reco.workspace.home import recipe_of

    store, recipe = common.store, recipe_of(common.settings)
    base = common.opened.plain_encoder
    with progress_bar("Adapting") as progress:
        if undo:
            done = on_demand.undo(store, base, recipe, progress)
        elif deep:
            done = on_demand.adapt_deep(store, base, recipe, progress)
        else:
            done = on_demand.adapt(store, base, recipe)
    common.show(asdict(done))


def _left_out(result: SetResult | None) -> str:
    """Return a note on the judged resources that the snapshot lacks; empty when it has them all."""
    gone = result.left_out if result is not None else None
    if result is None or gone is None or not gone.ids:
        return ""
    shown = ", ".join(gone.ids[:_SHOWN]) + (", ..." if len(gone.ids) > _SHOWN else "")
    return (
        f"{len(gone.ids)} judged resources are not in the served catalogue ({shown}): {gone.judgements} "
        f"judgements and {len(gone.topics)} of {len(gone.topics) + len(result.topics)} queries are left out."
    )

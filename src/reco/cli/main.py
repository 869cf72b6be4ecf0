"""The `reco` program and its main commands. They import heavy libraries late, so `reco --help` is instant."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import reco
from reco.cli import (
    analysis,
    comparing,
    curation,
    evaluation,
    feedback,
    links,
    logs,
    operations,
    projects,
    replays,
    sources,
)
from reco.cli.console import note, progress_bar, run
from reco.cli.options import (
    Arranging,
    By,
    Common,
    Config,
    Count,
    Filtering,
    Home,
    QueryText,
    Reason,
    ResourceId,
    add_commands,
    add_group,
    with_options,
)
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from reco.ranking.recommender import Answer
    from reco.refresh.links import LinkReport
    from reco.refresh.publish import Forced
    from reco.refresh.report import RefreshReport

app = typer.Typer(
    name="reco",
    help="Recommend guides, reports, books and local experiences to French communes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def refresh(
    force: Annotated[
        bool, typer.Option("--force", help="Publish even if a gate refuses; needs --by and --reason.")
    ] = False,
    by: By = "",
    reason: Reason = "",
    *,
    common: Common,
) -> None:
    """Publish a new snapshot if the sources changed. Exit with 4 if a gate refuses it."""
    from reco.cli import render
    from reco.refresh.report import RefreshRefused

    forced = _forced(force, by, reason)
    try:
        with progress_bar("Encoding") as progress:
            report = common.opened.refresh(forced=forced, progress=progress)
    except RefreshRefused as refused:
        common.show(asdict(refused.report), partial(render.report, refused.report))
        note(f"{refused}\n{refused.hint}")
        raise SystemExit(refused.exit_code) from None
    projects.record_answers(common.store, common.opened.recommender_for)
    checked = links.nightly(common)
    told = asdict(report) if checked is None else {**asdict(report), "links": links.document(checked)}
    common.show(told, partial(_show_report, report, checked))


def _show_report(report: RefreshReport, checked: LinkReport | str | None) -> None:
    from reco.cli import render

    render.report(report)
    if checked is not None:
        links.show(checked)


def recommend(
    text: QueryText, k: Count = 10, *, filtering: Filtering, arranging: Arranging, common: Common
) -> None:
    """Recommend resources for a project. Each result has its best passages and an explanation."""
    from reco.ranking.query import Query

    query = Query.of(
        text,
        k,
        filtering.filters(),
        tuple(arranging.without or ()),
        diversity=arranging.diversity,
        shelf=arranging.shelf,
        place=arranging.commune,
        near=arranging.near,
        exact=arranging.as_typed,
        whole=arranging.whole,
    )
    _show_answer(common.recommender().recommend(query), common)


def similar(identifier: ResourceId, k: Count = 10, *, filtering: Filtering, common: Common) -> None:
    """Find the resources nearest to a resource."""
    filters = filtering.filters()
    _show_answer(common.recommender().similar(identifier, k, filters), common)


def show(identifier: ResourceId, *, common: Common) -> None:
    """Show a resource. Prints its fields, then the passages that the model reads."""
    from reco.cli import render
    from reco.errors import UnknownResource

    snapshot = common.snapshot()
    row = snapshot.catalogue.row(identifier)
    if row is None:
        raise UnknownResource(
            f"There is no resource {identifier!r} in snapshot {snapshot.id}.",
            "`reco recommend --json` gives the ids of results.",
        )
    found = render.resource_document(snapshot, row, common.opened.encoder.tokens)
    common.show(found, partial(render.resource, found))


def snapshots(*, common: Common) -> None:
    """List the snapshots on disk. Marks the served one."""
    from reco.cli import render

    listed = [render.snapshot_document(entry) for entry in common.store.entries()]
    common.show({"snapshots": listed}, partial(render.snapshots, listed))


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
    # The server replaces this process, so that stopping the command stops the server.
    os.execve(sys.executable, command, environment)


add_commands(
    app, refresh=refresh, recommend=recommend, similar=similar, show=show, snapshots=snapshots, app=serve_app
)
add_commands(app, facets=curation.facets, duplicates=curation.duplicates)
add_commands(app, evaluate=evaluation.evaluate, adapt=evaluation.adapt)
add_commands(app, radar=analysis.radar, audit=analysis.audit, links=links.links)
add_commands(app, changes=projects.changes, batch=projects.batch)
add_commands(app, replay=replays.replay, compare=comparing.compare)
add_commands(app, check=operations.check, rollback=operations.rollback, prune=operations.prune)
add_commands(app, status=operations.status, doctor=operations.doctor)

tried = add_group(app, "source", "Add or try a source before a refresh.", test=curation.test_source)
add_commands(tried, add=sources.add_source)
add_group(app, "decisions", "Check the curator's decisions.", check=curation.check_decisions)
clusters = add_group(app, "clusters", "List and name the clusters of the catalogue.", rename=analysis.rename)
clusters.callback(invoke_without_command=True, no_args_is_help=False)(with_options(analysis.clusters))
opinions = add_group(app, "feedback", "Review the opinions on results.", list=feedback.list_opinions)
add_commands(opinions, approve=feedback.approve, reject=feedback.reject, export=feedback.export_opinions)
saved = add_group(app, "projects", "Save projects, to follow their results.", add=projects.add_project)
add_commands(saved, list=projects.list_projects, remove=projects.remove_project)


def _forced(force: bool, by: str, reason: str) -> Forced | None:
    from reco.refresh.publish import Forced

    if not force and (by or reason):
        raise InvalidInput("--by and --reason need --force.", "Add --force, or leave them out.")
    return Forced.of(by, reason) if force else None


def _show_answer(found: Answer, common: Common) -> None:
    from reco.cli import render

    document = common.opened.record(found) if common.as_json else {}
    common.show(document, partial(render.answer, found))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. On an error, exit with its code; 2 is wrong usage.

    With `--json`, an error is printed as a document `{"error", "hint"}` on standard output.
    """
    given = sys.argv[1:] if arguments is None else arguments
    options = takewhile(lambda word: word != "--", given)
    run(partial(_parse, given), "--json" in options)


def _parse(given: list[str]) -> None:
    """Parse and run a command. Raises its errors, whereas the parser's own `main` would print and exit."""
    logs.configure()
    with typer.main.get_command(app).make_context("reco", [*given]) as context:
        context.command.invoke(context)

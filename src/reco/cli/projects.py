"""Commands for who follows projects: `projects`, `changes`, `batch`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, progress_bar, run, show_json, show_report
from reco.cli.options import Config, Home, Json

if TYPE_CHECKING:
    from reco.projects.answers import Open
    from reco.projects.changes import Comparison, Move
    from reco.ranking.query import Query
    from reco.ranking.recommender import Recommender
    from reco.snapshots.snapshot import Snapshot
    from reco.snapshots.store import SnapshotStore
    from reco.workspace.settings import Settings


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    saved = typer.Typer(help="Projects whose first results are followed.", no_args_is_help=True)
    for name, command in (("add", add_project), ("list", list_projects), ("remove", remove_project)):
        saved.command(name)(command)
    app.add_typer(saved, name="projects")
    app.command()(changes)
    app.command()(batch)


def add_project(
    name: Annotated[str, typer.Argument(help="A short name.")],
    text: Annotated[
        str, typer.Argument(help="The project or worry, in plain words; - reads standard input.")
    ],
    types: Annotated[list[str] | None, typer.Option("--type", help="Keep these types only.")] = None,
    themes: Annotated[list[str] | None, typer.Option("--theme", help="Keep these themes only.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many results are followed.")] = 10,
    place: Annotated[str, typer.Option("--place", help="Where the project is, for the record.")] = "",
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Save a project, whose first results `changes` follows from one snapshot to the next."""

    def work() -> None:
        from reco.catalogue.catalogue import Filters
        from reco.projects.store import ProjectStore
        from reco.ranking.query import Query
        from reco.workspace.settings import load
        from reco.workspace.workspace import store_of

        filters = Filters(types=tuple(types or ()), themes=tuple(themes or ()))
        query = Query.of(sys.stdin.read() if text == "-" else text, k, filters)
        settings = load(config)
        store = store_of(settings, home)
        answered = _asked(settings, store, query)
        project = ProjectStore(store.home).add(name, query, place)
        if answered is not None:
            _recorded(store, lambda _: answered)
        show_report({"id": project.id, "name": project.name, "k": project.k}, as_json)

    run(work, as_json)


def list_projects(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """List the saved projects, and the files that cannot be read as one."""

    def work() -> None:
        from reco.projects.store import ProjectStore
        from reco.workspace.settings import load
        from reco.workspace.workspace import home_of

        saved = ProjectStore(home_of(load(config), home)).read()
        if as_json:
            show_json({"projects": [asdict(p) for p in saved.projects], "damaged": saved.damaged})
            return
        for project in saved.projects:
            print(f"{project.id}  {project.name}\n    {' '.join(project.text.split())[:200]}")
        for path, why in saved.damaged.items():
            note(f"{path} is skipped: {why}")

    run(work, as_json)


def remove_project(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A project's id.")],
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Forget a saved project."""

    def work() -> None:
        from reco.projects.store import ProjectStore
        from reco.workspace.settings import load
        from reco.workspace.workspace import home_of

        ProjectStore(home_of(load(config), home)).remove(identifier)
        show_report({"removed": identifier}, as_json)

    run(work, as_json)


def changes(
    before: Annotated[str | None, typer.Argument(metavar="[FROM]", help="A snapshot's number.")] = None,
    after: Annotated[str | None, typer.Argument(metavar="[TO]", help="Another's.")] = None,
    atom: Annotated[
        Path | None, typer.Option("--atom", help="Write an Atom feed of the newest resources here.")
    ] = None,
    newest: Annotated[int, typer.Option("--newest", min=1, help="How many the feed has.")] = 50,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what changed between two snapshots, and why the results of saved projects moved.

    By default from the snapshot before the one served to the one served.
    """

    def work() -> None:
        from reco.projects.answers import answers
        from reco.projects.changes import compare, pair
        from reco.projects.store import ProjectStore
        from reco.workspace.settings import load
        from reco.workspace.workspace import store_of

        settings = load(config)
        store = store_of(settings, home)
        old, new, said = pair(store, before, after)
        note(said)
        if atom is not None:
            _write_feed(store, atom, newest)
        projects = ProjectStore(store.home).read().projects
        opened = _opening(settings)
        found = compare(
            old,
            new,
            projects,
            answers(store, old, projects, opened) if old is not None else {},
            answers(store, new, projects, opened),
        )
        if as_json:
            show_json(_document(found))
        else:
            _print(found)

    run(work, as_json)


def record_answers(store: SnapshotStore, settings: Settings) -> None:
    """Keep what the snapshot served answers to the saved projects. A failure is said, and costs no more."""
    _recorded(store, _opening(settings))


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
        from reco.projects.batch import run as run_batch

        with progress_bar("Projects") as progress:
            done = run_batch(_recommender(config, home), source, out, k, column, progress)
        show_report(asdict(done), as_json)

    run(work, as_json)


def _recorded(store: SnapshotStore, opened: Open) -> None:
    from reco.errors import RecoError
    from reco.projects.answers import record

    try:
        record(store, opened)
    except RecoError as error:
        note(f"What the saved projects get was not recorded: {error} {error.hint}")


def _opening(settings: Settings) -> Open:
    from reco.workspace.workspace import recommender_of

    def opened(snapshot: Snapshot) -> Recommender:
        return recommender_of(settings, snapshot)

    return opened


def _asked(settings: Settings, store: SnapshotStore, query: Query) -> Recommender | None:
    """Return what answers now, None when nothing can. Raises InvalidQuery for an unknown type or theme."""
    from reco.errors import EncoderError, SnapshotError
    from reco.workspace.workspace import recommender_of

    if store.current() is None:
        return None
    try:
        recommender = recommender_of(settings, store.serve()[0])
        recommender.rank(query)
    except (SnapshotError, EncoderError) as error:
        note(f"The project is saved without its results of today: {error}")
        return None
    return recommender


def _write_feed(store: SnapshotStore, path: Path, newest: int) -> None:
    from reco.projects.feed import arrivals, document
    from reco.snapshots import history
    from reco.storage.tables import save

    served, _ = store.serve()
    save(path, document(arrivals(history.read(store, served).nights, newest), served.manifest.created))


def _document(found: Comparison) -> dict[str, Any]:
    values = asdict(found)
    return {"from": values.pop("before"), "to": values.pop("after"), **values}


def _print(found: Comparison) -> None:
    print(f"Snapshot {found.before or 'none'} -> {found.after}")
    for sign, resources in (("+", found.added), ("-", found.removed)):
        for resource in resources:
            print(f"{sign} {resource.id}  {resource.title}")
    for edited in found.changed:
        print(f"~ {edited.id}  {edited.title}  ({', '.join(edited.fields)})")
    for project in found.projects:
        print(f"\n{project.name} ({project.id})")
        if project.problem:
            print(f"  {project.problem}")
        elif not project.entries and not project.exits:
            print("  the same results")
        for sign, moves in (("+", project.entries), ("-", project.exits)):
            for move in moves:
                print(f"  {sign} {_move(move)}")


def _move(move: Move) -> str:
    return f"{move.rank}. {move.title}  [{move.cause}]  {move.id}"


def _recommender(config: Path | None, home: Path | None) -> Recommender:
    from reco.workspace.settings import load
    from reco.workspace.workspace import recommender_of, store_of

    settings = load(config)
    snapshot, warning = store_of(settings, home).serve()
    note(warning)
    return recommender_of(settings, snapshot)

"""Commands on projects: `projects`, `changes`, `batch`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import note, progress_bar
from reco.cli.options import Common, Count, QueryText, Themes, Types
from reco.errors import EncoderError, RecoError, SnapshotError

if TYPE_CHECKING:
    from reco.projects.answers import Open
    from reco.projects.changes import Comparison, Move
    from reco.projects.store import Saved
    from reco.ranking.query import Query
    from reco.ranking.recommender import Recommender
    from reco.snapshots.store import SnapshotStore


def add_project(
    name: Annotated[str, typer.Argument(help="A short name for the project.")],
    text: QueryText,
    types: Types = None,
    themes: Themes = None,
    k: Count = 10,
    place: Annotated[str, typer.Option("--place", help="Place of the project, for the record.")] = "",
    *,
    common: Common,
) -> None:
    """Save a project. `changes` then shows how its first results move between snapshots."""
    from reco.catalogue.catalogue import Filters
    from reco.ranking.query import Query

    query = Query.of(text, k, Filters(types=tuple(types or ()), themes=tuple(themes or ())))
    recommender = _current(common, query)
    project = common.opened.projects.add(name, query, place)
    if recommender is not None:
        record_answers(common.store, lambda _: recommender)
    common.show({"id": project.id, "name": project.name, "k": project.k})


def list_projects(*, common: Common) -> None:
    """List the saved projects. Files that cannot be read as one are named on standard error."""
    saved = common.opened.projects.read()
    found = {"projects": [asdict(project) for project in saved.projects], "damaged": saved.damaged}
    common.show(found, partial(_print_projects, saved))


def _print_projects(saved: Saved) -> None:
    for project in saved.projects:
        print(f"{project.id}  {project.name}\n    {' '.join(project.text.split())[:200]}")
    for path, why in saved.damaged.items():
        note(f"{path} is skipped: {why}")


def remove_project(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The id of a project.")], *, common: Common
) -> None:
    """Remove a saved project."""
    common.opened.projects.remove(identifier)
    common.show({"removed": identifier})


def changes(
    before: Annotated[str | None, typer.Argument(metavar="[FROM]", help="The earlier snapshot.")] = None,
    after: Annotated[str | None, typer.Argument(metavar="[TO]", help="The later snapshot.")] = None,
    atom: Annotated[
        Path | None, typer.Option("--atom", help="Write an Atom feed of the newest resources to this file.")
    ] = None,
    newest: Annotated[int, typer.Option("--newest", min=1, help="Number of resources in the feed.")] = 50,
    *,
    common: Common,
) -> None:
    """Show the changes between two snapshots. Gives the cause of each move in saved projects.

    By default, compares the previous snapshot with the served one.
    """
    from reco.projects.answers import answers
    from reco.projects.changes import compare, pair

    store, opened = common.store, common.opened.recommender_for
    old, new, said = pair(store, before, after)
    note(said)
    if atom is not None:
        _write_feed(store, atom, newest)
    projects = common.opened.projects.read().projects
    answered = answers(store, old, projects, opened) if old is not None else {}
    found = compare(old, new, projects, answered, answers(store, new, projects, opened))
    values = asdict(found)
    document = {"from": values.pop("before"), "to": values.pop("after"), **values}
    common.show(document, partial(_print_changes, found))


def batch(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN.csv", help="Projects: a column of texts; id, type and theme optional."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="File to write, one row for each result.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Number of results for each project.")] = 10,
    column: Annotated[
        str, typer.Option("--column", help="The column of texts (default: text, projet or description).")
    ] = "",
    *,
    common: Common,
) -> None:
    """Recommend resources for each project of a CSV file. Writes the results to another CSV file."""
    from reco.projects.batch import run as run_batch

    with progress_bar("Projects") as progress:
        done = run_batch(common.recommender(), source, out, k, column, progress)
    common.show(asdict(done))


def record_answers(store: SnapshotStore, opened: Open) -> None:
    """Record what the served snapshot answers to the saved projects. A failure is noted, never raised."""
    from reco.projects.answers import record

    try:
        record(store, opened)
    except RecoError as error:
        note(f"The results of the saved projects were not recorded: {error} {error.hint}")


def _current(common: Common, query: Query) -> Recommender | None:
    """Return what answers now, None when nothing can. Raises InvalidQuery for an unknown type or theme."""
    if common.store.current() is None:
        return None
    try:
        recommender = common.opened.recommender
        recommender.rank(query)
    except (SnapshotError, EncoderError) as error:
        note(f"The project is saved without its current results: {error}")
        return None
    return recommender


def _write_feed(store: SnapshotStore, path: Path, newest: int) -> None:
    from reco.projects.feed import arrivals, document
    from reco.snapshots import history
    from reco.storage.tables import save

    served, _ = store.serve()
    save(path, document(arrivals(history.read(store, served).nights, newest), served.manifest.created))


def _print_changes(found: Comparison) -> None:
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

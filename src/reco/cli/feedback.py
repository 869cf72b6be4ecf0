"""Commands for who reads visitors' opinions: `feedback list`, `approve`, `reject`, `export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import note, run, show_json, show_report
from reco.cli.options import Config, Home, Json

if TYPE_CHECKING:
    from reco.projects.feedback import Entry, Feedback

Number = Annotated[int, typer.Argument(metavar="ID", help="An opinion's number.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides, recorded.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, recorded.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    given = typer.Typer(help="Opinions on results, and what a curator decides of them.", no_args_is_help=True)
    for name, command in (
        ("list", list_opinions),
        ("approve", approve),
        ("reject", reject),
        ("export", export_opinions),
    ):
        given.command(name)(command)
    app.add_typer(given, name="feedback")


def list_opinions(
    every: Annotated[bool, typer.Option("--all", help="Those decided on as well, newest first.")] = False,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the opinions that wait for a curator, oldest first."""

    def work() -> None:
        journal = _journal(home, config)
        found = journal.entries() if every else journal.pending()
        if as_json:
            show_json([asdict(entry) for entry in found])
            return
        for entry in found:
            print(_line(entry))

    run(work, as_json)


def approve(
    number: Number,
    by: By,
    reason: Reason = "",
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let an opinion count for everyone: `feedback export` and `adapt` will read it."""

    def work() -> None:
        _journal(home, config).approve(number, by, reason)
        show_report({"approved": number}, as_json)

    run(work, as_json)


def reject(
    number: Number,
    by: By,
    reason: Reason = "",
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Set an opinion aside; the request's text is forgotten."""

    def work() -> None:
        _journal(home, config).reject(number, by, reason)
        show_report({"rejected": number}, as_json)

    run(work, as_json)


def export_opinions(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the approved opinions as a judged set for `evaluate`, and as pairs to learn from."""

    def work() -> None:
        from reco.projects.feedback import Feedback
        from reco.projects.judgements import export, judged
        from reco.workspace.settings import load
        from reco.workspace.workspace import store_of

        store = store_of(load(config), home)
        snapshot, warning = store.serve()
        note(warning)
        found = judged(Feedback(store.home).approved(), snapshot.catalogue)
        done = export(found, snapshot.catalogue, folder)
        if not done.judgements:
            note(
                "No approved opinion has the text of its request yet: `reco evaluate` would refuse this set."
            )
        show_report(asdict(done), as_json)

    run(work, as_json)


def _journal(home: Path | None, config: Path | None) -> Feedback:
    from reco.projects.feedback import Feedback
    from reco.workspace.settings import load
    from reco.workspace.workspace import home_of

    return Feedback(home_of(load(config), home))


def _line(entry: Entry) -> str:
    sign = "useful" if entry.useful else "off-topic"
    asked = "(no text)" if entry.text is None else " ".join(entry.text.split())[:160]
    why = f" - {entry.reason}" if entry.reason else ""
    return f"{entry.id:>6}  {entry.status}  {sign}  {entry.resource}{why}\n        {asked}"

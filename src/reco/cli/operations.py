"""Commands on what is served: `check`, `rollback`, `prune`, `status`, `doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.console import run, show_json, show_report
from reco.cli.options import Config, Home, Json

if TYPE_CHECKING:
    from reco.snapshots.store import SnapshotStore

Identifier = Annotated[str | None, typer.Argument(metavar="[ID]", help="A snapshot's number.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (check, rollback, prune, status, doctor):
        app.command()(command)


def check(
    identifier: Identifier = None, home: Home = None, config: Config = None, as_json: Json = False
) -> None:
    """Read every byte of a snapshot and look each resource up; exit with 1 when something is wrong."""

    def work() -> None:
        from reco.snapshots.check import check as check_snapshot

        found = check_snapshot(_store(config, home), identifier)
        show_report(asdict(found), as_json)
        if not found.sound:
            raise SystemExit(1)

    run(work, as_json)


def rollback(
    identifier: Identifier = None, home: Home = None, config: Config = None, as_json: Json = False
) -> None:
    """Serve an older snapshot, by default the one before the current, once it proves sound."""

    def work() -> None:
        store = _with_snapshots(config, home)
        with store.writing():
            before = store.current()
            served = store.rollback(identifier)
        show_report({"snapshot": served, "before": before}, as_json)

    run(work, as_json)


def prune(
    keep: Annotated[int, typer.Option("--keep", min=3, help="How many of the newest to keep.")] = 7,
    home: Home = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove old snapshots; the one served always stays."""

    def work() -> None:
        store = _with_snapshots(config, home)
        with store.writing():
            removed = store.prune(keep)
        show_report({"removed": removed, "kept": store.ids()}, as_json)

    run(work, as_json)


def status(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Say what is served, since when, and how much of it there is."""

    def work() -> None:
        from reco.workspace.settings import load
        from reco.workspace.status import status as status_of
        from reco.workspace.workspace import store_of

        settings = load(config)
        found = status_of(store_of(settings, home), settings.operation.stale_hours)
        show_report(asdict(found), as_json)

    run(work, as_json)


def doctor(home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Look for what is wrong with the settings, the model and the home; exit with 1 at an error."""

    def work() -> None:
        from reco.workspace.doctor import diagnose

        found = diagnose(config, home)
        if as_json:
            show_json(asdict(found))
        elif not found.findings:
            print("Nothing is wrong.")
        else:
            for finding in found.findings:
                print(f"{finding.level:>7}  {finding.name}: {finding.message}\n         {finding.hint}")
        if not found.ok:
            raise SystemExit(1)

    run(work, as_json)


def _with_snapshots(config: Path | None, home: Path | None) -> SnapshotStore:
    """Return a store that has a snapshot: to take the lock of another would make a home where none is."""
    from reco.errors import SnapshotError

    store = _store(config, home)
    if not store.ids():
        hint = "Run `reco refresh` first, or correct --home or RECO_HOME."
        raise SnapshotError(f"There is no snapshot in {store.home} yet.", hint)
    return store


def _store(config: Path | None, home: Path | None) -> SnapshotStore:
    from reco.workspace.settings import load
    from reco.workspace.workspace import store_of

    return store_of(load(config), home)

"""Commands of the operator: `check`, `rollback`, `prune`, `status`, `doctor`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reco.cli.options import Common
from reco.errors import SnapshotError

if TYPE_CHECKING:
    from reco.snapshots.store import SnapshotStore
    from reco.workspace.doctor import Diagnosis

Identifier = Annotated[str | None, typer.Argument(metavar="[ID]", help="The number of a snapshot.")]


def check(identifier: Identifier = None, *, common: Common) -> None:
    """Check a snapshot. Reads every byte and searches for each resource. Exit with 1 if it has a fault."""
    from reco.snapshots.check import check as check_snapshot

    found = check_snapshot(common.store, identifier)
    common.show(asdict(found))
    if not found.sound:
        raise SystemExit(1)


def rollback(identifier: Identifier = None, *, common: Common) -> None:
    """Serve an older snapshot, by default the previous one. It is checked first."""
    store = _with_snapshots(common)
    with store.writing():
        before = store.current()
        served = store.rollback(identifier)
    common.show({"snapshot": served, "before": before})


def prune(
    keep: Annotated[int, typer.Option("--keep", min=3, help="Number of newest snapshots to keep.")] = 7,
    *,
    common: Common,
) -> None:
    """Remove old snapshots. The served one always stays."""
    store = _with_snapshots(common)
    with store.writing():
        removed = store.prune(keep)
    common.show({"removed": removed, "kept": store.ids()})


def status(*, common: Common) -> None:
    """Show the served snapshot and its age. Shows counts and the last refreshes too."""
    from reco.workspace.status import status as status_of

    common.show(asdict(status_of(common.store, common.settings.operation.stale_hours)))


def doctor(*, common: Common) -> None:
    """Diagnose the settings, the model and the home. Exit with 1 if there is an error."""
    from reco.workspace.doctor import diagnose

    found = diagnose(common.config, common.home)
    common.show(asdict(found), partial(_print_diagnosis, found))
    if not found.ok:
        raise SystemExit(1)


def _print_diagnosis(found: Diagnosis) -> None:
    for finding in found.findings:
        print(f"{finding.level:>7}  {finding.name}: {finding.message}\n         {finding.hint}")
    if not found.findings:
        print("Nothing is wrong.")


def _with_snapshots(common: Common) -> SnapshotStore:
    """Return the store. Raises SnapshotError if it is empty, because taking its lock would create a home."""
    if not common.store.ids():
        hint = "Run `reco refresh` first, or correct --home or RECO_HOME."
        raise SnapshotError(f"There is no snapshot in {common.store.home} yet.", hint)
    return common.store

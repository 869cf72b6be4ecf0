"""The hook by which faults are injected sees every change to the disk, and each is synced in its order."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.stage import Stage


@pytest.mark.parametrize(
    "arguments", [("refresh",), ("rollback",), ("prune", "--keep", "3")], ids=lambda a: a[0]
)
def test_no_change_to_the_disk_escapes_the_count(
    night_after_a_crash: Stage, arguments: tuple[str, ...]
) -> None:
    """What Python itself reports to have changed was announced to the hook; else a fault would miss it."""
    done = night_after_a_crash.run(night_after_a_crash.fresh(), *arguments, trace=True)
    assert done["code"] == 0 and done["trace"]["audited"] > 20
    assert done["trace"]["escaped"] == []


def test_everything_is_on_the_disk_before_it_is_relied_on(second_night: Stage) -> None:
    """A file is synced before the rename that gives it its name, and the folder of a rename after it."""
    home = second_night.fresh()
    trace = second_night.run(home, trace=True)["trace"]
    operations = [(name, Path(path)) for name, path in trace["operations"]]
    announced = [str(path) for name, path in operations if name == "fsync"]
    assert sys.platform != "linux" or announced == trace["synced"], (
        "each fsync that is announced really happens"
    )
    snapshots = home.path / "snapshots"
    renames = [path for name, path in operations if name == "rename"]
    assert renames[-3:] == [
        snapshots / "000002",
        home.path / "CURRENT",
        snapshots / "000002" / "manifest.sha256",
    ]
    unsynced: set[Path] = set()
    for name, path in operations:
        if name == "rename":
            assert unsynced == set(), f"{path} is renamed while these may be lost"
            unsynced.add(path.parent)
        elif name == "write":
            unsynced |= {path, path.parent} if ".tmp-" in str(path.parent) else {path}
        elif name == "fsync":
            unsynced.discard(path)
    assert unsynced == set()

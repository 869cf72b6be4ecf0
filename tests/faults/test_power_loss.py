"""The power goes between any two operations on the disk, and what was not synced is lost in any order."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disk import WORST, Chance, Disk, Left, write
from tests.faults.stage import Stage, comparable, leftovers, record, scaled
from tests.support import Home

SLOW = pytest.mark.slow


def lost(disk: Disk, count: int, at: int) -> Iterator[tuple[str, Left]]:
    """Yield the worst that may be left after operation `at`, and `count` cases that are drawn."""
    for name, kept in WORST.items():
        yield name, disk.left(Chance(*kept))
    for seed in range(at * count, (at + 1) * count):
        yield f"drawn with {seed}", disk.left(Chance("drawn", "drawn", seed))


def followed(night: Stage, folder: Path, *arguments: str) -> tuple[list[tuple[str, Path]], list[Path]]:
    """Run a command; return what it did to the disk, and copies of its home before, amid and after."""
    home = night.fresh()
    home.path.mkdir(exist_ok=True)
    done = night.run(home, *arguments, trace=True, states=folder)
    assert done["code"] == 0, done
    operations = [(name, Path(path).relative_to(home.path)) for name, path in done["trace"]["operations"]]
    shutil.copytree(home.path, folder / f"{len(operations) + 1}")
    return operations, [folder / f"{number}" for number in range(1, len(operations) + 2)]


def losses(
    night: Stage, folder: Path, drawn: int, *arguments: str, step: int = 1
) -> Iterator[tuple[str, bool, Home]]:
    """Yield a home as each loss of power leaves it: when the power went, whether at the end, the home.

    What is left is yielded once, `drawn` of it by chance, for the last operation and one in `step` before.
    """
    operations, states = followed(night, folder, *arguments)
    disk, home = Disk(states[0]), night.fresh()
    tried: set[frozenset[tuple[Path, bytes | None]]] = set()
    for at, state in enumerate(states):
        if at:
            disk.follow(*operations[at - 1], state)
        if (len(operations) - at) % step:
            continue
        for name, left in lost(disk, scaled(drawn), at):
            found = frozenset(left.items())
            if found not in tried:
                tried.add(found)
                write(left, home.path)
                after = operations[at - 1] if at else ""
                yield f"after {at} operations ({after}): {name}", at == len(operations), home


@pytest.mark.parametrize(
    ("night", "drawn", "recoveries", "step"),
    [
        ("first_night", 1, 40, 1),
        ("second_night", 1, 20, 3),
        pytest.param("first_night", 50, 5, 1, marks=SLOW),
        pytest.param("second_night", 50, 5, 1, marks=SLOW),
        pytest.param("night_after_a_crash", 50, 5, 1, marks=SLOW),
    ],
    indirect=["night"],
)
def test_the_power_goes_between_any_two_operations(
    night: Stage, drawn: int, recoveries: int, step: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A reader sees exactly the old or the new snapshot, the new one once the refresh has ended.

    One loss in `recoveries` is also followed by another refresh.
    """
    seen: Counter[bool] = Counter()
    for where, ended, home in losses(night, tmp_path, drawn, step=step):
        is_public = night.is_public(home)
        assert comparable(night.read(home)) == night.expected(home), where
        assert is_public or not ended, "what a refresh announced was lost"
        seen[is_public] += 1
        if ended or seen.total() % recoveries == 0:
            again = night.run(home, directly=True)
            assert again["code"] == 0, (where, again)
            assert comparable(night.read(home)) == comparable(night.new), where
            assert leftovers(home) == [], where
    assert min(seen[True], seen[False]) > 5
    record(request.node.name, losses=seen.total(), then_old=seen[False], then_new=seen[True], broken=0)


@pytest.mark.parametrize(
    ("arguments", "drawn", "step"),
    [
        (("rollback",), 2, 1),
        (("prune", "--keep", "3"), 1, 4),
        pytest.param(("rollback",), 50, 1, marks=SLOW),
        pytest.param(("prune", "--keep", "3"), 50, 1, marks=SLOW),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_the_power_goes_amid(
    fifth_night: Stage,
    arguments: tuple[str, ...],
    drawn: int,
    step: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """What is served is sound, and so is every snapshot that is listed."""
    seen: Counter[bool] = Counter()
    for where, ended, home in losses(fifth_night, tmp_path, drawn, *arguments, step=step):
        moved = fifth_night.is_public(home)
        assert comparable(fifth_night.read(home)) == fifth_night.expected(home), where
        assert not ended or moved is (arguments[0] == "rollback"), where
        assert all(home.store.open(number).id == number for number in home.store.ids()), where
        seen[moved] += 1
        if ended or seen.total() % 10 == 0:
            assert fifth_night.run(home)["code"] == 0, where
            assert leftovers(home) == [], where
    assert seen.total() > 3
    record(request.node.name, losses=seen.total(), moved=seen[True], broken=0)


def test_the_disk_loses_what_was_not_synced(tmp_path: Path) -> None:
    """Each trap of a publication by hand is seen: unsynced bytes, an unsynced name, an unsynced rename."""
    states = [tmp_path / name for name in ("empty", "opened", "written", "renamed")]
    for state in states:
        state.mkdir()
    (states[1] / "a.tmp").write_bytes(b"")
    (states[2] / "a.tmp").write_bytes(b"whole")
    (states[3] / "a").write_bytes(b"whole")
    steps = [("open", Path("a.tmp"), 1), ("write", Path("a.tmp"), 2), ("rename", Path("a"), 3)]

    def found(sync_file: bool, sync_folder: bool, kept: str) -> dict[str, bytes]:
        disk = Disk(states[0])
        for name, path, after in steps:
            disk.follow(name, path, states[after])
            if sync_file and name == "write":
                disk.follow("fsync", path, states[after])
        if sync_folder:
            disk.follow("fsync", Path(), states[3])
        left = disk.left(Chance(*WORST[kept]))
        return {path.name: data for path, data in left.items() if data is not None}

    assert found(sync_file=False, sync_folder=True, kept="nothing unsynced") == {"a": b""}
    assert found(sync_file=True, sync_folder=False, kept="nothing unsynced") == {}
    assert found(sync_file=True, sync_folder=False, kept="names only") == {"a": b"whole"}
    assert found(sync_file=True, sync_folder=True, kept="nothing unsynced") == {"a": b"whole"}

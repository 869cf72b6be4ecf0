"""kill -9: at every operation on the disk, and at random times."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.faults.stage import (
    MOST_OPERATIONS,
    ROWS,
    STRIDE,
    Ask,
    Stage,
    comparable,
    leftovers,
    of,
    pointer,
    read,
    record,
    run,
    scaled,
    tomorrow,
)
from tests.support import Home, edited


def recovers(night: Stage, home: Home, where: str) -> None:
    """The next refresh succeeds and leaves nothing of the dead one."""
    again = night.run(home, directly=True)
    assert again["code"] == 0, (where, again)
    assert comparable(night.read(home)) == comparable(night.new), where
    assert leftovers(home) == [], where


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("night", "step", "recoveries", "directly"),
    [
        ("first_night", 2, 5, True),
        ("night_after_a_crash", 6, 5, True),
        pytest.param("first_night", STRIDE, 1, False, marks=SLOW),
        pytest.param("second_night", STRIDE, 1, False, marks=SLOW),
        pytest.param("night_after_a_crash", STRIDE, 1, False, marks=SLOW),
    ],
    indirect=["night"],
)
def test_killed_at_every_operation_of_a_refresh(
    night: Stage, step: int, recoveries: int, directly: bool, request: pytest.FixtureRequest
) -> None:
    """One operation in `step` kills; where its number divides by `recoveries`, another refresh follows."""
    seen_old = seen_new = kills = 0
    for at in range(1, MOST_OPERATIONS, step):
        home = night.fresh()
        done = night.run(home, at=at, fault="kill", directly=directly)
        if done["note"] is None:
            assert done["code"] == 0
            break
        where = f"killed at operation {at}: {done['note']}"
        assert done["code"] == -9, where
        is_public = night.is_public(home)
        assert comparable(night.read(home)) == night.expected(home), where
        kills += 1
        seen_new += is_public
        seen_old += not is_public
        if at % recoveries == 0:
            recovers(night, home, where)
        shutil.rmtree(home.folder)
    else:
        pytest.fail(f"a refresh never ends within {MOST_OPERATIONS} operations")
    assert at > 40 and (seen_old > 20 and seen_new > 0 if kills == at - 1 else seen_old > 0)
    record(request.node.name, kills=kills, then_old=seen_old, then_new=seen_new, broken=0)


def test_killed_amid_every_write(second_night: Stage, request: pytest.FixtureRequest) -> None:
    """Each file in turn is left with a few bytes in it."""
    night = second_night
    operations = night.run(night.fresh(), trace=True, directly=True)["trace"]["operations"]
    writes = [at for at, (name, _) in enumerate(operations, 1) if name == "write"]
    assert len(writes) > 14
    for at in writes:
        home = night.fresh()
        done = night.run(home, at=at, fault="tear", directly=True)
        assert done["code"] == -9 and Path(done["note"]["path"]).read_bytes() == b"torn"
        assert comparable(night.read(home)) == night.expected(home), done["note"]
        if at == writes[-1]:
            recovers(night, home, str(done["note"]))
        shutil.rmtree(home.folder)
    record(request.node.name, torn_writes=len(writes), broken=0)


@pytest.mark.parametrize(
    ("arguments", "left", "step"),
    [
        (("prune", "--keep", "3"), ("000003", "000004", "000005"), 3),
        (("rollback",), (), 1),
        pytest.param(("prune", "--keep", "3"), ("000003", "000004", "000005"), 1, marks=SLOW),
    ],
    ids=["prune", "rollback", "prune whole"],
)
def test_killed_at_every_operation_of(
    fifth_night: Stage,
    arguments: tuple[str, ...],
    left: tuple[str, ...],
    step: int,
    request: pytest.FixtureRequest,
) -> None:
    for at in range(1, MOST_OPERATIONS, step):
        home = fifth_night.fresh()
        done = fifth_night.run(home, *arguments, at=at, fault="kill")
        if done["note"] is None:
            assert done["code"] == 0
            break
        assert done["code"] == -9
        moved = fifth_night.is_public(home)
        seen = fifth_night.read(home)
        assert (seen["snapshot"], seen["warning"]) == ("000004" if moved else "000005", ""), done["note"]
        assert all(home.store.open(number).id == number for number in home.store.ids())
        assert fifth_night.run(home, *arguments)["code"] == 0
        if left:
            assert sorted(p.name for p in (home.path / "snapshots").iterdir()) == list(left)
        assert leftovers(home) == []
        shutil.rmtree(home.folder)
    assert at > 4
    record(request.node.name, kills=at - 1, broken=0)


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("kills", [12, pytest.param(3_100, marks=pytest.mark.slow)])
def test_killed_at_random_times(
    worker: Ask, scratch: Path, kills: int, request: pytest.FixtureRequest
) -> None:
    """One home lives through all of them: each time its draft exists, and is killed before it ends."""
    chance = random.Random(7)
    home = Home(scratch / f"random{kills}", options="reject_limit = 0.3")
    days = [ROWS, tomorrow()]
    answers = {}
    for day in (0, 1):
        home.write(days[day])
        assert run(worker, home)["code"] == 0
        answers[day] = comparable(read(worker, home))
    assert answers[0] != answers[1]
    seconds = usual_time(worker, scratch / f"usual{kills}")
    kills = scaled(kills)
    landed = tried = seen_new = 0
    while landed < kills:
        tried += 1
        assert tried < 2 * kills + 20, "most refreshes end before they can be killed"
        old, new = answers[tried % 2], answers[1 - tried % 2]
        # The last trial ended on the other day's catalogue, so this night always has work to do.
        home.write(days[1 - tried % 2])
        before = pointer(home.path)
        done = worker("night", **of(home), kill_after=chance.uniform(0, seconds))
        landed += done["code"] == -9
        assert done["code"] in (-9, 0)
        # How busy the machine is changes meanwhile; kills shall keep covering the whole of a refresh.
        seconds = 1.02 * seconds if done["code"] else 0.7 * seconds + 0.3 * done["seconds"]
        is_public = pointer(home.path) != before
        seen = worker("recover", **of(home))
        assert "before" in seen, (tried, done, seen)
        assert comparable(seen["before"]) == (new if is_public else old), (tried, seen)
        assert seen["before"]["warning"] == ""
        assert comparable(seen["after"]) == new, (tried, seen)
        assert leftovers(home) == []
        assert len(list((home.path / "snapshots").iterdir())) <= 3
        seen_new += is_public and done["code"] == -9
        for refused in (home.path / "quarantine").iterdir():
            refused.unlink()
        if tried % 100 == 0 or landed == kills:
            figures = {"landed": landed, "tried": tried, "then_old": landed - seen_new, "then_new": seen_new}
            record(request.node.name, **figures, broken=0)
    assert kills < 1_000 or seen_new > 0


def usual_time(worker: Ask, folder: Path) -> float:
    """How long a refresh takes once its draft exists, so that kills cover all of it."""
    home, found = Home(folder, options="reject_limit = 0.3"), []
    for night in range(6):
        home.write(edited(ROWS, "r01", summary=f"Le verger, nuit {night}."))
        found.append(worker("night", **of(home))["seconds"])
    return sorted(found)[len(found) // 2]


def test_many_deaths_leave_no_growing_heap(second_night: Stage) -> None:
    """Ten nights in a row die in one home, each elsewhere."""
    home = second_night.fresh()
    for at in range(5, 45, 4):
        assert second_night.run(home, at=at, fault="kill")["code"] == -9
        assert len(list((home.path / "snapshots").iterdir())) <= 2
    recovers(second_night, home, "after ten deaths")


def test_the_lock_dies_with_its_holder(second_night: Stage) -> None:
    home = second_night.fresh()
    held = second_night.ask("hold", **of(home), at=12)
    assert held["stopped"]
    try:
        second = second_night.run(home)
        assert second["code"] == 3
        assert "refresh is running" in second["output"]
        assert comparable(second_night.read(home)) == comparable(second_night.old)
    finally:
        assert second_night.ask("end", process=held["process"])["code"] == -9
    recovers(second_night, home, "the holder died")

"""A refresh that dies, or is refused by the disk, at any of its operations."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import Home, edited, rows

Ask = Callable[..., dict[str, Any]]
QUERY = "ouvrir une piscine et rénover le café du village"
MOST_OPERATIONS = 400
ROWS = rows()[:8]
SOME_BAD_ROWS = "reject_limit = 0.3"


@dataclass
class Stage:
    """A home just before its refresh, with what a reader may see of it: the old answer or the new one."""

    ask: Ask
    scratch: Path
    template: Path
    old: dict[str, Any]
    new: dict[str, Any]
    runs: int = 0

    def fresh(self) -> Home:
        """Return a new copy of the home."""
        self.runs += 1
        folder = self.scratch / f"run{self.runs}"
        shutil.copytree(self.template, folder)
        return Home(folder, options=SOME_BAD_ROWS)

    def refresh(self, home: Home, **fault: Any) -> dict[str, Any]:
        return self.ask("refresh", config=home.config, home=home.path, note=home.folder / "note", **fault)

    def read(self, home: Home) -> dict[str, Any]:
        return read(self.ask, home)

    def is_public(self, home: Home) -> bool:
        """Whether the new snapshot is reached: by CURRENT, or, before any CURRENT, by its own name."""
        pointer = home.path / "CURRENT"
        if pointer.exists():
            return pointer.read_bytes() != self.pointer
        return (home.path / "snapshots" / "000001").exists()

    @property
    def pointer(self) -> bytes:
        """CURRENT as it was before."""
        path = self.template / "home" / "CURRENT"
        return path.read_bytes() if path.exists() else b""


def read(ask: Ask, home: Home) -> dict[str, Any]:
    return ask("read", home=home.path, note=home.folder / "note", query=QUERY, dimension=home.dimension)


def leftovers(home: Home) -> list[str]:
    return [
        str(p.relative_to(home.path)) for p in home.path.rglob("*") if ".tmp" in p.name or "draft" in p.name
    ]


def tomorrow() -> list[dict[str, str]]:
    """The catalogue of the next day: one text changed, one facet changed, one row gone, one new, one bad."""
    table = edited(ROWS, "r00", summary="La piscine devient un bassin naturel, filtré par des roseaux.")
    table = edited(table, "r05", theme="Éducation")
    table = [row for row in table if row["id"] != "r04"]
    table.append({"id": "r99", "title": "Le café rouvre", "summary": "Un café associatif, ouvert le soir."})
    table.append({"id": "r98", "title": "", "summary": "Sans titre, cette ligne part en quarantaine."})
    return table


def stage(ask: Ask, folder: Path, with_previous: bool) -> Stage:
    template = Home(folder / "template", options=SOME_BAD_ROWS)
    if with_previous:
        template.write(ROWS)
        first = ask("refresh", config=template.config, home=template.path, note=folder / "note")
        assert first["code"] == 0, first
        stale = template.path / "snapshots" / "000007.tmp-1" / "lexical"
        stale.mkdir(parents=True)
        (stale / "rows.npy").write_bytes(b"a draft left by a dead process")
    old = read(ask, template)
    template.write(tomorrow())
    done = Stage(ask, folder, template.folder, old, {})
    home = done.fresh()
    assert done.refresh(home)["code"] == 0
    done.new = done.read(home)
    assert comparable(done.new) != comparable(done.old)
    return done


def comparable(seen: dict[str, Any]) -> Any:
    """What a reader saw, but for the snapshot's number and for how it was found."""
    return seen.get("ids"), seen.get("answer")


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: what dies is the process, not the machine."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def second_night(worker: Ask, scratch: Path) -> Stage:
    return stage(worker, scratch / "second", with_previous=True)


@pytest.fixture(scope="module")
def first_night(worker: Ask, scratch: Path) -> Stage:
    return stage(worker, scratch / "first", with_previous=False)


@pytest.fixture(params=["first_night", "second_night"])
def night(request: pytest.FixtureRequest) -> Stage:
    found: Stage = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("recoveries", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_every_operation(night: Stage, recoveries: int) -> None:
    """Every operation kills; one death in `recoveries` is also followed by another refresh."""
    seen_old = seen_new = 0
    for at in range(1, MOST_OPERATIONS):
        home = night.fresh()
        done = night.refresh(home, at=at, fault="kill")
        if done["note"] is None:
            assert done["code"] == 0
            break
        where = f"killed at operation {at}: {done['note']}"
        assert done["code"] == -9, where
        seen = night.read(home)
        is_public = night.is_public(home)
        assert comparable(seen) == comparable(night.new if is_public else night.old), where
        seen_new += is_public
        seen_old += not is_public
        if at % recoveries == 0:
            assert night.refresh(home)["code"] == 0, where
            assert comparable(night.read(home)) == comparable(night.new), where
            assert leftovers(home) == [], where
        shutil.rmtree(home.folder)
    else:
        pytest.fail(f"a refresh never ends within {MOST_OPERATIONS} operations")
    assert at > 40 and seen_old > 20 and seen_new > 0


@pytest.mark.parametrize(
    "faults",
    [
        ("ENOSPC", "EIO"),
        pytest.param(("EIO", "ENOSPC"), marks=pytest.mark.slow),
    ],
)
def test_every_operation_refused(night: Stage, faults: tuple[str, str]) -> None:
    """Odd operations meet one error, even ones the other; the long form swaps them."""
    refused = 0
    for at in range(1, MOST_OPERATIONS):
        home = night.fresh()
        done = night.refresh(home, at=at, fault=faults[at % 2])
        if done["note"] is None:
            assert done["code"] == 0
            break
        refused += 1
        where = f"{faults[at % 2]} at operation {at}: {done['note']}, {done['output']}"
        if done["note"]["path"].endswith("refresh.log"):
            assert done["code"] == 0 and "could not be recorded" in done["output"], where
            shutil.rmtree(home.folder)
            continue
        assert done["code"] == 1, where
        said = json.loads(done["output"][done["output"].index("{") :])
        assert "disk" in said["error"] and said["hint"], where
        seen = comparable(night.read(home))
        assert seen == comparable(night.new if night.is_public(home) else night.old), where
        left = [name for name in leftovers(home) if name.startswith(("CURRENT", "quarantine"))]
        assert left == [], where
        shutil.rmtree(home.folder)
    assert refused > 40


def test_after_a_refusal_the_next_refresh_succeeds(second_night: Stage) -> None:
    for at in range(2, 60, 7):
        home = second_night.fresh()
        assert second_night.refresh(home, at=at, fault="ENOSPC")["code"] == 1
        assert second_night.refresh(home)["code"] == 0
        assert comparable(second_night.read(home)) == comparable(second_night.new)
        assert leftovers(home) == []


@pytest.mark.parametrize("kills", [15, pytest.param(3_100, marks=pytest.mark.slow)])
def test_killed_at_random_times(second_night: Stage, kills: int) -> None:
    chance = random.Random(7)
    home = second_night.fresh()
    whole = second_night.refresh(home)["seconds"]
    landed = 0
    for _ in range(kills):
        shutil.rmtree(home.folder)
        home = second_night.fresh()
        done = second_night.refresh(home, kill_after=chance.uniform(0, whole))
        landed += done["code"] == -9
        answers = [comparable(second_night.old), comparable(second_night.new)]
        assert comparable(second_night.read(home)) in answers
        assert second_night.refresh(home)["code"] == 0
        assert comparable(second_night.read(home)) == comparable(second_night.new)
        assert leftovers(home) == []
    assert landed >= kills / 2, "most kills came after the end: nothing was tested"


def test_many_deaths_leave_no_growing_heap(second_night: Stage) -> None:
    """Twenty nights in a row die in one home, each elsewhere."""
    home = second_night.fresh()
    for at in range(5, 45, 2):
        assert second_night.refresh(home, at=at, fault="kill")["code"] == -9
    assert second_night.refresh(home)["code"] == 0
    assert comparable(second_night.read(home)) == comparable(second_night.new)
    assert leftovers(home) == []


def test_second_refresh_gives_way_and_the_lock_dies_with_its_holder(second_night: Stage) -> None:
    home = second_night.fresh()
    held = second_night.ask("hold", config=home.config, home=home.path, note=home.folder / "held", at=12)
    assert held["stopped"]
    try:
        second = second_night.refresh(home)
        assert second["code"] == 3
        assert "refresh is running" in second["output"]
        assert comparable(second_night.read(home)) == comparable(second_night.old)
    finally:
        assert second_night.ask("end", process=held["process"])["code"] == -9
    assert second_night.refresh(home)["code"] == 0
    assert comparable(second_night.read(home)) == comparable(second_night.new)

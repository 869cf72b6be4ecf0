from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.faults.stage import ROWS, Ask, Stage, comparable, read, run, stage
from tests.support import Home, edited


@pytest.fixture(scope="session")
def worker() -> Iterator[Ask]:
    """Send a command to the worker and return its answer."""
    numbers = count()
    command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(do: str, **values: Any) -> dict[str, Any]:
            assert process.stdin is not None and process.stdout is not None
            number = next(numbers)
            process.stdin.write(json.dumps({"do": do, "number": number, **values}, default=str) + "\n")
            process.stdin.flush()
            while True:  # a test that ran out of time leaves an answer that nobody waits for
                answer: dict[str, Any] = json.loads(process.stdout.readline())
                if answer.pop("number") == number:
                    return answer

        yield ask
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: what dies is the process, not the machine."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def first_night(worker: Ask, scratch: Path) -> Stage:
    """Nothing was ever published."""
    return stage(worker, scratch / "first", 0)


@pytest.fixture(scope="session")
def second_night(worker: Ask, scratch: Path) -> Stage:
    """One snapshot is served."""
    return stage(worker, scratch / "second", 1)


@pytest.fixture(scope="session")
def night_after_a_crash(worker: Ask, scratch: Path) -> Stage:
    """One snapshot is served, amid everything that dead processes may leave."""
    return stage(worker, scratch / "crashed", 2, crashed=True)


@pytest.fixture(scope="session")
def fifth_night(worker: Ask, scratch: Path) -> Stage:
    """A home with five snapshots; `new` is what a rollback serves."""
    home = Home(scratch / "fifth" / "template")
    for night in range(5):
        home.write(edited(ROWS, "r01", summary=f"Le verger donne ses pommes, nuit {night}."))
        assert run(worker, home)["code"] == 0
    staged = Stage(worker, scratch / "fifth", home.folder, old=read(worker, home))
    rolled = staged.fresh()
    assert run(worker, rolled, "rollback")["code"] == 0
    staged.new = read(worker, rolled)
    assert comparable(staged.new) != comparable(staged.old)
    return staged


@pytest.fixture
def night(request: pytest.FixtureRequest) -> Stage:
    """The night that a test names."""
    found: Stage = request.getfixturevalue(request.param)
    return found

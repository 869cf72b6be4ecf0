"""What reads in a child process: every command that reads a source or a file of the user's, by default."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

from reco.sources import csv_file
from tests.support import REPOSITORY, Home, rows, run_cli, run_process


@pytest.fixture
def no_reader_here(in_a_child: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of tables fails in this process, and works in a child."""

    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("a table is read in this process")

    monkeypatch.setattr(csv_file, "rows", refuse)
    monkeypatch.setattr(csv_file, "columns", refuse)


def test_commands_read_in_a_child(served: Home, no_reader_here: None) -> None:
    asked, log, out = (served.folder / name for name in ("asked.csv", "log.csv", "out.csv"))
    asked.write_text("id,text\n1,rouvrir le café du village\n", "utf-8")
    log.write_text("text\nrouvrir le café du village\n", "utf-8")
    for command in (
        ("refresh",),
        ("source", "test", "main"),
        ("batch", str(asked), str(out)),
        ("radar", "--logged", str(log)),
    ):
        ran = run_cli(*command, "--json", *served.arguments)
        assert ran.code == 0, (command, ran.out + ran.err)
    assert "rouvrir le café" in out.read_text("utf-8")


def test_a_crash_costs_a_refresh_one_source_by_default(home: Home, tmp_path: Path) -> None:
    """In a process of its own, where no test has set how sources are read."""
    hook = tmp_path / "hook"
    hook.mkdir()
    shutil.copy(Path(__file__).with_name("hostile.py"), hook / "sitecustomize.py")
    home.sources = {name: f"{name}.csv" for name in ("aborts", "main")}
    home.configure()
    for rank, name in enumerate(home.sources):
        home.write(rows()[8 * rank : 8 * rank + 7], name)
    path = os.pathsep.join((str(hook), str(REPOSITORY / "src"), str(REPOSITORY)))
    ran = run_process("refresh", "--json", *home.arguments, PYTHONPATH=path)
    assert ran.code == 0, ran.err
    assert set(json.loads(ran.out)["failed_sources"]) == {"aborts"}
    assert "its reader crashed (SIGSEGV)" in ran.err
    assert len(home.store.open().catalogue) == 7

"""The child process that reads a source: what it gives, and what a file that does harm costs."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from reco.catalogue.resource import Record, Rejection, Remark
from reco.errors import SourceError
from reco.sources.child import door, parent, wire
from reco.sources.config import SourceConfig
from reco.sources.read import inspect, read
from reco.sources.rows import Row
from tests.support import REPOSITORY, Home, rows, run_cli, write_csv

HOSTILE = Path(__file__).with_name("hostile.py")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_a_child: None) -> Path:
    """The readers of the child are those of `hostile`. Returns a small table."""
    hook = tmp_path / "hook"
    hook.mkdir()
    shutil.copy(HOSTILE, hook / "sitecustomize.py")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(hook), str(REPOSITORY / "src"))))
    table = tmp_path / "table.csv"
    write_csv(table, rows()[:3])
    return table


def source(name: str, path: Path, **options: object) -> SourceConfig:
    return SourceConfig.model_validate({"name": name, "kind": "csv", "path": path, **options})


def readers() -> list[psutil.Process]:
    """Return the processes that read a source for this one, which other tests give children of their own."""
    children = psutil.Process().children()
    return [child for child in children if any("reco.sources.child" in word for word in command_of(child))]


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []  # it ended meanwhile


def refused(config: SourceConfig) -> SourceError:
    with pytest.raises(SourceError) as error:
        list(read(config))
    assert error.value.hint
    assert not readers()
    return error.value


def test_a_reader_that_eats_memory_is_told(hostile: Path) -> None:
    error = refused(source("eats", hostile, max_memory=150_000_000))
    assert str(error) == f"source eats: reading {hostile} takes more than 0.15 GB of memory"
    assert "max_memory" in error.hint


def test_a_small_packed_document_that_fills_memory_is_told(tmp_path: Path, in_a_child: None) -> None:
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b"[" + b"{}," * 2_000_000 + b"{}]", 1))
    assert path.stat().st_size < 100_000
    error = refused(source("bomb", path, kind="json", max_memory=100_000_000))
    assert "takes more than 0.1 GB of memory" in str(error)


def test_a_reader_that_never_returns_is_stopped_by_the_clock(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "GRACE", 0.9)
    error = refused(source("loops", hostile, max_seconds=0.1, timeout_seconds=0.1))
    assert str(error) == f"source loops: reading {hostile} takes more than 0.1 seconds"
    assert "max_seconds" in error.hint


def test_a_reader_that_computes_too_long_is_stopped_by_the_system(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_TICK", 1_000.0)  # the clock of the parent never looks
    monkeypatch.setattr(parent, "GRACE", 0.5)
    assert "takes more than 0.1 seconds" in str(
        refused(source("loops", hostile, max_seconds=0.1, timeout_seconds=0.1))
    )


@pytest.mark.parametrize(("name", "how"), [("aborts", "SIGSEGV"), ("exits", "exit status 3")])
def test_a_reader_that_crashes_is_told(hostile: Path, name: str, how: str) -> None:
    error = refused(source(name, hostile))
    assert str(error) == f"source {name}: {hostile} cannot be read as csv: its reader crashed ({how})"


def test_a_reader_that_sends_for_ever_is_stopped(hostile: Path) -> None:
    error = refused(source("talks", hostile, max_bytes=500_000))
    assert "gives more than 6,000,000 bytes of rows" in str(error)


def test_a_child_that_sends_nonsense_is_not_believed(hostile: Path) -> None:
    assert "its answer makes no sense" in str(refused(source("lies", hostile)))


def test_what_a_library_prints_is_not_taken_for_rows(hostile: Path) -> None:
    (row,) = read(source("prints", hostile))
    assert isinstance(row, Record) and row.values == {"id": "1", "title": "t"}


def test_a_reader_writes_no_file(hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert "File too large" in str(refused(source("writes", hostile)))
    assert not (tmp_path / "written").read_text()


def test_a_surprise_in_a_reader_is_told_and_its_traceback_logged(
    hostile: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = refused(source("fails", hostile))
    assert str(error) == f"source fails: {hostile} cannot be read as csv: ZeroDivisionError: a surprise"
    (record,) = (r for r in caplog.records if r.levelno == logging.ERROR)
    assert record.name == "reco.sources.tasks"
    assert "the reader of source fails failed" in record.message and "hostile" not in record.message
    assert "Traceback" in record.message and "sitecustomize.py" in record.message


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="not Linux")
def test_a_child_knows_only_what_it_needs(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CLE_SECRETE", "valeur-secrete")
    monkeypatch.setenv("AUTRE_CLE", "autre-valeur")
    caplog.set_level(logging.INFO)
    config = SourceConfig(
        name="tells",
        kind="csv",
        url="https://exemple.fr/a.csv",
        headers={"X-Key": "env:CLE_SECRETE"},
    )
    told = {row.values["id"]: row.values["title"] for row in read(config) if isinstance(row, Record)}
    assert "CLE" not in told["environ"] and "PYTHONPATH" in told["environ"]
    assert "CLE_SECRETE" in told["now"] and "AUTRE_CLE" not in told["now"]
    assert told["said"].endswith("-P -m reco.sources.child.main ")
    assert int(told["pid"]) != os.getpid()
    assert [r.message for r in caplog.records if r.name == "reco.sources.essai"] == ["a page is slow"]
    assert "key=secret" not in caplog.text


def test_a_child_that_cannot_start_is_told(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(hostile))
    assert "the process that reads it cannot start: [Errno 13]" in str(refused(source("main", hostile)))
    monkeypatch.undo()
    monkeypatch.setattr(door, "runner", parent.apart)
    monkeypatch.setattr(parent, "MODULE", "reco.sources.child.absent")
    assert "the process that reads it cannot start: exit status 1" in str(refused(source("main", hostile)))


def test_a_source_that_is_left_early_leaves_no_process(hostile: Path) -> None:
    started = inspect(source("talks", hostile), 5)
    assert len(started.records) == 5
    reading = read(source("talks", hostile))
    next(reading)
    assert len(readers()) == 1
    reading.close()  # type: ignore[attr-defined]
    assert not readers()


PARENT = """
import logging, sys
from pathlib import Path
from reco.sources.config import SourceConfig
from reco.sources.read import read
logging.basicConfig(stream=sys.stdout)
list(read(SourceConfig(name="loops", kind="csv", path=Path(sys.argv[1]))))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells only on Linux")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_child_ends_with_its_parent(hostile: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT, str(hostile)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None and b"it loops" in process.stdout.readline()
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(how)
        assert process.wait(60) != 0
    _, alive = psutil.wait_procs([child], 20)
    for left in alive:
        left.kill()
    assert not alive


def test_a_night_with_sources_that_do_harm(
    hostile: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.options = "max_memory = 150_000_000"
    home.sources = {name: f"{name}.csv" for name in ("eats", "aborts", "main")}
    home.configure()
    for rank, name in enumerate(home.sources):
        home.write(rows()[8 * rank : 8 * rank + 7], name)
    with monkeypatch.context() as yesterday:
        yesterday.setattr(door, "runner", door.here)
        home.refresh()
    served = {resource.id for resource in home.store.open().catalogue}
    assert len(served) == 21
    home.write(rows()[16:24], "main")
    ran = run_cli("refresh", "--json", *home.arguments)
    assert ran.code == 0
    assert set(ran.json["failed_sources"]) == {"eats", "aborts"}
    failures = json.loads((home.path / "refresh.log").read_text("utf-8").splitlines()[-1])["failures"]
    assert "takes more than 0.15 GB of memory. Divide the file" in failures["eats"]
    assert "its reader crashed (SIGSEGV). The file is damaged" in failures["aborts"]
    assert {resource.id for resource in home.store.open().catalogue} == served | {"r23"}


def test_what_a_child_sends_is_bounded() -> None:
    stream = io.BytesIO()
    sender = wire.Sender(stream)
    longest = "x" * (wire.LONGEST_ROW + 1)
    sender.send(Row("1", {"text": longest}))
    sender.send(Rejection("essai", "2", (longest,), {"raw": longest}))
    sender.send(Remark("essai", "3", longest))
    sender.flush()
    assert stream.tell() < 100_000
    stream.seek(0)
    batch = wire.frame(stream)
    assert isinstance(batch, bytes)
    row, refused, remark = wire.rows_of("essai", batch)
    assert isinstance(row, Rejection) and "text has 16,000,001 characters" in row.problems[0]
    assert isinstance(refused, Rejection) and len(refused.problems[0]) < 10_100
    assert isinstance(remark, Remark) and remark.text.endswith("… (16,000,001 characters)")


def test_half_of_a_surrogate_pair_and_any_text_come_through(tmp_path: Path, in_a_child: None) -> None:
    path = tmp_path / "odd.jsonl"
    texts = ["\ud83d", "\0", "𝄞", "é" * 3_000, "", "œ\u2028"]
    lines = [json.dumps({"id": str(rank), "title": text}) for rank, text in enumerate(texts)]
    path.write_text("\n".join([*lines, "pas du JSON", '{"title": "sans id", "id": null}']))
    found = list(read(source("odd", path, kind="jsonl")))
    assert [row.values.get("title") for row in found if isinstance(row, Record)] == [*texts, "sans id"]
    assert [type(row) for row in found[-2:]] == [Rejection, Record]
    assert [row.locator for row in found] == [f"{path}:{number}" for number in range(1, 9)]

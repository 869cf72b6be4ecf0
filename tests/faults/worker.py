"""A process that runs refreshes and readers in forks of itself, so that each is new and none re-imports
(what a refresh imports late is imported here too).

One JSON command a line on standard input, one JSON answer a line on standard output. A fork that is
told to dies by SIGKILL at the Nth operation on the disk, or has that operation refused; it leaves a
note beside the home before its fault, so that a test can show that the fault really happened.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset  # noqa: F401
import rich.progress  # noqa: F401

import reco.sources.csv_file  # noqa: F401
from reco import refresh as _refreshing  # noqa: F401
from reco import storage
from reco.cli import render as _rendering  # noqa: F401
from reco.cli.main import main
from reco.encoder.hashing import HashingEncoderForTests
from reco.errors import RecoError
from reco.recommend import Query, Recommender
from reco.store import SnapshotStore

Answer = dict[str, Any]


def refresh(command: Answer) -> Answer:
    """Run `reco refresh` in a fork, with a fault at operation `at` if one is asked for."""
    note = Path(command["note"])
    note.unlink(missing_ok=True)
    output = note.with_suffix(".out")
    started = time.monotonic()
    child = _fork(lambda: _refresh(command, note), output)
    if "kill_after" in command:
        return {**_reap(child, command["kill_after"]), "seconds": time.monotonic() - started}
    _, status = os.waitpid(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "note": json.loads(note.read_text()) if note.exists() else None,
        "output": output.read_text(errors="replace"),
        "seconds": time.monotonic() - started,
    }


def _reap(child: int, delay: float) -> Answer:
    time.sleep(delay)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}


def _refresh(command: Answer, note: Path) -> None:
    at, fault, seen = command.get("at"), command.get("fault"), 0

    def operation(name: str, path: Path) -> None:
        nonlocal seen
        seen += 1
        if seen != at:
            return
        note.write_text(json.dumps({"operation": name, "path": str(path)}))
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        number = getattr(errno, fault)
        raise OSError(number, os.strerror(number), str(path))

    storage.operation = operation
    main(["refresh", "--config", command["config"], "--home", command["home"], "--json"])


def hold(command: Answer) -> Answer:
    """Start a refresh that stops, lock in hand, at operation `at`; return its process."""
    note = Path(command["note"])
    child = _fork(lambda: _refresh({**command, "fault": "stop"}, note), note.with_suffix(".out"))
    _, status = os.waitpid(child, os.WUNTRACED)
    return {"process": child, "stopped": os.WIFSTOPPED(status)}


def end(command: Answer) -> Answer:
    """Kill a process that `hold` started."""
    os.kill(command["process"], signal.SIGKILL)
    _, status = os.waitpid(command["process"], 0)
    return {"code": os.waitstatus_to_exitcode(status)}


def read(command: Answer) -> Answer:
    """Serve one query from the home, as a process that has just started would."""
    output = Path(command["note"]).with_suffix(".read")
    os.waitpid(_fork(lambda: print(json.dumps(_read(command))), output), 0)
    return json.loads(output.read_text())


def _read(command: Answer) -> Answer:
    try:
        snapshot, warning = SnapshotStore(Path(command["home"])).serve()
    except RecoError as error:
        return {"error": str(error)}
    recommender = Recommender(snapshot, HashingEncoderForTests(command["dimension"]))
    answer = recommender.recommend(Query.of(command["query"], k=5))
    return {
        "snapshot": snapshot.id,
        "warning": warning,
        "ids": [resource.id for resource in snapshot.catalogue],
        "answer": [[item.resource.title, item.score] for item in answer.recommendations],
    }


def _fork(work: Callable[[], None], output: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        with output.open("w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            sys.stdout = sys.stderr = stream
            try:
                work()
                code = 0
            except SystemExit as done:
                code = done.code if isinstance(done.code, int) else 1
            stream.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    gc.freeze()
    commands = {"refresh": refresh, "read": read, "hold": hold, "end": end}
    for line in sys.stdin:
        wanted = json.loads(line)
        print(json.dumps(commands[wanted["do"]](wanted)), flush=True)

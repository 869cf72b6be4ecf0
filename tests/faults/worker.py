"""A process that runs commands, refreshes and readers in forks of itself, so that each is new and none
re-imports (what they import late is imported here too, and nothing runs FAISS before a fork).

One JSON command a line on standard input, one JSON answer a line on standard output. A fork that is
told to dies by SIGKILL at the Nth operation on the disk, or has that operation refused; it leaves a
note beside the home before its fault, so that a test can show that the fault really happened.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import json
import os
import re
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import reco
from reco.catalogue.places import gazetteer
from reco.cli.console import fail
from reco.cli.main import main
from reco.encoder.protocol import Document, unit
from reco.encoder.settings import build_encoder
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import RecoError
from reco.ranking.recommender import Query, Recommender
from reco.ranking.spelling import Speller, words_of_places
from reco.refresh.run import refresh as refresh_now
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from reco.sources.child import door
from reco.storage import atomic
from reco.text.vocabulary import Vocabulary
from reco.workspace.settings import load

for late in (
    "multiprocessing.synchronize",
    "pyarrow.dataset",
    "pydantic.type_adapter",
    "reco.cli.render",
    "reco.workspace.status",
    "reco.snapshots.check",
    "reco.sources.csv_file",
    "reco.sources.tasks",
    "rich._emoji_codes",
    "rich.progress",
):
    importlib.import_module(late)

door.runner = door.here  # a child of each fork would take most of the time, and writes nothing

Answer = dict[str, Any]
PATIENCE = 60.0
NIGHT = re.compile(r"nuit-\d+")


class Fault:
    """Counts the operations of this process, and lets the one numbered `at` go wrong.

    `kill` dies just before it, `tear` dies with a few bytes of it written, `stop` waits for SIGCONT,
    `wait` for the end of the pipe `until`; the name of an error refuses it, and with `lasting` every
    one after it too. `states` is a folder for a copy of the home before each operation.
    """

    def __init__(self, command: Answer, note: Path, draft: int = -1, until: int = -1) -> None:
        self.at, self.kind, self.lasting = command.get("at"), command.get("fault", ""), command.get("lasting")
        self.note, self.draft, self.until = note, draft, until
        self.home, self.states = Path(str(command.get("home"))), command.get("states")
        self.seen: list[list[str]] = []
        atomic.operation = self

    def __call__(self, name: str, path: Path) -> None:
        self.seen.append([name, str(path)])
        if self.states:
            shutil.copytree(self.home, Path(self.states) / str(len(self.seen)))
        if self.draft >= 0 and name == "open" and ".tmp-" in path.parent.name:
            os.write(self.draft, b".")  # left open: its end tells that the process has ended
            self.draft = -1
        if self.until >= 0 and ".tmp-" in str(path) and name == "mkdir":
            os.read(self.until, 1)
        if self.at is not None and (len(self.seen) == self.at or (self.lasting and len(self.seen) > self.at)):
            self.happen(name, path)

    def happen(self, name: str, path: Path) -> None:
        if not self.note.exists():
            self.note.write_text(json.dumps({"operation": name, "path": str(path)}))
        if self.kind == "tear":
            path.write_bytes(b"torn")
        if self.kind in ("kill", "tear"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        number = getattr(errno, self.kind)
        raise OSError(number, os.strerror(number), str(path))


def run(command: Answer) -> Answer:
    """Run `reco` with `arguments` in a fork, with a fault at operation `at` if one is asked for.

    `directly`, a refresh does without the command line, which takes longer than the refresh.
    """
    note = Path(command["note"])
    note.unlink(missing_ok=True)
    output, trace = note.with_suffix(".out"), note.with_suffix(".trace")
    started = time.monotonic()
    _, status = os.waitpid(_fork(lambda: _run(command, note, trace), output), 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "note": json.loads(note.read_text()) if note.exists() else None,
        "output": output.read_text(errors="replace"),
        "seconds": time.monotonic() - started,
        "trace": json.loads(trace.read_text()) if command.get("trace") else None,
    }


def _run(command: Answer, note: Path, trace: Path) -> None:
    fault = Fault(command, note)
    if command.get("trace"):
        _audit(Path(command["home"]), fault)
    try:
        if command.get("directly"):
            _night(command)
            return
        main([*command["arguments"], "--config", command["config"], "--home", command["home"], "--json"])
    finally:
        if command.get("trace"):
            found = {"operations": fault.seen, "escaped": escaped, "audited": len(audited), "synced": synced}
            trace.write_text(json.dumps(found))


audited: list[str] = []
escaped: list[str] = []
synced: list[str] = []


def _audit(home: Path, fault: Fault) -> None:
    """Note every change to the home that Python makes without having announced it to the hook."""

    def changed(event: str, arguments: tuple[Any, ...]) -> Any:
        if event == "open":
            return arguments[0] if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None
        if event == "os.rename":
            return arguments[1]
        return arguments[0] if event in ("os.remove", "os.rmdir", "os.mkdir", "os.truncate") else None

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" and not event.startswith("os."):
            return
        path = changed(event, arguments)
        if (
            not isinstance(path, str | Path)
            or not Path(path).is_relative_to(home)
            or Path(path).name == ".lock"
        ):
            return
        audited.append(event)
        announced = Path(fault.seen[-1][1]) if fault.seen else Path()
        if Path(path) != announced and not (event == "os.mkdir" and announced.is_relative_to(path)):
            escaped.append(f"{event} {path}")

    def fsync(descriptor: int, really: Callable[[int], None] = os.fsync) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        really(descriptor)

    sys.addaudithook(watch)
    if sys.platform == "linux":
        os.fsync = fsync


def night(command: Answer) -> Answer:
    """Refresh in a fork, without the command line; kill it `kill_after` seconds after its draft exists.

    Answers with its exit code and the seconds that it lived from there.
    """
    mine, theirs = os.pipe()
    child = _fork(lambda: _night(command, Fault({}, Path(), theirs)), Path(os.devnull), mine)
    os.close(theirs)
    os.read(mine, 1)
    started = time.monotonic()
    select.select([mine], [], [], command.get("kill_after"))
    seconds = time.monotonic() - started
    os.close(mine)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "seconds": seconds}


def _night(command: Answer, fault: Fault | None = None) -> None:
    settings = load(Path(command["config"]))
    store = SnapshotStore(Path(command["home"]))
    try:
        refresh_now(store, settings.sources, lambda: build_encoder(settings.encoder))
    except RecoError as error:
        fail(error, as_json=True)


def recover(command: Answer) -> Answer:
    """In a new process: what a reader sees, then a refresh that prunes, then what a reader sees."""

    def work() -> None:
        before = _read(command)
        _night(command)
        store = SnapshotStore(Path(command["home"]))
        with store.writing():
            store.prune(2)
        print(json.dumps({"before": before, "after": _read(command)}))

    return _answer(work, Path(command["note"]).with_suffix(".read"))


def hold(command: Answer) -> Answer:
    """Start a refresh that stops, lock in hand, at operation `at`; return its process."""
    note = Path(command["note"])
    child = _fork(
        lambda: _run({**command, "arguments": ["refresh"], "fault": "stop"}, note, note),
        note.with_suffix(".out"),
    )
    _, status = os.waitpid(child, os.WUNTRACED)
    return {"process": child, "stopped": os.WIFSTOPPED(status)}


def end(command: Answer) -> Answer:
    """Kill a process that `hold` started."""
    os.kill(command["process"], signal.SIGKILL)
    _, status = os.waitpid(command["process"], 0)
    return {"code": os.waitstatus_to_exitcode(status)}


def crowd(command: Answer) -> Answer:
    """Start `count` refreshes at once. The one that gets to write waits until all others have ended."""
    mine, theirs = os.pipe()
    outputs = [Path(command["note"]).with_suffix(f".{n}") for n in range(command["count"])]
    begin, begun = os.pipe()

    def work() -> None:
        os.close(begun)
        os.read(begin, 1)
        Fault({}, Path(), until=mine)
        main(["refresh", "--config", command["config"], "--home", command["home"], "--json"])

    children = {_fork(work, output, theirs): output for output in outputs}
    os.close(begun)
    os.close(mine)
    codes: dict[int, int] = {}
    _reap(children, codes, len(children) - 1)
    waiting = len(children) - len(codes)
    os.close(theirs)
    _reap(children, codes, len(children))
    os.close(begin)
    return {
        "codes": list(codes.values()),
        "waiting": waiting,
        "outputs": [output.read_text(errors="replace") for output in outputs],
    }


def _reap(children: Any, codes: dict[int, int], count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(codes) < count and time.monotonic() < end:
        for child in set(children) - set(codes):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                codes[child] = os.waitstatus_to_exitcode(status)
        time.sleep(0.005)


def serve(command: Answer) -> Answer:
    """Publish `publishes` times while `count` processes ask, and give `answers` between them meanwhile.

    Every text of a night names it; an answer with two nights in it is mixed.
    """
    folder = Path(command["note"]).parent
    reports = [folder / f"reader{n}" for n in range(command["count"])]
    heard, said = os.pipe()
    readers = [_fork(lambda: _ask(command, said), report, heard) for report in reports]
    publisher = _fork(lambda: _publish(command, heard), folder / "publisher", said)
    os.close(heard)
    os.close(said)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in (publisher, *readers)]
    return {
        "codes": codes,
        "published": json.loads((folder / "publisher").read_text() or "{}"),
        "readers": [json.loads(report.read_text().splitlines()[-1]) for report in reports],
    }


def _publish(command: Answer, heard: int) -> None:
    """Publish and prune, twice in a row each time that the readers have given their share of answers."""
    home = Path(command["home"])
    settings = load(Path(command["config"]))
    source, store = Path(str(settings.sources[0].path)), SnapshotStore(home)
    text, done, kept = source.read_text("utf-8"), 0, 0
    share = 2 * command["answers"] // command["publishes"] + 1
    for number in range(command["publishes"]):
        waited = 0
        while number % 2 == 0 and waited < share:
            waited += len(os.read(heard, share - waited))
        source.write_text(text.replace("nuit-0", f"nuit-{number + 1}"), "utf-8")
        done += refresh_now(store, settings.sources, lambda: build_encoder(settings.encoder)).published
        with store.writing():
            before = len(store.ids())
            kept += before - 1 - len(store.prune(1))
    print(json.dumps({"published": done, "kept_for_readers": kept, "left": len(store.ids())}))


def _ask(command: Answer, said: int) -> None:
    """Ask until the publisher has ended, which closes the pipe."""
    store, recommender, seen = SnapshotStore(Path(command["home"])), None, set()
    found = {"answers": 0, "mixed": 0, "failed": 0, "warnings": 0, "opened": 0, "first_failure": ""}
    encoder = HashingEncoderForTests(command["dimension"])
    with contextlib.suppress(BrokenPipeError):
        while True:
            try:
                stale = recommender is None or store.current() != recommender.snapshot.id
                if stale or recommender is None or found["answers"] % 20 == 0:
                    snapshot, warning = store.serve()
                    found["warnings"] += bool(warning)
                    recommender = Recommender(snapshot, encoder)
                    found["opened"] += 1
                    found["mixed"] += not _own_vectors(snapshot, encoder)
                answer = recommender.recommend(Query.of(command["query"], k=5))
                shown = (item.resource for item in answer.recommendations)
                nights = {night for one in shown for night in NIGHT.findall(f"{one.publisher} {one.summary}")}
                found["mixed"] += len(nights) != 1 or len(answer.recommendations) != 5
                seen |= nights
            except Exception as error:
                found["failed"] += 1
                found["first_failure"] = found["first_failure"] or f"{type(error).__name__}: {error}"
            found["answers"] += 1
            os.write(said, b".")
    print(json.dumps({**found, "nights": len(seen)}))


def _own_vectors(snapshot: Snapshot, encoder: HashingEncoderForTests) -> bool:
    documents = [Document.of(one.title, one.summary) for one in snapshot.catalogue]
    exact = unit(np.stack([found.vector for found in encoder.encode_documents(documents)]))
    return bool(np.allclose(snapshot.dense.vectors(), exact, atol=1e-6))


def read(command: Answer) -> Answer:
    """Serve one query from the home, as a process that has just started would."""
    return _answer(lambda: print(json.dumps(_read(command))), Path(command["note"]).with_suffix(".read"))


def _read(command: Answer) -> Answer:
    try:
        snapshot, warning = SnapshotStore(Path(command["home"])).serve()
    except RecoError as error:
        return {"error": str(error)}
    recommender = reco.open(config=command["config"]).recommender_for(snapshot)
    answer = recommender.recommend(Query.of(command["query"], k=5))
    return {
        "snapshot": snapshot.id,
        "warning": warning,
        "ids": [resource.id for resource in snapshot.catalogue],
        "answer": [[item.resource.title, item.score] for item in answer.recommendations],
    }


def _answer(work: Callable[[], None], output: Path) -> Answer:
    os.waitpid(_fork(work, output), 0)
    try:
        answer: Answer = json.loads(output.read_text().splitlines()[-1])
    except (ValueError, IndexError):
        return {"error": output.read_text()[-2_000:]}
    return answer


def _fork(work: Callable[[], None], output: Path, *unwanted: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        for descriptor in unwanted:
            os.close(descriptor)
        with output.open("w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            sys.stdout = sys.stderr = stream
            try:
                work()
                code = 0
            except SystemExit as done:
                code = done.code if isinstance(done.code, int) else 1
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=stream)
            stream.flush()
    finally:
        os._exit(code)


def warm() -> None:
    """Load what takes five sixths of a refresh of eight rows, or of a query: the tables of places and words."""
    places = gazetteer.bundled()
    places.locate("Lyon", "", places.stamp)
    speller = Speller(
        Vocabulary({}, lambda stem: False), lambda name: bool(places.named(name)), lambda word, shouted: False
    )
    speller.read("du bittume")
    words_of_places()


if __name__ == "__main__":
    warm()
    gc.freeze()
    commands = {work.__name__: work for work in (run, night, recover, read, hold, end, crowd, serve)}
    for line in sys.stdin:
        wanted = json.loads(line)
        print(json.dumps({**commands[wanted["do"]](wanted), "number": wanted["number"]}), flush=True)

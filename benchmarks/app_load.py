"""Benchmark the web application: sessions with think time, a publish meanwhile, then an overload.

python -m benchmarks app-load [--home DIR] [--catalogue FILE] [--sessions N] [--minutes M] [--waves N]
    [--no-publish]

The server is the real one. Each session is a thread that exchanges a browser's messages with it:
Streamlit's own agent interface describes each page again, which costs more than the pages themselves. An
empty page with one field is measured in the same run, because Streamlit causes that part of the cost. On a
shared machine the times are upper bounds, but the processor time is exact. `--home` is copied, never changed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets import Subprotocol
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from reco.snapshots.store import SnapshotStore

REPOSITORY = Path(__file__).resolve().parents[1]
MOST_SECONDS = 2.0
PATIENCE = 300.0
"""Seconds after which a missing answer is an error."""
FIRST_VISITORS = 12
CROWD = 100
FORGOTTEN = 130.0
"""Seconds after which Streamlit has dropped a closed session: it keeps one for two minutes."""
THINK = (5.0, 15.0)
EMPTY = """\
import streamlit as st

st.title("Empty")
st.text_input("Text", key="text")
st.write(st.session_state["text"])
"""


@dataclass
class Measured:
    """The seconds of each answer, and every error."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    busy: int = 0
    ranked: int = 0
    """Sessions that saw their rank in the queue and then got an answer."""

    def figures(self) -> dict[str, Any]:
        """Return counts and percentiles for the JSON document."""
        ordered = sorted(self.seconds)
        return {
            "answers": len(ordered),
            "p50": round(statistics.median(ordered), 3) if ordered else None,
            "p95": round(ordered[max(0, -(-95 * len(ordered) // 100) - 1)], 3) if ordered else None,
            "worst": round(ordered[-1], 3) if ordered else None,
            "errors": self.errors[:5],
            "error_count": len(self.errors),
            "answers_of_another_session": len(self.strangers),
            "told_their_rank": self.ranked,
            "told_to_come_again": self.busy,
        }


class Session:
    """One visitor, who exchanges a browser's messages with the server."""

    def __init__(self, address: str) -> None:
        self._socket = connect(
            f"{address.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            # The benchmark measures late answers, so a busy server must not lose the connection.
            ping_interval=None,
            legacy=True,
        )
        self._elements: list[Element] = []

    def send(self, *states: WidgetState) -> float:
        """Render the page with these widget states; return the seconds until it is complete."""
        message = BackMsg()
        message.rerun_script.widget_states.widgets.extend(states)
        started = time.perf_counter()
        self._socket.send(message.SerializeToString())
        self._elements = []
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(self._socket.recv(timeout=PATIENCE))
            kind = answer.WhichOneof("type")
            if kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                self._elements.append(answer.delta.new_element)
            elif kind == "script_finished":
                return time.perf_counter() - started

    def type(self, text: str) -> float:
        """Fill the field of the empty page; return the seconds."""
        (field,) = self._of("text_input")
        return self.send(WidgetState(id=field.id, string_value=text))

    def search(self, text: str) -> float:
        """Type a project and click on the search button; return the seconds."""
        box = next(iter(self._of("text_area")))
        button = next(button for button in self._of("button") if button.is_form_submitter)
        return self.send(
            WidgetState(id=box.id, string_value=text), WidgetState(id=button.id, trigger_value=True)
        )

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of the results, best first."""
        return tuple(heading.body for heading in self._of("heading") if heading.tag == "h3")

    @property
    def failures(self) -> list[str]:
        """The error messages of the page."""
        return [alert.body for alert in self._of("alert") if alert.format == Alert.ERROR]

    @property
    def queued(self) -> bool:
        """Whether the page shows a rank in the queue."""
        return any("de la file" in alert.body for alert in self._of("alert") if alert.format == Alert.INFO)

    def _of(self, kind: str) -> Iterator[Any]:
        return (getattr(one, kind) for one in self._elements if one.WhichOneof("type") == kind)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(prog="benchmarks app-load", description=__doc__)
    parser.add_argument("--home", type=Path, help="a home to copy; none: the catalogue is encoded first")
    parser.add_argument("--catalogue", type=Path, default=REPOSITORY / "data" / "catalogue.csv")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--waves", type=int, default=1, help=f"how often {CROWD} search at the same instant")
    parser.add_argument("--no-publish", action="store_true", help="no refresh during the run")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measure(Path(scratch), given), indent=2, ensure_ascii=False))


def measure(scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return every figure; seconds unless the name says otherwise."""
    bench = Bench(scratch, given.catalogue, given.home)
    with serving(bench, empty=True) as (address, _):
        empty = crowd(address, given.sessions, given.minutes / 3, _type)
    with serving(bench) as (address, process):
        cold = first_visitors(address)
        loads = bench.loads()
        spent = processor(process)
        warm = serial(address)
        spent = (processor(process) - spent) / len(warm)
        before = memory(process)
        publish = threading.Thread(target=bench.publish)
        if not given.no_publish:
            publish.start()
        active = crowd(address, given.sessions, given.minutes, _search(warm))
        settled = memory(process)
        if not given.no_publish:
            publish.join()
        swarms = [wave(address, process, number) for number in range(given.waves)]
        # As before each wave, wait until the server has dropped the previous sessions.
        after = forgotten(process)
        paint = browser(address)
    return {
        "resources": bench.resources,
        "cores": os.cpu_count(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "first_visitors": {"at_once": FIRST_VISITORS, **cold.figures(), "loaded": loads},
        "empty_page": empty.figures(),
        # Other load on the machine does not change the processor time.
        "cpu_seconds_per_search": round(spent, 3),
        "searches": {"sessions": given.sessions, "think_seconds": THINK, **active.figures()},
        "published_meanwhile": bench.published,
        "memory_mb": {"before": before, "after_sessions": settled, "after_waves": after},
        "overload": {"at_once": CROWD, "waves": swarms},
        "browser": paint,
        "target": {"p95_at_most": MOST_SECONDS, "kept": _kept(active)},
    }


def _kept(active: Measured) -> bool:
    p95 = active.figures()["p95"]
    return p95 is not None and p95 <= MOST_SECONDS and not active.errors and not active.strangers


class Bench:
    """A private home with its settings, and the log of the server."""

    def __init__(self, scratch: Path, catalogue: Path, home: Path | None) -> None:
        self.folder = scratch
        self.log = scratch / "server.log"
        self.source = scratch / f"catalogue{catalogue.suffix}"
        shutil.copy(catalogue, self.source)
        kind = "csv" if catalogue.suffix == ".csv" else "jsonl"
        config = scratch / "reco.toml"
        # Under another source name, every row would count as changed.
        name = SnapshotStore(home).open().catalogue[0].source if home is not None else "bench"
        config.write_text(f'[[sources]]\nname = "{name}"\nkind = "{kind}"\npath = "{self.source.name}"\n')
        if home is not None:
            shutil.copytree(home, scratch / "home")
        self.environment = {
            **os.environ,
            "RECO_CONFIG": str(config),
            "RECO_HOME": str(scratch / "home"),
            "RECO_LOG": "INFO",
        }
        self.published: str | None = None
        if home is None:
            self._reco("refresh")
        self.resources = len(SnapshotStore(scratch / "home").open().catalogue)

    def publish(self) -> None:
        """Add a row to the source and refresh, as a night does."""
        time.sleep(THINK[0])
        row = {"id": "bench-new", "title": "Une école neuve en bois", "summary": "Une école bâtie en un an."}
        with self.source.open("a", encoding="utf-8", newline="") as stream:
            if self.source.suffix == ".csv":
                with self.source.open(encoding="utf-8", newline="") as read:
                    names = next(csv.reader(read))
                csv.DictWriter(stream, names, restval="").writerow(row)
            else:
                stream.write(json.dumps(row) + "\n")
        forced = ("--force", "--by", "bench", "--reason", "load")
        self.published = json.loads(self._reco("refresh", *forced, "--json"))["snapshot"]

    def loads(self) -> dict[str, int]:
        """Return how often the server prepared a model and opened a snapshot, counted in its log."""
        log = self.log.read_text(encoding="utf-8")
        return {"models": log.count("model prepared"), "snapshots": log.count("snapshot opened")}

    def _reco(self, *arguments: str) -> str:
        command = [sys.executable, "-c", "from reco.cli.main import main; main()", *arguments]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout


@contextmanager
def serving(bench: Bench, empty: bool = False) -> Iterator[tuple[str, psutil.Process]]:
    """Run the server with the application, or with an empty page; yield its address and process."""
    script = REPOSITORY / "src" / "reco" / "app" / "main.py"
    if empty:
        script = bench.folder / "empty.py"
        script.write_text(EMPTY, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"port": port, "address": "127.0.0.1", "headless": "true"}
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--browser.gatherUsageStats", "false"]
    command += [part for name, value in options.items() for part in (f"--server.{name}", str(value))]
    with bench.log.open("wb") as log:
        server = subprocess.Popen(command, env=bench.environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/_stcore/health")
            yield address, psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait(timeout=60)


def first_visitors(address: str) -> Measured:
    """Open many sessions at the same instant on a cold server; each searches at once."""
    found = Measured()

    def visit(number: int) -> None:
        session = Session(address)
        seconds = session.send() + session.search(_text(number))
        found.seconds.append(seconds)
        found.errors += session.failures

    _together(FIRST_VISITORS, visit)
    return found


def serial(address: str) -> dict[str, set[tuple[str, ...]]]:
    """Return the accepted titles of each query: those that a single session gets."""
    session = Session(address)
    session.send()
    found: dict[str, set[tuple[str, ...]]] = {}
    for number in range(len(_SUBJECTS)):
        session.search(_text(number))
        found[_text(number)] = {session.titles}
    return found


Step = Callable[[Session, int, Measured], None]


def crowd(address: str, sessions: int, minutes: float, step: Step) -> Measured:
    """Run sessions in parallel, each with its own think time between two steps."""
    found, until = Measured(), time.monotonic() + 60 * minutes

    def live(number: int) -> None:
        chance = random.Random(number)
        time.sleep(chance.uniform(0, THINK[1]))
        session = Session(address)
        try:
            session.send()
            turn = 0
            while time.monotonic() < until:
                step(session, number + turn * sessions, found)
                turn += 1
                time.sleep(chance.uniform(*THINK))
        except (OSError, WebSocketException) as error:
            found.errors.append(repr(error))

    _together(sessions, live)
    return found


def _type(session: Session, turn: int, found: Measured) -> None:
    found.seconds.append(session.type(_text(turn)))


def _search(known: dict[str, set[tuple[str, ...]]]) -> Step:
    """Return a step that searches. Titles unknown for the query mean an answer of another session."""

    def step(session: Session, turn: int, found: Measured) -> None:
        text = _text(turn)
        found.seconds.append(session.search(text))
        found.errors += session.failures or ([] if session.titles else [f"nothing for {text}"])
        mine = set().union(*known[text])
        if len(mine & set(_bare(session.titles))) < len(mine) // 2:
            found.strangers.append(text)

    known = {text: {_bare(titles) for titles in answers} for text, answers in known.items()}
    return step


def _bare(titles: Sequence[str]) -> tuple[str, ...]:
    """Return titles without their ranks, which a publish may move."""
    return tuple(title.split(" ", 1)[-1] for title in titles)


def wave(address: str, process: psutil.Process, number: int) -> dict[str, Any]:
    """Run one overload once old sessions are dropped; add the server's memory (MB) before and after."""
    before = forgotten(process)
    load = os.getloadavg()[0]
    found = overload(address, number)
    return {
        **found,
        "memory_mb": {"before": before, "after": memory(process)},
        "load_average": round(load, 1),
    }


def forgotten(process: psutil.Process) -> int:
    """Return the memory of the server, in MB, once it has dropped the closed sessions."""
    time.sleep(FORGOTTEN)
    return memory(process)


def overload(address: str, wave: int) -> dict[str, Any]:
    """Search in many sessions at the same instant, then close them; check the server's health meanwhile."""
    found, health = Measured(), []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            started = time.perf_counter()
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=60).close()
            except OSError as error:
                found.errors.append(f"health: {error!r}")
            health.append(time.perf_counter() - started)

    sessions = [Session(address) for _ in range(CROWD)]
    for session in sessions:
        session.send()

    def ask(number: int) -> None:
        session = sessions[number]
        try:
            # No text is repeated: a cached answer would cost nothing.
            found.seconds.append(
                session.search(f"{_text(number)} Dossier numéro {wave * CROWD + number} de la mairie.")
            )
        except (OSError, WebSocketException) as error:
            found.errors.append(repr(error))
            return
        found.ranked += session.queued
        polite = [text for text in session.failures if "recherches arrivent" in text]
        found.busy += len(polite)
        found.errors += [text for text in session.failures if text not in polite]

    watcher = threading.Thread(target=watch)
    watcher.start()
    _together(CROWD, ask)
    done.set()
    watcher.join()
    for session in sessions:
        session.close()
    return {**found.figures(), "worst_health_check": round(max(health, default=0.0), 3)}


def browser(address: str) -> dict[str, Any]:
    """Time first paint on a warm server, and results after the click, in Chromium: medians of five."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return {"skipped": "chromium is not installed"}
    from playwright.sync_api import sync_playwright

    paints, results = [], []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for number in range(6):
            page = opened.new_context(locale="fr-FR").new_page()
            started = time.perf_counter()
            page.goto(address)
            page.get_by_role("heading", level=1).wait_for()
            paints.append(time.perf_counter() - started)
            page.locator("textarea").fill(f"{_text(number)} Essai {number}.")
            started = time.perf_counter()
            page.locator("button", has_text="Chercher").first.click()
            page.get_by_role("heading", level=3).first.wait_for()
            results.append(time.perf_counter() - started)
            page.context.close()
        opened.close()
    # The first run only fills the caches of Chromium.
    return {
        "first_paint": round(statistics.median(paints[1:]), 3),
        "results_after_click": round(statistics.median(results[1:]), 3),
    }


def memory(process: psutil.Process) -> int:
    """Return the resident memory of a process and its children, in MB."""
    processes = [process, *process.children(recursive=True)]
    return round(sum(each.memory_info().rss for each in processes) / 1024**2)


def processor(process: psutil.Process) -> float:
    """Return the processor seconds that a process has used."""
    used = process.cpu_times()
    return float(used.user + used.system)


def _together(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in `count` threads; raise the first failure that it does not record itself."""
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(work, number) for number in range(count)]:
            done.result()


def _wait(address: str) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


_SUBJECTS = (
    "rénover l'école et végétaliser sa cour",
    "rouvrir un commerce au centre du bourg",
    "réduire la facture de l'éclairage public",
    "aider les jeunes à se déplacer sans voiture",
    "servir des repas bio et locaux à la cantine",
    "préparer la commune aux inondations",
    "associer les habitants au budget",
    "accueillir un médecin en milieu rural",
    "réhabiliter une friche industrielle",
    "partager l'eau entre agriculteurs et habitants",
    "loger des personnes âgées au village",
    "créer une recyclerie intercommunale",
    "protéger les haies et la biodiversité",
    "ouvrir un tiers-lieu numérique",
    "rénover les logements vacants",
    "désimperméabiliser les places et les parkings",
    "organiser le covoiturage vers les zones d'emploi",
    "moderniser la médiathèque",
    "entretenir le patrimoine et les églises",
    "mutualiser les services entre communes",
)


def _text(number: int) -> str:
    return f"Notre commune veut {_SUBJECTS[number % len(_SUBJECTS)]}."


if __name__ == "__main__":
    main()

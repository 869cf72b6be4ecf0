"""Readers that do harm, for a child process: its `PYTHONPATH` names the folder of a copy of this file.

Python imports it at start under the name `sitecustomize`. The name of a source says what its reader does.
"""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reco.sources import csv_file
from reco.sources.rows import Row

sound = csv_file.rows


def loops() -> Iterator[Row]:
    logging.getLogger("reco.sources.essai").warning("it loops")
    yield Row("1", {"id": "1"})
    re.match("(a|a)+$", "a" * 60 + "b")  # never returns to Python, so no signal handler of Python runs


def eats() -> Iterator[Row]:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))
        yield Row("1", {"id": str(len(eaten))})


def aborts() -> Iterator[Row]:
    yield Row("1", {"id": "1"})
    os.kill(os.getpid(), signal.SIGSEGV)


def exits() -> Iterator[Row]:
    yield Row("1", {"id": "1"})
    os._exit(3)


def talks() -> Iterator[Row]:
    while True:
        yield Row("1", {"id": "1", "title": "x" * 10_000})


def lies() -> Iterator[Row]:
    os.write(3, b"\xff" * 100)
    yield Row("1", {"id": "1"})


def prints() -> Iterator[Row]:
    os.write(1, b"noise of a library\n")
    yield Row("1", {"id": "1", "title": "t"})


def writes() -> Iterator[Row]:
    Path(os.environ["TMPDIR"], "written").write_text("more than nothing")
    yield Row("1", {"id": "1"})


def fails() -> Iterator[Row]:
    yield Row("1", {"id": "1"})
    raise ZeroDivisionError("a surprise")


def tells() -> Iterator[Row]:
    logging.getLogger("reco.sources.essai").warning("a page is slow")
    logging.getLogger("httpx2").info("GET https://exemple.fr/?key=secret")
    start = Path("/proc/self/environ").read_text().split("\0")
    yield Row("1", {"id": "environ", "title": " ".join(sorted(x.partition("=")[0] for x in start if x))})
    yield Row("2", {"id": "now", "title": " ".join(sorted(os.environ))})
    yield Row("3", {"id": "said", "title": Path("/proc/self/cmdline").read_text().replace("\0", " ")})
    yield Row("4", {"id": "pid", "title": str(os.getpid())})


def rows(config: Any, cache: Any) -> Iterator[Any]:
    harm: Callable[[], Iterator[Row]] | None = globals().get(config.name)
    return sound(config, cache) if harm is None else harm()


csv_file.rows = rows

"""The child process: a request on standard input, frames on standard output.

Limits are set before anything is read. It prints nothing, and opens no file to write but in the cache.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from reco.sources import isolation
from reco.sources.child.wire import Item, Request, Sender

TASKS = "reco.sources.tasks"
"""The module of the tasks, imported once the limits are set."""

_LIBRARIES = 1_000_000_000
"""Address space beside `most_memory`, for code and for what is reserved without being used."""
_MOST_LOGGED = 10_000
"""Records of the log that are sent, and characters of each."""


def main() -> None:
    """Do one task and exit. The exit status is 0 when all was said, even that the source is unreadable."""
    sender = Sender(os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not garble the frames
    request = Request(**json.loads(sys.stdin.buffer.readline()))
    _end_with_parent()
    _limit(request)
    try:
        _do(request, sender)
    except BrokenPipeError:
        os._exit(1)  # the parent wants no more rows
    os._exit(0)  # tidying up the memory of a large file takes long


def _do(request: Request, sender: Sender) -> None:
    from reco.errors import RecoError

    _send_log(request.level, sender)
    gc.freeze()
    try:
        for item in _items(request, sender):
            sender.send(item)
        sender.say("done")
    except RecoError as error:
        known = next(kind for kind in type(error).__mro__ if kind.__module__ == RecoError.__module__)
        sender.say("error", known.__name__, str(error), error.hint)
    except MemoryError:
        sender.say("memory")


def _items(request: Request, sender: Sender) -> Iterator[Item]:
    os.environ.update(request.secrets)
    tasks = import_module(TASKS)
    task = cast(Callable[[Request], Iterator[Item]], tasks.run)
    tasks.prepare(request)
    isolation.limit({"FSIZE": request.most_written})
    sender.say("ready")
    return task(request)


def _end_with_parent() -> None:
    """End at once when the parent does, even within a library that never returns to Python.

    The parent holds the other end of standard input and writes no more. When it dies the system closes
    that end and sends SIGIO here, whose default is to end the process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both: the parent ends us
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
        if _is_closed():
            os._exit(1)


def _is_closed() -> bool:
    """Whether the parent died before SIGIO was asked for."""
    import select

    poll = select.poll()
    poll.register(0, select.POLLIN)
    return bool(poll.poll(0))


def _limit(request: Request) -> None:
    memory, seconds = request.most_memory, request.most_seconds
    isolation.limit({"AS": memory + _LIBRARIES, "DATA": memory, "CPU": (seconds, seconds + 5), "CORE": 0})


class _Log(logging.Handler):
    """Sends the log to the parent, which has the handlers."""

    def __init__(self, sender: Sender) -> None:
        super().__init__()
        self._sender = sender
        self._left = _MOST_LOGGED

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record, its traceback in its text."""
        if self._left > 0:
            self._left -= 1
            self._sender.say("log", record.levelno, record.name, self.format(record)[:_MOST_LOGGED])


def _send_log(level: int, sender: Sender) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_Log(sender)]
    root.setLevel(level)
    for library in ("httpx2", "httpcore2"):  # they log addresses, which may hold a key
        logging.getLogger(library).setLevel(max(logging.WARNING, level))


if __name__ == "__main__":
    main()

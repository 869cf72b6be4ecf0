"""Starts the child process that reads a source, takes what it sends, and ends it."""

from __future__ import annotations

import json
import logging
import math
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import BinaryIO, Self, cast

from reco import errors
from reco.errors import RecoError, SourceError
from reco.sources import isolation
from reco.sources.child import wire
from reco.sources.child.wire import Item, Request
from reco.sources.config import SourceConfig
from reco.sources.content import shown_place, too_heavy, too_slow
from reco.sources.secrets import secret_variables

logger = logging.getLogger(__name__)

MODULE = "reco.sources.child.main"
"""What the child runs."""

GRACE = 30.0
"""Seconds beside `max_seconds` and one response: to start, and to let the reader say itself what is slow."""

MOST_SENT = 10
"""Bytes of rows per byte of `max_bytes`. A child that sends more would fill the memory of the parent."""

_MOST_HEARD = 20_000
"""Messages beside rows: the child itself sends no more than half as many."""

_TICK = 0.2
_LATE = ("SIGXCPU",)


def apart(request: Request, config: SourceConfig) -> Iterator[Item]:
    """Do a task in a child process, and yield what it gives.

    Raises the `RecoError` that the task raised, and `SourceError` when the child takes more than the
    limits of `config`, crashes or cannot start.
    """
    limited = replace(
        request,
        secrets=_secrets(config),
        level=logging.getLogger().getEffectiveLevel(),
        most_memory=config.max_memory,
        most_seconds=math.ceil(_most_seconds(config)),
        most_written=0 if config.path is not None else config.max_bytes + 1_000_000,
    )
    with _Child(config) as child:
        child.start(limited)
        yield from child.items()


def _most_seconds(config: SourceConfig) -> float:
    return config.max_seconds + config.timeout_seconds + GRACE


def _secrets(config: SourceConfig) -> dict[str, str]:
    """Return the variables that the source names. They go through a pipe: others can list an environment."""
    names = secret_variables(config.headers) + ([config.token.variable] if config.token else [])
    return {name: os.environ[name] for name in names if name in os.environ}


class _Child:
    """One child process. Its clock runs only while we wait for it, not while its rows are used."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._process = _started(config)
        self._since: float | None = None
        self._spent = 0.0
        self._late = self._ready = False
        self._left = threading.Event()
        self._watch = threading.Thread(target=self._watching, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._left.set()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            try:
                cast(BinaryIO, stream).close()
            except BrokenPipeError:
                continue  # the request could not be written: the child was dead
        self._watch.join()

    def start(self, request: Request) -> None:
        """Send the request. Standard input stays open: its end tells the child that we have ended."""
        line = json.dumps(asdict(request), default=os.fspath).encode("ascii") + b"\n"
        stream = cast(BinaryIO, self._process.stdin)
        _widen(cast(BinaryIO, self._process.stdout))
        with self._waiting():
            try:
                stream.write(line)
                stream.flush()
            except BrokenPipeError:
                return  # `items` tells how the child ended

    def items(self) -> Iterator[Item]:
        """Yield what the child gives, until it says that it is done."""
        received, heard, most = 0, 0, MOST_SENT * self._config.max_bytes + 1_000_000
        try:
            while (said := self._frame()) != ["done"]:
                if isinstance(said, bytes):
                    received += len(said)
                else:
                    heard += 1
                if received > most or heard > _MOST_HEARD:
                    hint = "Raise `max_bytes` of this source if that is expected."
                    raise self._fault(
                        f"gives more than {most:,} bytes of rows, or messages without end", hint
                    )
                if isinstance(said, bytes):
                    yield from wire.rows_of(self._config.name, said)
                else:
                    yield from self._heard(said)
        except wire.Garbled as error:
            logger.warning("the child that reads source %s sent %s", self._config.name, error)
            raise self._crashed("its answer makes no sense") from error

    def _frame(self) -> wire.Frame:
        with self._waiting():
            found = wire.frame(cast(BinaryIO, self._process.stdout))
        if found is None:
            raise self._ended()
        return found

    def _heard(self, said: list[object]) -> Iterator[Item]:
        match said:
            case ["answer", value]:
                yield wire.Answer(value)
            case ["log", int(level), str(name), str(text)]:
                logging.getLogger(name).log(level, "%s", wire.shortened(text))
            case ["error", str(name), str(text), str(hint)]:
                raise _error(name, wire.shortened(text), wire.shortened(hint))
            case ["ready"]:
                self._ready = True
            case ["memory"]:
                raise too_heavy(self._config)
            case _:
                raise wire.Garbled(f"a frame {said[:1]!r}")

    def _ended(self) -> SourceError:
        """Return the error for a child that ended before it said so."""
        status = self._process.wait()
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"exit status {status}"
        logger.warning("the child that reads source %s ended with %s", self._config.name, name)
        if self._late or name in _LATE:
            return too_slow(self._config)
        if name == "SIGKILL":
            return self._fault(
                "was stopped by the system while it was read, most likely because memory ran out",
                "Free memory on this machine, or lower `max_memory` of this source to be told earlier.",
            )
        return self._crashed(name) if self._ready or status < 0 else _unstarted(self._config, name)

    def _crashed(self, how: str) -> SourceError:
        return self._fault(
            f"cannot be read as {self._config.kind}: its reader crashed ({how})",
            "The file is damaged, or made to do harm: open it in the program that made it and save it again.",
        )

    def _fault(self, what: str, hint: str) -> SourceError:
        return SourceError(f"source {self._config.name}: {shown_place(self._config)} {what}", hint)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        started = self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = None
            self._spent += time.monotonic() - started

    def _watching(self) -> None:
        """Kill the child once we have waited too long for it. Python has no portable timed read of a pipe."""
        most = _most_seconds(self._config)
        while not self._left.wait(_TICK):
            since = self._since
            if since is not None and self._spent + time.monotonic() - since > most:
                self._late = True
                self._process.kill()
                return


def _started(config: SourceConfig) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter and a module of ours
            isolation.command(MODULE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=isolation.environment(),
        )
    except OSError as error:
        raise _unstarted(config, str(error)) from error


def _unstarted(config: SourceConfig, why: str) -> SourceError:
    return SourceError(
        f"source {config.name}: the process that reads it cannot start: {why}",
        f"Run `{shlex.join(isolation.command(MODULE))}` to see why; "
        "memory or processes (ulimit -u) may be short.",
    )


def _error(name: str, text: str, hint: str) -> RecoError:
    kind = getattr(errors, name, None)
    known = isinstance(kind, type) and issubclass(kind, RecoError)
    return cast(RecoError, kind(text, hint)) if known and kind is not None else SourceError(text, hint)


def _widen(stream: BinaryIO) -> None:
    """Let the child run ahead by a batch while its last one is used."""
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, 1_048_576)
        except OSError:
            return  # the system grants less: the child waits more often

"""A limit on the time that servers take to answer, whatever they send and however slowly.

The timeouts of a client bound each read alone: a server that sends one byte of its headers now and then
never reaches them. So a timer shuts the connections down when the time is over.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet

import httpx2

_OPENED = frozenset(("connection.connect_tcp.complete", "connection.start_tls.complete"))


class AnswerLimit:
    """A number of seconds for several answers together. `trace` is the `trace` extension of their requests.

    It is for one request at a time: the timer shuts every connection that the requests opened.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = self._left = seconds
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()
        self._over = False

    def renew(self) -> None:
        """Give the next answers all the seconds again."""
        self._left = self._seconds

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the time of the block. Raises `httpx2.ReadTimeout` when the seconds are over in it."""
        said = f"no whole answer within {self._seconds:g} seconds"
        if self._left <= 0:
            raise httpx2.ReadTimeout(said)
        self._over = False
        started = time.monotonic()
        timer = threading.Timer(self._left, self._shut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except httpx2.TransportError as error:
            if self._over:
                raise httpx2.ReadTimeout(said) from error
            raise
        finally:
            timer.cancel()
            timer.join()
            self._left -= time.monotonic() - started

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember a connection that opens; one that opens too late is shut at once."""
        if event in _OPENED:
            with self._lock:
                opened = info["return_value"].get_extra_info("socket")
                self._sockets.add(opened)
                if self._over:
                    _shut(opened)

    def _shut(self) -> None:
        with self._lock:
            self._over = True
            for one in self._sockets:
                _shut(one)


def _shut(opened: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        # Not the method of a TLS socket: it would drop the state that another thread is reading with.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)

"""A bounded queue: a few callers run at a time, in order of arrival; waiting callers learn their rank.

Without it, queries that arrive faster than they are answered slow each other down until all fail. Each
takes a thread, and a hundred busy threads starve the event loop that serves the browsers.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reco.catalogue.catalogue import Filters
from reco.errors import ServerBusy
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Ranking, Recommender

QUEUE = 120
"""Callers that may wait. Two cores answer about eight queries a second, so the last one waits 15 s."""
PATIENCE = 60.0
"""Longest wait of a caller, in seconds."""
FIRST_WORD, NEXT_WORD = 1.0, 4.0
"""Seconds before a waiting caller first learns its rank, and between two updates."""

Told = Callable[[int], None]
"""A callback that receives the caller's rank in the queue; 1 is next."""


class Turnstile:
    """A queue where `places` callers run at a time and `queue` others wait, each up to `patience` seconds."""

    def __init__(self, places: int, queue: int = QUEUE, patience: float = PATIENCE) -> None:
        self._places, self._queue, self._patience = places, queue, patience
        self._taken = 0
        self._line: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def passing(self, tell: Told | None = None) -> Iterator[None]:
        """Hold a place during the block. A thread that already holds one keeps it.

        `tell` receives the rank of a waiting caller, and may raise to leave the queue. Raises ServerBusy
        when the queue is full or the wait is too long.
        """
        if getattr(self._mine, "held", False):
            yield
            return
        self._enter(tell)
        self._mine.held = True
        try:
            yield
        finally:
            # A caller that stepped aside and got no place back has none to leave.
            if self._mine.held:
                self._mine.held = False
                self._leave()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Give the caller's place to others during the block, then wait for another."""
        if not getattr(self._mine, "held", False):
            yield
            return
        self._mine.held = False
        self._leave()
        try:
            yield
        finally:
            self._enter(None)
            self._mine.held = True

    def _enter(self, tell: Told | None) -> None:
        with self._lock:
            if self._taken < self._places and not self._line:
                self._taken += 1
                return
            if len(self._line) >= self._queue:
                raise _busy()
            turn = threading.Event()
            self._line.append(turn)
        try:
            self._wait(turn, tell)
        except BaseException:
            self._give_up(turn)
            raise

    def _wait(self, turn: threading.Event, tell: Told | None) -> None:
        until = time.monotonic() + self._patience
        pause = FIRST_WORD
        while not turn.wait(min(pause, max(0.0, until - time.monotonic()))):
            if time.monotonic() >= until:
                raise _busy()
            with self._lock:
                rank = self._line.index(turn) + 1 if turn in self._line else 1
            if tell is not None:
                tell(rank)
            pause = NEXT_WORD

    def _give_up(self, turn: threading.Event) -> None:
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
                return
        # `_leave` has just handed the place over: pass it on.
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._taken -= 1


SHARED = Turnstile(os.cpu_count() or 2)
"""The queue of searches and of drawing their results. All snapshots share the processor, so they share it."""
DRAWING = Turnstile(os.cpu_count() or 2, queue=sys.maxsize, patience=float("inf"))
"""The queue of all other drawing: too quick to show a rank, and never refused."""


class QueuedRecommender(Recommender):
    """A recommender whose callers wait in `SHARED`. Its methods also raise ServerBusy."""

    def recommend(self, query: Query) -> Answer:
        with SHARED.passing():
            return super().recommend(query)

    def ranking(self, query: Query) -> Ranking:
        with SHARED.passing():
            return super().ranking(query)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        with SHARED.passing():
            return super().similar(identifier, k, filters)


def _busy() -> ServerBusy:
    return ServerBusy("Too many queries at the same time.", "Try again in a few seconds.")

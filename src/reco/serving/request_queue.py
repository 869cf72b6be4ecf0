"""Answering a few requests at a time, in the order in which they came, and telling those who wait their rank.

Without it, requests that come faster than they are answered slow each other down until all of them fail: each
is a thread, and a hundred of them at work leave no turn to the loop that speaks to every browser.
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
from reco.index.hits import Hit
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommender

QUEUE = 120
"""How many may wait. Two cores answer some eight requests a second, so the last of them waits 15 s."""
PATIENCE = 60.0
"""Seconds that one waits at most."""
FIRST_WORD, NEXT_WORD = 1.0, 4.0
"""Seconds of waiting before one is told one's rank, and between two ranks."""

Told = Callable[[int], None]
"""What tells a rank in the queue, 1 for who is next."""


class Turnstile:
    """Lets `places` callers through at a time, while at most `queue` others wait `patience` seconds."""

    def __init__(self, places: int, queue: int = QUEUE, patience: float = PATIENCE) -> None:
        self._places, self._queue, self._patience = places, queue, patience
        self._taken = 0
        self._line: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def passing(self, tell: Told | None = None) -> Iterator[None]:
        """Hold a place, or keep one's own; who waits is told the rank, which may raise to leave the queue.

        Raises ServerBusy when the queue is full, or stands.
        """
        if getattr(self._mine, "held", False):
            yield
            return
        self._enter(tell)
        self._mine.held = True
        try:
            yield
        finally:
            # Who stood aside and found no place again has none to leave.
            if self._mine.held:
                self._mine.held = False
                self._leave()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have one's place meanwhile, and wait for another afterwards."""
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
        # The place was handed over at this very moment.
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._taken -= 1


SHARED = Turnstile(os.cpu_count() or 2)
"""Before the search and the drawing of its results: the processor is shared, whichever snapshot is asked."""
DRAWING = Turnstile(os.cpu_count() or 2, queue=sys.maxsize, patience=float("inf"))
"""Before the rest of every page, which is too quick for a rank to be told, and refused to nobody."""


class QueuedRecommender(Recommender):
    """A recommender whose callers wait for their turn. Raises ServerBusy beside what it raises itself."""

    def recommend(self, query: Query) -> Answer:
        with SHARED.passing():
            return super().recommend(query)

    def rank(self, query: Query) -> list[Hit]:
        with SHARED.passing():
            return super().rank(query)

    def similar(self, identifier: str, k: int = 10, filters: Filters | None = None) -> Answer:
        with SHARED.passing():
            return super().similar(identifier, k, filters)


def _busy() -> ServerBusy:
    return ServerBusy("Too many requests at the same time.", "Ask again in a few seconds.")

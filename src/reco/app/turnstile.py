"""Answering a few requests at a time, and turning away politely whoever would wait too long.

Without it, requests that come faster than they are answered slow each other down until all of them fail.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from reco.catalogue import Filters
from reco.errors import ServerBusy
from reco.query import Query
from reco.ranking import Hit
from reco.recommend import Answer, Recommender

QUEUE = 60
"""How many may wait. Two cores answer some twenty requests a second, so the last of them waits 3 s."""
PATIENCE = 12.0
"""Seconds that one waits at most."""


class Turnstile:
    """Lets `places` callers through at a time, while at most `queue` others wait `patience` seconds."""

    def __init__(self, places: int, queue: int = QUEUE, patience: float = PATIENCE) -> None:
        self._free = threading.Semaphore(places)
        self._inside = threading.BoundedSemaphore(places + queue)
        self._patience = patience
        self._mine = threading.local()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Hold a place, or keep one's own. Raises ServerBusy when the queue is full, or stands."""
        if getattr(self._mine, "held", False):
            yield
            return
        if not self._inside.acquire(blocking=False):
            raise _busy()
        try:
            if not self._free.acquire(timeout=self._patience):
                raise _busy()
            self._mine.held = True
            try:
                yield
            finally:
                self._mine.held = False
                self._free.release()
        finally:
            self._inside.release()


SHARED = Turnstile(os.cpu_count() or 2)
"""That of this server: the processor is shared, whichever snapshot is asked."""


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

"""A bounded check of the addresses of a catalogue, those checked longest ago first."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from reco.catalogue import link_states
from reco.catalogue.link_states import Checked, LinkState
from reco.catalogue.resource import Resource
from reco.encoder.protocol import Progress
from reco.errors import StorageError
from reco.sources.link_check import Probe

logger = logging.getLogger(__name__)

LONGEST = 2_000
"""Characters. A longer address is not checked."""

MOST_SECONDS = 3_600.0
"""Seconds after which a run asks no further address."""

SAVE_EVERY = 50
"""Addresses after which the file is written, so that an interrupted run keeps most of what it learnt."""

_LONGEST_WHY = 300
_SURROGATE = re.compile("[\ud800-\udfff]")


class Checker(Protocol):
    """What asks the servers; see `reco.sources.link_check.LinkChecker`."""

    def check(self, url: str) -> Probe:
        """Return what is at an address."""


@dataclass(frozen=True)
class LinkProblem:
    """An address that is not simply right, the ids of the resources that give it, and what is known of it.

    `nights` counts its failed nights since the last success; `since` is the first of them, "" without one.
    """

    url: str
    resources: tuple[str, ...]
    outcome: str
    why: str
    to: str
    nights: int
    since: str


@dataclass(frozen=True)
class LinkReport:
    """A check of addresses. `outcomes` counts those checked now; `never` counts those never checked so far.

    `problems` are those checked now that are not ok; `gone` are all that are dead for good. `damaged` counts
    lines of the file that could not be read. With `offline`, no server answered, and nothing was recorded.
    """

    night: str
    addresses: int
    checked: int
    never: int
    outcomes: dict[str, int]
    problems: tuple[LinkProblem, ...]
    gone: tuple[LinkProblem, ...]
    damaged: int
    offline: bool


def check_links(
    home: Path,
    resources: Iterable[Resource],
    checker: Checker,
    night: date,
    limit: int,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> LinkReport:
    """Check at most `limit` addresses and record the outcomes under the date of this night.

    Addresses that were never checked come first, then those checked longest ago. A host that did not answer,
    or asked to wait, is not asked again: its other addresses stay as they were, for another night.
    What is known of addresses that no resource has any more is forgotten. Raises StorageError when another
    check is running or the disk refuses.
    """
    owners = _owners(resources)
    with _alone(home):
        known = link_states.read(home)
        states = {url: known.states.get(url, LinkState(url)) for url in owners}
        waiting = sorted(states, key=lambda url: _last_night(states[url]))
        run = _Run(home, states, checker, night.isoformat(), clock)
        offline = run.check(waiting, limit, progress)
    asked = [] if offline else run.done
    return LinkReport(
        night=night.isoformat(),
        addresses=len(owners),
        checked=len(asked),
        never=sum(state.last is None for state in states.values()),
        outcomes=dict(Counter(_outcome(states[url]) for url in asked)),
        problems=tuple(_problem(states[url], owners) for url in asked if _outcome(states[url]) != "ok"),
        gone=tuple(_problem(states[url], owners) for url in sorted(states) if states[url].gone),
        damaged=known.damaged,
        offline=offline,
    )


class _Run:
    """One run: it changes `states`, and writes them now and then, and at its end however it ends."""

    def __init__(
        self,
        home: Path,
        states: dict[str, LinkState],
        checker: Checker,
        night: str,
        clock: Callable[[], float],
    ) -> None:
        self._home, self._states, self._checker, self._night = home, states, checker, night
        self._clock = clock
        self._until = clock() + MOST_SECONDS
        self._tired: set[str] = set()
        self._silent = True
        self._pending: dict[str, LinkState] = {}
        self.done: list[str] = []

    def check(self, waiting: Sequence[str], limit: int, progress: Progress | None) -> bool:
        """Check the first addresses, `limit` at most, without those of hosts that rest.

        Return whether the network is to blame: nothing is then recorded.
        """
        most = min(limit, len(waiting))
        try:
            for count, url in enumerate(self._awake(waiting, limit), start=1):
                if self._clock() > self._until:
                    logger.warning("the check of addresses stops after %d of %d", count - 1, most)
                    break
                self._one(url)
                if progress is not None:
                    progress(count, most)
                if count % SAVE_EVERY == 0:
                    self._save()
        finally:
            self._save()
        return self._offline

    def _awake(self, waiting: Sequence[str], limit: int) -> Iterator[str]:
        """Yield addresses to ask. Others take the places of those whose host rests, not to wait for it."""
        rest = list(waiting)
        while limit and (rest := [url for url in rest if _host(url) not in self._tired]):
            turn, rest = _interleaved(rest[:limit]), rest[limit:]
            for url in turn:
                if _host(url) not in self._tired:
                    limit -= 1
                    yield url

    @property
    def _offline(self) -> bool:
        """Whether no host of several answered: no address is to blame, this machine has no network."""
        return self._silent and len({_host(url) for url in self._pending}) > 1

    def _one(self, url: str) -> None:
        found = self._checker.check(url)
        if found.tired:
            self._tired.add(_host(url))
        self._silent = self._silent and found.silent
        checked = Checked(self._night, found.outcome, found.why[:_LONGEST_WHY], found.to[:LONGEST])
        self._pending[url] = self._states[url].after(checked)
        self.done.append(url)

    def _save(self) -> None:
        if self._pending and not self._offline:
            self._states.update(self._pending)
            link_states.write(self._home, (state for state in self._states.values() if state.outcomes))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    lock = FileLock(home / ".links.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise StorageError("Another check of addresses is running.", "Wait until it ends.") from error
    except OSError as error:
        raise StorageError(
            f"{home} cannot be written: {error.strerror or error}.",
            "Free some space or check the folder's permissions, then run the command again.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _owners(resources: Iterable[Resource]) -> dict[str, tuple[str, ...]]:
    """Return the ids of the resources by address, for each address that a browser may open.

    A lone surrogate has no bytes: no server can be asked for it, and the file cannot hold it.
    """
    owners: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for resource in resources:
        if (link := resource.link) and len(link) <= LONGEST and not _SURROGATE.search(link):
            owners[link] += (resource.id,)
    return dict(owners)


def _interleaved(urls: Iterable[str]) -> list[str]:
    """Return addresses so that those of one host are apart: its pause passes while others are asked."""
    by_host: defaultdict[str, list[str]] = defaultdict(list)
    for url in urls:
        by_host[_host(url)].append(url)
    return [url for turn in zip_longest(*by_host.values()) for url in turn if url is not None]


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _last_night(state: LinkState) -> tuple[str, str]:
    return state.last.night if state.last is not None else "", state.url


def _outcome(state: LinkState) -> str:
    return state.last.outcome if state.last is not None else ""


def _problem(state: LinkState, owners: Mapping[str, tuple[str, ...]]) -> LinkProblem:
    last = state.last or Checked("", "unsure")
    return LinkProblem(
        state.url, owners[state.url], last.outcome, last.why, last.to, state.failures, state.since
    )

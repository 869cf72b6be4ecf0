"""What is known of the addresses of resources: `links.jsonl` in the home, one JSON object per address.

An address that fails on `NIGHTS` different nights, with no success between them, is dead for good. An unsure
outcome (a server that is busy, slow or closed to us) neither counts as a failure nor ends a row of them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from reco.errors import StorageError
from reco.storage import atomic

logger = logging.getLogger(__name__)

Outcome = Literal["ok", "moved", "dead", "soft-404", "unsure"]
FAILED: frozenset[Outcome] = frozenset(("dead", "soft-404"))

NAME = "links.jsonl"
NIGHTS = 3
"""Nights of failure after which an address is dead for good."""

KEPT = 5
"""Newest outcomes that are kept of an address."""

LONGEST_LINE = 100_000
"""Bytes. A longer line is damaged: an address and its five moves take less, whatever their letters."""

LARGEST = 256_000_000
"""Bytes of the file: more than a million addresses."""


@dataclass(frozen=True)
class Checked:
    """The outcome of a check: the date of its night (ISO 8601), and why, or where to if it moved."""

    night: str
    outcome: Outcome
    why: str = ""
    to: str = ""


@dataclass(frozen=True)
class LinkState:
    """An address, its last outcomes, oldest first, and the nights of failure since the last success."""

    url: str
    outcomes: tuple[Checked, ...] = ()
    failures: int = 0
    since: str = ""
    """The first of those nights, "" without one."""

    @property
    def last(self) -> Checked | None:
        """The last outcome, None for an address that was never checked."""
        return self.outcomes[-1] if self.outcomes else None

    @property
    def gone(self) -> bool:
        """Whether the address is dead for good."""
        return self.failures >= NIGHTS

    def after(self, checked: Checked) -> LinkState:
        """Return the state after a check. Several checks of one night count once, as the last sure one."""
        tonight = [one for one in self.outcomes if one.night == checked.night]
        if tonight and checked.outcome == "unsure":
            return self
        others = [one for one in self.outcomes if one.night != checked.night]
        state = replace(self, outcomes=(*others, checked)[-KEPT:])
        if checked.outcome in FAILED:
            counted = any(one.outcome in FAILED for one in tonight)
            return replace(state, failures=self.failures + (not counted), since=self.since or checked.night)
        return state if checked.outcome == "unsure" else replace(state, failures=0, since="")


@dataclass(frozen=True)
class Links:
    """The states of a home by address, and how many damaged lines were left out."""

    states: Mapping[str, LinkState] = field(default_factory=dict)
    damaged: int = 0

    @property
    def gone(self) -> dict[str, str]:
        """The addresses that are dead for good, with the date of the first failed night."""
        return {url: state.since for url, state in self.states.items() if state.gone}


def read(home: Path) -> Links:
    """Return what is known; nothing without the file. A damaged line is left out, counted and logged.

    Raises StorageError when the file cannot be read.
    """
    path = home / NAME
    try:
        if path.stat().st_size > LARGEST:
            raise StorageError(f"{path} is larger than {LARGEST:,} bytes.", "Remove it: checks begin anew.")
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return Links()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    states = [_state(line) for line in lines]
    damaged = states.count(None)
    if damaged:
        logger.warning("%s: damaged lines are left out: %d", path, damaged)
    return Links({state.url: state for state in states if state is not None}, damaged)


def write(home: Path, states: Iterable[LinkState]) -> None:
    """Replace the file in one step. Raises StorageError when the disk refuses."""
    ordered = sorted(states, key=lambda state: state.url)
    lines = "".join(json.dumps(asdict(state), ensure_ascii=False) + "\n" for state in ordered)
    atomic.replace(home / NAME, lines.encode("utf-8", "backslashreplace"))


_STATE = TypeAdapter(LinkState)


def _state(line: bytes) -> LinkState | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        state = _STATE.validate_json(line)
        if state.failures or state.since:
            date.fromisoformat(state.since)  # cards show it
    except (ValidationError, ValueError):
        return None
    return state if state.failures >= 0 else None

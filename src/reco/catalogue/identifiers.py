"""Identifiers: each is of its source. The catalogue tells apart those that several sources use.

A resource is served under its own id as long as no other source uses that id. What collides is served as
`SOURCE:ID`, for all sources alike, save the one whose row was served under the plain id before: what was
saved under it goes on. The home remembers who has which id, so neither the order of the sources nor one that
fails ever swaps two ids.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from reco.errors import StorageError
from reco.storage import atomic

logger = logging.getLogger(__name__)

FILE = "ids.jsonl"
"""The file in the home: one line `[source, its own id, the id as served]` for each id that is told apart."""

Key = tuple[str, str]
"""A source, and an id as that source writes it."""


@dataclass(frozen=True)
class Ids:
    """The ids as served, by source and own id. A row that is not listed is served under its own id."""

    names: Mapping[Key, str] = field(default_factory=dict)

    def served(self, source: str, own: str) -> str:
        """Return the id under which a row of a source is served."""
        return self.names.get((source, own), own)

    def own(self, source: str, served: str) -> str:
        """Return the id that a source gives to its resource of the catalogue."""
        return self._owns.get((source, served), served)

    @cached_property
    def _owns(self) -> dict[Key, str]:
        return {(source, name): own for (source, own), name in self.names.items() if own != name}


@dataclass(frozen=True)
class Before:
    """What is known of ids before a night.

    `served` are the own ids of each source in the served snapshot, `ids` what the home remembers. `cited`
    are ids that the curator's decisions name: one that neither knows is of the first source that has it,
    among those that were served if any.
    """

    served: Mapping[str, Collection[str]] = field(default_factory=dict)
    ids: Ids = field(default_factory=Ids)
    cited: Collection[str] = frozenset()


def tell_apart(shown: Mapping[str, Collection[str]], before: Before) -> Ids:
    """Return the ids as served of the rows in `shown`: the own ids of each source, in the settings' order.

    The result remembers all that `before.ids` does, and every id that is disputed tonight.
    """
    every, twice = _counted(shown)
    told = _remembered(shown, before, twice)
    used = {name: key for key, name in told.items()}
    users = defaultdict[str, set[str]](set)
    for source, own in told:
        users[own].add(source)
    new = defaultdict[str, list[str]](list)
    disputed = {*twice, *users, *used}
    for source, ids in shown.items():
        for own in (own for own in disputed if own in ids):
            users[own].add(source)
            if (source, own) not in told:
                new[own].append(source)
    apart = []
    for own, sources in new.items():
        # What the curator decided on an id that nobody remembers was about a source that was there already.
        if own not in used and (len(users[own]) == 1 or own in before.cited):
            first = next((source for source in sources if before.served.get(source)), sources[0])
            sources.remove(first)
            told[first, own], used[own] = own, (first, own)
        apart += [(source, own) for source in sources]
    for source, own in sorted(apart):
        name = _free(source, own, used, every)
        told[source, own], used[name] = name, (source, own)
    gone = ((key, name) for key, name in before.ids.names.items() if key[0] not in shown)
    # A source that comes back has its ids again, unless another one has them now.
    kept = {key: name for key, name in gone if name not in used and (name not in every or name in users)}
    return Ids({**kept, **told})


def _counted(shown: Mapping[str, Collection[str]]) -> tuple[set[str], set[str]]:
    """Return all ids, and those that several sources show."""
    every, twice = set[str](), set[str]()
    for ids in shown.values():
        twice.update(own for own in ids if own in every)
        every.update(ids)
    return every, twice


def _remembered(
    shown: Mapping[str, Collection[str]], before: Before, twice: Collection[str]
) -> dict[Key, str]:
    """Return the ids that stay: those that the home remembers, and disputed ones that are served."""
    told, used = dict[Key, str](), set[str]()
    for key, name in before.ids.names.items():
        if key[0] in shown and name not in used:
            told[key] = name
            used.add(name)
    disputed = sorted({*twice, *used, *(own for _, own in told)})
    for source, ids in shown.items():
        served = before.served.get(source, ())
        for own in disputed:
            if own in ids and own in served and own not in used and (source, own) not in told:
                told[source, own] = own
                used.add(own)
    return told


def _free(source: str, own: str, used: Collection[str], every: Collection[str]) -> str:
    """Return `SOURCE:ID`, with more colons if that is an id of something else."""
    name = f"{source}:{own}"
    while name in used or name in every:
        source += ":"
        name = f"{source}:{own}"
    return name


def load(home: Path) -> Ids:
    """Return what a home remembers of ids. A line that cannot be read is skipped and logged."""
    path = home / FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return Ids()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    names = {}
    for number, line in enumerate(lines, start=1):
        try:
            source, own, name = json.loads(line)
            names[str(source), str(own)] = str(name)
        except (ValueError, TypeError):
            logger.warning("%s, line %d is skipped: not [source, id, id as served]", path, number)
    return Ids(names)


def save(home: Path, ids: Ids) -> None:
    """Write what a home remembers of ids, in one step; nothing for none. Raises StorageError."""
    if not ids.names and not (home / FILE).exists():
        return
    # ASCII: a source's id may hold half a surrogate pair, which UTF-8 cannot.
    lines = sorted(json.dumps([source, own, name]) for (source, own), name in ids.names.items())
    atomic.make_folder(home)
    atomic.replace(home / FILE, "".join(f"{line}\n" for line in lines).encode("ascii"))

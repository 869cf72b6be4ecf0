"""Names that a curator gives to clusters: a CSV file, `id,name,author,date,reason`, a later line winning.

A name stays until its cluster has truly changed: until the resources that the cluster had when the
name was first applied, and those that it has now, overlap by less than `lineage.SAME` (Jaccard, over
what is still in the catalogue).
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reco.clusters.matching import SAME, overlap
from reco.clusters.model import Clusters, CuratorName, Event
from reco.errors import InvalidInput
from reco.storage import signed_csv, tables
from reco.text.clean import digest

logger = logging.getLogger(__name__)

COLUMNS = ("id", "name", *signed_csv.SIGNATURE)
LONGEST = 60
"""Characters of a name."""


@dataclass(frozen=True)
class Names:
    """The lines of a file of names, the last of each cluster."""

    lines: tuple[CuratorName, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Names:
        """Read a file; without one there are no names. Raises InvalidDecisions with every bad line."""
        lines = signed_csv.read(path, COLUMNS, "names", _problems)
        return cls(tuple({line.values["id"]: _name(line.values) for line in lines}.values()))

    @property
    def stamp(self) -> str:
        """Digest of what the lines say, whoever said it."""
        return digest(*(repr((line.cluster, line.name)) for line in self.lines))


def append(path: Path, name: CuratorName) -> None:
    """Add a line to a file of names, which is made if there is none.

    Raises InvalidInput for a name that cannot be used, InvalidDecisions for a file that cannot.
    """
    values = dict(zip(COLUMNS, (name.cluster, name.name, name.author, name.date, name.reason), strict=True))
    if problems := [*_problems(values), *signed_csv.unsigned(values)]:
        raise InvalidInput(f"The cluster cannot be renamed: {'; '.join(problems)}.", "Say it in one line.")
    Names.read(path)
    before = path.read_bytes() if path.exists() else (",".join(COLUMNS) + "\n").encode()
    if not before.endswith(b"\n"):
        before += b"\n"
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(values.values())
    tables.save(path, before + stream.getvalue().encode())


def named(clusters: Clusters, names: Sequence[CuratorName], previous: Clusters | None = None) -> Clusters:
    """Return clusters under the curator's names, telling of those that no longer apply."""
    earlier = {(n.cluster, n.name): n for n in previous.names} if previous is not None else {}
    given: dict[str, CuratorName] = {}
    dropped: list[Event] = []
    kept: list[CuratorName] = []
    for line in names:
        first = earlier.get((line.cluster, line.name))
        why = _why_dropped(clusters, line, first)
        members = first.members if first is not None else clusters.members(line.cluster)
        kept.append(replace(line, members=members))
        if why:
            logger.warning("the name %r of cluster %s no longer applies: %s", line.name, line.cluster, why)
            dropped.append(Event("name-dropped", 0, line.cluster, line.name, why=why))
        else:
            given[line.cluster] = line
    renamed = tuple(
        replace(c, label=given[c.id].name, named_by=given[c.id].author)
        if c.id in given
        else replace(c, label=c.proposed, named_by="")
        for c in clusters.clusters
    )
    return replace(clusters, clusters=renamed, names=tuple(kept), events=(*clusters.events, *dropped))


def _why_dropped(clusters: Clusters, line: CuratorName, first: CuratorName | None) -> str:
    now = clusters.members(line.cluster)
    if not now:
        return "there is no such cluster any more" if first is not None else "there is no such cluster"
    if first is None:
        return ""
    here = set(clusters.ids)
    share = overlap([member for member in first.members if member in here], now)
    return "" if share >= SAME else f"its resources overlap by {share:.0%} with those it had when named"


def _name(values: signed_csv.Values) -> CuratorName:
    one_line = " ".join(values["name"].split())
    return CuratorName(values["id"], one_line, values["author"], values["date"], values["reason"])


def _problems(values: signed_csv.Values) -> list[str]:
    problems = [f"the {column} is missing" for column in ("id", "name") if not values[column]]
    if len(values["name"]) > LONGEST:
        problems.append(f"the name has more than {LONGEST} characters")
    return problems

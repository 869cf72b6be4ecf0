"""Curators' names of clusters: a CSV file, `id,name,author,date,reason`; the last line of an id wins.

A name applies until its cluster changes: until the cluster's resources when the name was first applied
and its resources now overlap by less than `matching.SAME` (Jaccard, among resources still in the
catalogue).
"""

from __future__ import annotations

import codecs
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
from reco.text.decoding import decoded

logger = logging.getLogger(__name__)

COLUMNS = ("id", "name", *signed_csv.SIGNATURE)
LONGEST = 60
"""The most characters of a name."""


@dataclass(frozen=True)
class Names:
    """The names of a file, one per cluster."""

    lines: tuple[CuratorName, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Names:
        """Read a file; a missing file has no names. Raises InvalidDecisions with every bad line."""
        lines = signed_csv.read(path, COLUMNS, "names", _problems)
        return cls(tuple({line.values["id"]: _name(line.values) for line in lines}.values()))

    @property
    def stamp(self) -> str:
        """Digest of clusters and names, without authors, dates and reasons."""
        return digest(*(repr((line.cluster, line.name)) for line in self.lines))


def append(path: Path, name: CuratorName) -> None:
    """Add a line to a file of names, and create the file if it is missing.

    Raises InvalidInput for an invalid name, InvalidDecisions for an invalid file.
    """
    values = dict(zip(COLUMNS, (name.cluster, name.name, name.author, name.date, name.reason), strict=True))
    if problems := [*_problems(values), *signed_csv.unsigned(values)]:
        raise InvalidInput(
            f"The cluster cannot be renamed: {'; '.join(problems)}.",
            "Give an id, a short name, an author, a date and a reason.",
        )
    Names.read(path)
    before = path.read_bytes() if path.exists() else (",".join(COLUMNS) + "\n").encode()
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    before = mark + decoded(before).encode()  # a file in two encodings could not be read again
    if not before.endswith(b"\n"):
        before += b"\n"
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(values.values())
    tables.save(path, before + stream.getvalue().encode())


def named(clusters: Clusters, names: Sequence[CuratorName], previous: Clusters | None = None) -> Clusters:
    """Apply curators' names to clusters. Names that no longer apply become `name-dropped` events."""
    earlier = {(n.cluster, n.name): n for n in previous.names} if previous is not None else {}
    current: dict[str, CuratorName] = {}
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
            current[line.cluster] = line
    renamed = tuple(
        replace(c, label=current[c.id].name, named_by=current[c.id].author)
        if c.id in current
        else replace(c, label=c.proposed, named_by="")
        for c in clusters.clusters
    )
    return replace(clusters, clusters=renamed, names=tuple(kept), events=(*clusters.events, *dropped))


def _why_dropped(clusters: Clusters, line: CuratorName, first: CuratorName | None) -> str:
    now = clusters.members(line.cluster)
    if not now:
        return "the cluster no longer exists" if first is not None else "the cluster does not exist"
    if first is None:
        return ""
    present = set(clusters.ids)
    share = overlap([member for member in first.members if member in present], now)
    return "" if share >= SAME else f"its resources overlap by {share:.0%} with its resources when named"


def _name(values: signed_csv.Values) -> CuratorName:
    one_line = " ".join(values["name"].split())
    return CuratorName(values["id"], one_line, values["author"], values["date"], values["reason"])


def _problems(values: signed_csv.Values) -> list[str]:
    problems = [f"the {column} is missing" for column in ("id", "name") if not values[column]]
    if len(values["name"]) > LONGEST:
        problems.append(f"the name has more than {LONGEST} characters")
    return problems

"""A source proposed for an address, before its columns are mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Proposal:
    """A kind of source, its settings, and what its format says about it.

    `what` and `remarks` are comments for the settings. `known` maps our field to column names that the
    format fixes, the best first; if it is None, the columns are those of a table, and are searched.
    `readable` maps a column to a name for people. `sample` is an address that gives the first rows alone,
    `body` the bytes of the whole source if they are already here.
    """

    what: str
    kind: str
    url: str
    part: str = ""
    """What the source is within its host, such as the id of a data set: for its name."""
    label: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, tuple[str, ...]] | None = None
    readable: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    sample: str = ""
    body: bytes | None = None

"""The same thing listed twice: several sources, new editions, re-listings in other words.

Two resources are one thing when they share an address or an ISBN, a title, or nearly a meaning, and
nothing tells them apart: another place, another number, a word of the title that the other lacks. A
title that three publishers use names a kind of thing, so it proves nothing; nor does one that a source
gives to two pages of one year. Publishers are named in many ways, so one site is as good as one publisher.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.fingerprints import Traits, address_of, core_of, letters_of, name_of
from reco.catalogue.resource import Resource
from reco.index.dense import nearest
from reco.index.vectors import VectorTable
from reco.text.clean import fold
from reco.text.tokens import stems

NEAR = 0.25
"""How far apart two texts of one thing may be, as a share of the ordinary distance of two resources."""
_KEPT = 0.3
"""The distance below which a pair is remembered: a little more, for the ordinary distance drifts."""
_NEIGHBOURS = 20
_OVERLAP = 0.5
"""Share of the words of both titles that two titles of one thing have in common."""
_PUBLISHERS = 3
"""Publishers that use a title before it names a kind of thing."""

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?|\b[ivx]{1,4}\b")
_NAMES = re.compile(r"\s*(?:;|,|/|&|\(|\)|\s[-–—]\s|\set\s)\s*")


@dataclass(frozen=True)
class DuplicatePair:
    """Two resources that are one thing, and why: `url`, `isbn`, `title`, `meaning` or `curator`."""

    first: str
    second: str
    why: str
    cosine: float | None = None


@dataclass(frozen=True)
class Family:
    """One thing under several ids, newest first, with the pairs that join them."""

    members: tuple[str, ...]
    pairs: tuple[DuplicatePair, ...]


@dataclass(frozen=True)
class Families:
    """Every family of a catalogue. `near` remembers, by content hash, the pairs close in meaning."""

    families: tuple[Family, ...] = ()
    near: tuple[tuple[str, str, float], ...] = ()

    @cached_property
    def of(self) -> Mapping[str, Family]:
        """The family of each id that has one."""
        return {member: family for family in self.families for member in family.members}

    def to_bytes(self) -> bytes:
        """Serialise as JSON."""
        return json.dumps({"families": [asdict(f) for f in self.families], "near": self.near}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Families:
        """Read what `to_bytes` wrote."""
        values = json.loads(data)
        families = tuple(
            Family(tuple(one["members"]), tuple(DuplicatePair(**pair) for pair in one["pairs"]))
            for one in values["families"]
        )
        return cls(families, tuple((a, b, c) for a, b, c in values["near"]))


@dataclass(frozen=True)
class CuratorPairs:
    """What a curator said: pairs of ids that are one thing, and pairs that are not."""

    merged: tuple[tuple[str, str], ...] = ()
    split: tuple[tuple[str, str], ...] = ()


def find(
    catalogue: Catalogue,
    table: VectorTable,
    told: CuratorPairs | None = None,
    known: Families | None = None,
    searched: Collection[str] = (),
    traits: Traits | None = None,
) -> Families:
    """Return the families of a catalogue; `traits` are those of its resources, where they have been read.

    `known` are those of an earlier catalogue with vectors of the same encoder and `searched` its content
    hashes: only texts that are new since are looked up, against all.
    """
    vectors = table.directions()
    near = _near(table, vectors, known, frozenset(searched))
    threshold = _threshold(vectors, NEAR)
    del vectors  # a large catalogue's take as much memory as all that follows
    read = traits if traits is not None else Traits.read(catalogue)
    pairs = _pairs(catalogue, read, near, threshold)
    return Families(_grouped(catalogue, pairs, told or CuratorPairs()), near)


def _threshold(vectors: NDArray[np.float32], share: float) -> float:
    """Return the cosine of two texts whose distance is `share` of that of two resources at random."""
    if len(vectors) < 2:
        return 1.0
    average = vectors.mean(axis=0, dtype=np.float64)
    count = len(vectors)
    ordinary = (float(average @ average) * count - 1) / (count - 1)
    return 1 - share * (1 - ordinary)


def _near(
    table: VectorTable, vectors: NDArray[np.float32], known: Families | None, searched: frozenset[str]
) -> tuple[tuple[str, str, float], ...]:
    """Return the pairs of content hashes whose texts are near, each once, in order."""
    hashes = list(table.by_hash)
    unique = vectors if len(hashes) == len(vectors) else vectors[list(table.by_hash.values())]
    present = frozenset(hashes)
    found: dict[tuple[str, str], float] = {}
    if known is not None:
        found = {(a, b): cosine for a, b, cosine in known.near if a in present and b in present}
    fresh = [row for row, text in enumerate(hashes) if known is None or text not in searched]
    if fresh:
        least = _threshold(vectors, _KEPT)
        for row, other, cosine in _neighbours(unique, fresh, least):
            first, second = sorted((hashes[row], hashes[other]))
            found[first, second] = round(cosine, 4)
    return tuple((a, b, cosine) for (a, b), cosine in sorted(found.items()))


def _neighbours(
    vectors: NDArray[np.float32], fresh: Sequence[int], least: float
) -> Iterator[tuple[int, int, float]]:
    for row, near, cosines in nearest(vectors, fresh, _NEIGHBOURS, least):
        for other, cosine in zip(near.tolist(), cosines.tolist(), strict=True):
            yield row, other, cosine


def _pairs(
    catalogue: Catalogue, traits: Traits, near: Iterable[tuple[str, str, float]], threshold: float
) -> Iterator[DuplicatePair]:
    """Yield the pairs that are one thing, the surest reason first."""
    marks = _MarksOfRows(catalogue)
    titled = traits.titles.shared()
    by = {
        "url": traits.urls.shared(),
        "isbn": traits.numbers.shared(),
        "title": [*titled, *traits.spellings.shared()],
    }
    for why, groups in by.items():
        for first, second in ((marks[i], marks[j]) for group in groups for i, j in _neighbouring(group)):
            alike = _is_titled_alike(first, second) and not _are_two_pages(first, second)
            if _may_be_one(first, second) and (why == "isbn" or alike):
                yield DuplicatePair(first.resource.id, second.resource.id, why)
    common = _common_titles([[marks[row] for row in group] for group in titled])
    for a, b, cosine in _alike(catalogue, near):
        first, second = marks[a], marks[b]
        if cosine >= threshold and _may_be_one(first, second) and _says_the_same(first, second, common):
            yield DuplicatePair(first.resource.id, second.resource.id, "meaning", cosine)


def _alike(catalogue: Catalogue, near: Iterable[tuple[str, str, float]]) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of rows whose texts are the same or near, with their cosine."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, resource in enumerate(catalogue):
        rows[resource.content_hash].append(row)
    same = ((text, text, 1.0) for text, listed in rows.items() if 1 < len(listed) <= _NEIGHBOURS)
    for a, b, cosine in (*same, *near):
        for first, second in _crossing(rows[a], rows[b]):
            if first != second:
                yield first, second, cosine


def _crossing(rows: Sequence[int], others: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each of the rows with the first of the others, and each of the others with the first rows."""
    yield from product(rows, others[:_NEIGHBOURS])
    yield from product(rows[:_NEIGHBOURS], others[_NEIGHBOURS:])


class _MarksOfRows(dict[int, "_Marks"]):
    """The marks of rows, read when they are first asked for: few resources resemble any other."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self._catalogue = catalogue

    def __missing__(self, row: int) -> _Marks:
        self[row] = _Marks(self._catalogue[row])
        return self[row]


@dataclass(frozen=True)
class _Marks:
    """What tells a resource from others: each mark is read when it is first asked for, and then kept."""

    resource: Resource

    @cached_property
    def _title(self) -> str:
        return name_of(self.resource.title)

    @cached_property
    def core(self) -> frozenset[str]:
        """Stems of the title, without years, editions and words such as "guide"."""
        return core_of(self._title)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(_NUMBER.findall(self._title))

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of title and summary."""
        return frozenset((*stems(self._title), *stems(self.resource.summary)))

    @cached_property
    def makers(self) -> frozenset[str]:
        return _names(self.resource.publisher) | _names(self.resource.authors)

    @cached_property
    def ground(self) -> frozenset[str]:
        places = [place.code for place in self.resource.localities] or [fold(self.resource.place)]
        return frozenset(place for place in places if place)

    @cached_property
    def url(self) -> str:
        return address_of(self.resource.url)

    @cached_property
    def letters(self) -> str:
        """The whole title without spaces and signs: "Mobili'Pro" is "Mobilipro"."""
        return letters_of(self.resource.title)

    @cached_property
    def sites(self) -> frozenset[str]:
        """The address's host; the title too where the host is named for it: otelo.beta.gouv.fr."""
        return _sites(self.resource)


def _may_be_one(first: _Marks, second: _Marks) -> bool:
    """Whether nothing tells two resources apart: places, and numbers other than years and editions."""
    if first.ground and second.ground and not first.ground & second.ground:
        return False
    return first.numbers == second.numbers


def _is_titled_alike(first: _Marks, second: _Marks) -> bool:
    """Whether two titles are one: a single word must be all of both, or it names a subject."""
    if not first.core or (
        first.letters != second.letters and (first.core != second.core or len(first.core) < 2)
    ):
        return False
    return _share_makers(first, second) or (
        bool(first.sites & second.sites) and not _are_sisters(first, second)
    )


def _are_two_pages(first: _Marks, second: _Marks) -> bool:
    """Whether one source gives two pages of one publisher under one title, and no year tells two editions."""
    one, other = first.resource, second.resource
    return (
        one.source == other.source
        and one.year == other.year
        and bool(first.makers & second.makers)
        and "" not in (first.url, second.url)
        and first.url != second.url
    )


def _says_the_same(first: _Marks, second: _Marks, common: frozenset[frozenset[str]]) -> bool:
    """Whether two texts near in meaning have titles that the other's text accounts for."""
    if first.core == second.core:
        return _is_titled_alike(first, second) or not (first.core in common or _are_sisters(first, second))
    same_page = bool(first.url) and first.url == second.url
    if not (same_page or _share_makers(first, second)):
        return False
    if len(first.core & second.core) < _OVERLAP * len(first.core | second.core):
        return False
    if first.resource.source != second.resource.source:
        return True
    # A source seldom lists one thing under two titles; a publisher often has two guides alike.
    nested = first.core <= second.core or second.core <= first.core
    return nested and first.core | second.core <= first.stems & second.stems


def _are_sisters(first: _Marks, second: _Marks) -> bool:
    """Whether two publishers are of one kind, each with a ground of its own: two CAF, two régions."""
    one, other = ({name.split()[0] for name in mark.makers} for mark in (first, second))
    return bool(one & other)


def _share_makers(first: _Marks, second: _Marks) -> bool:
    return not first.makers or not second.makers or bool(first.makers & second.makers)


def _common_titles(groups: Iterable[Sequence[_Marks]]) -> frozenset[frozenset[str]]:
    """Return the titles that several publishers use, given the resources that share each title."""
    return frozenset(
        group[0].core
        for group in groups
        if len({fold(mark.resource.publisher) for mark in group}) >= _PUBLISHERS
    )


def _neighbouring(group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the neighbours among rows that share a key: enough to join them all."""
    for i, row in enumerate(group):
        yield from ((row, other) for other in group[i + 1 : i + 1 + _NEIGHBOURS])


def _names(makers: str) -> frozenset[str]:
    return frozenset(name for name in _NAMES.split(fold(makers)) if name)


def _sites(resource: Resource) -> frozenset[str]:
    host = (urlsplit(resource.url).hostname or "").removeprefix("www.")
    title = letters_of(resource.title)
    named = {title} if title and title in {letters_of(label) for label in host.split(".")} else set()
    return frozenset({host, *named} - {""})


def _grouped(catalogue: Catalogue, pairs: Iterable[DuplicatePair], told: CuratorPairs) -> tuple[Family, ...]:
    """Join pairs into families, the curator's first; no family holds a pair that the curator split."""
    ids = {resource.id for resource in catalogue}
    groups = _Groups(told.split)
    joined: dict[frozenset[str], DuplicatePair] = {}
    curated = (DuplicatePair(a, b, "curator") for a, b in told.merged if a in ids and b in ids)
    for pair in (*curated, *pairs):
        if groups.join(pair.first, pair.second):
            joined.setdefault(frozenset((pair.first, pair.second)), pair)
    found: dict[int, tuple[set[str], list[DuplicatePair]]] = {}
    for pair in joined.values():
        members = groups[pair.first].members
        found.setdefault(id(members), (members, []))[1].append(pair)
    return tuple(
        Family(_newest_first(catalogue, members), tuple(why))
        for members, why in sorted(found.values(), key=lambda one: min(one[0]))
    )


@dataclass
class _Group:
    """Ids that are one thing, and those that a curator told apart from one of them."""

    members: set[str]
    apart: set[str]


class _Groups(dict[str, _Group]):
    """The group of each id. Joining takes n log n: the smaller of two groups enters the larger."""

    def __init__(self, split: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._apart: dict[str, set[str]] = defaultdict(set)
        for one, other in split:
            self._apart[one].add(other)
            self._apart[other].add(one)

    def __missing__(self, identifier: str) -> _Group:
        self[identifier] = _Group({identifier}, set(self._apart.get(identifier, ())))
        return self[identifier]

    def join(self, first: str, second: str) -> bool:
        """Make one group of two; returns whether the two ids are in one, which a curator may forbid."""
        one, other = self[first], self[second]
        if one is other:
            return True
        if not one.apart.isdisjoint(other.members):
            return False
        small, large = sorted((one, other), key=lambda group: len(group.members))
        large.members |= small.members
        large.apart |= small.apart
        self.update(dict.fromkeys(small.members, large))
        return True


def _newest_first(catalogue: Catalogue, members: Iterable[str]) -> tuple[str, ...]:
    def age(identifier: str) -> tuple[int, int, str]:
        resource = catalogue[catalogue.row(identifier)]
        return -(resource.year or 0), -len(resource.summary), identifier

    return tuple(sorted(members, key=age))

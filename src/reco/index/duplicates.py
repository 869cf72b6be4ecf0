"""Duplicates: documents that are listed several times, by several sources, in new editions or reworded.

Two resources are one document if they share an address, a title, nearly a meaning, or an ISBN of their own
and a title or an author, and nothing distinguishes them, such as another place, another number or a word
that only one title has. A title that three publishers use names a kind of document, such as "Bilan annuel",
and proves nothing. Nor does a title that one source gives to two pages in one year. The same site counts as
the same publisher, since publishers are written in many ways.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from itertools import chain, product
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.fingerprints import Traits, address_of, core_of, letters_of, name_of
from reco.catalogue.resource import Resource
from reco.index.dense import nearest
from reco.index.vectors import VectorTable
from reco.text.clean import fold
from reco.text.tokens import stems

NEAR = 0.25
"""Largest distance of two texts of one document, as a share of the mean distance of two resources."""
_REMEMBERED = 0.3
"""Distance below which a pair is remembered: above `NEAR`, because the mean distance drifts."""
_NEIGHBOURS = 20
_OVERLAP = 0.5
"""Least share of common stems in two titles of one document."""
_PUBLISHERS = 3
"""Publishers from which a shared title names a kind of document."""

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?|\b[ivx]{1,4}\b")
_AUTHORS = re.compile(r"[;&/]|\set\s")
_WORD = re.compile(r"\w+")
_NAMES = re.compile(r"\s*(?:;|,|/|&|\(|\)|\s[-–—]\s|\set\s)\s*")


@dataclass(frozen=True)
class DuplicatePair:
    """Two ids of one document, and why: `url`, `isbn`, `title`, `meaning` or `curator`."""

    first: str
    second: str
    why: str
    cosine: float | None = None


@dataclass(frozen=True)
class Family:
    """The ids of one document, newest first, with the pairs that join them."""

    members: tuple[str, ...]
    pairs: tuple[DuplicatePair, ...]


@dataclass(frozen=True)
class Families:
    """The families of a catalogue. `near` has the pairs of near texts: two content hashes and a cosine."""

    families: tuple[Family, ...] = ()
    near: tuple[tuple[str, str, float], ...] = ()

    @cached_property
    def of(self) -> Mapping[str, Family]:
        """Id -> its family, for the ids that have one."""
        return {member: family for family in self.families for member in family.members}

    def to_bytes(self) -> bytes:
        """Return the families as JSON."""
        return json.dumps({"families": [asdict(f) for f in self.families], "near": self.near}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Families:
        """Read the bytes of `to_bytes`."""
        return _FAMILIES.validate_json(data)


_FAMILIES = TypeAdapter(Families)


@dataclass(frozen=True)
class CuratorPairs:
    """A curator's pairs of ids: those of one document (`merged`), and those of two (`split`)."""

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
    """Return the families of a catalogue.

    `table` has its vectors, `told` the curator's pairs, and `traits` its fingerprints, computed if not
    given. `known` are the families of an earlier catalogue with vectors of the same encoder, and
    `searched` its content hashes: only newer texts are searched for, among all.
    """
    vectors = table.directions()
    near = _near_texts(table, vectors, known, frozenset(searched))
    threshold = _threshold(vectors, NEAR)
    del vectors  # on a large catalogue they take as much memory as everything below
    read = traits if traits is not None else Traits.read(catalogue)
    pairs = _pairs(catalogue, read, near, threshold)
    return Families(_families(catalogue, pairs, told or CuratorPairs()), near)


def _threshold(vectors: NDArray[np.float32], share: float) -> float:
    """Return the cosine at a distance of `share` times the mean distance of two resources."""
    if len(vectors) < 2:
        return 1.0
    average = vectors.mean(axis=0, dtype=np.float64)
    count = len(vectors)
    ordinary = (float(average @ average) * count - 1) / (count - 1)
    return 1 - share * (1 - ordinary)


def _near_texts(
    table: VectorTable, vectors: NDArray[np.float32], known: Families | None, searched: frozenset[str]
) -> tuple[tuple[str, str, float], ...]:
    """Return the pairs of near texts as (content hash, content hash, cosine), each once, sorted."""
    hashes = list(table.by_hash)
    unique = vectors if len(hashes) == len(vectors) else vectors[list(table.by_hash.values())]
    present = frozenset(hashes)
    found: dict[tuple[str, str], float] = {}
    if known is not None:
        found = {(a, b): cosine for a, b, cosine in known.near if a in present and b in present}
    fresh = [row for row, text in enumerate(hashes) if known is None or text not in searched]
    if fresh:
        least = _threshold(vectors, _REMEMBERED)
        for row, others, cosines in nearest(unique, fresh, _NEIGHBOURS, least):
            for other, cosine in zip(others.tolist(), cosines.tolist(), strict=True):
                first, second = sorted((hashes[row], hashes[other]))
                found[first, second] = round(cosine, 4)
    return tuple((a, b, cosine) for (a, b), cosine in sorted(found.items()))


def _pairs(
    catalogue: Catalogue, traits: Traits, near: Iterable[tuple[str, str, float]], threshold: float
) -> Iterator[DuplicatePair]:
    """Yield the pairs that are one document, the most certain reason first."""

    @cache
    def features(row: int) -> _Features:
        """Return the features of a row, computed at first use, since few resources resemble another."""
        return _Features(catalogue[row])

    titled = traits.shared("core")
    by = {
        "url": traits.shared("url"),
        "isbn": traits.shared("isbn"),
        "title": [*titled, *traits.shared("letters")],
    }
    for why, groups in by.items():
        for i, j in chain.from_iterable(map(_neighbours_in, groups)):
            first, second = features(i), features(j)
            alike = _have_same_title(first, second) and not _are_two_pages(first, second)
            if _may_be_same(first, second) and (alike or (why == "isbn" and _are_one_book(first, second))):
                yield DuplicatePair(first.resource.id, second.resource.id, why)
    # A title that several publishers use names a kind of document.
    common = frozenset(
        features(group[0]).core
        for group in titled
        if len({fold(catalogue[row].publisher) for row in group}) >= _PUBLISHERS
    )
    for a, b, cosine in _alike(catalogue, near):
        first, second = features(a), features(b)
        if cosine >= threshold and _may_be_same(first, second) and _titles_confirm(first, second, common):
            yield DuplicatePair(first.resource.id, second.resource.id, "meaning", cosine)


def _alike(catalogue: Catalogue, near: Iterable[tuple[str, str, float]]) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of rows whose texts are equal or near, with their cosine."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, resource in enumerate(catalogue):
        rows[resource.content_hash].append(row)
    same = ((text, text, 1.0) for text, listed in rows.items() if 1 < len(listed) <= _NEIGHBOURS)
    for a, b, cosine in (*same, *near):
        for first, second in _cross(rows[a], rows[b]):
            if first != second:
                yield first, second, cosine


def _cross(rows: Sequence[int], others: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each of `rows` with the first of `others`, and each of `others` with the first of `rows`."""
    yield from product(rows, others[:_NEIGHBOURS])
    yield from product(rows[:_NEIGHBOURS], others[_NEIGHBOURS:])


@dataclass(frozen=True)
class _Features:
    """The features that distinguish a resource, each computed at first use."""

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
        """Stems of the title and the summary."""
        return frozenset((*stems(self._title), *stems(self.resource.summary)))

    @cached_property
    def makers(self) -> frozenset[str]:
        makers = (self.resource.publisher, self.resource.authors)
        return frozenset(name for text in makers for name in _NAMES.split(fold(text)) if name)

    @cached_property
    def authors(self) -> frozenset[str]:
        """Each author as the sorted words of the name: "Roux, Zoé" is Zoé Roux."""
        authors = fold(self.resource.authors)
        names = _AUTHORS.split(authors)
        if all(" " in name.strip() for name in authors.split(",")):
            names = [part for name in names for part in name.split(",")]
        return frozenset(key for name in names if (key := " ".join(sorted(_WORD.findall(name)))))

    @cached_property
    def territory(self) -> frozenset[str]:
        places = [place.code for place in self.resource.localities] or [fold(self.resource.place)]
        return frozenset(place for place in places if place)

    @cached_property
    def url(self) -> str:
        return address_of(self.resource.url)

    @cached_property
    def letters(self) -> str:
        """The title without spaces and signs: `"Mobili'Pro" -> "mobilipro"`."""
        return letters_of(self.resource.title)

    @cached_property
    def sites(self) -> frozenset[str]:
        """The host of the address, and the title if it is a part of the host: "Otelo", otelo.beta.gouv.fr."""
        host = (urlsplit(self.resource.url).hostname or "").removeprefix("www.")
        labels = {letters_of(label) for label in host.split(".")}
        return frozenset({host} | ({self.letters} & labels)) - {""}


def _may_be_same(first: _Features, second: _Features) -> bool:
    """Whether no place and no number, years and editions aside, distinguishes two resources."""
    if first.territory and second.territory and not first.territory & second.territory:
        return False
    return first.numbers == second.numbers


def _have_same_title(first: _Features, second: _Features) -> bool:
    """Whether two resources share their title, and a publisher, author or site.

    A title of one word must be equal as a whole.
    """
    if not first.core or (
        first.letters != second.letters and (first.core != second.core or len(first.core) < 2)
    ):
        return False
    return _share_makers(first, second) or (
        bool(first.sites & second.sites) and not _are_sisters(first, second)
    )


def _are_one_book(first: _Features, second: _Features) -> bool:
    """Whether the titles or the authors of two resources with one ISBN agree: a wrong number is common."""
    shared = first.core & second.core
    if shared and len(shared) >= _OVERLAP * min(len(first.core), len(second.core)):
        return True
    return bool(first.authors & second.authors)


def _are_two_pages(first: _Features, second: _Features) -> bool:
    """Whether two resources are pages of one source, publisher and year with different addresses."""
    one, other = first.resource, second.resource
    return (
        one.source == other.source
        and one.year == other.year
        and bool(first.makers & second.makers)
        and "" not in (first.url, second.url)
        and first.url != second.url
    )


def _titles_confirm(first: _Features, second: _Features, common: frozenset[frozenset[str]]) -> bool:
    """Whether the titles of two near texts confirm that they are one document."""
    if first.core == second.core:
        return _have_same_title(first, second) or not (first.core in common or _are_sisters(first, second))
    same_page = bool(first.url) and first.url == second.url
    if not (same_page or _share_makers(first, second)):
        return False
    if len(first.core & second.core) < _OVERLAP * len(first.core | second.core):
        return False
    if first.resource.source != second.resource.source:
        return True
    # A source seldom lists a document under two titles; a publisher often has two similar guides.
    nested = first.core <= second.core or second.core <= first.core
    return nested and first.core | second.core <= first.stems & second.stems


def _are_sisters(first: _Features, second: _Features) -> bool:
    """Whether two publishers are of one kind, each with its own territory, such as two CAF or two régions."""
    one, other = ({name.split()[0] for name in features.makers} for features in (first, second))
    return bool(one & other)


def _share_makers(first: _Features, second: _Features) -> bool:
    return not first.makers or not second.makers or bool(first.makers & second.makers)


def _neighbours_in(group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each row of a group with the next `_NEIGHBOURS`: enough pairs to join them all."""
    for i, row in enumerate(group):
        yield from ((row, other) for other in group[i + 1 : i + 1 + _NEIGHBOURS])


def _families(catalogue: Catalogue, pairs: Iterable[DuplicatePair], told: CuratorPairs) -> tuple[Family, ...]:
    """Join pairs into families, the curator's first. No family holds a pair that the curator split."""
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
class _ListingGroup:
    """Ids of one document, and the ids that the curator split from one of them."""

    members: set[str]
    apart: set[str]


class _Groups(dict[str, _ListingGroup]):
    """Id -> its group. The smaller of two groups is merged into the larger, so all joins take n log n."""

    def __init__(self, split: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._apart: dict[str, set[str]] = defaultdict(set)
        for one, other in split:
            self._apart[one].add(other)
            self._apart[other].add(one)

    def __missing__(self, identifier: str) -> _ListingGroup:
        self[identifier] = _ListingGroup({identifier}, set(self._apart.get(identifier, ())))
        return self[identifier]

    def join(self, first: str, second: str) -> bool:
        """Join the groups of two ids; return False if a pair that the curator split forbids it."""
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

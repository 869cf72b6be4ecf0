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
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
from numpy.typing import NDArray

from reco.catalogue import Catalogue
from reco.encoder import unit
from reco.index import DenseIndex
from reco.resource import Resource
from reco.text import fold
from reco.vectors import VectorTable
from reco.words import words

NEAR = 0.25
"""How far apart two texts of one thing may be, as a share of the ordinary distance of two resources."""
_KEPT = 0.3
"""The distance below which a pair is remembered: a little more, for the ordinary distance drifts."""
_NEIGHBOURS = 20
_OVERLAP = 0.5
"""Share of the words of both titles that two titles of one thing have in common."""
_PUBLISHERS = 3
"""Publishers that use a title before it names a kind of thing."""
_BLOCK = 4096

_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?:\s*[-–/]\s*(?:(?:19|20)\d\d|\d\d)\b)?")
_EDITION = re.compile(
    r"\b\d*\s*(?:re|ere|e|eme|nde|ed)?\s*(?:nouvelle |derniere )?(?:edition|ed\.|version|mise a jour|maj)"
    r"(?:\s*\d+(?:\.\d+)*)?\b"
)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?|\b[ivx]{1,4}\b")
_ISBN = re.compile(r"\b97[89][-\s]?(?:\d[-\s]?){9}\d\b")
_TRACKING = re.compile(r"^(?:utm_|mtm_|pk_|xtor|fbclid|gclid|at_)", re.IGNORECASE)
_NAMES = re.compile(r"\s*(?:;|,|/|&|\(|\)|\s[-–—]\s|\set\s)\s*")
_FORMS = frozenset(
    word.stem
    for word in words(
        "guide guides guider rapport rapports livre livret fiche fiches article dossier mode emploi comment "
        "outil outils pratique pratiques recueil manuel méthode conseils conseil note synthèse cahier "
        "document ressource ressources présentation version complète pdf repères"
    )
)


@dataclass(frozen=True)
class Pair:
    """Two resources that are one thing, and why: `url`, `isbn`, `title`, `meaning` or `curator`."""

    first: str
    second: str
    why: str
    cosine: float | None = None


@dataclass(frozen=True)
class Family:
    """One thing under several ids, newest first, with the pairs that join them."""

    members: tuple[str, ...]
    pairs: tuple[Pair, ...]


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
            Family(tuple(one["members"]), tuple(Pair(**pair) for pair in one["pairs"]))
            for one in values["families"]
        )
        return cls(families, tuple((a, b, c) for a, b, c in values["near"]))


@dataclass(frozen=True)
class Told:
    """What a curator said: pairs of ids that are one thing, and pairs that are not."""

    merged: tuple[tuple[str, str], ...] = ()
    split: tuple[tuple[str, str], ...] = ()


def find(
    catalogue: Catalogue,
    table: VectorTable,
    told: Told | None = None,
    known: Families | None = None,
    searched: Collection[str] = (),
) -> Families:
    """Return the families of a catalogue.

    `known` are those of an earlier catalogue with vectors of the same encoder and `searched` its content
    hashes: only texts that are new since are looked up, against all.
    """
    vectors = unit(table.pooled())
    near = _near(table, vectors, known, frozenset(searched))
    pairs = _pairs(catalogue, near, _threshold(vectors, NEAR))
    return Families(_grouped(catalogue, pairs, told or Told()), near)


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
    unique = vectors[list(table.by_hash.values())]
    present = frozenset(hashes)
    found: dict[tuple[str, str], float] = {}
    if known is not None:
        found = {(a, b): cosine for a, b, cosine in known.near if a in present and b in present}
    fresh = [row for row, text in enumerate(hashes) if known is None or text not in searched]
    if fresh:
        index, least = DenseIndex.build(unique), _threshold(vectors, _KEPT)
        for row, other, cosine in _neighbours(index, unique, fresh, least):
            first, second = sorted((hashes[row], hashes[other]))
            found[first, second] = round(cosine, 4)
    return tuple((a, b, cosine) for (a, b), cosine in sorted(found.items()))


def _neighbours(
    index: DenseIndex, vectors: NDArray[np.float32], fresh: Sequence[int], least: float
) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(fresh), _BLOCK):
        block = fresh[start : start + _BLOCK]
        rows, cosines = index.search_many(vectors[block], _NEIGHBOURS + 1)
        for i, j in zip(*np.nonzero(cosines >= least), strict=True):
            if rows[i, j] != block[i]:
                yield block[i], int(rows[i, j]), float(cosines[i, j])


def _pairs(catalogue: Catalogue, near: Iterable[tuple[str, str, float]], threshold: float) -> Iterator[Pair]:
    """Yield the pairs that are one thing, the surest reason first."""
    marks = [_Marks.of(resource) for resource in catalogue]
    common = _common_titles(marks)
    for why, keys in (("url", _urls), ("isbn", _isbns), ("title", _titles)):
        for first, second in _sharing(marks, keys):
            titled = _is_titled_alike(first, second) and not _are_two_pages(first, second)
            if _may_be_one(first, second) and (why == "isbn" or titled):
                yield Pair(first.resource.id, second.resource.id, why)
    rows: dict[str, list[_Marks]] = defaultdict(list)
    for mark in marks:
        rows[mark.resource.content_hash].append(mark)
    alike = ((text, text, 1.0) for text, listed in rows.items() if 1 < len(listed) <= _NEIGHBOURS)
    for a, b, cosine in (*alike, *near):
        for first, second in product(rows[a], rows[b]):
            if (
                first is not second
                and cosine >= threshold
                and _may_be_one(first, second)
                and _says_the_same(first, second, common)
            ):
                yield Pair(first.resource.id, second.resource.id, "meaning", cosine)


@dataclass(frozen=True)
class _Marks:
    """What tells a resource from others, read once."""

    resource: Resource
    core: frozenset[str]
    """Stems of the title, without years, editions and words such as "guide"."""
    letters: str
    """The whole title without spaces and signs: "Mobili'Pro" is "Mobilipro"."""
    numbers: frozenset[str]
    stems: frozenset[str]
    """Stems of title and summary."""
    makers: frozenset[str]
    ground: frozenset[str]
    url: str
    sites: frozenset[str]
    """The address's host, and the title where the host is named for it: otelo.gouv.fr, otelo.beta.gouv.fr."""
    isbns: frozenset[str]

    @classmethod
    def of(cls, resource: Resource) -> _Marks:
        title = _EDITION.sub(" ", _YEAR.sub(" ", fold(resource.title)))
        core = frozenset(word.stem for word in words(title))
        text = f"{resource.title} {resource.summary} {resource.url} {resource.evidence}"
        places = [place.code for place in resource.localities] or [fold(resource.place)]
        return cls(
            resource=resource,
            core=(core - _FORMS) or core,
            letters=_letters(resource.title),
            numbers=frozenset(_NUMBER.findall(title)),
            stems=core | {word.stem for word in words(resource.summary)},
            makers=_names(resource.publisher) | _names(resource.authors),
            ground=frozenset(place for place in places if place),
            url=_address(resource.url),
            sites=_sites(resource),
            isbns=frozenset(re.sub(r"\D", "", isbn) for isbn in _ISBN.findall(text)),
        )


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


def _common_titles(marks: Iterable[_Marks]) -> frozenset[frozenset[str]]:
    publishers: dict[frozenset[str], set[str]] = defaultdict(set)
    for mark in marks:
        publishers[mark.core].add(fold(mark.resource.publisher))
    return frozenset(core for core, found in publishers.items() if len(found) >= _PUBLISHERS)


def _sharing(
    marks: Iterable[_Marks], keys: Callable[[_Marks], Iterable[Hashable]]
) -> Iterator[tuple[_Marks, _Marks]]:
    """Yield the neighbours, in order of id, of those that share a key: enough to join them all."""
    groups: dict[Hashable, list[_Marks]] = defaultdict(list)
    for mark in marks:
        for key in keys(mark):
            groups[key].append(mark)
    for group in groups.values():
        for first, others in ((mark, group[i + 1 : i + 1 + _NEIGHBOURS]) for i, mark in enumerate(group)):
            for second in others:
                yield first, second


def _names(makers: str) -> frozenset[str]:
    return frozenset(name for name in _NAMES.split(fold(makers)) if name)


def _urls(mark: _Marks) -> Iterable[Hashable]:
    return (mark.url,) if mark.url else ()


def _isbns(mark: _Marks) -> Iterable[Hashable]:
    return sorted(mark.isbns)


def _titles(mark: _Marks) -> Iterable[Hashable]:
    return (mark.core, mark.letters) if mark.core else ()


def _address(url: str) -> str:
    """Return an address without what varies for one page; a site's front page is nobody's address."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    query = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if not _TRACKING.match(k)))
    if not path and not query:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{path}?{query}" if query else f"{host}{path}"


def _sites(resource: Resource) -> frozenset[str]:
    host = (urlsplit(resource.url).hostname or "").removeprefix("www.")
    title = _letters(resource.title)
    named = {title} if title and title in {_letters(label) for label in host.split(".")} else set()
    return frozenset({host, *named} - {""})


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text))


def _grouped(catalogue: Catalogue, pairs: Iterable[Pair], told: Told) -> tuple[Family, ...]:
    """Join pairs into families, the curator's first; no family holds a pair that the curator split."""
    ids = {resource.id for resource in catalogue}
    apart = {frozenset(pair) for pair in told.split}
    family: dict[str, set[str]] = {}
    joined: dict[frozenset[str], Pair] = {}
    curated = (Pair(a, b, "curator") for a, b in told.merged if a in ids and b in ids)
    for pair in (*curated, *pairs):
        one, other = (family.get(i, {i}) for i in (pair.first, pair.second))
        if any(frozenset((a, b)) in apart for a in one for b in other):
            continue
        together = one | other
        joined.setdefault(frozenset((pair.first, pair.second)), pair)
        family.update(dict.fromkeys(together, together))
    groups = {id(members): members for members in family.values()}.values()
    return tuple(
        Family(
            _newest_first(catalogue, members),
            tuple(pair for key, pair in joined.items() if key <= members),
        )
        for members in sorted(groups, key=min)
    )


def _newest_first(catalogue: Catalogue, members: Iterable[str]) -> tuple[str, ...]:
    def age(identifier: str) -> tuple[int, int, str]:
        resource = catalogue[catalogue.row(identifier)]
        return -(resource.year or 0), -len(resource.summary), identifier

    return tuple(sorted(members, key=age))

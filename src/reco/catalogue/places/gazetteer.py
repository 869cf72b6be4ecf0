"""Communes, intercommunalités, départements and régions, and which of them a text names.

`places.csv` is made by `scripts/make_places.py`, which says where each column comes from.
A name that several communes share is never guessed: its département, or its code, must be given.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from pathlib import Path

from reco.text.clean import digest, fold

BUNDLED = Path(__file__).with_name("places.csv")
KINDS = ("commune", "epci", "department", "region")

_ALIKE = 0.7
"""Likeness of spellings from which a name is a suggestion."""
_NEAR = 50

_SEPARATOR = re.compile(r"\s*;\s*")
_JOINT = re.compile(r"\s*(?:,|&|\bet\b)\s*")
_ASIDE = re.compile(r"\s*\(([^()]*)\)")
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_EPCI = re.compile(
    r"\b(?:cc|ca|cu|communaute (?:de communes|d agglomeration|urbaine)|metropole|eurometropole|"
    r"agglomeration|agglopole|agglo|communaute|intercommunalite|interco)\b"
)
_CALLED = {
    "commune": re.compile(r"^(?:ville|commune|mairie|village) (?:(?:de la|de l|du|des|de|d)\b ?)?"),
    "department": re.compile(r"^(?:conseil )?departement(?:al)? (?:(?:de la|de l|du|des|de|d)\b ?)?"),
    "region": re.compile(r"^(?:conseil )?region(?:al)? (?:(?:de la|de l|du|des|de|d)\b ?)?"),
}
_EMPTY = frozenset(("de", "du", "des", "d", "la", "le", "les", "l", "et", "en", "entre"))
_PARIS = "75"
"""The only département that is one commune."""
_SCALES = {"epci": "epci", "departement": "department", "region": "region"}
_EVERYWHERE = frozenset(
    ("", "france", "national", "france entiere", "france metropolitaine", "france et territoires d'outre-mer")
)


@dataclass(frozen=True)
class Locality:
    """A commune, an EPCI, a département or a région as it is today.

    `code` is INSEE's, or the SIREN of an EPCI; an EPCI's département is that of most of its communes.
    """

    kind: str
    code: str
    name: str
    department: str = ""
    region: str = ""
    epci: str = ""
    population: int | None = None
    latitude: float | None = None
    longitude: float | None = None

    @property
    def label(self) -> str:
        """The name as it is listed: a commune's with its département, since others may share it."""
        return f"{self.name} ({self.department})" if self.kind == "commune" else self.name


@dataclass(frozen=True)
class LocatedPlaces:
    """The localities that a text names for certain, and why the rest of it names none."""

    localities: tuple[Locality, ...] = ()
    notes: tuple[str, ...] = ()


class _JoinedTexts:
    """Many short texts as one, so that looking through all of them is one search."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._whole = "\n" + "".join(f"{line}\n" for line in lines)
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=1))

    def having(self, needle: str) -> Iterator[int]:
        """Yield the number of each line that holds `needle`, in order; a newline is a line's edge."""
        at = self._whole.find(needle)
        while at >= 0:
            yield bisect_right(self._starts, at + (needle[0] == "\n")) - 1
            at = self._whole.find(needle, at + 1)


class Gazetteer:
    """Every locality, by code and by name."""

    def __init__(self, localities: Iterable[Locality], former: Mapping[str, Sequence[str]]) -> None:
        self._by_code = {(place.kind, place.code): place for place in localities}
        self._former = former

    @classmethod
    def read(cls, path: Path = BUNDLED) -> Gazetteer:
        """Read a table of the columns of `places.csv`."""
        localities: list[Locality] = []
        former: dict[str, list[str]] = defaultdict(list)
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["kind"] == "former":
                    former[_key(row["name"])].append(row["code"])
                else:
                    localities.append(_locality(row))
        return cls(localities, former)

    @cached_property
    def stamp(self) -> str:
        """Digest of every locality."""
        return digest(*(repr(place) for place in self._by_code.values()))

    def all(self, kind: str) -> tuple[Locality, ...]:
        """Return every locality of a kind, in the order of the table."""
        return tuple(place for place in self._by_code.values() if place.kind == kind)

    def by_code(self, code: str) -> Locality | None:
        """Return the locality with this code: an EPCI's SIREN, a commune's or a département's INSEE code."""
        for kind in ("commune", "epci", "department"):
            if (kind, code) in self._by_code:
                return self._by_code[kind, code]
        return None

    def named(self, name: str, kinds: Sequence[str] = KINDS) -> tuple[Locality, ...]:
        """Return every locality of these kinds with this name, whatever its case, accents and hyphens.

        A commune that now holds one of this name counts, unless a commune of its département has the name.
        """
        key = _key(name)
        found = [p for p in self._names.get(key, ()) if p.kind in kinds and p.kind != "epci"]
        if "epci" in kinds:
            found += [p for p in self._groups.get(_bare(key), ()) if _bare(key)]
        if "commune" in kinds:
            grounds = {p.department for p in found if p.kind == "commune"}
            found += [p for p in self._formerly(key) if p.department not in grounds]
        return tuple(found)

    def _formerly(self, key: str) -> list[Locality]:
        """Return the communes of today in which communes that had this name now are."""
        codes = dict.fromkeys(self._former.get(key, ()))
        return [self._by_code["commune", code] for code in codes if ("commune", code) in self._by_code]

    def locate(self, place: str, code: str = "", scale: str = "") -> LocatedPlaces:
        """Return what a resource's place names. `scale` tells a town from the EPCI of its name."""
        if fold(place) in _EVERYWHERE:
            return self._coded(code)
        localities: list[Locality] = []
        notes: list[str] = []
        for part in _SEPARATOR.split(place):
            if not part or fold(part) in _EVERYWHERE:
                continue
            found = self._part(part, code, scale)
            localities += [p for p in found.localities if p not in localities]
            notes += found.notes
        return LocatedPlaces(tuple(localities), tuple(notes))

    def label(self, place: Locality) -> str:
        """Return a place's name with its département, as a person tells homonyms apart."""
        department = self._by_code.get(("department", place.department))
        if department is None or place.kind in ("department", "region"):
            return place.name
        return f"{place.name} ({department.name})"

    def search(self, text: str, limit: int = 10) -> tuple[Locality, ...]:
        """Return the communes that a person may mean, the most populous of each kind first.

        Those whose name begins so, then those with a word that does, then those spelt nearly so. A
        text of digits is the beginning of an INSEE code; a département may follow in brackets.
        """
        asides = _ASIDE.findall(text)
        code = self._department(asides[-1]) if asides else ""
        key = _key(_ASIDE.sub("", text))
        if not key or limit < 1:
            return ()
        meant = (place for place in self._meant(key) if not code or _within(place, code))
        return tuple(islice(meant, limit))

    def _meant(self, key: str) -> Iterator[Locality]:
        """Yield names that are the text, that begin so, with a word that does; or else near spellings."""
        places, names, codes = self._communes
        if key[0].isdigit():
            yield from (places[line] for line in codes.having(f"\n{key}"))
            return
        given: set[int] = set()
        for needle in (f"\n{key}\n", f"\n{key}", f" {key}"):
            for line in names.having(needle):
                if line not in given:
                    given.add(line)
                    yield places[line]
        if not given:
            from rapidfuzz import process
            from rapidfuzz.distance import OSA

            spelling = OSA.normalized_similarity
            near = process.extract(key, names.lines, scorer=spelling, score_cutoff=_ALIKE, limit=_NEAR)
            yield from (places[line] for _, _, line in near)

    def _coded(self, code: str) -> LocatedPlaces:
        found = self.by_code(code) if code else None
        if found is not None:
            return LocatedPlaces((found,))
        return LocatedPlaces(notes=(f"place code {code} is unknown",) if code else ())

    def _part(self, part: str, code: str, scale: str) -> LocatedPlaces:
        whole = self._one(part, code, scale)
        pieces = [piece for piece in _JOINT.split(part) if piece]
        if whole.localities or len(pieces) < 2:
            return whole
        each = [self._one(piece, code, scale) for piece in pieces]
        kinds = {p.kind for one in each for p in one.localities}
        if len(kinds) == 1:
            # In a list of régions, a name that is also a village's is the région's.
            each = [self._one(piece, code, scale, next(iter(kinds))) for piece in pieces]
        found = tuple(dict.fromkeys(p for one in each for p in one.localities))
        return LocatedPlaces(found, tuple(n for one in each for n in one.notes)) if found else whole

    def _one(self, text: str, code: str, scale: str, kind: str = "") -> LocatedPlaces:
        hint = code
        for aside in _ASIDE.findall(text):
            hint = self._department(aside) or hint
        name = _ASIDE.sub("", text).strip()
        exact = self.by_code(code)
        candidates = self._candidates(name, scale)
        if exact is not None and exact in candidates and not _has_namesake(exact, candidates):
            return LocatedPlaces((exact,))
        if hint:
            candidates = [p for p in candidates if _within(p, hint)]
        chosen = _most_apt([p for p in candidates if p.kind == kind] or candidates, scale, name)
        if len(chosen) == 1:
            return LocatedPlaces(tuple(chosen))
        if chosen:
            where = ", ".join(f"{p.name} ({p.kind} {p.code})" for p in chosen[:6])
            return LocatedPlaces(notes=(f"place {text!r} is shared by {len(chosen)}: {where}; pin one",))
        return LocatedPlaces(
            notes=(f"place {text!r} is no commune, EPCI, département or région that is known",)
        )

    def _candidates(self, name: str, scale: str) -> list[Locality]:
        key = _key(name)
        for kind, pattern in _CALLED.items():
            if (bare := pattern.sub("", key)) != key and (found := self._articled(bare, (kind,))):
                return found
        if _EPCI.search(key):
            return list(self.named(name, ("epci",)))
        kinds = KINDS if _SCALES.get(fold(scale)) == "epci" else ("commune", "department", "region")
        return list(self.named(name, kinds))

    def _articled(self, key: str, kinds: Sequence[str]) -> list[Locality]:
        """Return what is named so, with or without its article: "Région La Réunion", "Ville de Mans"."""
        forms = (key, f"la {key}", f"le {key}", f"les {key}", f"l {key}")
        return next((list(found) for form in forms if (found := self.named(form, kinds))), [])

    def _department(self, text: str) -> str:
        if ("department", text.strip().upper()) in self._by_code:
            return text.strip().upper()
        found = self.named(text, ("department",))
        return found[0].code if len(found) == 1 else ""

    @cached_property
    def _communes(self) -> tuple[list[Locality], _JoinedTexts, _JoinedTexts]:
        """The communes, most populous first, and in parallel their names as compared and their codes."""
        found = [place for place in self._by_code.values() if place.kind == "commune"]
        found.sort(key=lambda place: (-(place.population or 0), place.code))
        keys = _JoinedTexts([_key(place.name) for place in found])
        return found, keys, _JoinedTexts([place.code.lower() for place in found])

    @cached_property
    def _names(self) -> dict[str, list[Locality]]:
        names: dict[str, list[Locality]] = defaultdict(list)
        for place in self._by_code.values():
            names[_key(place.name)].append(place)
        return names

    @cached_property
    def _groups(self) -> dict[str, list[Locality]]:
        groups: dict[str, list[Locality]] = defaultdict(list)
        for place in self._by_code.values():
            if place.kind == "epci":
                groups[_bare(_key(place.name))].append(place)
        return groups


@lru_cache(maxsize=1)
def bundled() -> Gazetteer:
    """Return the table that comes with the package."""
    return Gazetteer.read()


def is_collectivity(text: str) -> bool:
    """Whether a text is a kind of EPCI, alone ("Communauté de communes") or before a name, which may be cut
    short ("Métropole Toulon")."""
    key = _key(text)
    named = any(word[:1].isupper() for word in text.split()[1:])
    return _EPCI.match(key) is not None and (named or not _bare(key))


def _most_apt(candidates: Sequence[Locality], scale: str, name: str) -> list[Locality]:
    """Narrow candidates down: by the scale that is said, then a département that is one commune."""
    wanted = _SCALES.get(fold(scale))
    if fold(scale) in ("commune rurale", "petite ville", "ville moyenne", "metropole"):
        wanted = "commune" if not _EPCI.search(_key(name)) else "epci"
    narrowed = [p for p in candidates if p.kind == wanted] or list(candidates)
    places = {(p.kind, p.department) for p in narrowed}
    for kind in ("commune", "department"):
        # Paris is a commune and a département, La Réunion a département and a région: one place each.
        alone = [p for p in narrowed if p.kind == kind]
        if len(alone) == 1 and all(k == kind or _same_ground(alone[0], k, narrowed) for k, _ in places):
            return alone
    return narrowed


def _has_namesake(place: Locality, others: Sequence[Locality]) -> bool:
    """Whether a département's code, given beside a name, may be there to tell a commune in it."""
    return place.kind == "department" and any(
        other.kind == "commune" and other.department == place.code for other in others
    )


def _same_ground(place: Locality, kind: str, others: Sequence[Locality]) -> bool:
    return all(
        (kind == "region" and other.code == place.region and place.kind == "department")
        or (kind == "department" and other.code == place.department == _PARIS)
        for other in others
        if other.kind == kind
    )


def _within(place: Locality, code: str) -> bool:
    """Whether a place lies where a code says: a département's, or an INSEE or postal code's beginning."""
    if place.kind == "region":
        return place.code == code
    return code in (place.code, place.department) or (
        len(code) == 5 and place.department in (code[:2], code[:3])
    )


def _locality(row: Mapping[str, str]) -> Locality:
    return Locality(
        kind=row["kind"],
        code=row["code"],
        name=row["name"],
        department=row["department"],
        region=row["region"],
        epci=row["epci"],
        population=int(row["population"]) if row["population"] else None,
        latitude=float(row["latitude"]) if row["latitude"] else None,
        longitude=float(row["longitude"]) if row["longitude"] else None,
    )


def _key(name: str) -> str:
    words = _NOT_A_LETTER.sub(" ", fold(name)).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def _bare(key: str) -> str:
    """Return the words of an EPCI's name that tell it from others, in any order."""
    words = [word for word in _EPCI.sub(" ", key).split() if word not in _EMPTY]
    return " ".join(sorted(words))

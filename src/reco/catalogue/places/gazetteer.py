"""The gazetteer: communes, EPCI, départements and régions by code and by name.

`scripts/make_places.py` makes `places.csv` and gives the source of each column. A name that several
communes share is never guessed: it needs a département or a code.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from reco.catalogue.places.codes import is_of_commune, listed, written
from reco.text.clean import digest, fold

BUNDLED = Path(__file__).with_name("places.csv")
KINDS = ("commune", "epci", "department", "region")

_SIMILAR = 0.7
"""Similarity of spelling, 0 to 1, from which a name is suggested."""
_MOST = 50
_LONGEST_NAME = 500

_SEPARATOR = re.compile(r"\s*;\s*")
_CONJUNCTION = re.compile(r"\s*(?:,|&|\bet\b)\s*")
_BRACKETS = re.compile(r"\s*\(([^()]*)\)")
_CEDEX = re.compile(r"\bcedex\b[ \d]*$", re.IGNORECASE)
_WITH_CODE = re.compile(
    r"(?P<code>\d[\dAB]\d{3}) (?P<name>[^\W\d].*)|(?P<named>.*\D) (?P<after>\d[\dAB]\d{3})", re.IGNORECASE
)
"""A name beside its postal code, as in an address: "02000 Laon"."""
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_EPCI = re.compile(
    r"\b(?:cc|ca|cu|communaute (?:de communes|d agglomeration|urbaine)|metropole|eurometropole|"
    r"agglomeration|agglopole|agglo|communaute|intercommunalite|interco)\b"
)
_KIND_PREFIX = {
    "commune": re.compile(r"^(?:ville|commune|mairie|village) (?:(?:de la|de l|du|des|de|d)\b ?)?"),
    "department": re.compile(r"^(?:conseil )?departement(?:al)? (?:(?:de la|de l|du|des|de|d)\b ?)?"),
    "region": re.compile(r"^(?:conseil )?region(?:al)? (?:(?:de la|de l|du|des|de|d)\b ?)?"),
}
_EMPTY = frozenset(("de", "du", "des", "d", "la", "le", "les", "l", "et", "en", "entre"))
_DISTRICT = re.compile(r"^(paris|lyon|marseille) (?:\d\d?|[ivx]+) ?(?:er|e|eme)?(?: arr(?:ondissement)?)?$")
_DISTRICTS = (("75101", "75120", "75056"), ("69381", "69389", "69123"), ("13201", "13216", "13055"))
"""First and last INSEE code of the districts of Paris, Lyon and Marseille, and the code of the commune."""
_PARIS = "75"
"""The only département that is a single commune."""
_SCALES = {"epci": "epci", "departement": "department", "region": "region"}
_NATIONAL = frozenset(
    ("", "france", "national", "france entiere", "france metropolitaine", "france et territoires d'outre-mer")
)
_NUMBERS: Mapping[str, Callable[[str], Any]] = {"population": int, "latitude": float, "longitude": float}


@dataclass(frozen=True)
class Locality:
    """A current commune, EPCI, département or région.

    `code` is the INSEE code, or the SIREN of an EPCI. The département of an EPCI is the one of most of its
    communes.
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
        """The name as shown; a commune's has its département, since names repeat: "Trémargat (22)"."""
        return f"{self.name} ({self.department})" if self.kind == "commune" else self.name


@dataclass(frozen=True)
class LocatedPlaces:
    """The localities that a text names for certain, and notes on the parts that name none."""

    localities: tuple[Locality, ...] = ()
    notes: tuple[str, ...] = ()


class _JoinedTexts:
    """Many short lines joined into one text, so that one search covers them all."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._whole = "\n" + "".join(f"{line}\n" for line in lines)
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=1))

    def having(self, needle: str) -> Iterator[int]:
        """Yield the number of each line that contains `needle`, in order; a newline matches a line edge."""
        at = self._whole.find(needle)
        while at >= 0:
            yield bisect_right(self._starts, at + (needle[0] == "\n")) - 1
            at = self._whole.find(needle, at + 1)


class Gazetteer:
    """The localities, by code and by name.

    `former` gives the current codes of former communes' names, and `postal` the codes of the communes of
    each postal code.
    """

    def __init__(
        self,
        localities: Iterable[Locality],
        former: Mapping[str, Sequence[str]],
        postal: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._by_code = {(place.kind, place.code): place for place in localities}
        self._former = former
        self._postal = postal or {}

    @classmethod
    def read(cls, path: Path = BUNDLED) -> Gazetteer:
        """Read a CSV file with the columns of `places.csv`, and `postal.csv` beside it, if it is there."""
        localities: list[Locality] = []
        former: dict[str, list[str]] = defaultdict(list)
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["kind"] == "former":
                    former[_key(row["name"])].append(row["code"])
                else:
                    localities.append(_locality(row))
        return cls(localities, former, _postal(path.with_name("postal.csv")))

    @cached_property
    def stamp(self) -> str:
        """Digest of all localities."""
        return digest(*(repr(place) for place in self._by_code.values()), repr(self._postal))

    def all(self, kind: str) -> tuple[Locality, ...]:
        """Return the localities of a kind, in the order of the table."""
        return tuple(place for place in self._by_code.values() if place.kind == kind)

    def by_code(self, code: str) -> Locality | None:
        """Return the locality with this code: a commune's or département's INSEE code, or an EPCI's SIREN.

        A code without its first zero, or with spaces, is read too: `"2408"` is 02408. A district of Paris,
        Lyon or Marseille is its commune.
        """
        whole = written(code)
        city = next((city for first, last, city in _DISTRICTS if first <= whole <= last), "")
        known = is_of_commune(whole) and whole not in self._postal  # 13210 is a postal code elsewhere
        for form in dict.fromkeys((code, whole, city if known else "")):
            for kind in ("commune", "epci", "department"):
                if (kind, form) in self._by_code:
                    return self._by_code[kind, form]
        return None

    def with_postal(self, code: str) -> tuple[Locality, ...]:
        """Return the communes of a postal code, most populous first."""
        found = (self._by_code.get(("commune", commune)) for commune in self._postal.get(written(code), ()))
        return tuple(sorted(filter(None, found), key=lambda place: (-(place.population or 0), place.code)))

    def named(self, name: str, kinds: Sequence[str] = KINDS) -> tuple[Locality, ...]:
        """Return the localities of these kinds with this name; case, accents and hyphens are ignored.

        The name of a former commune gives the commune that absorbed it, unless a current commune of that
        département has the name.
        """
        key = _key(name)
        found = [p for p in self._names.get(key, ()) if p.kind in kinds and p.kind != "epci"]
        if "epci" in kinds:
            found += [p for p in self._epcis.get(_distinctive_words(key), ()) if _distinctive_words(key)]
        if "commune" in kinds:
            departments = {p.department for p in found if p.kind == "commune"}
            keys = [("commune", code) for code in dict.fromkeys(self._former.get(key, ()))]
            successors = [self._by_code[one] for one in keys if one in self._by_code]
            found += [p for p in successors if p.department not in departments]
        return tuple(found)

    def locate(self, place: str, code: str = "", scale: str = "") -> LocatedPlaces:
        """Return the localities that a place text names; `scale` tells a town from the EPCI of its name.

        A code tells homonyms apart. One that names no place is noted, and takes nothing from a sure name.
        """
        codes = listed(code)
        if fold(place) in _NATIONAL:
            return self._by_codes_alone(codes)
        localities: list[Locality] = []
        notes: list[str] = []
        for part in _SEPARATOR.split(place):
            if not part or fold(part) in _NATIONAL:
                continue
            found = self._locate_part(part, codes, scale)
            localities += [p for p in found.localities if p not in localities]
            notes += found.notes
        return LocatedPlaces(tuple(localities), tuple(dict.fromkeys(notes)))

    def label(self, place: Locality) -> str:
        """Return a place's name with the name of its département: "Trémargat (Côtes-d'Armor)"."""
        department = self._by_code.get(("department", place.department))
        if department is None or place.kind in ("department", "region"):
            return place.name
        return f"{place.name} ({department.name})"

    def search(self, text: str, limit: int = 10) -> tuple[Locality, ...]:
        """Return the communes that a person may mean while typing `text`.

        Names equal to the text come first, then names that start with it, then names with a word that
        does, the most populous first; if there are none, similar spellings. Digits are the start of an
        INSEE code, a whole one without its first zero, or a postal code. A département may follow in
        brackets, and a postal code may stand beside the name.
        """
        name, aside = self.split(text[:_LONGEST_NAME])
        code = aside[0] if aside else ""
        key = _key(name)
        if not key or limit < 1:
            return ()
        meant = (place for place in self._matches(key) if not code or _lies_within(place, code))
        return tuple(islice(meant, limit))

    def _matches(self, key: str) -> Iterator[Locality]:
        """Yield the communes of `search`, without the filter by département."""
        places, names, codes = self._communes
        if key[0].isdigit():
            whole = written(key)
            lines = dict.fromkeys(codes.having(f"\n{key}")) | dict.fromkeys(
                codes.having(f"\n{whole.lower()}\n")
            )
            yield from dict.fromkeys((*(places[line] for line in lines), *self.with_postal(key)))
            return
        yielded: set[int] = set()
        for needle in (f"\n{key}\n", f"\n{key}", f" {key}"):
            for line in names.having(needle):
                if line not in yielded:
                    yielded.add(line)
                    yield places[line]
        if not yielded:
            from rapidfuzz import process
            from rapidfuzz.distance import OSA

            spelling = OSA.normalized_similarity
            near = process.extract(key, names.lines, scorer=spelling, score_cutoff=_SIMILAR, limit=_MOST)
            yield from (places[line] for _, _, line in near)

    def _by_codes_alone(self, codes: Sequence[str]) -> LocatedPlaces:
        each = [self._by_code_alone(code) for code in codes]
        found = tuple(dict.fromkeys(place for one in each for place in one.localities))
        return LocatedPlaces(found, tuple(note for one in each for note in one.notes))

    def _by_code_alone(self, code: str) -> LocatedPlaces:
        coded = self.by_code(code)
        found = (coded,) if coded is not None else self.with_postal(code)
        if len(found) > 1:
            return LocatedPlaces(notes=(_shared(f"postal code {code}", found),))
        return LocatedPlaces(found, () if found else (f"place code {code} is unknown",))

    def _locate_part(self, part: str, codes: Sequence[str], scale: str) -> LocatedPlaces:
        whole = self._locate_one(part, codes, scale)
        pieces = [piece for piece in _CONJUNCTION.split(part) if piece]
        if whole.localities or len(pieces) < 2:
            return whole
        each = [self._locate_one(piece, codes, scale) for piece in pieces]
        kinds = {p.kind for one in each for p in one.localities}
        if len(kinds) == 1:
            # Among régions, a name that a village shares means the région.
            each = [self._locate_one(piece, codes, scale, next(iter(kinds))) for piece in pieces]
        found = tuple(dict.fromkeys(p for one in each for p in one.localities))
        return LocatedPlaces(found, tuple(n for one in each for n in one.notes)) if found else whole

    def _locate_one(self, text: str, codes: Sequence[str], scale: str, kind: str = "") -> LocatedPlaces:
        name, aside = self.split(text)
        if name[:1].isdigit() and (coded := self.by_code(name)) is not None:
            return LocatedPlaces((coded,))
        candidates = self._candidates(name, scale)
        if (exact := self._exact(candidates, codes)) is not None:
            return LocatedPlaces((exact,))
        posted = {p.code for code in codes for p in self.with_postal(code)}
        within = [p for p in candidates if p.kind == "commune" and p.code in posted]
        within = within or [p for p in candidates if any(_lies_within(p, code) for code in aside or codes)]
        notes: tuple[str, ...] = ()
        if aside or any(self.by_code(code) is not None for code in codes) or within:
            candidates = within
        else:  # a code that names no place says nothing against a name
            notes = tuple(f"place code {code} is unknown" for code in codes)
        chosen = _narrow([p for p in candidates if p.kind == kind] or candidates, scale, name)
        if len(chosen) == 1:
            return LocatedPlaces(tuple(chosen), notes)
        if chosen:
            problem = _shared(f"place {text!r}", chosen)
        elif not aside and self._candidates(name, scale):
            problem = f"place {text!r} is not where its code is: {'; '.join(codes)}"
        else:
            problem = f"place {text!r} is no commune, EPCI, département or région that is known"
        return LocatedPlaces(notes=(*notes, problem))

    def split(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return a name without brackets and postal code, and the code of the département that they give.

        `"Laon (Aisne)"`, `"Laon (02)"` and `"02000 Laon"` are `("Laon", ("02",))`.
        """
        name = _CEDEX.sub("", _BRACKETS.sub("", text).strip())
        asides = _BRACKETS.findall(text)
        if beside := _WITH_CODE.fullmatch(name):
            name = beside["name"] or beside["named"]
            asides.append(beside["code"] or beside["after"])
        codes = [code for aside in asides if (code := self._department(aside))]
        return name, tuple(codes[-1:])

    def _exact(self, candidates: Sequence[Locality], codes: Sequence[str]) -> Locality | None:
        """Return the candidate that a code names; that of a département may mean a commune in it."""
        for code in codes:
            place = self.by_code(code)
            if place is None or place not in candidates:
                continue
            inside = any(p.kind == "commune" and p.department == place.code for p in candidates)
            if place.kind != "department" or not inside:
                return place
        return None

    def _candidates(self, name: str, scale: str) -> list[Locality]:
        key = _DISTRICT.sub(r"\1", _key(name))
        for kind, pattern in _KIND_PREFIX.items():
            if (bare := pattern.sub("", key)) != key and (found := self._named_with_article(bare, (kind,))):
                return found
        if _EPCI.search(key):
            return list(self.named(name, ("epci",)))
        kinds = KINDS if _SCALES.get(fold(scale)) == "epci" else ("commune", "department", "region")
        return list(self.named(key, kinds))

    def _named_with_article(self, key: str, kinds: Sequence[str]) -> list[Locality]:
        """Return the localities with this name, with or without an article: "Ville de Mans" is Le Mans."""
        forms = (key, f"la {key}", f"le {key}", f"les {key}", f"l {key}")
        return next((list(found) for form in forms if (found := self.named(form, kinds))), [])

    def _department(self, text: str) -> str:
        code = written(text.strip())
        if is_of_commune(code):
            code = next((c for c in (code[:2], code[:3]) if ("department", c) in self._by_code), code)
        if ("department", code.upper()) in self._by_code:
            return code.upper()
        found = self.named(text, ("department",))
        return found[0].code if len(found) == 1 else ""

    @cached_property
    def _communes(self) -> tuple[list[Locality], _JoinedTexts, _JoinedTexts]:
        """The communes, most populous first, with their folded names and their codes in parallel."""
        found = sorted(self.all("commune"), key=lambda place: (-(place.population or 0), place.code))
        keys = _JoinedTexts([_key(place.name) for place in found])
        return found, keys, _JoinedTexts([place.code.lower() for place in found])

    @cached_property
    def _names(self) -> dict[str, list[Locality]]:
        names: dict[str, list[Locality]] = defaultdict(list)
        for place in self._by_code.values():
            names[_key(place.name)].append(place)
        return names

    @cached_property
    def _epcis(self) -> dict[str, list[Locality]]:
        groups: dict[str, list[Locality]] = defaultdict(list)
        for place in self.all("epci"):
            groups[_distinctive_words(_key(place.name))].append(place)
        return groups


@lru_cache(maxsize=1)
def bundled() -> Gazetteer:
    """Return the gazetteer of the package, read once."""
    return Gazetteer.read()


def is_collectivity(text: str) -> bool:
    """Whether a text is a kind of EPCI, alone or before a name, which may be shortened.

    "Communauté de communes" and "Métropole Toulon" are.
    """
    key = _key(text)
    named = any(word[:1].isupper() for word in text.split()[1:])
    return _EPCI.match(key) is not None and (named or not _distinctive_words(key))


def _shared(what: str, places: Sequence[Locality]) -> str:
    where = ", ".join(f"{p.name} ({p.kind} {p.code})" for p in places[:6])
    return f"{what} is shared by {len(places)}: {where}; pin one"


def _postal(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["postal"]: row["communes"].split() for row in csv.DictReader(stream)}


def _narrow(candidates: Sequence[Locality], scale: str, name: str) -> list[Locality]:
    """Narrow candidates by scale, then keep one of several that are the same territory, such as Paris."""
    wanted = _SCALES.get(fold(scale))
    if fold(scale) in ("commune rurale", "petite ville", "ville moyenne", "metropole"):
        wanted = "commune" if not _EPCI.search(_key(name)) else "epci"
    narrowed = [p for p in candidates if p.kind == wanted] or list(candidates)
    places = {(p.kind, p.department) for p in narrowed}
    for kind in ("commune", "department"):
        # Paris is both a commune and a département, La Réunion both a département and a région.
        alone = [p for p in narrowed if p.kind == kind]
        if len(alone) == 1 and all(k == kind or _same_territory(alone[0], k, narrowed) for k, _ in places):
            return alone
    return narrowed


def _same_territory(place: Locality, kind: str, others: Sequence[Locality]) -> bool:
    return all(
        (kind == "region" and other.code == place.region and place.kind == "department")
        or (kind == "department" and other.code == place.department == _PARIS)
        for other in others
        if other.kind == kind
    )


def _lies_within(place: Locality, code: str) -> bool:
    """Whether a place lies in a département, given by its code or by an INSEE or postal code in it."""
    if place.kind == "region":
        return place.code == code
    if len(code) != 5:
        return code in (place.code, place.department)
    corsican = code.startswith("20") and place.department in ("2A", "2B")  # postal codes know one Corsica
    return code == place.code or corsican or place.department in (code[:2], code[:3])


def _locality(row: Mapping[str, str]) -> Locality:
    values: dict[str, Any] = dict(row)
    for name, number in _NUMBERS.items():
        values[name] = number(row[name]) if row[name] else None
    return Locality(**values)


def _key(name: str) -> str:
    words = _NOT_A_LETTER.sub(" ", fold(name)).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def _distinctive_words(key: str) -> str:
    """Return the words that distinguish an EPCI's name, sorted: "CC Erdre et Gesvres" -> "erdre gesvres"."""
    words = [word for word in _EPCI.sub(" ", key).split() if word not in _EMPTY]
    return " ".join(sorted(words))

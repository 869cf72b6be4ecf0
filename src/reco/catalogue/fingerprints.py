"""What is compared of each resource with the others, read from it alone: so an unchanged one need not be
read again. Sentences tell what a publisher repeats; addresses, numbers and titles what is listed twice.

Texts are compared by digests of 64 bits: two of a million different ones are the same by chance once in
thirty million catalogues, and whoever finds two alike still compares the resources themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.resource import Resource
from reco.text.clean import fold
from reco.text.tokens import stems

RECIPE = "traits/1"
"""Names what is read and how: whoever changes it changes this, and everything is read anew."""

SHORTEST = 20
"""Letters below which a repeated line is a heading, which costs nothing to read."""

_READ = attrgetter("title", "summary", "source", "publisher", "authors", "url", "evidence")
"""All that traits are read from."""

_SENTENCE = re.compile(r"[^\n.!?…]+[.!?…]*")
_SIGN = re.compile(r"[\W_]+")
_LEAD = re.compile(r"(?m)(?:^|(?<=[.!?…] ))[ \t]*(?:[-–—*#•]+[ \t]*)?")
_ABOUT = re.compile(
    r"(?:[àa] propos (?:de |du |des |d['’])?(?:l['’ ])?(?:auteure?s?|autrices?|autrice|[ée]diteur|nous)"
    r"|sur (?:l['’ ]|les )(?:auteure?s?|autrices?|[ée]diteur)"
    r"|(?:l['’ ]|les )(?:auteure?s?|autrices?)(?=\s*:)"
    r"|biographie|qui sommes[- ]nous|contacts? presse|mentions l[ée]gales|suivez[- ]nous|abonnez[- ]vous)\b",
    re.IGNORECASE,
)
_ABOUT_BODY = re.compile(
    r"(?:[àa] propos (?:de |du |des |d['’])|sur )(?:l['’ ]|la |le |les )?"
    r"(?P<body>[^\n:.]{2,80}?)\s*(?::|\n|$)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?:\s*[-–/]\s*(?:(?:19|20)\d\d|\d\d)\b)?")
_EDITION = re.compile(
    r"\b\d*\s*(?:re|ere|e|eme|nde|ed)?\s*(?:nouvelle |derniere )?(?:edition|ed\.|version|mise a jour|maj)"
    r"(?:\s*\d+(?:\.\d+)*)?\b"
)
_EDITED = re.compile(r"edition|ed\.|version|mise a jour|maj")
"""What every match of `_EDITION` has: most titles have none, and that takes a tenth of the time."""
_DIGIT = re.compile(r"\d")
_ISBN = re.compile(r"\b97[89][-\s]?(?:\d[-\s]?){9}\d\b")
_TRACKING = re.compile(r"^(?:utm_|mtm_|pk_|xtor|fbclid|gclid|at_)", re.IGNORECASE)
_FORMS = frozenset(
    stems(
        "guide guides guider rapport rapports livre livret fiche fiches article dossier mode emploi comment "
        "outil outils pratique pratiques recueil manuel méthode conseils conseil note synthèse cahier "
        "document ressource ressources présentation version complète pdf repères"
    )
)

Digests = NDArray[np.uint64]


@dataclass(frozen=True)
class Keys:
    """Digests of texts that rows have, in the order of the rows: `keys` and their `rows`, both (texts,)."""

    keys: Digests
    rows: NDArray[np.int64]

    def shared(self) -> list[list[int]]:
        """Return the rows that share each key, in order, where there are several: first seen, first told."""
        _, first, which, counts = np.unique(
            self.keys, return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(counts)
        several = np.flatnonzero(counts > 1)
        several = several[np.argsort(first[several], kind="stable")]
        return [self.rows[order[ends[i] - counts[i] : ends[i]]].tolist() for i in several.tolist()]


@dataclass(frozen=True)
class Traits:
    """What is compared of resources; row i is resource i of those read.

    `one` (resources,) has fields `publisher`, `title`, `core`, `letters` and `url`, digests (0 for no
    address), and `tail`, the character of the summary from where it speaks of who made the resource, -1
    for none. `sentences` (sentences,) has a `key`, a digest, and its `start` and `end` in the summary;
    `isbns` (numbers,) are digests. Those of row i are within `bounds[0]` and `bounds[1]`, each
    (resources + 1,).
    """

    one: NDArray[np.void]
    sentences: NDArray[np.void]
    isbns: Digests
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.one)

    @classmethod
    def read(
        cls, resources: Sequence[Resource], known: tuple[Sequence[Resource], Traits] | None = None
    ) -> Traits:
        """Read resources; `known` are some that were read before, with what was found."""
        if known is None or not len(known[1]):
            return cls._of(resources)
        before, traits = known
        at = {resource.id: row for row, resource in enumerate(before)}
        rows = np.full(len(resources), -1, dtype=np.int64)
        for place, resource in enumerate(resources):
            row = at.get(resource.id, -1)
            if row >= 0 and _READ(before[row]) == _READ(resource):
                rows[place] = row
        fresh = np.flatnonzero(rows < 0)
        rows[fresh] = len(traits) + np.arange(len(fresh))
        return traits._beside(cls._of([resources[place] for place in fresh.tolist()])).take(rows)

    @classmethod
    def _of(cls, resources: Sequence[Resource]) -> Traits:
        one = np.empty(len(resources), dtype=_ONE)
        sentences: list[tuple[int, int, int]] = []
        isbns: list[int] = []
        bounds = np.zeros((2, len(resources) + 1), dtype=np.int64)
        for row, resource in enumerate(resources):
            one[row] = _one(resource)
            sentences.extend(_sentences(resource.summary))
            isbns.extend(map(digest, isbns_of(resource)))
            bounds[:, row + 1] = len(sentences), len(isbns)
        return cls(one, np.asarray(sentences, dtype=_SAID), np.asarray(isbns, dtype=np.uint64), bounds)

    def take(self, rows: NDArray[np.int64]) -> Traits:
        """Return the traits of some rows, in their order."""
        said, sentences = _within(self.bounds[0], rows)
        numbered, isbns = _within(self.bounds[1], rows)
        return Traits(
            self.one[rows], self.sentences[sentences], self.isbns[isbns], np.stack([said, numbered])
        )

    def _beside(self, other: Traits) -> Traits:
        ends = self.bounds[:, -1:]
        return Traits(
            np.concatenate([self.one, other.one]),
            np.concatenate([self.sentences, other.sentences]),
            np.concatenate([self.isbns, other.isbns]),
            np.concatenate([self.bounds, other.bounds[:, 1:] + ends], axis=1),
        )

    @property
    def said_by(self) -> NDArray[np.int64]:
        """The row of each sentence."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds[0]))

    @property
    def urls(self) -> Keys:
        """Addresses."""
        rows = np.flatnonzero(self.one["url"])
        return Keys(self.one["url"][rows], rows)

    @property
    def numbers(self) -> Keys:
        """ISBNs."""
        return Keys(self.isbns, np.repeat(np.arange(len(self)), np.diff(self.bounds[1])))

    @property
    def titles(self) -> Keys:
        """Titles by their words, without years, editions and words such as "guide"."""
        return Keys(self.one["core"], np.arange(len(self)))

    @property
    def spellings(self) -> Keys:
        """Titles by their letters."""
        return Keys(self.one["letters"], np.arange(len(self)))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays, by name."""
        return {
            **{f"one.{name}": np.ascontiguousarray(self.one[name]) for name in _ONE.names or ()},
            **{f"said.{name}": np.ascontiguousarray(self.sentences[name]) for name in _SAID.names or ()},
            "isbns": self.isbns,
            "bounds": self.bounds,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Traits:
        """Read what `to_arrays` gave. Raises KeyError or ValueError when it is not that."""
        one = _joined(_ONE, "one", arrays)
        sentences = _joined(_SAID, "said", arrays)
        found = cls(one, sentences, arrays["isbns"], arrays["bounds"])
        ends = (len(sentences), len(found.isbns))
        if found.bounds.shape != (2, len(one) + 1) or tuple(found.bounds[:, -1].tolist()) != ends:
            raise ValueError("the traits of resources do not belong together")
        return found


Known = tuple[Sequence[Resource], Traits]
"""Resources that were read before, and their traits."""

_ONE = np.dtype(
    [(name, np.uint64) for name in ("publisher", "title", "core", "letters", "url")] + [("tail", np.int32)]
)
_SAID = np.dtype([("key", np.uint64), ("start", np.int32), ("end", np.int32)])


def digest(text: str) -> int:
    """Return 64 bits of a text, never zero."""
    found = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found, "little") or 1


def key_of(text: str) -> str:
    """Return a text as it is compared: folded, signs read as one space."""
    return _SIGN.sub(" ", fold(text)).strip()


def publisher_of(resource: Resource) -> str:
    """Return by whom a resource is published as it is compared, or its source where that is not said."""
    return fold(resource.publisher) or f"source:{resource.source}"


def name_of(title: str) -> str:
    """Return a title as it is compared: folded, without years and editions."""
    title = fold(title)
    if _DIGIT.search(title):
        title = _YEAR.sub(" ", title)
    return _EDITION.sub(" ", title) if _EDITED.search(title) else title


def core_of(title: str) -> frozenset[str]:
    """Return the stems of a title, without words such as "guide" unless it has no other."""
    found = frozenset(stems(title))
    return (found - _FORMS) or found


def letters_of(text: str) -> str:
    """Return a text without spaces and signs: "Mobili'Pro" is "Mobilipro"."""
    return re.sub(r"[\W_]+", "", fold(text))


def address_of(url: str) -> str:
    """Return an address without what varies for one page; a site's front page is nobody's address."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    query = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if not _TRACKING.match(k)))
    if not path and not query:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{path}?{query}" if query else f"{host}{path}"


def isbns_of(resource: Resource) -> Iterable[str]:
    """Return the ISBNs of thirteen digits that a resource gives, each once."""
    texts = (resource.title, resource.summary, resource.url, resource.evidence)
    # Few texts have these digits, and looking for them takes a hundredth of the time.
    found = (isbn for text in texts if "97" in text for isbn in _ISBN.findall(text))
    return sorted({re.sub(r"\D", "", isbn) for isbn in found})


def _one(resource: Resource) -> tuple[int, ...]:
    url = address_of(resource.url)
    return (
        digest(publisher_of(resource)),
        digest(fold(resource.title)),
        digest(" ".join(sorted(core_of(name_of(resource.title))))),
        digest(letters_of(resource.title)),
        digest(url) if url else 0,
        _tail(resource),
    )


def _sentences(text: str) -> Iterable[tuple[int, int, int]]:
    for match in _SENTENCE.finditer(text):
        key = key_of(match.group())
        if len(key) >= SHORTEST:
            yield digest(key), *match.span()


def _tail(resource: Resource) -> int:
    """Return where a summary begins to speak of who made the resource, -1 where it does not."""
    text = resource.summary
    makers = ""
    for lead in _LEAD.finditer(text):
        start = lead.end()
        if _ABOUT.match(text, start):
            return start
        if body := _ABOUT_BODY.match(text, start):
            # Read once: a summary may speak of as many names as it has lines.
            makers = makers or f" {key_of(resource.publisher)} {key_of(resource.authors)} "
            if _is_among(body["body"], makers):
                return start
    return -1


def _is_among(name: str, makers: str) -> bool:
    """Whether a name is the publisher's or the authors', or stands among theirs as an acronym."""
    key = key_of(name)
    return bool(key) and f" {key} " in makers


def _within(
    bounds: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bounds of some rows laid end to end, and the places that they come from."""
    counts = np.diff(bounds)[rows]
    ends = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(ends[-1]) + np.repeat(bounds[rows] - ends[:-1], counts)
    return ends, places


def _joined(kind: np.dtype[np.void], prefix: str, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.void]:
    columns = {name: arrays[f"{prefix}.{name}"] for name in kind.names or ()}
    found = np.empty(len(next(iter(columns.values()))), dtype=kind)
    for name, values in columns.items():
        found[name] = values
    return found

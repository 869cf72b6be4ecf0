"""Fingerprints of resources: digests of their sentences, addresses, ISBNs and titles.

They find boilerplate (sentences) and duplicates (addresses, ISBNs, titles). Each depends on its own
resource only, so the next refresh reuses those of unchanged resources.

Digests have 64 bits. Among a million different texts, two are equal by chance in one of thirty million
catalogues; code that finds two equal digests compares the resources themselves.
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

RECIPE = "traits/2"
"""Version of the traits. Raise it when they change: every resource is then read anew."""

SHORTEST = 20
"""Characters below which a line is a heading and has no digest: repeated headings are harmless."""

_FIELDS_READ = attrgetter(
    "title", "summary", "source", "publisher", "authors", "url", "evidence", "type", "id"
)
"""The fields that traits depend on."""

_SENTENCE = re.compile(r"[^\n.!?…]+[.!?…]*")
_SIGN = re.compile(r"[\W_]+")
_SENTENCE_START = re.compile(r"(?m)(?:^|(?<=[.!?…] ))[ \t]*(?:[-–—*#•]+[ \t]*)?")
_ABOUT_MAKERS = re.compile(
    r"(?:[àa] propos (?:de |du |des |d['’])?(?:l['’ ])?(?:auteure?s?|autrices?|autrice|[ée]diteur|nous)"
    r"|sur (?:l['’ ]|les )(?:auteure?s?|autrices?|[ée]diteur)"
    r"|(?:l['’ ]|les )(?:auteure?s?|autrices?)(?=\s*:)"
    r"|biographie|qui sommes[- ]nous|contacts? presse|mentions l[ée]gales|suivez[- ]nous|abonnez[- ]vous)\b",
    re.IGNORECASE,
)
_ABOUT_NAMED_BODY = re.compile(
    r"(?:[àa] propos (?:de |du |des |d['’])|sur )(?:l['’ ]|la |le |les )?"
    r"(?P<body>[^\n:.]{2,80}?)\s*(?::|\n|$)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?:\s*[-–/]\s*(?:(?:19|20)\d\d|\d\d)\b)?")
_EDITION = re.compile(
    r"\b\d*\s*(?:re|ere|e|eme|nde|ed)?\s*(?:nouvelle |derniere )?(?:edition|ed\.|version|mise a jour|maj)"
    r"(?:\s*\d+(?:\.\d+)*)?\b"
)
_MAY_HAVE_EDITION = re.compile(r"edition|ed\.|version|mise a jour|maj")
"""Cheap test before `_EDITION`: most titles fail it, in a tenth of the time."""
_DIGIT = re.compile(r"\d")
_ISBN = re.compile(r"(?<![\d-])97[89][-\s]?(?:\d[-\s]?){9}\d(?![\d-])")
_ISBN_10 = re.compile(r"\bisbn\b\W{0,4}(?:10\W{1,3})?((?:\d[-\s]?){9}[\dx])\b", re.IGNORECASE)
_PART = re.compile(
    r"\b(?:chapitre|chapter|article|communication|contribution|note de lecture|compte[- ]rendu|recension"
    r"|review|book section|book part|incollection|inbook)\b"
)
"""Types of what stands in a book, or speaks of one: its ISBN is the book's. A title may start so."""
_CITES = re.compile(
    r"\b(?:dans|in|extraits?|chap(?:itre)?s?|pp?\. ?\d+|cite[es]{0,2}"
    r"|compte[- ]rendu|recension|note de lecture)\b"
)
"""Words before the ISBN of another book: "Dans : L'eau publique, ISBN 978...", "p. 12-30"."""
_LINK = re.compile(r"https?://\S+")
_TRACKING = re.compile(r"^(?:utm_|mtm_|pk_|xtor|fbclid|gclid|at_)", re.IGNORECASE)
_GENERIC_STEMS = frozenset(
    stems(
        "guide guides guider rapport rapports livre livret fiche fiches article dossier mode emploi comment "
        "outil outils pratique pratiques recueil manuel méthode conseils conseil note synthèse cahier "
        "document ressource ressources présentation version complète pdf repères"
    )
)

Digests = NDArray[np.uint64]


@dataclass(frozen=True)
class Traits:
    """Fingerprints of resources; row i belongs to resource i.

    `one` (resources,) has the digests `publisher`, `title`, `core` (see `core_of`), `letters` (see
    `letters_of`) and `url` (see `address_of`; 0 for no address), and `tail`: the character of the summary
    where a passage about the authors or the publisher starts, -1 for none. `sentences` (sentences,) has
    a digest `key`, and its `start` and `end` in the summary. `isbns` (ISBNs,) are digests. The sentences
    of row i are `sentences[bounds[0, i]:bounds[0, i + 1]]`; `bounds[1]` does the same for `isbns`.
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
        """Compute the traits of resources, reusing those of unchanged resources in `known`."""
        if known is None or not len(known[1]):
            return cls._compute(resources)
        before, traits = known
        at = {resource.id: row for row, resource in enumerate(before)}
        rows = np.full(len(resources), -1, dtype=np.int64)
        for place, resource in enumerate(resources):
            row = at.get(resource.id, -1)
            if row >= 0 and _FIELDS_READ(before[row]) == _FIELDS_READ(resource):
                rows[place] = row
        fresh = np.flatnonzero(rows < 0)
        rows[fresh] = len(traits) + np.arange(len(fresh))
        return traits._concatenated(cls._compute([resources[place] for place in fresh.tolist()])).take(rows)

    @classmethod
    def _compute(cls, resources: Sequence[Resource]) -> Traits:
        one = np.empty(len(resources), dtype=_RESOURCE_DTYPE)
        sentences: list[tuple[int, int, int]] = []
        isbns: list[int] = []
        bounds = np.zeros((2, len(resources) + 1), dtype=np.int64)
        for row, resource in enumerate(resources):
            one[row] = _resource_fingerprint(resource)
            sentences.extend(_sentences(resource.summary))
            isbns.extend(map(digest, isbns_of(resource)))
            bounds[:, row + 1] = len(sentences), len(isbns)
        return cls(
            one, np.asarray(sentences, dtype=_SENTENCE_DTYPE), np.asarray(isbns, dtype=np.uint64), bounds
        )

    def take(self, rows: NDArray[np.int64]) -> Traits:
        """Return the traits of `rows`, in that order."""
        sentence_bounds, sentences = _gather(self.bounds[0], rows)
        isbn_bounds, isbns = _gather(self.bounds[1], rows)
        return Traits(
            self.one[rows],
            self.sentences[sentences],
            self.isbns[isbns],
            np.stack([sentence_bounds, isbn_bounds]),
        )

    def _concatenated(self, other: Traits) -> Traits:
        ends = self.bounds[:, -1:]
        return Traits(
            np.concatenate([self.one, other.one]),
            np.concatenate([self.sentences, other.sentences]),
            np.concatenate([self.isbns, other.isbns]),
            np.concatenate([self.bounds, other.bounds[:, 1:] + ends], axis=1),
        )

    @property
    def said_by(self) -> NDArray[np.int64]:
        """The row of each sentence, (sentences,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds[0]))

    def shared(self, kind: str) -> list[list[int]]:
        """Return the rows of each digest that several rows have, in order of its first occurrence.

        `kind` is `isbn`, or a field of `one`.
        """
        if kind == "isbn":
            keys, rows = self.isbns, np.repeat(np.arange(len(self)), np.diff(self.bounds[1]))
        else:
            rows = np.flatnonzero(self.one[kind])
            keys = self.one[kind][rows]
        _, first, which, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(counts)
        several = np.flatnonzero(counts > 1)
        several = several[np.argsort(first[several], kind="stable")]
        return [rows[order[ends[i] - counts[i] : ends[i]]].tolist() for i in several.tolist()]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name."""
        found = {"isbns": self.isbns, "bounds": self.bounds}
        for prefix, values in (("one", self.one), ("said", self.sentences)):
            found |= {f"{prefix}.{name}": values[name].copy() for name in values.dtype.names or ()}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Traits:
        """Read the arrays of `to_arrays`. Raises KeyError or ValueError for any others."""
        one = _structured(_RESOURCE_DTYPE, "one", arrays)
        sentences = _structured(_SENTENCE_DTYPE, "said", arrays)
        found = cls(one, sentences, arrays["isbns"], arrays["bounds"])
        ends = (len(sentences), len(found.isbns))
        if found.bounds.shape != (2, len(one) + 1) or tuple(found.bounds[:, -1].tolist()) != ends:
            raise ValueError("the arrays of traits have lengths that do not fit together")
        return found


Known = tuple[Sequence[Resource], Traits]
"""The resources of an earlier refresh, and their traits."""

_RESOURCE_DTYPE = np.dtype(
    [(name, np.uint64) for name in ("publisher", "title", "core", "letters", "url")] + [("tail", np.int32)]
)
_SENTENCE_DTYPE = np.dtype([("key", np.uint64), ("start", np.int32), ("end", np.int32)])


def digest(text: str) -> int:
    """Return a digest of 64 bits of a text, never zero."""
    found = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found, "little") or 1


def key_of(text: str) -> str:
    """Return a text folded, each run of signs as one space: `"L'eau, ça coûte" -> "l eau ca coute"`."""
    return _SIGN.sub(" ", fold(text)).strip()


def publisher_of(resource: Resource) -> str:
    """Return the folded publisher, or the source of a resource that names no publisher."""
    return fold(resource.publisher) or f"source:{resource.source}"


def name_of(title: str) -> str:
    """Return a title folded, without years and editions."""
    title = fold(title)
    if _DIGIT.search(title):
        title = _YEAR.sub(" ", title)
    return _EDITION.sub(" ", title) if _MAY_HAVE_EDITION.search(title) else title


def core_of(title: str) -> frozenset[str]:
    """Return the stems of a title, without words such as "guide" unless it has no others."""
    found = frozenset(stems(title))
    return (found - _GENERIC_STEMS) or found


def letters_of(text: str) -> str:
    """Return a text folded, without spaces and signs: `"Mobili'Pro" -> "mobilipro"`."""
    return re.sub(r"[\W_]+", "", fold(text))


def address_of(url: str) -> str:
    """Return an address without scheme, `www.`, tracking parameters and fragment; "" for a front page.

    `"https://www.ademe.fr/guide/?utm_source=x" -> "ademe.fr/guide"`
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    query = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if not _TRACKING.match(k)))
    if not path and not query:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{path}?{query}" if query else f"{host}{path}"


def isbns_of(resource: Resource) -> Iterable[str]:
    """Return the resource's own ISBNs as ISBN-13, digits only, each once, sorted.

    They stand in its id, its address or its evidence. A text that mentions an ISBN may cite another book,
    and a chapter, an article or a review has none of its own.
    """
    texts = [text for text in (resource.id, resource.url) if _may_have_isbn(text)]
    if _may_have_isbn(resource.evidence) and not _CITES.search(fold(_LINK.sub("", resource.evidence))):
        texts.append(resource.evidence)
    if not texts or _PART.search(fold(resource.type)) or _PART.match(fold(resource.title)):
        return ()
    from stdnum import isbn

    found = [number for text in texts for form in (_ISBN, _ISBN_10) for number in form.findall(text)]
    return sorted({isbn.to_isbn13(isbn.compact(number)) for number in found if isbn.is_valid(number)})


def _may_have_isbn(text: str) -> bool:
    """Cheap test before the expressions, which most texts fail."""
    return "97" in text or "isbn" in text.casefold()


def _resource_fingerprint(resource: Resource) -> tuple[int, ...]:
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
    """Return where a passage about the authors or the publisher starts in the summary, -1 for none."""
    text = resource.summary
    makers = ""
    for lead in _SENTENCE_START.finditer(text):
        start = lead.end()
        if _ABOUT_MAKERS.match(text, start):
            return start
        if body := _ABOUT_NAMED_BODY.match(text, start):
            # Computed once: a summary may have such a heading on every line.
            makers = makers or f" {key_of(resource.publisher)} {key_of(resource.authors)} "
            name = key_of(body["body"])
            if name and f" {name} " in makers:
                return start
    return -1


def _gather(
    bounds: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bounds of `rows` laid end to end, and the positions of their items."""
    counts = np.diff(bounds)[rows]
    ends = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(ends[-1]) + np.repeat(bounds[rows] - ends[:-1], counts)
    return ends, places


def _structured(kind: np.dtype[np.void], prefix: str, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.void]:
    columns = {name: arrays[f"{prefix}.{name}"] for name in kind.names or ()}
    found = np.empty(len(next(iter(columns.values()))), dtype=kind)
    for name, values in columns.items():
        found[name] = values
    return found

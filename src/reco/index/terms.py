"""The term counts of a catalogue's texts: tokens and concepts. Each text is counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.index.acronyms import Acronyms, learn
from reco.index.lexical import Counts
from reco.text.tokens import runs, stems, tokens

TITLE_WEIGHT = 3
"""Times that a title's terms are counted, since officers name a subject the way titles do."""

_KINDS = ("written", "concepts", "stems", "runs")


@dataclass(frozen=True)
class Counted:
    """The counts of each resource: its tokens as `written`, and its `concepts`.

    Row i of `stems` and of `runs` has the stems and the character runs of token i. `acronyms` is the table
    of the concepts, serialised.
    """

    written: Counts
    concepts: Counts
    stems: Counts
    runs: Counts
    acronyms: bytes

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name."""
        found = {"acronyms": np.frombuffer(self.acronyms, dtype=np.uint8)}
        for kind in _KINDS:
            arrays = getattr(self, kind).to_arrays()
            found |= {f"{kind}.{name}": values for name, values in arrays.items()}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Counted:
        """Read the arrays of `to_arrays`. Raises KeyError or ValueError for any others."""
        written, concepts, stems, runs = (
            Counts.from_arrays(
                {n.removeprefix(f"{kind}."): a for n, a in arrays.items() if n.startswith(f"{kind}.")}
            )
            for kind in _KINDS
        )
        if len(written) != len(concepts) or {len(stems), len(runs)} != {len(written.terms)}:
            raise ValueError("the sizes of the written, concepts, stems and runs counts disagree")
        return cls(written, concepts, stems, runs, arrays["acronyms"].tobytes())


Before = tuple[Sequence[str], Counted]
"""Content hashes, and the counts of their texts in the same order."""


@dataclass(frozen=True)
class CatalogueTerms:
    """The acronyms of a catalogue, given by a table or defined in its texts, and the term counts."""

    acronyms: Acronyms
    counts: Counted

    @classmethod
    def by(
        cls,
        catalogue: Catalogue,
        hashes: Sequence[str],
        table: Acronyms | None = None,
        before: Before | None = None,
    ) -> CatalogueTerms:
        """Learn the acronyms of a catalogue and count its terms.

        `hashes` are its content hashes; the counts in `before` are reused.
        """
        known = (table or Acronyms()).extended(learn(resource.read_summary for resource in catalogue))
        return cls(known, count(catalogue, hashes, known, before))


def count(catalogue: Catalogue, hashes: Sequence[str], known: Acronyms, before: Before | None) -> Counted:
    """Count the tokens and concepts of each resource, reusing the counts in `before`.

    The concepts of a text are counted again only if an entry was added or removed that may start in one of
    its tokens.
    """
    if before is None:
        written = Counts.of(map(tokens_of, catalogue))
        of_stems, of_runs = (Counts.of(map(reader, written.terms)) for reader in (stems, runs))
        concepts = _concepts(catalogue, written, known)
        return Counted(written, concepts, of_stems, of_runs, known.to_bytes())
    at = {content: row for row, content in enumerate(before[0])}
    rows = np.asarray([at.get(content, -1) for content in hashes], dtype=np.int64)
    written = _reused(before[1].written, rows, Counts.of(tokens_of(catalogue[row]) for row in _missing(rows)))
    changed = known.unlike(Acronyms.from_bytes(before[1].acronyms))
    if len(changed):
        rows[written.having(changed.may_begin)] = -1
    missing = _missing(rows)
    fresh = _concepts([catalogue[row] for row in missing], written.only(missing), known)
    return Counted(
        written,
        _reused(before[1].concepts, rows, fresh),
        *_forms(written.terms, before[1]),
        known.to_bytes(),
    )


def _forms(terms: Sequence[str], before: Counted) -> tuple[Counts, Counts]:
    """Return the stems and character runs of tokens, reusing those in `before`."""
    at = {term: row for row, term in enumerate(before.written.terms)}
    rows = np.asarray([at.get(term, -1) for term in terms], dtype=np.int64)
    new = [terms[row] for row in _missing(rows)]
    return (
        _reused(before.stems, rows, Counts.of(map(stems, new))),
        _reused(before.runs, rows, Counts.of(map(runs, new))),
    )


def _missing(rows: NDArray[np.int64]) -> list[int]:
    found: list[int] = np.flatnonzero(rows < 0).tolist()
    return found


def _reused(before: Counts, rows: NDArray[np.int64], fresh: Counts) -> Counts:
    """Return the counts of `rows` of `before`, where each -1 takes the next row of `fresh`."""
    new = rows < 0
    return before.take(np.where(new, len(before) + np.cumsum(new) - 1, rows), fresh)


def _concepts(resources: Sequence[Resource], written: Counts, known: Acronyms) -> Counts:
    return Counts.of(
        known.concepts(f"{resource.title}\n{resource.read_summary}") if may else ()
        for resource, may in zip(resources, written.having(known.may_begin), strict=True)
    )


def tokens_of(resource: Resource) -> list[str]:
    """Return the tokens of a resource; those of the title occur three times."""
    return tokens(resource.title) * TITLE_WEIGHT + tokens(resource.read_summary)

"""Phrases of two to five words of a group's texts, of which one becomes its label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reco.clusters.corpus import TITLE, Corpus
from reco.words import Word, words

_READ = 400
"""Characters of a summary in which phrases are looked for: what a text is about comes first."""
_LONGEST = 48
_MOST_WORDS = 5
_BREAK = re.compile(r"[^\w\s'’-]|\s[-–]\s|\n")
_CUT = 0.4
"""What a phrase keeps of its weight for each end at which it may be cut short."""
_PART = 0.5
"""Share of its occurrences with the same neighbour above which a phrase is a piece of a longer one."""
_LINKS = frozenset(("", "à", "d", "de", "du", "en"))
"""What ties a phrase to the word after it: "gaz à effet de serre"."""
_FOREIGN_ENDS = frozenset(("the", "of", "and", "for", "in", "to", "on", "with", "your"))


@dataclass(frozen=True)
class Run:
    """A run of words: its stems, how it is written, how whole it is, and the stems beside it, "" for none."""

    stems: tuple[str, ...]
    written: str
    whole: float
    before: str
    after: str


@dataclass
class Phrase:
    """A phrase by its stems: how whole it is in each text that has it, how it is written, and what is beside
    it."""

    texts: dict[int, float] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)

    @property
    def is_part(self) -> bool:
        """Whether it is mostly found within one and the same longer phrase: "zéro artificialisation" of
        "zéro artificialisation nette" (Frantzi, Ananiadou and Mima 2000, on nested terms)."""
        times = self.written.total()
        return any(
            beside and count > 1 and count > _PART * times
            for neighbours in (self.before, self.after)
            for beside, count in neighbours.most_common(2)
        )


def phrases_of(
    corpus: Corpus, members: NDArray[np.int64], leading: set[str]
) -> dict[tuple[str, ...], Phrase]:
    """Return the phrases of some texts by their stems; each begins and ends with a term, and has one of
    `leading`."""
    found: dict[tuple[str, ...], Phrase] = {}
    for row in members.tolist():
        text = corpus.texts[row]
        for part, weight in ((text.title, TITLE), (text.summary[:_READ], 1.0)):
            for run in _runs(part, leading):
                phrase = found.setdefault(run.stems, Phrase())
                phrase.texts[row] = max(run.whole * weight, phrase.texts.get(row, 0.0))
                phrase.written[run.written] += 1
                phrase.before[run.before] += 1
                phrase.after[run.after] += 1
    return found


def _runs(text: str, leading: set[str]) -> Iterator[Run]:
    """Yield the runs of two to five words that begin and end with a term, one of them leading.

    How whole a run is: French puts a noun's adjectives after it, so that a phrase begins after a small word
    or a pause, and ends before one.
    """
    start = 0
    for end in [*(match.start() for match in _BREAK.finditer(text)), len(text)]:
        if start < end:
            yield from _runs_of(text[start:end], leading)
        start = end + 1


def _runs_of(piece: str, leading: set[str]) -> Iterator[Run]:
    terms = words(piece)
    led = [place for place, term in enumerate(terms) if term.stem in leading]
    if not led:
        return
    for first, term in enumerate(terms):
        # A run has a leading term: those that end before the next one are none.
        next_led = next((place for place in led if place >= first), len(terms))
        if next_led > first + 3:
            continue
        # Only what touches it comes before a noun as a part of it; after it, so does "à effet de serre".
        before = terms[first - 1].stem if first and terms[first - 1].end + 1 >= term.start else ""
        for last in range(max(first + 1, next_led), min(first + 4, len(terms))):
            end = terms[last].end
            written = piece[term.start : end]
            if len(_split(written)) > _MOST_WORDS or len(written) > _LONGEST:
                break
            stems = tuple(found.stem for found in terms[first : last + 1])
            if not _may_end(piece, term, terms[last]):
                continue
            link = (
                piece[end : terms[last + 1].start].strip(" '’").casefold() if last + 1 < len(terms) else "."
            )
            whole = (_CUT if before else 1.0) * (1.0 if link else _CUT)
            after = terms[last + 1].stem if link in _LINKS else ""
            yield Run(stems, _decapitalised(written), whole, before, after)


def _may_end(piece: str, first: Word, last: Word) -> bool:
    """Whether a run begins and ends with words that may, and cuts no compound such as "tiers-lieux"."""
    for term in (first, last):
        written = piece[term.start : term.end].casefold()
        if written[0].isdigit() or written in _FOREIGN_ENDS:
            return False
    before, after = piece[first.start - 1 : first.start], piece[last.end : last.end + 1]
    return " " in piece[first.start : last.end] and before != "-" and after not in ("-", "'", "’")


def _split(written: str) -> list[str]:
    return written.replace("'", " ").replace("’", " ").split()


def _decapitalised(written: str) -> str:
    """Return a phrase without the capital of a title's first word, or those of a title all in capitals."""
    if written.isupper() and len(written) > 8:
        return written.casefold()
    head = written.split(maxsplit=1)[0]
    return written[:1].casefold() + written[1:] if head[1:].islower() or len(head) == 1 else written

"""Phrases of two to five words of a group's texts, of which one becomes its label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reco.clusters.labelling.corpus import TITLE, Corpus, commonest
from reco.text.tokens import Word, words

_READ = 400
"""Characters of a summary in which phrases are looked for: what a text is about comes first."""
_LONGEST = 48
_MOST_WORDS = 5
_MOST_TERMS = 4
_BREAK = re.compile(r"[^\w\s'’-]|\s[-–]\s|\n")
_CUT = 0.4
"""What a phrase keeps of its weight for each end at which it may be cut short."""
_PART = 0.5
"""Share of its occurrences with the same neighbour above which a phrase is a piece of a longer one."""
_LINKS = frozenset(("", "à", "d", "de", "du", "en"))
"""What ties a phrase to the word after it: "gaz à effet de serre"."""
_OPEN = _LINKS | {"au", "aux", "des"}
"""What the rest of a phrase begins with, after which its article may come: "faciliter l'accès aux droits"."""
_GOES_ON = 0.5
_FOREIGN_ENDS = frozenset(("the", "of", "and", "for", "in", "to", "on", "with", "your"))


class WordRun(NamedTuple):
    """A run of words: its stems, how it is written, how whole it is, the stems beside it, "" for none, and
    whether it goes on."""

    stems: tuple[str, ...]
    written: str
    whole: float
    before: str
    after: str
    open: bool


@dataclass
class Phrase:
    """A phrase by its stems: how whole it is in each text that has it, and where it was read."""

    texts: dict[int, float] = field(default_factory=dict)
    runs: list[WordRun] = field(default_factory=list)

    @property
    def written(self) -> str:
        """How it is written most."""
        return commonest(Counter(run.written for run in self.runs))

    @property
    def goes_on(self) -> bool:
        """Whether it is followed by what it governs, most of the time."""
        return sum(run.open for run in self.runs) > _GOES_ON * len(self.runs)

    @property
    def is_part(self) -> bool:
        """Whether it is mostly found within one and the same longer phrase: "zéro artificialisation" of
        "zéro artificialisation nette" (Frantzi, Ananiadou and Mima 2000, on nested terms)."""
        beside = (Counter(run.before for run in self.runs), Counter(run.after for run in self.runs))
        return any(
            stem and count > 1 and count > _PART * len(self.runs)
            for neighbours in beside
            for stem, count in neighbours.most_common(2)
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
                phrase = found.get(run.stems)
                if phrase is None:
                    phrase = found[run.stems] = Phrase()
                phrase.texts[row] = max(run.whole * weight, phrase.texts.get(row, 0.0))
                phrase.runs.append(run)
    return found


def _runs(text: str, leading: set[str]) -> Iterator[WordRun]:
    """Yield the runs of two to five words that begin and end with a term, one of them leading.

    How whole a run is: French puts a noun's adjectives after it, so that a phrase begins after a small word
    or a pause, and ends before one.
    """
    terms = words(text)
    led = [place for place, term in enumerate(terms) if term.stem in leading]
    around = {place for one in led for place in range(one - _MOST_TERMS, one + _MOST_TERMS)}
    joined = {
        place: _BREAK.search(text, terms[place].end, terms[place + 1].start) is None
        for place in around
        if 0 <= place < len(terms) - 1
    }
    for at in range(len(led)):
        # The runs whose first leading term this is.
        for first in range(max(led[at] - _MOST_TERMS + 1, led[at - 1] + 1 if at else 0), led[at] + 1):
            yield from _runs_from(text, terms, first, led[at], joined)


def _runs_from(
    text: str, terms: Sequence[Word], first: int, led: int, joined: Mapping[int, bool]
) -> Iterator[WordRun]:
    """Yield the runs that begin with a term and have the next leading one."""
    term = terms[first]
    # Only what touches it comes before a noun as a part of it; after it, so does "à effet de serre".
    touched = first > 0 and joined[first - 1] and terms[first - 1].end + 1 >= term.start
    before = terms[first - 1].stem if touched else ""
    for last in range(first, min(first + _MOST_TERMS, len(terms))):
        if last > first and not joined[last - 1]:
            return
        if last < max(first + 1, led):
            continue
        end = terms[last].end
        written = text[term.start : end]
        if len(_split(written)) > _MOST_WORDS or len(written) > _LONGEST:
            return
        if not _may_end(text, term, terms[last]):
            continue
        link, after = ".", ""
        if last + 1 < len(terms) and joined[last]:
            link = text[end : terms[last + 1].start].strip(" '’").casefold()
            after = terms[last + 1].stem if link in _LINKS else ""
        whole = (_CUT if before else 1.0) * (1.0 if link else _CUT)
        stems = tuple(found.stem for found in terms[first : last + 1])
        goes_on = (*_split(link), "")[0] in _OPEN
        yield WordRun(stems, _decapitalised(written), whole, before, after, goes_on)


def _may_end(text: str, first: Word, last: Word) -> bool:
    """Whether a run begins and ends with words that may, and cuts no compound such as "tiers-lieux"."""
    for term in (first, last):
        written = text[term.start : term.end].casefold()
        if written[0].isdigit() or written in _FOREIGN_ENDS:
            return False
    before, after = text[first.start - 1 : first.start], text[last.end : last.end + 1]
    return " " in text[first.start : last.end] and before != "-" and after not in ("-", "'", "’")


def _split(written: str) -> list[str]:
    return written.replace("'", " ").replace("’", " ").split()


def _decapitalised(written: str) -> str:
    """Return a phrase without the capital of a title's first word, or those of a title all in capitals."""
    if written.isupper() and len(written) > 8:
        return written.casefold()
    head = written.split(maxsplit=1)[0]
    return written[:1].casefold() + written[1:] if head[1:].islower() or len(head) == 1 else written

"""Candidate phrases of a label: two to five words of a group's texts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reco.clusters.labelling.corpus import TITLE, Corpus, commonest
from reco.text.tokens import Word, words

_SEARCHED = 400
"""Characters of a summary searched for phrases: a text names its subject first."""
_LONGEST = 48
_MOST_WORDS = 5
_MOST_TERMS = 4
_BREAK = re.compile(r"[^\w\s'’-]|\s[-–]\s|\n")
_CUT_FACTOR = 0.4
"""Factor of a phrase's weight for each end that may be cut short."""
_PART_SHARE = 0.5
"""Share of its occurrences with the same neighbour above which a phrase is part of a longer one."""
_LINKS = frozenset(("", "à", "d", "de", "du", "en"))
"""Words that link a phrase to the word after it: "gaz à effet de serre"."""
_COMPLEMENT_WORDS = _LINKS | {"au", "aux", "des"}
"""Words that begin a complement: "faciliter l'accès aux droits"."""
_GOES_ON_SHARE = 0.5
_FOREIGN_ENDS = frozenset(("the", "of", "and", "for", "in", "to", "on", "with", "your"))


class WordRun(NamedTuple):
    """One occurrence of a phrase.

    `whole`, 0 to 1, falls for each end that may be cut short. `before` and `after` are the stems of linked
    neighbours, "" for none. `open`: a complement follows.
    """

    stems: tuple[str, ...]
    written: str
    whole: float
    before: str
    after: str
    open: bool


@dataclass
class Phrase:
    """The occurrences of a phrase, and its best weight in each text (`texts`, by row)."""

    texts: dict[int, float] = field(default_factory=dict)
    runs: list[WordRun] = field(default_factory=list)

    @property
    def written(self) -> str:
        """Its most frequent form."""
        return commonest(Counter(run.written for run in self.runs))

    @property
    def goes_on(self) -> bool:
        """Whether a complement follows most of its occurrences."""
        return sum(run.open for run in self.runs) > _GOES_ON_SHARE * len(self.runs)

    @property
    def is_part(self) -> bool:
        """Whether most of its occurrences are in the same longer phrase.

        "zéro artificialisation" is part of "zéro artificialisation nette" (nested terms; Frantzi, Ananiadou
        and Mima 2000).
        """
        beside = (Counter(run.before for run in self.runs), Counter(run.after for run in self.runs))
        return any(
            stem and count > 1 and count > _PART_SHARE * len(self.runs)
            for neighbours in beside
            for stem, count in neighbours.most_common(2)
        )


def phrases_of(
    corpus: Corpus, members: NDArray[np.int64], leading: set[str]
) -> dict[tuple[str, ...], Phrase]:
    """Return the phrases of some texts by stems. Each begins and ends with a term; one is in `leading`."""
    phrases: dict[tuple[str, ...], Phrase] = defaultdict(Phrase)
    for row in members.tolist():
        text = corpus.texts[row]
        for part, weight in ((text.title, TITLE), (text.summary[:_SEARCHED], 1.0)):
            for run in _runs(part, leading):
                phrase = phrases[run.stems]
                phrase.texts[row] = max(run.whole * weight, phrase.texts.get(row, 0.0))
                phrase.runs.append(run)
    return phrases


def _runs(text: str, leading: set[str]) -> Iterator[WordRun]:
    """Yield the runs of two to five words that begin and end with a term, and have a leading one.

    In French, adjectives follow their noun, so a whole phrase begins after a function word or a pause, and
    ends before one.
    """
    terms = words(text)
    led = [place for place, term in enumerate(terms) if term.stem in leading]
    around = {place for lead in led for place in range(lead - _MOST_TERMS, lead + _MOST_TERMS)}
    joined = {
        place: _BREAK.search(text, terms[place].end, terms[place + 1].start) is None
        for place in around
        if 0 <= place < len(terms) - 1
    }
    for i in range(len(led)):
        # Runs with this term as their first leading term.
        for first in range(max(led[i] - _MOST_TERMS + 1, led[i - 1] + 1 if i else 0), led[i] + 1):
            yield from _runs_from(text, terms, first, led[i], joined)


def _runs_from(
    text: str, terms: Sequence[Word], first: int, led: int, joined: Mapping[int, bool]
) -> Iterator[WordRun]:
    """Yield the runs from term `first` to the leading term `led` or later."""
    term = terms[first]
    # Before a noun, only an adjacent word is part of its phrase; after it, a linked one is too ("à effet").
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
        whole = (_CUT_FACTOR if before else 1.0) * (1.0 if link else _CUT_FACTOR)
        stems = tuple(word.stem for word in terms[first : last + 1])
        goes_on = (*_split(link), "")[0] in _COMPLEMENT_WORDS
        yield WordRun(stems, _decapitalised(written), whole, before, after, goes_on)


def _may_end(text: str, first: Word, last: Word) -> bool:
    """Whether a run has valid first and last words, and cuts no compound such as "tiers-lieux"."""
    for term in (first, last):
        written = text[term.start : term.end].casefold()
        if written[0].isdigit() or written in _FOREIGN_ENDS:
            return False
    before, after = text[first.start - 1 : first.start], text[last.end : last.end + 1]
    return " " in text[first.start : last.end] and before != "-" and after not in ("-", "'", "’")


def _split(written: str) -> list[str]:
    return written.replace("'", " ").replace("’", " ").split()


def _decapitalised(written: str) -> str:
    """Remove the capital of a title's first word, or the capitals of a title all in capitals."""
    if written.isupper() and len(written) > 8:
        return written.casefold()
    head = written.split(maxsplit=1)[0]
    return written[:1].casefold() + written[1:] if head[1:].islower() or len(head) == 1 else written

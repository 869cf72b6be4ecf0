"""The several things that one request asks for: split without a language model, spread over the results.

A need is a piece of the request as it was written: a bullet, a sentence, or a clause of a list of
infinitives. What only places the request (a greeting, who asks, inhabitants, a budget) is none, and a
short remark belongs to what it follows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import and_

import numpy as np

from reco.index.calibration import LEVELS, Levels
from reco.index.hits import Hit
from reco.ranking.query import Query
from reco.ranking.rerank import Placement
from reco.ranking.scoring import ParsedQuery
from reco.ranking.search import Search
from reco.text.passages import sentences
from reco.text.tokens import words


@dataclass(frozen=True)
class Need:
    """One thing that a request asks for, how close its best answer is, and the ranks of what covers it.

    A result covers a need when it is *proche* or better for the need alone; where levels are not
    calibrated (`level` is None), when it is among its first three.
    """

    text: str
    level: str | None
    covered_by: tuple[int, ...]


MOST = 8
"""Needs that are read: each is a request of its own."""

FIRST = 5
"""Results among which every need that has an answer should find one."""

_FEWEST_WORDS = 3
"""Words that say something, below which a piece is no need by itself."""
_FEWEST_IN_CLAUSE = 2
"""The same for each part of a sentence, below which the sentence is left whole."""
_READ = 400
"""Pieces among which needs are chosen: what follows is not read."""
_LONGEST = 100_000
"""Characters in which needs are looked for: fifty pages."""
_LONGEST_NEED = 600

_BULLET = re.compile(r"^\s*(?:[-–—•*·▪◦‣]|\(?\d{1,2}[.)°]|[a-h][.)])\s+")
_NOT_VERBS = (
    "autre|notre|votre|maire|entre|contre|outre|quatre|centre|semestre|trimestre|mètre|titre|hier|janvier|"
    "février|dernier|premier|cher|léger|mer|hiver|foncier|scolaire|populaire|solidaire|alimentaire|sanitaire|"
    "territoire|faire part|être"
)
_INFINITIVE = rf"(?!(?:{_NOT_VERBS})\b)(?:se |s'|ne pas )?\w{{2,}}(?:er|ir|oir|ire|dre|tre|vre|uire|aire)\b"
_ASKS = r"(?:(?:nous|on|je|il) \w+(?: aussi| également)? )?(?:à |de |d'|pour )?(?:aussi |également |enfin )?"
# From the first of several spaces only: from each of them, it takes the square of their number.
_SPACE_BEFORE = r"(?:(?<!\s)\s+)?"
_COMMA = rf"{_SPACE_BEFORE}[,;]\s*"
_AND = r"(?<!\s)\s+(?:et|puis|ainsi que)"
_JOINT = re.compile(
    rf"(?=[\s,;])(?:{_COMMA}(?:et |puis |ainsi que |ou )?|{_AND}\s+)(?={_ASKS}{_INFINITIVE})"
    rf"|(?=[\s;]){_SPACE_BEFORE};\s*|(?<=[?!])\s+",
    re.IGNORECASE,
)
_LIST = re.compile(r"^(?P<head>[^:,;]{0,50}):(?P<items>[^:]+)$", re.DOTALL)
_ITEM = re.compile(
    rf"(?=[\s,;]){_COMMA}(?:et |puis |ainsi que )?"
    rf"|{_AND}\s+(?=(?:l|d)'|(?:la|le|les|un|une|des|du)\s)"
)
_FILLER = frozenset(
    word.stem
    for word in words(
        "bonjour bonsoir madame monsieur mesdames messieurs merci avance cordialement salutations "
        "cher chère habitants hab habitant euros euro budget environ milliers millions million coût "
        "commune communes village ville bourg mairie maire élu élue adjoint adjointe conseiller "
        "conseillère municipal municipale département région kilomètres km petite petit rurale rural "
        "voudrions voudrais aimerions souhaitons cherchons cherche besoin aide conseils conseil idées "
        "idée pistes exemples exemple savoir sommes suis disposons avons ai secrétaire agent agents "
        "population intercommunalité interco agglomération an ans année années place projet projets "
        "sujet sujets question questions chose choses"
    )
)


@dataclass(frozen=True)
class _Piece:
    """A piece of a request; one that is `listed` with others is a need however short."""

    text: str
    listed: bool

    @cached_property
    def told(self) -> frozenset[str]:
        """The stems that say something of a subject."""
        return frozenset(w.stem for w in words(self.text) if not w.stem.isdigit()) - _FILLER


def split(text: str) -> tuple[str, ...]:
    """Return the needs of a request, at most `MOST`, in its order; none when it asks for one thing.

    Of more, those are kept that say most that the others do not. Deterministic, in a time proportional to
    the length of `text`.
    """
    kept: list[_Piece] = []
    having: dict[str, int] = {}  # stem -> the kept pieces that have it, as the bits of a number
    for piece in _pieces(text[:_LONGEST]):
        enough = len(piece.told) >= (1 if piece.listed else _FEWEST_WORDS)
        if not enough or reduce(and_, (having.get(stem, 0) for stem in piece.told)):
            continue  # it says too little, or nothing that one before it does not say
        for stem in piece.told:
            having[stem] = having.get(stem, 0) | 1 << len(kept)
        kept.append(piece)
        if len(kept) == _READ:
            break
    chosen = _chosen([piece.told for piece in kept])
    return tuple(kept[place].text[:_LONGEST_NEED] for place in chosen) if len(chosen) > 1 else ()


def _pieces(text: str) -> Iterator[_Piece]:
    for line in text.split("\n"):
        bare = _BULLET.sub("", line).strip()
        listed = bare != line.strip()
        for sentence in sentences(bare) if bare else ():
            yield from _clauses(sentence.strip(), listed)


def _clauses(sentence: str, listed: bool) -> Sequence[_Piece]:
    """Return the parts of a sentence that stand by themselves; the whole where one of them does not."""
    several = _LIST.match(sentence)
    items = _listed(_ITEM.split(several["items"].lstrip().strip(" ."))) if several is not None else []
    if len(items) > 2 and all(item.told for item in items):
        return items
    parts = _listed(_JOINT.split(sentence))
    if len(parts) > 1 and all(len(part.told) >= _FEWEST_IN_CLAUSE for part in parts):
        return parts
    return [_Piece(sentence, listed)]


def _listed(texts: Sequence[str]) -> list[_Piece]:
    return [_Piece(text.strip(), True) for text in texts]


def _chosen(told: Sequence[frozenset[str]]) -> list[int]:
    """Return the places of the pieces that add most words to those chosen before, in their order."""
    chosen: list[int] = []
    seen: set[str] = set()
    left = set(range(len(told)))
    while left and len(chosen) < MOST:
        best = max(left, key=lambda place: (len(told[place] - seen) / len(told[place]) ** 0.5, -place))
        chosen.append(best)
        seen |= told[best]
        left.remove(best)
    return sorted(chosen)


def distinct(rankings: Sequence[Sequence[int]], shared: int) -> list[int]:
    """Return the places of the needs that ask for something else than those before them.

    Two that share `shared` of their first results ask for the same thing.
    """
    kept: list[int] = []
    for place, ranking in enumerate(rankings):
        if all(len(set(ranking) & set(rankings[other])) < shared for other in kept):
            kept.append(place)
    return kept


def spread(
    ranked: Sequence[int], answers: Sequence[Sequence[int]], covers: Sequence[Collection[int]]
) -> tuple[list[int], Mapping[int, int]]:
    """Return rows so that the first `FIRST` cover every need they can, and which need moved a row.

    `ranked` are rows, best first; `answers` those worth showing for each need, best first; `covers` the
    rows that cover each. A need that the first ones leave out brings its best answer, after those that
    stay, in the place of the last one that no need depends on.
    """
    first, moved = list(ranked[:FIRST]), dict[int, int]()
    for need, rows in enumerate(answers):
        if not rows or any(row in covers[need] for row in first):
            continue
        spare = [row for row in first if row not in moved and not _depended_on(row, first, covers)]
        if not spare:
            break
        first.remove(spare[-1])
        first.append(rows[0])
        moved[rows[0]] = need
    rest = [row for row in ranked if row not in first]
    return [*first, *rest][: len(ranked)], moved


def _depended_on(row: int, first: Sequence[int], covers: Sequence[Collection[int]]) -> bool:
    """Whether a need is covered by this one of the first rows alone. The best result always stays."""
    alone = ([other for other in first if other in cover] == [row] for cover in covers)
    return row == first[0] or any(alone)


_OWN = (3, 10)
"""First results of a need by which it is told from another: a tenth of the catalogue, within these."""


_SHARED = 0.3
"""What share of those two needs have in common, and two at least, when they are one."""


_WITHOUT_LEVELS = 3
"""First results that cover a need where levels are not calibrated."""


@dataclass(frozen=True)
class Covered:
    """Hits in the order shown, what moved some of them by row, and the needs; none for one need."""

    hits: list[Hit]
    placements: Mapping[int, Placement] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class _NeedResults:
    """A need as a request of its own, its best hits, and how sure of them we are."""

    text: str
    reading: ParsedQuery
    hits: list[Hit]
    levels: Levels | None

    @property
    def close(self) -> list[int]:
        """Rows that answer it, best first."""
        if self.levels is None:
            return [hit.row for hit in self.hits[:_WITHOUT_LEVELS]]
        return [hit.row for hit in self.hits if self._level(hit.score) in LEVELS[2:]]

    @property
    def level(self) -> str | None:
        """The level of its best answer."""
        return None if self.levels is None or not self.hits else self._level(self.hits[0].score)

    @cached_property
    def foreign(self) -> bool:
        """Whether it does not belong to the field; never where levels are not calibrated."""
        levels, vector = self.levels, self.reading.encoded
        if levels is None or vector is None or not self.hits:
            return False
        return levels.confidence(vector, self.hits[0].score) < levels.threshold

    def _level(self, score: float) -> str:
        return LEVELS[0] if self.levels is None or self.foreign else self.levels.level(score)


class Coverer:
    """Spreads the results of a query over its needs, each searched for as a query of its own."""

    def __init__(self, search: Search, levels: Levels | None) -> None:
        self._search, self._levels = search, levels

    def cover(
        self, query: Query, needs: Sequence[str], reading: ParsedQuery, hits: list[Hit], moving: bool = True
    ) -> Covered:
        """Return the first `query.k` hits, spread over the needs of the request if it has several.

        `needs` are those of `split`, and `hits` at least the first `FIRST`, best first. Without `moving`
        hits keep their order, and needs only say what covers them. A query of one need encodes nothing.
        """
        sought = self._sought(query, needs)
        if len(sought) < 2:
            return Covered(hits[: query.k])
        scores = {hit.row: hit.score for hit in hits}
        answers = [self._unlisted(one.close, scores) for one in sought]
        covers = [frozenset(one.close) for one in sought]
        rows, moved = spread(list(scores), answers, covers) if moving else (list(scores), {})
        fresh = [row for row in moved if row not in scores]
        found = self._search.scorer.score(reading, np.asarray(fresh, dtype=np.int64))
        scores.update(zip(fresh, map(float, found), strict=True))
        shown = [Hit(row, scores[row]) for row in rows][: query.k]
        places = {
            hit.row: Placement("need", self._place(query, reading, hit), sought[moved[hit.row]].text)
            for hit in shown
            if hit.row in moved
        }
        return Covered(shown, places, tuple(_need(one, shown) for one in sought))

    def _sought(self, query: Query, needs: Sequence[str]) -> list[_NeedResults]:
        found = []
        own = min(max(len(self._search.snapshot.catalogue) // 10, _OWN[0]), _OWN[1])
        for text in needs:
            reading = self._search.read(text, query.without)
            found.append(
                _NeedResults(text, reading, self._search.best(reading, query, _OWN[1]), self._levels)
            )
        # What is foreign to the field resembles nothing, whatever it found.
        firsts = [[] if one.foreign else [hit.row for hit in one.hits[:own]] for one in found]
        kept = distinct(firsts, max(2, round(_SHARED * own)))
        return [found[place] for place in kept]

    def _unlisted(self, rows: Sequence[int], there: Mapping[int, float]) -> list[int]:
        """Return the rows of which no other listing is shown."""
        return [
            row for row in rows if row in there or not set(self._search.snapshot.listings(row)) & there.keys()
        ]

    def _place(self, query: Query, reading: ParsedQuery, hit: Hit) -> int:
        """Return the rank that a hit has by its score."""
        ranked = self._search.best(reading, query, len(self._search.snapshot.catalogue))
        return 1 + sum(
            (other.score, -other.row) > (hit.score, -hit.row) for other in ranked if other.row != hit.row
        )


def _need(sought: _NeedResults, shown: Sequence[Hit]) -> Need:
    close = frozenset(sought.close)
    ranks = tuple(rank for rank, hit in enumerate(shown, start=1) if hit.row in close)
    return Need(sought.text, sought.level, ranks)

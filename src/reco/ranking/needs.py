"""The needs of a query: split without a language model, and spread over the results.

A need is a piece of the query as written: a bullet, a sentence, or a clause in a list of infinitives.
For example, "Rénover l'école et créer une voie verte" has two needs. Context (a greeting, the writer,
inhabitants, a budget) is not a need. A short remark belongs to the piece before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import and_

import numpy as np

from reco.index.calibration import LEVELS
from reco.index.hits import Hit
from reco.ranking.certainty import Assessor, Certainty
from reco.ranking.query import Query
from reco.ranking.rerank import Placement
from reco.ranking.scoring import ParsedQuery
from reco.ranking.search import Search
from reco.text.papers.reading import Reading
from reco.text.passages import sentences
from reco.text.tokens import words


@dataclass(frozen=True)
class Need:
    """One need of a query, the level of its best result, and the ranks of the results that cover it.

    A result covers a need when its level for the need alone is *proche* or better. Without calibrated
    levels (`level` and `verdict` are None), the first three results of the need cover it.
    """

    text: str
    level: str | None
    covered_by: tuple[int, ...]
    verdict: str | None = None


MOST = 8
"""The most needs of a query: each costs a search."""

FIRST = 5
"""The first results, which should cover every need that has a close result."""

_FEWEST_WORDS = 3
"""Content words below which a piece is not a need."""
_FEWEST_IN_CLAUSE = 2
"""Content words of a clause below which its sentence stays whole."""
_MOST_PIECES = 400
"""The most pieces among which needs are chosen; later pieces are ignored."""
_LONGEST = 100_000
"""Characters searched for needs: fifty pages."""
_LONGEST_NEED = 600

_BULLET = re.compile(r"^\s*(?:[-–—•*·▪◦‣]|\(?\d{1,2}[.)°]|[a-h][.)])\s+")
_NOT_VERBS = (
    "autre|notre|votre|maire|entre|contre|outre|quatre|centre|semestre|trimestre|mètre|titre|hier|janvier|"
    "février|dernier|premier|cher|léger|mer|hiver|foncier|scolaire|populaire|solidaire|alimentaire|sanitaire|"
    "territoire|faire part|être"
)
_INFINITIVE = rf"(?!(?:{_NOT_VERBS})\b)(?:se |s'|ne pas )?\w{{2,}}(?:er|ir|oir|ire|dre|tre|vre|uire|aire)\b"
_ASKS = r"(?:(?:nous|on|je|il) \w+(?: aussi| également)? )?(?:à |de |d'|pour )?(?:aussi |également |enfin )?"
# Matches only from the first of several spaces: trying each of them takes quadratic time.
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
        "sujet sujets question questions chose choses "
        "évoqué évoquée convenu indiqué précisé mentionné discuté suite échange échanges réunion "
        "entretien téléphonique mail courriel message"
    )
)


@dataclass(frozen=True)
class _Piece:
    """A piece of a query. A `listed` piece (bullet, clause) can be a need with a single content word."""

    text: str
    listed: bool

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its content words."""
        return frozenset(w.stem for w in words(self.text) if not w.stem.isdigit()) - _FILLER


def says_something(text: str) -> bool:
    """Whether a text has a content word: not a number, a greeting, inhabitants or a budget."""
    return bool(_Piece(text, True).stems)


def split(text: str) -> tuple[str, ...]:
    """Return the needs of a query, at most `MOST`, in its order; none for a query with one need.

    Among more than `MOST` pieces, it keeps the ones that add most new stems. Deterministic; the time is
    linear in the length of `text`.
    """
    kept: list[_Piece] = []
    pieces_with: dict[str, int] = {}  # stem -> the kept pieces that have it, as bits
    for piece in _pieces(text[:_LONGEST]):
        long_enough = len(piece.stems) >= (1 if piece.listed else _FEWEST_WORDS)
        if not long_enough or reduce(and_, (pieces_with.get(stem, 0) for stem in piece.stems)):
            continue  # too short, or an earlier piece has all of its stems
        for stem in piece.stems:
            pieces_with[stem] = pieces_with.get(stem, 0) | 1 << len(kept)
        kept.append(piece)
        if len(kept) == _MOST_PIECES:
            break
    chosen = _chosen([piece.stems for piece in kept])
    return tuple(kept[place].text[:_LONGEST_NEED] for place in chosen) if len(chosen) > 1 else ()


def needs_of(reading: Reading) -> tuple[str, ...]:
    """Return the needs of what is read: one an item of minutes, else those that `split` finds."""
    if len(reading.asked) == 1:
        return split(reading.asked[0])
    pieces = [piece for piece in _as_list(reading.asked) if piece.stems]
    return tuple(pieces[place].text[:_LONGEST_NEED] for place in _chosen([piece.stems for piece in pieces]))


def _pieces(text: str) -> Iterator[_Piece]:
    for line in text.split("\n"):
        bare = _BULLET.sub("", line).strip()
        listed = bare != line.strip()
        for sentence in sentences(bare) if bare else ():
            yield from _clauses(sentence.strip(), listed)


def _clauses(sentence: str, listed: bool) -> Sequence[_Piece]:
    """Split a sentence into clauses; it stays whole when a clause has too few content words."""
    list_match = _LIST.match(sentence)
    items = _as_list(_ITEM.split(list_match["items"].lstrip().strip(" ."))) if list_match is not None else []
    if len(items) > 2 and all(item.stems for item in items):
        return items
    parts = _as_list(_JOINT.split(sentence))
    if len(parts) > 1 and all(len(part.stems) >= _FEWEST_IN_CLAUSE for part in parts):
        return parts
    return [_Piece(sentence, listed)]


def _as_list(texts: Sequence[str]) -> list[_Piece]:
    return [_Piece(text.strip(), True) for text in texts]


def _chosen(stems: Sequence[frozenset[str]]) -> list[int]:
    """Choose at most `MOST` pieces, each the one that adds most new stems; return places in order."""
    chosen: list[int] = []
    covered: set[str] = set()
    remaining = set(range(len(stems)))
    while remaining and len(chosen) < MOST:
        best = max(
            remaining, key=lambda place: (len(stems[place] - covered) / len(stems[place]) ** 0.5, -place)
        )
        chosen.append(best)
        covered |= stems[best]
        remaining.remove(best)
    return sorted(chosen)


def distinct(rankings: Sequence[Sequence[int]], shared: int) -> list[int]:
    """Return the places of the needs that differ from all earlier ones.

    Two needs are the same when they share `shared` or more of their first results.
    """
    kept: list[int] = []
    for place, ranking in enumerate(rankings):
        if all(len(set(ranking) & set(rankings[other])) < shared for other in kept):
            kept.append(place)
    return kept


def spread(
    ranked: Sequence[int], answers: Sequence[Sequence[int]], covers: Sequence[Collection[int]]
) -> tuple[list[int], Mapping[int, int]]:
    """Reorder rows so that the first `FIRST` cover every need they can.

    `ranked` are rows, best first. For each need, `answers` are the rows to show, best first, and `covers`
    the rows that cover it. An uncovered need adds its best row at the end of the first ones, and removes
    the last row that no need depends on. Return the rows, and the need that moved each moved row.
    """
    first, moved = list(ranked[:FIRST]), dict[int, int]()
    for need, rows in enumerate(answers):
        if not rows or any(row in covers[need] for row in first):
            continue
        spare = [row for row in first if row not in moved and not _must_stay(row, first, covers)]
        if not spare:
            break
        first.remove(spare[-1])
        first.append(rows[0])
        moved[rows[0]] = need
    rest = [row for row in ranked if row not in first]
    return [*first, *rest][: len(ranked)], moved


def _must_stay(row: int, first: Sequence[int], covers: Sequence[Collection[int]]) -> bool:
    """Whether this row must stay: it is the best result, or the only first row that covers some need."""
    sole = ([other for other in first if other in cover] == [row] for cover in covers)
    return row == first[0] or any(sole)


_COMPARED = (3, 10)
"""Bounds of the number of first results that two needs are compared on: a tenth of the catalogue."""


_SAME = 0.3
"""Share of common first results, at least two, from which two needs are the same."""


_WITHOUT_LEVELS = 3
"""First results that cover a need without calibrated levels."""


@dataclass(frozen=True)
class Covered:
    """Hits in the order shown, placements by row, and needs. A query with one need has no `needs`."""

    hits: list[Hit]
    placements: Mapping[int, Placement] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    searched: tuple[NeedResults, ...] = ()


@dataclass(frozen=True)
class NeedResults:
    """A need searched as a query: its best hits, and how sure they are."""

    text: str
    parsed: ParsedQuery
    hits: list[Hit]
    certainty: Certainty

    @property
    def close(self) -> list[int]:
        """Rows that cover it, best first."""
        if self.certainty.levels is None:
            return [hit.row for hit in self.hits[:_WITHOUT_LEVELS]]
        return [hit.row for hit in self.hits if self.certainty.level(hit.row) in LEVELS[2:]]

    @property
    def level(self) -> str | None:
        """The best level of its hits."""
        levels = [self.certainty.level(hit.row) for hit in self.hits]
        return max((level for level in levels if level is not None), key=LEVELS.index, default=None)

    @property
    def foreign(self) -> bool:
        """Whether it is outside the field. Always False without calibrated levels."""
        return self.certainty.foreign and self.certainty.verdict == "nothing"


class Coverer:
    """Spreads the results of a query over its needs. It searches each need as a query."""

    def __init__(self, search: Search, assessor: Assessor) -> None:
        self._search, self._assessor = search, assessor

    def cover(
        self, query: Query, needs: Sequence[str], parsed: ParsedQuery, hits: list[Hit], moving: bool = True
    ) -> Covered:
        """Return the first `query.k` hits, spread over the needs of a query that has several.

        `needs` come from `split`. `hits` are best first, at least the first `FIRST`. Without `moving`,
        hits keep their order. A query with one need encodes nothing.
        """
        need_results = self._distinct_needs(query, needs)
        if len(need_results) < 2:
            return Covered(hits[: query.k])
        scores = {hit.row: hit.score for hit in hits}
        answers = [self._without_listed(result.close, scores) for result in need_results]
        covers = [frozenset(result.close) for result in need_results]
        rows, moved = spread(list(scores), answers, covers) if moving else (list(scores), {})
        fresh = [row for row in moved if row not in scores]
        fresh_scores = self._search.scorer.score(parsed, np.asarray(fresh, dtype=np.int64))
        scores.update(zip(fresh, map(float, fresh_scores), strict=True))
        shown = [Hit(row, scores[row]) for row in rows][: query.k]
        places = {
            hit.row: Placement(
                "need", self._rank_by_score(query, parsed, hit), need_results[moved[hit.row]].text
            )
            for hit in shown
            if hit.row in moved
        }
        told = tuple(_need(result, shown) for result in need_results)
        return Covered(shown, places, told, tuple(need_results))

    def _distinct_needs(self, query: Query, needs: Sequence[str]) -> list[NeedResults]:
        results = []
        compared = min(max(len(self._search.snapshot.catalogue) // 10, _COMPARED[0]), _COMPARED[1])
        for text in needs:
            parsed = self._search.read(text, query.without)
            hits = self._search.best(parsed, query, _COMPARED[1])
            results.append(NeedResults(text, parsed, hits, self._assessor.assess(parsed, hits)))
        # A need outside the field is compared on no results: its hits are noise.
        firsts = [[] if result.foreign else [hit.row for hit in result.hits[:compared]] for result in results]
        kept = distinct(firsts, max(2, round(_SAME * compared)))
        return [results[place] for place in kept]

    def _without_listed(self, rows: Sequence[int], shown: Mapping[int, float]) -> list[int]:
        """Drop rows that have another listing among the results."""
        return [
            row for row in rows if row in shown or not set(self._search.snapshot.listings(row)) & shown.keys()
        ]

    def _rank_by_score(self, query: Query, parsed: ParsedQuery, hit: Hit) -> int:
        """Return the rank of a hit by score alone, from 1."""
        ranked = self._search.best(parsed, query, len(self._search.snapshot.catalogue))
        return 1 + sum(
            (other.score, -other.row) > (hit.score, -hit.row) for other in ranked if other.row != hit.row
        )


def _need(result: NeedResults, shown: Sequence[Hit]) -> Need:
    rows = frozenset(result.close)
    ranks = tuple(rank for rank, hit in enumerate(shown, start=1) if hit.row in rows)
    return Need(result.text, result.level, ranks, result.certainty.verdict)

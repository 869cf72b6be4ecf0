"""How sure an answer is: the chances of each result, its level, and the verdict of a request.

Opinions and a second look change the order, never a chance, a level or a verdict: these were measured
without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reco.index.calibration import LEVELS, Levels
from reco.index.hits import Hit
from reco.ranking.evidence import Witness
from reco.ranking.scoring import ParsedQuery

_EVIDENT = 0.6
"""Chance of being squarely about it from which a result shows that a query is not foreign after all."""

FIRST = 10
"""The first results by score, among which the best chance tells the verdict, for any number asked."""


@dataclass(frozen=True)
class Chance:
    """The probabilities, 0 to 1, that a result is useful, and that it is squarely about what is asked.

    `need` is the need of the request that the result answers so, "" for the request as a whole.
    """

    useful: float
    squarely: float
    need: str = ""


@dataclass(frozen=True)
class Certainty:
    """The chances of one query's results by row.

    A query outside the field promises nothing, unless a result is evidently about it.

    `confidence` is the probability, 0 to 1, that the query belongs to the field. Without calibrated levels,
    `verdict` and `confidence` are None and no row has a level.
    """

    levels: Levels | None = None
    verdict: str | None = None
    confidence: float | None = None
    chances: Mapping[int, Chance] = field(default_factory=dict)

    @property
    def best(self) -> float | None:
        """The best chance of being useful, None without calibrated levels."""
        if self.levels is None:
            return None
        return (
            0.0
            if self.verdict == "nothing" and self.foreign
            else max((one.useful for one in self.chances.values()), default=0.0)
        )

    @property
    def foreign(self) -> bool:
        """Whether the query is outside the field. Always False without calibrated levels."""
        return self.levels is not None and self.levels.foreign(self.confidence or 0.0)

    def chance(self, row: int) -> Chance | None:
        """Return the chance of a row, None when it was not assessed."""
        return self.chances.get(row)

    def level(self, row: int) -> str | None:
        """Return the level of a row, one of `LEVELS`; None without levels or when it was not assessed."""
        chance = self.chances.get(row)
        if self.levels is None or chance is None:
            return None
        if self.verdict == "nothing":
            return LEVELS[0]
        return LEVELS[self.levels.promise.levels(np.asarray([[chance.useful, chance.squarely]]))[0]]

    def with_needs(self, needs: Iterable[tuple[str, Certainty]]) -> Certainty:
        """Return the certainty of a request told from its needs too.

        The chance of a row is the best of the request's and of the needs'. A request is found when half of
        its needs are.
        """
        chances, verdicts = dict(self.chances), []
        for text, certainty in needs:
            verdicts.append(certainty.verdict)
            for row, chance in certainty.chances.items():
                if certainty.verdict != "nothing" and chance.useful > chances.get(row, _NONE).useful:
                    chances[row] = replace(chance, need=text)
        verdict = self.verdict
        if verdicts and self.levels is not None:
            found = verdicts.count("found")
            if 2 * found >= len(verdicts):
                verdict = "found"
            elif found or "weak" in verdicts:
                verdict = "weak" if verdict == "nothing" else verdict
        return replace(self, verdict=verdict, chances=chances)


_NONE = Chance(-1.0, -1.0)


class Assessor:
    """Assesses the results of queries on one snapshot."""

    def __init__(self, levels: Levels | None, witness: Witness) -> None:
        self._levels, self._witness = levels, witness

    def assess(self, parsed: ParsedQuery, hits: Sequence[Hit]) -> Certainty:
        """Return the certainty of a query from its hits, best first; none of a resource as a query."""
        if self._levels is None or parsed.encoded is None:
            return Certainty()
        rows = np.asarray([hit.row for hit in hits], dtype=np.int64)
        figures = self._witness.figures(parsed, rows)
        both = self._levels.promise.chances(figures)
        best = float(figures[:, 0].max()) if len(rows) else 0.0
        confidence = self._levels.confidence(parsed.encoded, best)
        # By score alone: opinions and a second look may have moved the hits.
        first = np.argsort(-figures[:, 0], kind="stable")[:FIRST]
        useful, squarely = map(float, both[first].max(axis=0)) if len(rows) else (0.0, 0.0)
        if self._levels.foreign(confidence) and squarely < _EVIDENT:
            verdict = "nothing"
        else:
            verdict = self._levels.promise.verdict(useful, squarely)
        pairs = zip(rows.tolist(), both.tolist(), strict=True)
        chances = {row: Chance(useful, squarely) for row, (useful, squarely) in pairs}
        return Certainty(self._levels, verdict, confidence, chances)

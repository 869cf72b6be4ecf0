"""A request that can be answered: made by `Query.of`, which refuses any other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reco.catalogue.catalogue import Filters
from reco.catalogue.places.lookup import chosen
from reco.errors import InvalidQuery
from reco.text.clean import clean, strip_markup

LONGEST = 200_000
"""Characters of a request that are read."""

MOST_OPINIONS = 50
"""Opinions that one request may carry."""

_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Opinion:
    """What a visitor thinks of a resource for this request: useful, or off-topic."""

    id: str
    useful: bool


@dataclass(frozen=True)
class Query:
    """What is asked: a text, how many results, what they must be, and acronyms not to expand.

    `diversity` spreads the list over its subject, 0 to 1, None for the recommender's own; `shelf` asks
    for the best of each type instead of a list. `place` is the code of a commune or an EPCI to which
    resources are compared, and `near` puts like places first among equals. None changes a score.
    `opinions` are the visitor's own on this request; the last one on a resource counts.

    >>> Query.of("  Planter <b>des haies</b> ", k=3).text
    'Planter des haies'
    """

    text: str
    k: int = 10
    filters: Filters = field(default_factory=Filters)
    without: tuple[str, ...] = ()
    diversity: float | None = None
    shelf: bool = False
    place: str = ""
    near: bool = False
    opinions: tuple[Opinion, ...] = ()

    @classmethod
    def of(
        cls,
        text: str,
        k: int = 10,
        filters: Filters | None = None,
        without: tuple[str, ...] = (),
        *,
        diversity: float | None = None,
        shelf: bool = False,
        place: str = "",
        near: bool = False,
        opinions: tuple[Opinion, ...] = (),
    ) -> Query:
        """Clean and check a request. Raises InvalidQuery with every problem at once.

        `place` is read by `commune.chosen`, whose own InvalidQuery says what it should be.
        """
        problems = []
        hint = "Describe a project or a worry in a few sentences, and ask for at least one result."
        if len(text) > LONGEST:
            problems.append(f"the description has {len(text):,} characters; at most {LONGEST:,} are read")
        elif not _READABLE.search(text := clean(strip_markup(text))):
            problems.append("the description has no words")
        if k < 1:
            problems.append(f"k is {k}; it must be at least 1")
        # Written so that what is no number is refused as well.
        if diversity is not None and not 0 <= diversity <= 1:
            problems.append(f"diversity is {diversity:g}; it must be between 0 and 1")
            hint += " A diversity of 0 orders by score alone, 1 spreads the list the most."
        if near and not place:
            problems.append("like places cannot come first without a place to compare them with")
            hint += " Name your commune."
        last = {opinion.id: opinion for opinion in opinions}
        if len(last) > MOST_OPINIONS:
            problems.append(f"there are {len(last)} opinions; at most {MOST_OPINIONS} count")
        if problems:
            raise InvalidQuery(
                f"The request cannot be answered: {'; '.join(problems)}.",
                hint,
            )
        code = chosen(place).code if place else ""
        return cls(text, k, filters or Filters(), without, diversity, shelf, code, near, tuple(last.values()))

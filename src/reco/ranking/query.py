"""The query: a cleaned text with its options. `Query.of` checks them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reco.catalogue.catalogue import Filters
from reco.catalogue.places.lookup import chosen
from reco.errors import InvalidQuery
from reco.text import pages
from reco.text.clean import clean, strip_markup
from reco.text.papers.read import read, whole_text
from reco.text.papers.reading import Reading
from reco.text.paragraphs import unwrapped

LONGEST = 200_000
"""The most characters of a query."""

MOST_OPINIONS = 50
"""The most opinions of one query."""

_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Opinion:
    """A visitor's opinion of one resource for one query: useful or off-topic."""

    id: str
    useful: bool


@dataclass(frozen=True)
class Query:
    """A query: a text, the number of results `k`, filters, and acronyms not to expand (`without`).

    `diversity`, 0 to 1, spreads the list over its subject; None takes the recommender's default. `shelf`
    replaces the list with the best resource of each type. `place` is the code of a commune or an EPCI;
    `near` puts resources from similar places first among equals. None of these changes a score.
    `opinions` are the visitor's own; the last one on a resource counts. `exact` are the words to search as
    they are typed, whatever their spelling; `("*",)` means all of them. With `whole`, a paper such as a
    deliberation is searched with its formulas.

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
    exact: tuple[str, ...] = ()
    whole: bool = False

    @property
    def reading(self) -> Reading:
        """What is searched of the text: the substance of a paper, or the whole text."""
        return self.reading_of(self.text)

    def reading_of(self, text: str) -> Reading:
        """Return what is searched of a text like that of this query, such as the same in another spelling."""
        return whole_text(text) if self.whole else read(text)

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
        exact: tuple[str, ...] = (),
        whole: bool = False,
    ) -> Query:
        """Clean a query, put its lines back into paragraphs, and check it.

        Raises InvalidQuery with every problem at once. An unknown `place` has its own
        InvalidQuery, from `places.lookup.chosen`.
        """
        problems = []
        hint = "Describe a project or a problem in a few sentences, and ask for at least one result."
        if len(text) > LONGEST:
            problems.append(f"the description has {len(text):,} characters; at most {LONGEST:,} are read")
        elif not _READABLE.search(text := clean(unwrapped(pages.body(strip_markup(text))))):
            problems.append("the description has no words")
        if k < 1:
            problems.append(f"k is {k}; it must be at least 1")
        # `not 0 <= x <= 1` refuses NaN too.
        if diversity is not None and not 0 <= diversity <= 1:
            problems.append(f"diversity is {diversity:g}; it must be between 0 and 1")
            hint += " A diversity of 0 orders by score alone, 1 spreads the list the most."
        if near and not place:
            problems.append("similar places cannot come first without a place to compare them with")
            hint += " Name your commune."
        last = {opinion.id: opinion for opinion in opinions}
        if len(last) > MOST_OPINIONS:
            problems.append(f"there are {len(last)} opinions; at most {MOST_OPINIONS} count")
        if problems:
            raise InvalidQuery(
                f"The query cannot be answered: {'; '.join(problems)}.",
                hint,
            )
        code = chosen(place).code if place else ""
        return cls(
            text,
            k,
            filters or Filters(),
            without,
            diversity,
            shelf,
            code,
            near,
            tuple(last.values()),
            exact,
            whole,
        )

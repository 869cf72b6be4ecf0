"""A request that can be answered: made by `Query.of`, which refuses any other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reco.catalogue import Filters
from reco.errors import InvalidQuery
from reco.text import clean, strip_markup

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

    `opinions` are the visitor's own on this request; the last one on a resource counts.
    """

    text: str
    k: int = 10
    filters: Filters = field(default_factory=Filters)
    without: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()

    @classmethod
    def of(
        cls,
        text: str,
        k: int = 10,
        filters: Filters | None = None,
        without: tuple[str, ...] = (),
        opinions: tuple[Opinion, ...] = (),
    ) -> Query:
        """Clean and check a request. Raises InvalidQuery with every problem at once."""
        problems = []
        if len(text) > LONGEST:
            problems.append(f"the description has {len(text):,} characters; at most {LONGEST:,} are read")
        elif not _READABLE.search(text := clean(strip_markup(text))):
            problems.append("the description has no words")
        if k < 1:
            problems.append(f"k is {k}; it must be at least 1")
        last = {opinion.id: opinion for opinion in opinions}
        if len(last) > MOST_OPINIONS:
            problems.append(f"there are {len(last)} opinions; at most {MOST_OPINIONS} count")
        if problems:
            raise InvalidQuery(
                f"The request cannot be answered: {'; '.join(problems)}.",
                "Describe a project or a worry in a few sentences, and ask for at least one result.",
            )
        return cls(text, k, filters or Filters(), without, tuple(last.values()))

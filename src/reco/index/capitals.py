"""Where capitals say something: they tell no acronym and no name in a text that is all in capitals."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

_SEGMENT = re.compile(r"[^\n.!?;]+")
_WORD = re.compile(r"[^\W_]+")
_SHOUTED = 5
"""Letters in all for each small one, from which a line or a sentence is all in capitals."""
_WHOLLY = 20
"""The same of a text that is read in small letters, names and all."""
_LONG = 4
"""Letters of the longest word that proves nothing: acronyms and codes are as short."""


@dataclass(frozen=True)
class _Letters:
    """The number of letters of a text, of its small ones, and whether an ordinary word is in capitals."""

    total: int
    small: int
    ordinary: bool

    @property
    def shouted(self) -> bool:
        return self.ordinary and self.small * _SHOUTED <= self.total


class Capitals:
    """Says where the capitals of a text tell an acronym from an ordinary word.

    They do not where the line or the sentence is all in capitals. `is_acronym` says whether a word in
    capitals is one. A line of acronyms, codes and short words alone is judged by the whole text, and a text
    of them alone is not all in capitals.
    """

    def __init__(self, text: str, is_acronym: Callable[[str], bool]) -> None:
        self._is_acronym = is_acronym
        segments = [(match.start(), self._letters(match.group())) for match in _SEGMENT.finditer(text)]
        self._starts = [start for start, _ in segments]
        self._segments = [letters for _, letters in segments]
        self._whole = self._letters(text)

    @property
    def shouted(self) -> bool:
        """Whether the text is all in capitals, so that they tell no names either."""
        return self._whole.ordinary and self._whole.small * _WHOLLY <= self._whole.total

    def say_something(self, start: int) -> bool:
        """Whether the capitals of the word that starts at `start` mean something."""
        here = self._segments[bisect_right(self._starts, start) - 1]
        alone = not here.small and not here.ordinary
        return not (self._whole if alone else here).shouted

    def _letters(self, text: str) -> _Letters:
        ordinary = (
            len(word) > _LONG and word.isalpha() and word.isupper() and not self._is_acronym(word)
            for word in _WORD.findall(text)
        )
        return _Letters(sum(map(str.isalpha, text)), sum(map(str.islower, text)), any(ordinary))

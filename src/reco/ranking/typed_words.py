"""The words of a request as they were typed, with their places, outside addresses."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_CHUNK = re.compile(r"\S+")
_ADDRESS = re.compile(r"://|@|\bwww\.|[\w-]\.(?:fr|com|org|eu|net)\b", re.ASCII)
_SENTENCE_END = ".!?:\n•-–«"
_MARKS = 20
"""Signs before a word among which the end of a sentence is sought."""


@dataclass(frozen=True)
class TypedWord:
    """The word `text[start:end]` of a request."""

    text: str
    start: int
    end: int
    first: bool
    """Whether a sentence starts here."""

    @property
    def plain(self) -> str:
        """The word in lower case."""
        return self.text.lower()


def typed_words(text: str) -> list[TypedWord]:
    """Return the words of a text outside addresses."""
    blanked = _CHUNK.sub(_without_address, text)
    found = []
    for match in _WORD.finditer(blanked):
        before = blanked[max(0, match.start() - _MARKS) : match.start()].rstrip(" \"'’(")[-1:]
        found.append(
            TypedWord(match.group(), match.start(), match.end(), not before or before in _SENTENCE_END)
        )
    return found


def _without_address(chunk: re.Match[str]) -> str:
    return " " * len(chunk.group()) if _ADDRESS.search(chunk.group()) else chunk.group()


def within(tokens: Sequence[TypedWord], parts: Sequence[tuple[int, int]] | None) -> Iterable[int]:
    """Return the places of the tokens that start in a part; of all tokens without parts."""
    if parts is None:
        return range(len(tokens))
    starts = [token.start for token in tokens]
    return [at for start, end in parts for at in range(bisect_left(starts, start), bisect_left(starts, end))]

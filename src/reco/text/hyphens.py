"""Words cut at a line end: "désimper-" and "méabiliser" are one word, "eaux-" and "vannes" a compound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from reco.text.clean import fold

_LEFT = re.compile(r"([^\W\d_]+(?:[-’'][^\W\d_]+)*)[-\u00ad\u2010]$")
_TIED_NAME = re.compile(r"\w[-\u2010]$")
_RIGHT = re.compile(r"([^\W\d_]+)((?:-[^\W\d_]+)*)")
_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LONGEST = 40
"""Characters of a word."""
_TIED = frozenset(
    "ci là la même mêmes il ils elle elles on je tu nous vous moi toi lui leur y en ce t dire être".split()
)
"""Words that a hyphen ties to the word before: "celui-ci", "eux-mêmes", "peut-être"."""
_LINKS = frozenset("à a de d en et sur sous l la le les au aux du des".split())
"""Words inside a compound: "porte-à-faux", "rez-de-chaussée"."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of a text, in lower case, and the pairs that it ties with a hyphen inside a line."""

    words: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, text: str) -> Vocabulary:
        """Read a text. The time is linear in its length."""
        tokens = [token.split("-") for token in _TOKEN.findall(text.casefold())]
        return cls(
            frozenset(parts[0] for parts in tokens if len(parts) == 1),
            frozenset(pair for parts in tokens for pair in pairwise(parts)),
        )


def joined(lines: Sequence[str], vocabulary: Vocabulary) -> str:
    """Return the lines of one paragraph as one line. `vocabulary` shows how its words are written."""
    pieces: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        left, right = _LEFT.search(line[-_LONGEST:]), _RIGHT.match(following[:_LONGEST])
        if left is not None and right is not None and following[0].islower():
            soft = line[-1] == "\u00ad"
            kept = not soft and _keeps_hyphen(left[1], right[1], right[2], vocabulary)
            pieces += [line[:-1], "-" if kept else ""]
        else:
            tied = bool(_TIED_NAME.search(line[-2:])) and following[:1].isalnum()  # "Saint-" and "Denis"
            pieces += [line, "" if not following or tied or line.endswith(("’", "'")) else " "]
    return "".join(pieces)


def _keeps_hyphen(left: str, right: str, rest: str, vocabulary: Vocabulary) -> bool:
    """Whether "left-right" is written with its hyphen: the text shows it, or the list of compounds."""
    before = re.split(r"[-’']", left.casefold())
    last, right = before[-1], right.casefold()
    if right in _TIED or (rest and right in _LINKS):
        return True
    if last + right in vocabulary.words:
        return False
    if (last, right) in vocabulary.pairs:
        return True
    return _is_compound(last, right) or ("-" in left and last in _LINKS)


def _is_compound(left: str, right: str) -> bool:
    first, pairs = _compounds()
    return (fold(left), fold(right)) in pairs or (fold(left) in first and len(right) > 3)


@cache
def _compounds() -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return the first parts that always take a hyphen, and the pairs of the known compounds."""
    words = (files("reco.text") / "compounds.txt").read_text("utf-8").split()
    pairs = set()
    for word in words:
        parts = fold(word).split("-")
        pairs |= set(pairwise(parts))
    return frozenset(fold(word[:-1]) for word in words if word.endswith("-")), frozenset(pairs)

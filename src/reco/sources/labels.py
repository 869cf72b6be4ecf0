"""The theme and type at the end of a pasted page's header line, often glued to the text before them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from reco.text.clean import fold

_SEPARATORS = " \t\u00a0-–—|·•:,;/"
_GLUE = re.compile(r"[a-zß-ÿ0-9)»][A-ZÀ-Þ]|[A-ZÀ-Þ]{2}[a-zß-ÿ]")
_LONG_ENOUGH = 7
"""Letters that a theme needs to start inside a run of small letters: "eau" ends many words."""

_NEAR = 75
"""Similarity, of 100, from which an unknown label counts as a typing error."""

_CAPTIONS = frozenset(("sous-onglet", "rubrique", "theme"))
"""Captions that some pages write before the labels. They are not credits."""


@dataclass(frozen=True)
class Tail:
    """The labels at the end of a header line, the text before them, and the confidence of the cut, 0 to 1."""

    before: str
    theme: str
    type: str
    glued: bool
    sure: float


@dataclass(frozen=True)
class Labels:
    """The closed lists of themes and types, by folded text."""

    themes: Mapping[str, str]
    types: Mapping[str, str]

    @classmethod
    def of(cls, themes: Sequence[str], types: Sequence[str]) -> Labels:
        """Return the lists; case and accents are ignored."""
        return cls({fold(theme): theme for theme in themes}, {fold(kind): kind for kind in types})

    def read(self, line: str) -> Tail | None:
        """Return the labels at the end of `line`: the longest known theme, "/", a known type."""
        for head, kind in _cuts(line):
            if fold(kind) in self.types and (theme := self._theme(head)):
                start, sure = theme
                before = head[:start].strip(_SEPARATORS)
                return Tail(
                    before="" if fold(before) in _CAPTIONS else before,
                    theme=self.themes[fold(head[start:])],
                    type=self.types[fold(kind)],
                    glued=_is_glued(head, start),
                    sure=sure,
                )
        return None

    def half_read(self, line: str) -> bool:
        """Return whether `line` has one known label, and letters glued as only headers glue them."""
        for head, kind in _cuts(line):
            if fold(kind) in self.types and (_GLUE.search(head) or self._ends_with_theme(head)):
                return True
            if (theme := self._theme(head)) and _is_glued(head, theme[0]):
                return True
        return False

    def complaint(self, line: str) -> str:
        """Return which label of a header line is unknown, with the nearest known one."""
        cuts = list(_cuts(line))
        if not cuts:
            return f'no "theme / type" at the end of {line.strip()!r}'
        head, kind = next((cut for cut in cuts if fold(cut[1]) in self.types), cuts[-1])
        if fold(kind) not in self.types:
            return f"unknown type {kind!r}{_nearest(kind, self.types)}"
        return f"unknown theme at the end of {head!r}{_nearest(head, self.themes)}"

    def _theme(self, head: str) -> tuple[int, float] | None:
        """Return the start of the longest theme that ends `head`, and the confidence in it."""
        longest = max(map(len, self.themes), default=0)
        for start in range(max(0, len(head) - longest - 1), len(head)):
            if (
                not head[start].isspace()
                and fold(head[start:]) in self.themes
                and (sure := _edge(head, start))
            ):
                return start, sure
        return None

    def _ends_with_theme(self, head: str) -> bool:
        return head[-1:].isalnum() and fold(head).endswith(tuple(self.themes)) and not self._theme(head)


def _cuts(line: str) -> Iterator[tuple[str, str]]:
    for slash in re.finditer("/", line):
        head, kind = line[: slash.start()].strip(), line[slash.end() :].strip()
        if head and kind:
            yield head, kind


def _edge(head: str, start: int) -> float:
    """Return the confidence that a label starts at `start`, and not inside a word or a name; 0 means no."""
    before, first, label = head[start - 1 : start], head[start], head[start:]
    if before in ("'", "’"):
        return 0.0
    if not before.isalnum() or (first.isupper() and not before.isupper()):
        return 1.0
    if first.isupper():
        return 0.6 if label.isupper() else 1.0
    if before.isupper():
        return 0.7
    return 0.5 if len(label) >= _LONG_ENOUGH else 0.0


def _is_glued(head: str, start: int) -> bool:
    return start > 0 and head[start - 1] not in _SEPARATORS


def _nearest(text: str, known: Mapping[str, str]) -> str:
    """Name the longest known label that nearly matches the end of `text`, if any."""
    folded = fold(text)
    near = [label for label in known if fuzz.ratio(folded[-len(label) :], label) >= _NEAR]
    return f" (the nearest known label is {known[max(near, key=len)]!r})" if near else ""

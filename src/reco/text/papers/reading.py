"""What is read of a text: the parts kept, the parts left out, each with its label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reco.text.clean import fold
from reco.text.tokens import words

KEPT = frozenset("object title recital statement decision item discussion context goals action body".split())
"""Labels of the parts that are read. """

LEFT_OUT = frozenset(
    "heading attendance visas vote formality signatures agenda procedure closing headers greeting signature "
    "disclaimer quoted budget calendar holder contact partners indicators annexes hints".split()
)
"""Labels of the parts that are left out."""

ASKED = frozenset("object title decision item goals action body".split())
"""Labels of the kept parts that can hold a need. The others say why."""


@dataclass(frozen=True)
class Mark:
    """The label of a segment. `start` is where its substance begins, in characters: "Objet : " is no part."""

    label: str
    start: int = 0


@dataclass(frozen=True)
class Segment:
    """A line of a text, or a formula inside a line: `text[start:end]`, and the same in plain letters."""

    start: int
    end: int
    text: str
    plain: str

    def after(self, end: int) -> int:
        """Return the place in `text` after the first `end` characters of `plain`, and after white space."""
        wanted = len("".join(self.plain[:end].split()))
        place = 0
        while wanted > 0 and place < len(self.text):
            wanted -= len(fold(self.text[place]))
            place += 1
        return len(self.text) - len(self.text[place:].lstrip())


@dataclass(frozen=True)
class Part:
    """A part of a text: `text[start:end]`, in characters, with a label."""

    label: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """How a text is read. `kind` is "" for an ordinary text, which is read whole.

    `lead` says what is wanted: the object of a deliberation, the items of minutes. `text` is all that is
    kept, with the reasons. Parts are in the order of the text that was given. Needs are cut from `asked`;
    minutes have one an item.
    """

    text: str
    lead: str
    asked: tuple[str, ...]
    kind: str = ""
    kept: tuple[Part, ...] = ()
    left_out: tuple[Part, ...] = ()

    @property
    def reasons(self) -> str:
        """All that is kept, where it says why something is wanted; "" for minutes, which are all items."""
        return "" if self.kind == "minutes" or self.text == self.lead else self.text

    @property
    def labels(self) -> tuple[tuple[str, int], ...]:
        """The labels of the kept parts with their numbers of parts, in order."""
        return _counted(self.kept)

    @property
    def left_labels(self) -> tuple[str, ...]:
        """The labels of what is left out, in order."""
        return tuple(label for label, _ in _counted(self.left_out))


def _counted(parts: Sequence[Part]) -> tuple[tuple[str, int], ...]:
    labels = [part.label for part in parts]
    return tuple((label, labels.count(label)) for label in dict.fromkeys(labels))


_GENERIC = frozenset(
    word.stem
    for word in words(
        "demande demandes subvention subventions aide aides approbation adoption projet projets travaux "
        "convention avenant marché programme attribution dossier question réponse détr dsil commune"
    )
)
"""Stems that say nothing of the subject: an object that has only these needs its reasons."""
_FEWEST_STEMS = 3
_WORD = re.compile(r"[^\W\d_]{2,}")
_FEWEST_WORDS = 2


def assembled(text: str, kind: str, segments: Sequence[Segment], marks: Sequence[Mark]) -> Reading | None:
    """Return the reading of a paper from the marks of its segments; None when nothing would be kept."""
    kept, left_out = list[Part](), list[Part]()
    for segment, given in zip(segments, marks, strict=True):
        goes_on = kept and given.label in ("statement", "heading") and _continues(text, segment, kept[-1])
        mark = Mark(kept[-1].label) if goes_on else given
        side = kept if mark.label in KEPT else left_out
        start = segment.start + (mark.start if side is kept else 0)
        if start >= segment.end:
            continue
        previous = side[-1] if side else None
        if side is left_out and previous is not None and _adjoins(text, previous, mark, start):
            side[-1] = Part(mark.label, previous.start, segment.end)
        else:
            side.append(Part(mark.label, start, segment.end))
    substance = _together(text, kept)
    if not left_out or len(_WORD.findall(substance)) < _FEWEST_WORDS:
        return None
    asked = _asked(text, kind, kept)
    return Reading(substance, "\n".join(asked), asked, kind, tuple(kept), tuple(left_out))


def _continues(text: str, segment: Segment, part: Part) -> bool:
    """Whether a segment is the second line of an object or a title: just below, with a small letter first."""
    below = part.label in ("object", "title") and not text[part.end : segment.start].strip()
    return below and segment.text[0].islower()


def _adjoins(text: str, part: Part, mark: Mark, start: int) -> bool:
    """Whether a part of the same label ends just before `start`."""
    return part.label == mark.label and not text[part.end : start].strip()


_OPEN_END = re.compile(r"[^.!?;:]$")
_LONGEST_ITEM = 400
_LEADING = {"deliberation": {"object"}, "form": {"title"}, "mail": {"body"}, "note": {"object"}}
"""The labels that say what is asked, by kind of paper."""


def _asked(text: str, kind: str, kept: Sequence[Part]) -> tuple[str, ...]:
    """Return the texts that can hold needs: the object, else what is decided; and each item of minutes."""
    if kind == "minutes" and (items := _items(text, kept)):
        return items
    leading = _LEADING.get(kind, set())
    for labels in (leading, leading | ASKED):
        asked = _together(text, [part for part in kept if part.label in labels])
        if len({word.stem for word in words(asked)} - _GENERIC) >= _FEWEST_STEMS:
            return (asked,)
    return (_together(text, kept),)


def _together(text: str, parts: Sequence[Part]) -> str:
    """Return the parts, one a line; a part that goes on from the one before is on its line."""
    pieces: list[str] = []
    for part in parts:
        piece = text[part.start : part.end]
        goes_on = bool(pieces) and piece[0].islower() and _OPEN_END.search(pieces[-1]) is not None
        pieces += [" " if goes_on else "\n", piece] if pieces else [piece]
    return "".join(pieces)


def _items(text: str, kept: Sequence[Part]) -> tuple[str, ...]:
    """Return each item: its title, and its first sentences when the title alone says little."""
    items: list[str] = []
    for part in kept:
        piece = text[part.start : part.end].strip()
        if part.label == "item":
            items.append(piece)
        elif items and len(_WORD.findall(items[-1])) < 4:
            items[-1] = f"{items[-1]} : {piece}"[:_LONGEST_ITEM]
    return tuple(items)

"""Reads a text: recognises the paper that it is, and keeps its substance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from reco.text.papers import deliberation, form, mail, minutes, note
from reco.text.papers.reading import KEPT, Mark, Reading, Segment, assembled
from reco.text.papers.segments import segments

_Found = Callable[[Sequence[Segment]], bool]
_Marks = Callable[[Sequence[Segment]], list[Mark]]

_PAPERS: tuple[tuple[str, _Found, _Marks], ...] = (
    ("minutes", minutes.found, minutes.marks),
    ("form", form.found_by_name, form.marks),
    ("deliberation", deliberation.found, deliberation.marks),
    ("form", form.found, form.marks),
    ("note", note.found, note.marks),
)
_FEWEST_SEGMENTS = 3
_MOST_SEGMENTS = 5_000
"""Segments of a text in which a paper is recognised: a longer text is no paper of an office."""


@lru_cache(maxsize=32)
def read(text: str) -> Reading:
    """Return how a cleaned text is read. The time is linear in its length."""
    found = segments(text)
    if not _FEWEST_SEGMENTS <= len(found) <= _MOST_SEGMENTS:
        return whole_text(text)
    letter = mail.found(found) and not note.found(found)
    marks = mail.marks(found) if letter else [Mark("body") for _ in found]
    inner = [place for place, mark in enumerate(marks) if mark.label in KEPT]
    lines = [found[place] for place in inner]
    kind = "mail" if letter else ""
    for name, is_one, its_marks in _PAPERS:
        if is_one(lines):
            kind = name
            for place, mark in zip(inner, its_marks(lines), strict=True):
                marks[place] = mark
            break
    reading = assembled(text, kind, found, marks) if kind else None
    return reading if reading is not None else whole_text(text)


def whole_text(text: str) -> Reading:
    """Return the reading of a text that is read whole."""
    return Reading(text, text, (text,))

"""A note to an elected person or a service: its object and its text are kept, not its fields and signature."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.papers import mail
from reco.text.papers.reading import Mark, Segment

_TITLE = re.compile(
    r"(?:note$|note (?:a l'attention|a |au |aux |pour |de service|de synthese|interne|d'information|technique)|"
    r"rapport (?:au |a |de presentation)|courrier )"
)
_ANNEX = re.compile(r"(?:p\.?j\.?|pieces? jointes?|annexes?|copies?|destinataires?|diffusion) ?:")
_TOP = 12
"""Segments in which a note has its name and its object."""
_SHORT_SIGNATURE = 6
"""Words of a line of a signature."""
_GOES_ON = re.compile(r"(?:[-–—•*]|.*[.;:!?,…]$)")


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is a note: its name, its object and another field near the top."""
    top = lines[:_TOP]
    named = any(_TITLE.match(line.plain) for line in top[:6])
    fields = sum(mail.is_field(line) for line in top)
    return named and fields >= 2 and any(mail.SUBJECT.match(line.plain) for line in top)


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of a note."""
    last = next(place for place, line in enumerate(lines) if mail.SUBJECT.match(line.plain))
    while last + 1 < len(lines) and mail.is_field(lines[last + 1]):
        last += 1
    marked = [mail.letterhead(line) for line in lines[: last + 1]]
    marked += [Mark("annexes" if _ANNEX.match(line.plain) else "statement") for line in lines[last + 1 :]]
    end = len(lines)
    while end > last + 1 and marked[end - 1].label == "annexes":
        end -= 1
    while end > last + 2 and _signs(lines[end - 1]):
        end -= 1
        marked[end] = Mark("signatures")
    return marked


def _signs(line: Segment) -> bool:
    return (
        len(line.plain.split()) <= _SHORT_SIGNATURE
        and not line.text[0].islower()
        and not _GOES_ON.match(line.plain)
    )

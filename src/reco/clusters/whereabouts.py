"""Which phrases say where, or whose, rather than what: those with a place of the gazetteer in them."""

from __future__ import annotations

import re
from collections.abc import Collection

from reco.places import bundled, is_collectivity

_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_LONGEST = 5
"""Words of the names of places that are looked for."""


def tells_where(phrase: str, names: Collection[str]) -> bool:
    """Whether a phrase has the name of a commune, an EPCI, a département or a région, or is that of a kind of
    collectivity.

    `names` are the words, in lower case, that keep their capital within sentences: a place without one is a
    common word, as "bois" and "rue" are.
    """
    if is_collectivity(phrase):
        return True
    found = list(_TOKEN.finditer(phrase))
    for first, start in enumerate(found):
        for end in found[first : first + _LONGEST]:
            part = phrase[start.start() : end.end()]
            if any(piece.casefold() in names for piece in re.split(r"[\s'’-]", part)) and bundled().named(
                part
            ):
                return True
    return False

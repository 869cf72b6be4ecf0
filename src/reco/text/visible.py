"""A text as a message shows it: what the eye cannot see has a name."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80
"""Characters of a text that a message shows."""
_MARK = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f]")


def shown(text: str, longest: int = LONGEST) -> str:
    """Return `text` between quotes, each invisible character as its Unicode number.

    Invisible are controls, formats, every space but the ordinary one, and, in a text that is not in form
    NFC, the marks that stand apart from their letters. A longer text ends with "…".

    >>> print(shown("Titre\\u00a0"), shown("The\\u0300me"))
    'Titre<U+00A0>' 'The<U+0300>me'
    """
    kept = text[:longest]
    apart = not unicodedata.is_normalized("NFC", kept)
    seen = "".join(_named(character, apart) for character in kept)
    return f"'{seen}{'…' if len(text) > longest else ''}'"


def _named(character: str, apart: bool) -> str:
    if character.isprintable() and not (apart and _MARK.match(character)):
        return character
    return f"<U+{ord(character):04X}>"

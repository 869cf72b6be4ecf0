"""What stands in a table beside its rows: notes, totals, lines that number the columns, error cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.clean import fold

_ERRORS = frozenset(
    """#N/A #N/D #NA #NV #REF! #NAME? #NOM? #VALUE! #VALEUR! #DIV/0! #NUM! #NOMBRE! #NULL! #NUL! #CALC!
    #SPILL! #PROPAGATION! #EPARS! #FIELD! #CHAMP! #BLOCKED! #BLOQUE! #UNKNOWN! #CONNECT! #BUSY!
    #GETTING_DATA #OBTENTION_DONNEES #WERT! #BEZUG! #ZAHL! #MACRO?""".split()
)
_ERROR = re.compile(r"Err(?:eur|or)?\s?:\s?\d{3}|#{3,}")
_TOTAL = re.compile(r"(?:sous-?)?(?:total|totaux)\b")
_TOTAL_ALONE = re.compile(r"(?:sous[- ]?)?(?:total|totaux)(?: \w+)?\s*:?")
_AMOUNT = re.compile(r"[-+]?\d[\d\s.,]*(?:\s?[€%])?")
_NOTE = re.compile(r"(?:sources?|notes?|n\.?b\.?|legende|(?:derniere )?mise a jour)\s*:|\*|©")
_SHOWN = 60


def is_error(cell: str) -> bool:
    """Return whether a cell holds an error of a spreadsheet, such as `#N/A` or `Err:502`."""
    return len(cell) <= 20 and (cell.strip().upper() in _ERRORS or bool(_ERROR.fullmatch(cell.strip())))


def starts_total(cell: str) -> bool:
    """Return whether a text starts like a total."""
    return bool(_TOTAL.match(_start(cell)))


def starts_note(cell: str) -> bool:
    """Return whether a text starts like a note: `Source :`, `N.B. :`, `*`."""
    return bool(_NOTE.match(_start(cell)))


def is_total(cells: Sequence[str]) -> bool:
    """Return whether a line holds a total: that word first, and amounts only after it."""
    texts = [cell.strip() for cell in cells if cell and not cell.isspace()]
    if len(texts) < 2 or not _TOTAL_ALONE.fullmatch(_start(texts[0])):
        return False
    return all(_AMOUNT.fullmatch(text[:_SHOWN]) for text in texts[1:])


def is_numbering(cells: Sequence[str]) -> bool:
    """Return whether a line numbers its columns: `(1)`, `(2)`, `(3)`, which Excel takes for -1, -2, -3."""
    return len(cells) > 1 and all(cell.strip(" ()[]-") == str(at) for at, cell in enumerate(cells, 1))


def first(cells: Sequence[str]) -> tuple[int, str]:
    """Return the first cell that holds more than blanks, and its column. There must be one."""
    return next((at, cell) for at, cell in enumerate(cells) if cell and not cell.isspace())


def _start(cell: str) -> str:
    return fold(cell.strip()[:_SHOWN])

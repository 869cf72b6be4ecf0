"""A key of how French words sound: words with the same key are taken for each other in a hurry.

The key is coarse on purpose. Silent ends, doubled letters and the endings of verbs in -er have no trace:
"rénover", "rénovée" and "renové" share one key, and so do "bitume" and "bittume".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.clean import bare

# "\n" stands for the edge of a word, so that one pass reads a whole list.
_FIRST = (("ç", "ss"), ("œ", "e"), ("æ", "e"), ("'", ""), ("-", ""))
_THEN = (
    ("tch", "ch"),
    ("sch", "ch"),
    ("sh", "ch"),
    ("ph", "f"),
    ("th", "t"),
    ("rh", "r"),
    ("ch", "S"),
    ("h", ""),
    ("ueuil", "Eil"),
    ("ueil", "Eil"),
    ("eau", "o"),
    ("au", "o"),
    ("oeu", "E"),
    ("eu", "E"),
    ("ou", "U"),
    ("oy", "oi"),
    ("y", "i"),
    ("qu", "k"),
    ("q", "k"),
    ("sce", "se"),
    ("sci", "si"),
    ("cce", "kse"),
    ("cci", "ksi"),
    ("ce", "se"),
    ("ci", "si"),
    ("ck", "k"),
    ("c", "k"),
    ("gea", "ja"),
    ("geo", "jo"),
    ("ge", "je"),
    ("gi", "ji"),
    ("gue", "ge"),
    ("gui", "gi"),
    ("xs", "x"),
    ("z", "s"),
    ("w", "v"),
    ("tion", "sion"),
    ("ain", "in"),
    ("ein", "in"),
    ("ai", "e"),
    ("ei", "e"),
)
_NASAL = re.compile(r"[ea][mn](?=[^aeiouEUnm])")
_NASAL_I = re.compile(r"im(?=[pb])")
_NASAL_O = re.compile(r"om(?=[pb])")
_DOUBLED = re.compile(r"([a-zA-Z])\1+")
_SILENT = re.compile(r"(?<=[^\n][^\n])(?:e?e?s?|er|[tdpx]s?)(?=\n)")


def keys(words: Sequence[str]) -> list[str]:
    """Return the key of each lower-case word. No word may contain a newline."""
    text = "\n" + "\n".join(words) + "\n"
    for old, new in _FIRST:
        text = text.replace(old, new)
    text = bare_lines(text)
    for old, new in _THEN:
        text = text.replace(old, new)
    text = _NASAL.sub("A", text)
    text = _NASAL_O.sub("on", _NASAL_I.sub("in", text))
    text = _DOUBLED.sub(r"\1", text)
    return _SILENT.sub("", text)[1:-1].split("\n")


def bare_lines(text: str) -> str:
    """Return words on lines without accents."""
    return text if text.isascii() else bare(text)

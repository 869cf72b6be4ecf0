"""The segments of a text: its lines, cut again where a formula begins inside a line."""

from __future__ import annotations

import re

from reco.text.clean import fold
from reco.text.papers.reading import Segment

_FORMULA = re.compile(
    r"(?<=[;,.:!]) (?=(?:- )?(?:Vue?s? (?:le|la|les|l[’']|l[’']avis)\b|VU (?:le|la|les|l[’'])|"
    r"Considérant |CONSID[ÉE]RANT|Après en avoir délibéré|APR[ÈE]S EN AVOIR|"
    r"D[ÉE]CIDE(?:NT)?\b|D[ÉE]LIB[ÈE]RE\b|AUTORISE(?:NT)?\b|DIT |CHARGE(?:NT)? |Fait et délibéré|Ainsi fait|"
    r"Pour extrait|Acte rendu exécutoire|Certifié exécutoire|OBJET ?:|Objet ?: ))"
)
_NUMBER = re.compile(r"\s*\d{1,2}[.)]\s*")
_LONGEST_START = 400
"""Characters in which a formula is looked for."""


def segments(text: str) -> list[Segment]:
    """Return the segments of a cleaned text, in order, without blank ones. Linear in its length."""
    found, at = list[Segment](), 0
    for line in text.split("\n"):
        begin = 0
        for cut in [*(match.start() for match in _FORMULA.finditer(line)), len(line)]:
            piece = line[begin:cut]
            if _NUMBER.fullmatch(piece) and cut < len(line):
                continue  # "2. Vu le code": the number is of the formula
            if body := piece.strip():
                start = at + begin + piece.index(body[0])
                found.append(Segment(start, start + len(body), body, fold(body[:_LONGEST_START])))
            begin = cut
        at += len(line) + 1
    return found

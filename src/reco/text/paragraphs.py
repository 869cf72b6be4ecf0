"""Physical lines back into paragraphs: the text of a PDF, of a wrapped e-mail or of a fixed-width file.

A line goes on in the next one for one of two reasons. Its last word cannot end anything ("de la", a hyphen
in a word); or the text is wrapped, and the next word did not fit. A text is wrapped only when its line ends
show it, so lists, headings and short typed lines stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from reco.text.hyphens import Vocabulary, joined

_LINE_END = re.compile(r"\r\n?|\u2028|\u2029|\x0c|\x0b")
_ITEM = re.compile(
    r"\s*(?:[-–—•*·▪◦‣●■□☐☑✓➢\uf0b7\uf0a7\x88>|]|\(?\d{1,2}[.)°](?!\d)|\(?[a-hivx]{1,4}[.)]|\d+(?:\.\d+)+\.?)\s"
)
_FORMULA = re.compile(
    r"\s*(?:(?:\d{1,2}[.)/°-] ?)?(?:Vue?s?|VUE?S?) (?:le |la |les |LE |LA |LES |[lL][’'])|Considérant|CONSID[ÉE]RANT|Objet\b[^.]{0,30}:|OBJET|"
    r"Article \d|ARTICLE|(?:M\.|Mme|Madame|Monsieur) (?:le|la) (?:Maire|Président)|"
    r"(?:Délibération|Point|Question|Affaire|Dossier) n°|D[ÉE]CIDE|D[ÉE]LIB[ÈE]RE|AUTORISE|SOLLICITE|"
    r"APPROUVE|ADOPTE|DIT |DONNE|CHARGE|FIXE|DEMANDE|VALIDE|ACCEPTE|[ÉE]MET |PREND ACTE|CONFIRME|MANDATE|"
    r"HABILITE|S[’']ENGAGE|Apr[èe]s en avoir|APR[ÈE]S EN AVOIR|(?:Le|LE) (?:Conseil|CONSEIL|Comité|Bureau)\b|"
    r"(?:Informations?|Questions?|Affaires) (?:et (?:questions?|informations?) )?diverses|(?:La )?[Ss]éance levée|"
    r"L[’']ordre du jour|(?:Délibération|Décision) adoptée|Adopté|Fait (?:à|et)|"
    r"Ainsi fait|Pour extrait|(?:P(?:our|OUR)|Contre|Abstentions?) ?:|Vote ?:|Présents ?:)"
)
"""What opens a paragraph of an official paper."""
_POINT = re.compile(r"\s*(?:Point|Question|Affaire|Dossier|Délibération) (?:n°|N°|\d)")
"""What opens an item of minutes. A capital after its line is another paragraph."""
_FIELD = re.compile(r"\s*(?:\d{1,2} ?/|[A-ZÉ][^.:;,]{2,40} ?: ?\S)")
"""What opens an item or a field, whose line is often all of it."""
_QUOTED = re.compile(r"\s*>")
_DANGLING = re.compile(
    r"(?:(?<![\w’'-])(?:à|avoir|ayant|au|aux|avec|ce|ces|cet|cette|chaque|comme|contre|d[’']|dans|de|depuis|des|dont|du|elle|en"
    r"|entre|est|et|il|ils|jusqu[’']|l[’']|la|le|les|leur|leurs|lors|mais|ne|nos|notre|nous|on|ont|ou|par|pour|"
    r"qu[’']|que|qui|sa|sans|se|selon|ses|si|son|sont|sous|sur|très|un|une|vers|vos|votre|vous)|[’'(«])$",
    re.IGNORECASE,
)
"""Words that end no line of their own: an article, a preposition, a conjunction, a pronoun."""
_CUT_WORD = re.compile(r"[^\W\d_][-\u00ad\u2010]$")
_CUT_NAME = re.compile(r"(?:\b[A-ZÀ-Ý][^\W\d_]*(?:[-’'][^\W\d_]+)*|\d{2})[-\u2010]$")
"""A name or a number that a hyphen ties to the next line: "Saint-", "Val-de-", "2023-"."""
_ENDED = re.compile(r"[.!?;:…][»”\")\]]?$")
_FIRST_WORD = re.compile(r"\S+")
_TAIL = 40
"""Characters of the end of a line that say how it ends."""
_NARROWEST, _NARROW, _WIDEST = 22, 40, 160
"""Characters of the longest physical line; below `_NARROW`, more proof is asked for."""
_RUNS_ON, _FULL = 0.7, 0.86
"""A line is full when the next word would have passed this share of the width: letters are not equally wide.
The first share is for a line without an end before a small letter."""


def unwrapped(text: str) -> str:
    """Return `text` with each paragraph on one line. Blank lines, lists and headings are kept.

    The time is linear in the length of `text`.

    >>> unwrapped("remplacer la chaudière au fioul de la\\nsalle des fêtes")
    'remplacer la chaudière au fioul de la salle des fêtes'
    """
    if "\n" not in (text := _LINE_END.sub("\n", text)):
        return text
    lines = [line.rstrip() for line in text.split("\n")]
    width = _width(lines)
    cut = any(_CUT_WORD.search(line[-2:]) for line in lines)
    vocabulary = Vocabulary.of(text) if cut else Vocabulary()
    paragraphs: list[list[str]] = []
    for at, line in enumerate(lines):
        if at and _goes_on(lines[at - 1], line, width, paragraphs[-1][0]):
            paragraphs[-1].append(line.strip())
        else:
            paragraphs.append([line])
    return "\n".join(joined(paragraph, vocabulary) for paragraph in paragraphs)


def _goes_on(line: str, following: str, width: int, first: str) -> bool:
    """Whether `line` goes on in `following`. `first` is the first line of the paragraph of `line`."""
    if not _both(line, following):
        return False
    if _decisive(line, following):
        return True
    if not width or len(line) > _WIDEST or _FORMULA.match(following):
        return False
    hangs = bool(_ITEM.match(first)) and _indent(following) > _indent(first)
    if hangs and not _ENDED.search(line[-_TAIL:]):
        return True
    if _indent(following) > _indent(line) + 1 and not hangs:
        return False
    small = following.lstrip()[:1].islower()
    if not small and (line.endswith((";", ":")) or (line == first and _POINT.match(line))):
        return False
    # A sentence that ends with its line mostly ends a paragraph too, unless the next word did not fit at all.
    # So does the title of an item.
    ended = _ENDED.search(line[-_TAIL:]) or (line == first and not small and _titled(line))
    share = 1.0 if ended else _RUNS_ON if small else _FULL
    return not _heads(line, following) and _full(line, following, width, share)


def _both(line: str, following: str) -> bool:
    """Whether two lines can be of one paragraph: neither is blank, and the second opens no item."""
    return bool(line and following) and not _ITEM.match(following) and not _QUOTED.match(line)


def _decisive(line: str, following: str) -> bool:
    """Whether the end of `line` alone shows that it goes on."""
    start = following.lstrip()
    name = _CUT_NAME.search(line[-_TAIL:])
    if name is not None and (start[:1].isdigit() if name.group()[0].isdigit() else start[:1].isupper()):
        return not _heads(line, following)
    if _CUT_WORD.search(line[-2:]):
        return start[:1].islower()
    # "la" and "le" may also be capitals of a heading: what follows must not be a new sentence there.
    return bool(_DANGLING.search(line[-_TAIL:])) and len(line.strip()) > 3


def _full(line: str, following: str, width: int, share: float = _FULL) -> bool:
    """Whether the first word of `following` did not fit on `line`, for a share of the width."""
    word = _FIRST_WORD.search(following)
    return len(line) + 1 + len(word.group() if word is not None else "") > share * width


def _heads(line: str, following: str) -> bool:
    """Whether a line is a heading: all in capitals, and what follows is not."""
    return line.isupper() and not following.isupper()


def _titled(line: str) -> bool:
    """Whether a line opens an item, and so may be its title."""
    return bool(_ITEM.match(line) or _FIELD.match(line))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _width(lines: Sequence[str]) -> int:
    """Return the width at which a text is wrapped, in characters; 0 for a text that is not."""
    pairs = [pair for pair in pairwise(lines) if _both(*pair) and len(pair[0]) <= _WIDEST]
    width = _common_longest([len(line) for line, _ in pairs])
    if width < _NARROWEST:
        return 0
    open_pairs = [pair for pair in pairs if not _ENDED.search(pair[0][-_TAIL:]) and not _heads(*pair)]
    runs_on = [pair for pair in open_pairs if not pair[1].lstrip()[:1].isupper()]
    full = sum(_full(line, following, width) for line, following in runs_on)
    shown = sum(_decisive(line, following) for line, following in open_pairs)
    needed = (0.1 if width >= _NARROW else 0.2) * len(open_pairs)
    # Lines that run on by accident are seldom full; a wrapped text has mostly full ones.
    return width if shown >= max(1, needed) and full * 2 >= len(runs_on) else 0


def _common_longest(lengths: Sequence[int]) -> int:
    """Return the longest length that others come near to: one long address does not set the width."""
    ordered = sorted(lengths, reverse=True)
    company = min(2, len(ordered) // 4)
    for place, length in enumerate(ordered):
        near = ordered[min(place + company, len(ordered) - 1)]
        if near >= 0.85 * length:
            return length
    return 0

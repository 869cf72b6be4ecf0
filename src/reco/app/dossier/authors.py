"""The authors of a resource as reference managers want them: one a line, people as `Family, Given`.

A name is turned only where something says which word is the given name: it is in `first_names.txt`, it is an
initial, or the source wrote `Family, Given` itself. Whatever else stays as it is written: an organisation
that is cut in two is worse than a person who is not.
"""

from __future__ import annotations

import re
from importlib.resources import files

from reco.sources.credits import ORGANISATIONS
from reco.text.clean import fold

_FIRST_NAMES = frozenset((files("reco.app.dossier") / "first_names.txt").read_text("utf-8").split())
_PARTICLES = frozenset("de du des d la le les von van der den di da del dos el al ben bin y".split())
_SEPARATOR = re.compile(r"[;|\n]|(?<=\s)/(?=\s)")
_AND = re.compile(r"(?<=\s)(?:et|and|&)(?=\s)", re.IGNORECASE)
_OTHERS = re.compile(r",?\s(?:et|and) (?:al\b\.?|alii|autres)$", re.IGNORECASE)
_ROLE = re.compile(
    r"^(?:sous la (?:dir\.|direction) d[e']|(?:coordonn|dirig|\wdit|\wcrit)\w* par|(?:dir|coord|\wd)\."
    r"|par|avec|et|M\.(?=\s\w+\s\w)|MM\.|M(?:me|lle)s?|Dr\.?|Pr\.?"
    r"|(?:auteur|autrice|coordinat\w+|coordination|direction|r\wdaction)(?:s|\(s\))?\s?:)\s+",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]*\)\s*$")
# Catalogues of libraries write "Hugo, Victor (1802-1885). Auteur du texte" and "Petit, Anne, 1960-".
_FUNCTION = re.compile(r"(?<=\))\.\s[^\W\d_][^().,]*$")
_LIFE = re.compile(r",\s1\d{3}-(?:\d{4}|\.{2,4})?$")
_INITIAL = re.compile(r"[^\W\d_]\.?(?:-[^\W\d_]\.?)?|(?:[^\W\d_]\.){2,3}")
_BEHIND = re.compile(r"([^()]+?)\s*\(([^()]+)\)")
_WORD = re.compile(r"[^\W\d_](?:[\w'’.-]*)")
_ELIDED = ("d'", "d’", "l'", "l’")
_MOST_WORDS = 6


def authors_of(line: str) -> tuple[str, ...]:
    """Return the authors of a line, each once: `"J. Dupont ; ADEME"` -> `("Dupont, J.", "ADEME")`."""
    found: list[str] = []
    for part in _SEPARATOR.split(line):
        text = " ".join(part.split()).strip(" ,")
        alone = _OTHERS.sub("", text)
        found += _people(alone) or [alone]
        found += ["et al."] if alone != text else []
    return tuple(dict.fromkeys(name for name in found if name))


def _people(text: str) -> list[str]:
    """Return the people that a text names, and organisations beside them; nothing if it may be one name."""
    if whole := _person(text):
        return [whole]
    sides = _AND.split(text)
    if len(sides) > 1 and all(several := [_listed(side.strip()) for side in sides]):
        return [name for names in several for name in names]
    return _listed(text)


def _listed(text: str) -> list[str]:
    """Return the names of a list with commas; nothing if it may be one name."""
    if whole := _person(text):
        return [whole]
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    pairs = [_inverted(*pieces[at : at + 2]) for at in range(0, len(pieces) - 1, 2)]
    if len(pieces) % 2 == 0 and all(pairs):
        return pairs
    if not pieces or not (first := _direct(_bare(pieces[0]))):
        return []
    others = ((_direct(_bare(piece)), piece) for piece in pieces[1:])
    # After a person, what starts with a small letter is that person's function.
    return [first, *(name or piece for name, piece in others if name or not piece[0].islower())]


def _person(text: str) -> str:
    """Return one person as `Family, Given`, "" if the text may be anything else."""
    # Libraries write DUPONT (Jean).
    if (match := _BEHIND.fullmatch(text.strip())) and (name := _inverted(_ROLE.sub("", match[1]), match[2])):
        return name
    bare = _bare(text)
    before, comma, after = bare.partition(",")
    return _inverted(before, after) if comma else _direct(bare)


def _bare(text: str) -> str:
    """Return a name without what stands before and after it: "dir. Anne Petit (Cerema)" -> "Anne Petit"."""
    text = _ASIDE.sub("", _LIFE.sub("", _FUNCTION.sub("", text)))
    return _ROLE.sub("", text.strip()).strip()


def _inverted(surname: str, given: str) -> str:
    """Return `Family, Given` where a source wrote it so."""
    names, firsts = surname.split(), given.split()
    # "Jean Martin, Paul Petit" are two people; "Petit Martin, Paul" is one.
    if not firsts or not all(map(_is_given, firsts)) or not _may_be_a_name(names):
        return ""
    return "" if len(firsts) > 1 and _direct(surname) else f"{' '.join(names)}, {' '.join(firsts)}"


def _direct(text: str) -> str:
    """Return `Family, Given` of "Given Family", "FAMILY Given" or "Family G.", "" for anything else."""
    words = text.split()
    if not 2 <= len(words) <= _MOST_WORDS or not _may_be_a_name(words):
        return ""
    leading = next((at for at, word in enumerate(words) if not _is_given(word)), len(words) - 1)
    trailing = next((at for at, word in enumerate(reversed(words)) if not _is_last(word, words)), 0)
    initial = _is_initial(words[-1])  # Martin is a given name too: not in "Martin P."
    if (
        trailing
        and (not leading or words[0].isupper() or (initial and not _is_initial(words[0])))
        and _may_be_a_name(words[:-trailing])
    ):
        return f"{' '.join(words[:-trailing])}, {' '.join(words[-trailing:])}"
    if leading and _may_be_a_name(words[leading:]):
        return f"{' '.join(words[leading:])}, {' '.join(words[:leading])}"
    return ""


def _is_last(word: str, words: list[str]) -> bool:
    """Whether the last word of a name is a given name: an initial, or one beside a surname in capitals."""
    if _is_initial(word) and "." in word:
        return True
    shouted = [other for other in words if len(other) > 1 and other.isupper() and not _is_initial(other)]
    return bool(shouted) and _is_given(word) and (word not in shouted or len(shouted) == len(words))


def _is_given(word: str) -> bool:
    return _is_initial(word) or (word[0].isupper() and fold(word).split("-")[0] in _FIRST_NAMES)


def _is_initial(word: str) -> bool:
    return word.isupper() and bool(_INITIAL.fullmatch(word))


def _may_be_a_name(words: list[str]) -> bool:
    """Whether words look like a surname, or a whole name: capitals, particles, no word of an organisation."""
    named = [word for word in words if fold(word) not in _PARTICLES]
    marks = ORGANISATIONS & set(re.split(r"[^a-z0-9]+", fold(" ".join(words))))
    return not marks and not all(map(_is_initial, named)) and all(map(_is_capitalised, named))


def _is_capitalised(word: str) -> bool:
    start = word[2:] if word[:2].casefold() in _ELIDED else word
    return start[:1].isupper() and bool(_WORD.fullmatch(start))

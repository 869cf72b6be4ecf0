"""Faults as they are made in French: a seeded generator that knows nothing of the corrector.

The kinds and their shares follow what is told of French typing: accents and apostrophes first, then
letters doubled or left out, spelling by ear, agreement, the next key of an AZERTY keyboard, and the
abbreviations of messages.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

_BY_EAR = (
    ("eau", "au"),
    ("eau", "o"),
    ("au", "o"),
    ("ph", "f"),
    ("qu", "k"),
    ("tion", "ssion"),
    ("tion", "cion"),
    ("ss", "c"),
    ("ç", "ss"),
    ("ce", "se"),
    ("ci", "si"),
    ("en", "an"),
    ("an", "en"),
    ("ai", "è"),
    ("ai", "é"),
    ("è", "ai"),
    ("ge", "je"),
    ("gi", "ji"),
    ("é", "er"),
    ("er", "é"),
    ("in", "ain"),
    ("y", "i"),
    ("th", "t"),
    ("ch", "sh"),
    ("x", "cs"),
    ("z", "s"),
    ("oi", "oua"),
    ("gn", "ni"),
    ("ill", "y"),
    ("h", ""),
)
_AZERTY = ("azertyuiop", "qsdfghjklm", "wxcvbn")
_MESSAGES = {
    "pour": "pr",
    "dans": "ds",
    "beaucoup": "bcp",
    "nous": "ns",
    "tout": "tt",
    "toute": "tte",
    "sans": "ss",
    "quand": "qd",
    "comment": "cmt",
    "pourquoi": "pk",
    "donc": "dc",
    "quelques": "qq",
    "problème": "pb",
    "toujours": "tjs",
    "logement": "lgt",
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
Fault = Callable[[str, random.Random], str]


def damaged(text: str, errors: int, seed: str) -> str:
    """Return a text with this many faults, in as many words where it has enough of them."""
    chance = random.Random(f"{seed} {errors}")
    places = [m.span() for m in _WORD.finditer(text) if _may_be_wrong(m.group())]
    chance.shuffle(places)
    wrong: list[tuple[int, int, str]] = []
    while places and len(wrong) < errors:
        start, end = places.pop()
        word = _with_a_fault(text[start:end], chance)
        if word != text[start:end]:
            wrong.append((start, end, word))
    for start, end, word in sorted(wrong, reverse=True):
        text = text[:start] + word + text[end:]
    return text


def _may_be_wrong(word: str) -> bool:
    """Whether a word is no name or acronym, and long enough to be typed wrongly or shortened."""
    return word[1:].islower() and (len(word) > 3 or word.lower() in _MESSAGES)


def _with_a_fault(word: str, chance: random.Random) -> str:
    kinds, shares = zip(*_KINDS, strict=True)
    for _ in range(20):
        wrong = chance.choices(kinds, shares)[0](word, chance)
        if wrong != word:
            return wrong
    return word


def _accents(word: str, chance: random.Random) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _other_accent(word: str, chance: random.Random) -> str:
    return word.translate(str.maketrans("éèê", chance.choice(("èéé", "êéè"))))


def _apostrophe(word: str, chance: random.Random) -> str:
    return re.sub("['’]", chance.choice(("", " ")), word)


def _single(word: str, chance: random.Random) -> str:
    return re.sub(r"([^\W\d_])\1", r"\1", word, count=1)


def _double(word: str, chance: random.Random) -> str:
    places = [m.start() for m in re.finditer(r"(?<=[aeiouyéè])[lmnprstfc](?=[aeiouyé])", word)]
    at = chance.choice(places) if places else -1
    return word[:at] + word[at] + word[at:] if places else word


def _left_out(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    return word[:at] + word[at + 1 :] if word[at].isalpha() else word


def _swapped(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    pair = word[at : at + 2]
    return word[:at] + pair[::-1] + word[at + 2 :] if pair.isalpha() else word


def _next_key(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    for row in _AZERTY:
        place = row.find(word[at])
        if place >= 0:
            near = [row[p] for p in (place - 1, place + 1) if 0 <= p < len(row)]
            return word[:at] + chance.choice(near) + word[at + 1 :]
    return word


def _by_ear(word: str, chance: random.Random) -> str:
    old, new = chance.choice([pair for pair in _BY_EAR if pair[0] in word] or [("", "")])
    return word.replace(old, new, 1) if old else word


def _mute_end(word: str, chance: random.Random) -> str:
    return re.sub(r"(?:[tdsxp]|ent)$", "", word) if len(word) > 4 else word


def _agreement(word: str, chance: random.Random) -> str:
    return word[:-1] if word.endswith(("s", "e")) else word + chance.choice("se")


def _message(word: str, chance: random.Random) -> str:
    return _MESSAGES.get(word, word)


_KINDS: tuple[tuple[Fault, float], ...] = (
    (_accents, 5),
    (_other_accent, 1),
    (_apostrophe, 3),
    (_single, 2.5),
    (_double, 2),
    (_left_out, 1.5),
    (_swapped, 1),
    (_next_key, 1),
    (_by_ear, 4),
    (_mute_end, 1),
    (_agreement, 2),
    (_message, 3),
)

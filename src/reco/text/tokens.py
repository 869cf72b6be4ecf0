"""French words as a search engine reads them: elisions cut, accents folded, stems and grams taken."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from reco.text.clean import bare

_APOSTROPHES = "’ʼ‘`"
_GAPS = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}.,"
_TOKEN = re.compile(rf"(?<![\w.,])[1-9]\d{{0,2}}(?:[{_GAPS}]\d{{3}})+(?![\w]|[.,]\d)|\w+(?:'\w+)*")
_ELISION = re.compile(r"^(?:l|d|j|m|n|s|t|c|qu|jusqu|lorsqu|puisqu|quoiqu|entr|presqu)'", re.IGNORECASE)
_PIECE = re.compile(r"[^'_]+")
_THOUSANDS = str.maketrans("", "", _GAPS)
READING = 2
"""Raised with every change of what is read of a text: indexes made before are made anew."""
GRAM = 4
_LOCAL = threading.local()

STOP_WORDS = frozenset(
    "a afin ai aie aient aies ainsi ait alors après as au aucun aucune aura aurai auraient aurais "
    "aurait auras aurez auriez aurions aurons auront aussi autre autres aux avaient avais avait avant "
    "avec avez aviez avions avoir avons ayant ayante ayantes ayants ayez ayons c car ce ceci cela celle "
    "celles celui certaines certains ces cet cette ceux chaque chez ci combien comme comment d dans de "
    "depuis des doit doivent donc dont du dès déjà elle elles en encore entre es est et etaient etait "
    "etant etc ete etes etre eu eue eues eurent eus eusse eussent eusses eussiez eussions eut eux eûmes "
    "eût eûtes faire fait faut font furent fus fusse fussent fusses fussiez fussions fut fûmes fût "
    "fûtes grace ici il ils j je jusqu l la laquelle le lequel les lesquelles lesquels leur leurs lors "
    "lui là m ma mais me meme memes mes moi moins mon même mêmes n ne ni nos notre nous on ont or ou où "
    "par parce pas pendant peu peut peuvent plus plusieurs pour pourquoi pouvoir puis qu quand que quel "
    "quelle quelles quels qui quoi s sa sans se selon sera serai seraient serais serait seras serez "
    "seriez serions serons seront ses si soient sois soit sommes son sont sous soyez soyons suis sur t "
    "ta te tel telle telles tels tes toi ton tous tout toute toutes tres très tu un une vers via voici "
    "voila vos votre vous y à ça étaient étais était étant étante étantes étants étiez étions été étée "
    "étées étés êtes être".split()
)


@dataclass(frozen=True)
class Word:
    """A word of a text: `text[start:end]` as written, its `stem` and its `grams` as indexed."""

    stem: str
    start: int
    end: int
    grams: tuple[str, ...]


def words(text: str) -> list[Word]:
    """Return the indexed words of `text` in order; stop words and lone letters are left out.

    Compounds are read as their parts, so that "tiers-lieux" and "tiers lieux" meet, and a number written in
    groups of three figures ("1 200", "1.200") is one word.
    """
    found = []
    for match in _TOKEN.finditer(_plain(text)):
        at = match.start()
        for word in _read(match.group()):
            found.append(Word(word.stem, at + word.start, at + word.end, word.grams))
    return found


def tokens(text: str) -> list[str]:
    """Return the tokens of a text as written: each is read by itself, so an index reads it only once."""
    return _TOKEN.findall(_plain(text))


def stems(text: str) -> list[str]:
    """Return the stems of `words(text)`."""
    return [word.stem for token in tokens(text) for word in _read(token)]


def runs(text: str) -> list[str]:
    """Return the grams of `words(text)`, one word's after the other's."""
    return [gram for token in tokens(text) for word in _read(token) for gram in word.grams]


def _plain(text: str) -> str:
    # A quarter of what `str.translate` takes, for most texts have none or one of them.
    for apostrophe in _APOSTROPHES:
        text = text.replace(apostrophe, "'")
    return text


@lru_cache(maxsize=100_000)
def _read(token: str) -> tuple[Word, ...]:
    """Return the indexed words of a token; their places start at its own beginning.

    Texts are made of few tokens, seen again and again.
    """
    found = []
    for start, end in _pieces(token):
        piece = token[start:end].casefold().translate(_THOUSANDS)
        if piece in STOP_WORDS or (len(piece) < 2 and not piece.isdigit()):
            continue
        found.append(Word(stem(piece), start, end, grams(piece)))
    return tuple(found)


def stem(word: str) -> str:
    """Return the Snowball French stem of a lower-case word, accents folded first.

    Requests are often typed without accents: "renovation" and "rénovation" must meet.
    """
    return sys.intern(str(_stemmer().stemWord(_folded(word))))


def grams(word: str) -> tuple[str, ...]:
    """Return the distinct runs of four characters of a word between its boundaries.

    They meet where stems do not: typing errors, compounds, énergie and énergétique.
    """
    marked = f"_{_folded(word)}_"
    found = [sys.intern(marked[i : i + GRAM]) for i in range(max(1, len(marked) - GRAM + 1))]
    return tuple(dict.fromkeys(found))


def _folded(word: str) -> str:
    return word if word.isascii() else bare(word.replace("œ", "oe").replace("æ", "ae"))


def _pieces(token: str) -> list[tuple[int, int]]:
    elided = _ELISION.match(token)
    start = elided.end() if elided is not None and elided.end() < len(token) else 0
    return [match.span() for match in _PIECE.finditer(token, start)]


def _stemmer() -> Stemmer.Stemmer:
    # A stemmer keeps state between calls and is not safe to share between threads.
    if not hasattr(_LOCAL, "stemmer"):
        # Without PyStemmer's own memory: past ten thousand words it takes six times what it spares.
        _LOCAL.stemmer = Stemmer.Stemmer("french", 0)
    stemmer: Stemmer.Stemmer = _LOCAL.stemmer
    return stemmer

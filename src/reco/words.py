"""French words as a search engine reads them: elisions cut, stems taken, accents folded."""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass

import Stemmer

_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "`": "'"})
_TOKEN = re.compile(r"\w+(?:'\w+)*")
_ELISION = re.compile(r"^(?:l|d|j|m|n|s|t|c|qu|jusqu|lorsqu|puisqu|quoiqu|entr|presqu)'", re.IGNORECASE)
_LOCAL = threading.local()

STOP_WORDS = frozenset(
    "a afin ai ainsi alors as au aucun aura aussi autre autres aux avait avant avec avoir ayant c ce "
    "ceci cela celle celles celui ces cet cette ceux chez ci comme comment d dans de des donc dont du "
    "elle elles en encore entre es est et etaient etait etant ete etes etre eu eux fait font furent fut "
    "grace il ils j je jusqu l la le les leur leurs lors lui m ma mais me meme memes mes moi moins mon "
    "n ne ni nos notre nous on ont ou où par parce pas pendant peu peut peuvent plus plusieurs pour "
    "pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se sera seront ses si soit "
    "sommes son sont sous sur t ta te tel telle tes toi ton tous tout toute toutes tres très tu un une "
    "vers voici voila vos votre vous y à été êtes être".split()
)


@dataclass(frozen=True)
class Word:
    """A word of a text: `text[start:end]` as written, and its `stem` as indexed."""

    stem: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Return the indexed words of `text` in order; stop words and lone letters are left out.

    Compounds are read as their parts, so that "tiers-lieux" and "tiers lieux" meet.
    """
    found = []
    flat = text.translate(_APOSTROPHES)
    for match in _TOKEN.finditer(flat):
        for start, end in _pieces(flat, match.start(), match.end()):
            piece = flat[start:end].casefold()
            if piece in STOP_WORDS or (len(piece) < 2 and not piece.isdigit()):
                continue
            found.append(Word(stem(piece), start, end))
    return found


def stem(word: str) -> str:
    """Return the Snowball French stem of a lower-case word, then without accents.

    The order matters: the stemmer knows accented endings, and forms meet only once folded.
    """
    stemmed = _stemmer().stemWord(unicodedata.normalize("NFC", word))
    decomposed = unicodedata.normalize("NFKD", stemmed.replace("œ", "oe").replace("æ", "ae"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    elided = _ELISION.match(text[start:end])
    if elided is not None and elided.end() < end - start:
        start += elided.end()
    return [(start + m.start(), start + m.end()) for m in re.finditer(r"[^'_]+", text[start:end])]


def _stemmer() -> Stemmer.Stemmer:
    # A stemmer keeps state between calls and is not safe to share between threads.
    if not hasattr(_LOCAL, "stemmer"):
        _LOCAL.stemmer = Stemmer.Stemmer("french")
    stemmer: Stemmer.Stemmer = _LOCAL.stemmer
    return stemmer

"""French words for a search index: elisions cut, accents folded, stems and 4-grams taken."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import Stemmer

from reco.text.clean import bare

_APOSTROPHES = "’ʼ‘`"
_GAPS = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}.,"
_TOKEN = re.compile(rf"(?<![\w.,])[1-9]\d{{0,2}}(?:[{_GAPS}]\d{{3}})+(?![\w]|[.,]\d)|\w+(?:'\w+)*")
_ELISION = re.compile(r"^(?:l|d|j|m|n|s|t|c|qu|jusqu|lorsqu|puisqu|quoiqu|entr|presqu)'", re.IGNORECASE)
_PIECE = re.compile(r"[^'_]+")
_THOUSANDS = str.maketrans("", "", _GAPS)
READING = 2
"""Version of the words of a text. Raise it with every change here: older indexes are then rebuilt."""
GRAM = 4

STOP_WORDS = frozenset((files("reco.text") / "stop_words.txt").read_text("utf-8").split())


class _Local(threading.local):
    """One stemmer per thread: it keeps state between calls."""

    def __init__(self) -> None:
        # 0 turns PyStemmer's cache off: past ten thousand words it costs six times what it saves.
        self.stemmer = Stemmer.Stemmer("french", 0)


_LOCAL = _Local()


@dataclass(frozen=True)
class Word:
    """A word of a text: `text[start:end]` as written, and the `stem` and `grams` that are indexed."""

    stem: str
    start: int
    end: int
    grams: tuple[str, ...]


def words(text: str) -> list[Word]:
    """Return the indexed words of `text`, in order, without stop words and lone letters.

    A compound gives its parts, so that "tiers-lieux" matches "tiers lieux". A number in groups of three
    digits ("1 200", "1.200") is one word.
    """
    indexed = []
    for match in _TOKEN.finditer(_plain(text)):
        at = match.start()
        for word in _token_words(match.group()):
            indexed.append(Word(word.stem, at + word.start, at + word.end, word.grams))
    return indexed


def tokens(text: str) -> list[str]:
    """Return the tokens of `text` as written. Tokens are independent: an index analyses each only once."""
    return _TOKEN.findall(_plain(text))


def stems(text: str) -> list[str]:
    """Return the stems of `words(text)`."""
    return [word.stem for token in tokens(text) for word in _token_words(token)]


def runs(text: str) -> list[str]:
    """Return the grams of `words(text)`, word by word."""
    return [gram for token in tokens(text) for word in _token_words(token) for gram in word.grams]


def _plain(text: str) -> str:
    # Takes a quarter of the time of `str.translate`: most texts have one kind of apostrophe or none.
    for apostrophe in _APOSTROPHES:
        text = text.replace(apostrophe, "'")
    return text


@lru_cache(maxsize=100_000)
def _token_words(token: str) -> tuple[Word, ...]:
    """Return the indexed words of a token; positions count from its start.

    Cached, because texts repeat few distinct tokens.
    """
    indexed = []
    for start, end in _pieces(token):
        piece = token[start:end].casefold().translate(_THOUSANDS)
        if piece in STOP_WORDS or (len(piece) < 2 and not piece.isdigit()):
            continue
        indexed.append(Word(stem(piece), start, end, grams(piece)))
    return tuple(indexed)


def stem(word: str) -> str:
    """Return the Snowball stem of a lower-case French word, accents folded first.

    Queries are often typed without accents: "renovation" must match "rénovation".
    """
    return sys.intern(_LOCAL.stemmer.stemWord(_folded(word)))


def grams(word: str) -> tuple[str, ...]:
    """Return the distinct 4-grams of a word, boundaries included: "eau" -> ("_eau", "eau_").

    They match where stems do not: typing errors, compounds, "énergie" with "énergétique".
    """
    marked = f"_{_folded(word)}_"
    runs_of_four = [sys.intern(marked[i : i + GRAM]) for i in range(max(1, len(marked) - GRAM + 1))]
    return tuple(dict.fromkeys(runs_of_four))


def _folded(word: str) -> str:
    return word if word.isascii() else bare(word.replace("œ", "oe").replace("æ", "ae"))


def _pieces(token: str) -> list[tuple[int, int]]:
    elided = _ELISION.match(token)
    start = elided.end() if elided is not None and elided.end() < len(token) else 0
    return [match.span() for match in _PIECE.finditer(token, start)]

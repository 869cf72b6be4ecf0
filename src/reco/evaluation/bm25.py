"""The lexical baseline of evaluations: bm25s with its defaults."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import bm25s
import numpy as np
import Stemmer

logging.getLogger("bm25s").setLevel(logging.WARNING)
_FRENCH = frozenset("le la les des une est dans pour que qui sur avec par au du".split())
_ENGLISH = frozenset("the of and to in is that for with as are this be by on".split())
_WORD = re.compile(r"[a-zà-ÿ]+")


class Bm25Reference:
    """bm25s with default parameters, and Snowball stems and stop words of the documents' language."""

    def __init__(self, documents: Sequence[str]) -> None:
        self._language = language(documents)
        self._stemmer = Stemmer.Stemmer(self._language)
        self._engine = bm25s.BM25()
        self._engine.index(self._tokens(documents), show_progress=False)

    def rank(self, query: str, depth: int) -> list[int]:
        """Return at most `depth` rows that share a term with the query, best first, ties by row."""
        tokens = self._tokens([query])[0]
        scores = self._engine.get_scores(tokens) if tokens else np.zeros(0)
        order = np.lexsort((np.arange(len(scores)), -scores))[:depth]
        return [int(row) for row in order if scores[row] > 0]

    def _tokens(self, texts: Sequence[str]) -> list[list[str]]:
        tokens: list[list[str]] = bm25s.tokenize(
            list(texts),
            stopwords=self._language,
            stemmer=self._stemmer,
            return_ids=False,
            show_progress=False,
        )
        return tokens


def language(documents: Sequence[str]) -> str:
    """Return `french` or `english`, the language whose commonest words are more frequent."""
    words = [word for text in documents[:500] for word in _WORD.findall(text[:2000].casefold())]
    french = sum(word in _FRENCH for word in words)
    return "english" if sum(word in _ENGLISH for word in words) > french else "french"

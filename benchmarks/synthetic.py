"""Synthetic catalogues of any size, with the text lengths and the skewed word counts of real ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reco.text.tokens import STOP_WORDS

VOCABULARY = 40_000
TITLE_WORDS = 10
SUMMARY_WORDS = 41
SENTENCES = 2
"""Means over the bundled catalogue."""

_ONSETS = "b c d f g j l m n p r s t v ch br cr dr fr gr pl pr tr".split()
_RHYMES = "a e é i o u ai an au en eu in oi on ou eur elle ation ment age".split()
_STOP_SHARE = 0.4


def rows(versions: Sequence[int], seed: int = 0) -> Iterator[dict[str, str]]:
    """Yield one resource per version. Another version of a resource has another summary."""
    words = Words(seed)
    for number, version in enumerate(versions):
        yield words.row(number, version)


def write(path: Path, table: Iterable[dict[str, str]]) -> None:
    """Write rows as JSON Lines."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table)


class Words:
    """A random source of words: a share of stop words, the others by Zipf's law."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        generator = np.random.default_rng(seed)
        made: dict[str, None] = {}
        while len(made) < VOCABULARY:
            made[_word(generator)] = None
        self._words = np.asarray(list(made))
        self._stops = np.asarray(sorted(STOP_WORDS))
        ranks = np.arange(1, VOCABULARY + 1, dtype=np.float64)
        self._chances = np.cumsum(1 / ranks) / np.sum(1 / ranks)

    def row(self, number: int, version: int) -> dict[str, str]:
        """Return the row of one resource in one version."""
        title = self._draw(np.random.default_rng([self._seed, number]), TITLE_WORDS)
        generator = np.random.default_rng([self._seed, number, version])
        length = max(6, int(generator.normal(SUMMARY_WORDS, SUMMARY_WORDS / 3)))
        sentences = np.array_split(self._draw(generator, length), SENTENCES)
        return {
            "id": f"r{number:07}",
            "title": " ".join(title).capitalize(),
            "publisher": f"Éditeur {number % 300}",
            "year": str(1990 + number % 35),
            "type": ("guide", "report", "book")[number % 3],
            "theme": f"Thème {number % 27}",
            "url": f"https://exemple.fr/{number}",
            "summary": " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences),
            "language": "fr",
        }

    def _draw(self, generator: np.random.Generator, count: int) -> NDArray[np.str_]:
        drawn = self._words[np.searchsorted(self._chances, generator.random(count))]
        stops = self._stops[generator.integers(len(self._stops), size=count)]
        return np.where(generator.random(count) < _STOP_SHARE, stops, drawn)


def _word(generator: np.random.Generator) -> str:
    syllables = range(int(generator.integers(2, 5)))
    return "".join(
        _ONSETS[generator.integers(len(_ONSETS))] + _RHYMES[generator.integers(len(_RHYMES))]
        for _ in syllables
    )

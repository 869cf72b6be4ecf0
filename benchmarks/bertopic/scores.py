"""Measures for both systems. They use only the groups and the words that a system shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from reco.text.tokens import stem

Labels = NDArray[np.int64]
ABSENT = -9
"""Label of a text outside a resample; -1 is an outlier."""
_WORD = re.compile(r"\w\w+")


def npmi(topics: Sequence[Sequence[str]], texts: Sequence[str], stems: bool = False) -> float:
    """Return the NPMI of word pairs that occur in the same texts, averaged by topic, then over topics.

    NPMI is log(p(a, b) / p(a) p(b)) / -log p(a, b), and -1 for words that share no text (Bouma 2009; Lau,
    Newman and Baldwin 2014). `stems` compares words by their stem.
    """
    shown = [[_form(word, stems) for word in words] for words in topics]
    vocabulary = {word for words in shown for word in words}
    holders: dict[str, set[int]] = {word: set() for word in vocabulary}
    for row, text in enumerate(texts):
        for word in {_form(match, stems) for match in _WORD.findall(text.casefold())} & vocabulary:
            holders[word].add(row)
    means = [
        np.mean([_npmi(holders[a], holders[b], len(texts)) for a, b in combinations(dict.fromkeys(words), 2)])
        for words in shown
        if len(set(words)) > 1
    ]
    return float(np.mean(means))


def diversity(topics: Sequence[Sequence[str]], stems: bool = False) -> float:
    """Return the share of distinct words among the words of all topics (Dieng, Ruiz and Blei 2020)."""
    words = [_form(word, stems) for topic in topics for word in topic]
    return len(set(words)) / len(words)


def of_first(topics: Sequence[Sequence[str]], count: int, texts: Sequence[str]) -> dict[str, float]:
    """Return coherence and diversity of the first `count` words of each topic.

    Fewer words have more diversity by chance, so systems are compared on the same number of words.
    """
    first = [topic[:count] for topic in topics]
    return {"npmi": npmi(first, texts), "diversity": diversity(first)}


def stability(resamples: Sequence[Labels]) -> float:
    """Return the mean adjusted Rand index of two resamples, over the texts of both.

    Outliers count as a group: a text that is an outlier in one resample only is not stable.
    """
    pairs = combinations(resamples, 2)
    return float(np.mean([adjusted_rand_score(*_both(first, second)) for first, second in pairs]))


def agreement(labels: Labels, known: Sequence[str], outliers: bool = True) -> float:
    """Return the adjusted mutual information with known labels (Vinh, Epps and Bailey 2010).

    Outliers count as a group or, with `outliers=False`, are left out. Texts without a known label are always
    left out.
    """
    chosen = np.asarray([bool(label) for label in known]) & (outliers | (labels >= 0))
    return float(
        adjusted_mutual_info_score(np.asarray(known, dtype=object)[chosen].astype(str), labels[chosen])
    )


def _form(word: str, stems: bool) -> str:
    return stem(word.casefold()) if stems else word.casefold()


def _npmi(first: set[int], second: set[int], texts: int) -> float:
    together = len(first & second) / texts
    if together in (0.0, 1.0):
        return 2 * together - 1
    return float(np.log(together * texts**2 / (len(first) * len(second))) / -np.log(together))


def _both(first: Labels, second: Labels) -> tuple[Labels, Labels]:
    present = (first != ABSENT) & (second != ABSENT)
    return first[present], second[present]

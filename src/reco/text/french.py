"""French words: which forms are correct, and how frequent the common ones are.

`french_words.xz` is made by `scripts/french_words.py`. Its forms come from Grammalecte's dictionary 7.0
(MPL 2.0), its frequencies from pyspellchecker (MIT).
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

_CLASSES = {sign: value for value, sign in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_OFFSET = 32


@dataclass(frozen=True)
class French:
    """The correct forms, as sorted hashes of 64 bits, and the frequency class, 0 to 35, of each common word.

    Five classes are a factor of ten. A set of the forms would take 45 MB, their hashes take 3.
    """

    hashes: NDArray[np.int64]
    classes: Mapping[str, int]

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is a correct form; "oe" may stand for "œ", which few keyboards have."""
        return self._has(word) or ("oe" in word and self._has(word.replace("oe", "œ")))

    def _has(self, word: str) -> bool:
        wanted = hash(word)
        place = int(np.searchsorted(self.hashes, wanted))
        return place < len(self.hashes) and bool(self.hashes[place] == wanted)

    def commonest(self, count: int) -> list[str]:
        """Return the `count` most frequent words, the most frequent first."""
        return sorted(self.classes, key=lambda word: (-self.classes[word], word))[:count]


@lru_cache(maxsize=1)
def french() -> French:
    """Return the bundled words. The first call takes about a third of a second."""
    packed = (files("reco.text") / "french_words.xz").read_bytes()
    return _read(lzma.decompress(packed).decode().split("\n"))


def _read(lines: Iterable[str]) -> French:
    """Read lines of: length shared with the word before, rest of the word, class if it has one."""
    forms, classes, before = [], {}, ""
    for line in lines:
        word = before[: ord(line[0]) - _OFFSET] + line[1:]
        rank = _CLASSES.get(word[-1])
        if rank is not None:
            word = word[:-1]
            classes[word] = rank
        forms.append(word)
        before = word
    return French(np.sort(np.fromiter(map(hash, forms), np.int64, len(forms))), classes)

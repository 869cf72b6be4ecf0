"""Which written forms are verbs and which are names, told by what stands beside them in the texts themselves.

Only the closed classes of French grammar are known beforehand, its articles, pronouns and a few prepositions:
a finite verb comes after a subject and before an article, a noun after an article; a name keeps its capital
within a sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reco.words import STOP_WORDS

_TOKEN = re.compile(r"\w+'?|[^\w\s]|\n")
_SUBJECTS = frozenset("je j' tu il elle on nous vous ils elles qui se s' ne n'".split())
_ARTICLES = frozenset(
    "le la les l' un une ce cet cette ces son sa ses mon ma mes notre nos votre vos leur leurs".split()
)
_MERGED = frozenset("du des au aux".split())
"""A preposition and an article in one word: before a noun as any article, but also after one."""
_AUXILIARIES = frozenset("est sont était étaient sera seront a ont avait avaient".split())
_OPENING = frozenset(("de", "d'", "à", "pour"))
"""What may come before an infinitive within a noun phrase: "permis de conduire"."""
_JOINING = frozenset(("et", "ou"))
_PREPOSITIONS = frozenset("de d' du des à au aux en par pour dans sur".split())
_INFINITIVE = ("er", "ir", "re")
_PROOF = 2
"""Times that a form is seen beside such a word before it counts for anything."""
_VERB = 0.25
"""Share of its occurrences beside what goes with verbs from which a form is one."""
_NAME = 0.9
_FIXED = 0.8
"""Share of its occurrences between "en" and "de" from which a form begins no phrase: "en matière de"."""


@dataclass(frozen=True)
class Grammar:
    """Forms, in lower case, that are verbs, adverbs or prepositions rather than nouns, that are names, and
    that hardly come but after "en"."""

    verbs: frozenset[str]
    names: frozenset[str]
    fixed: frozenset[str]

    @classmethod
    def read(cls, texts: Iterable[str]) -> Grammar:
        """Read each text once."""
        seen: dict[str, Counter[str]] = {
            kind: Counter() for kind in ("all", "verb", "noun", "in", "en", "name")
        }
        for text in texts:
            written = _tokens(text)
            forms = [token.casefold() for token in written]
            for before, at, form, after in zip(["", *forms], written, forms, [*forms[1:], ""], strict=False):
                if not form[0].isalpha():
                    continue
                seen["all"][form] += 1
                if before in _SUBJECTS:
                    seen["verb"][form] += 1
                elif before in _ARTICLES or before in _MERGED:
                    seen["noun"][form] += 1
                if after in _ARTICLES:
                    seen["verb"][form] += 1
                elif before == "en" and after in ("de", "d'"):
                    seen["en"][form] += 1
                if before and (before[0].isalnum() or before[-1] == "'"):
                    seen["in"][form] += 1
                    if at[0].isupper():
                        seen["name"][form] += 1
        verbs = _mostly(seen["verb"], seen["all"], _VERB)
        return cls(
            frozenset(form for form in verbs if seen["verb"][form] > seen["noun"][form]),
            _mostly(seen["name"], seen["in"], _NAME),
            _mostly(seen["en"], seen["all"], _FIXED),
        )

    def is_nominal(self, phrase: str) -> bool:
        """Whether a phrase is of nouns and what goes with them, or an infinitive and its object.

        "Restaurer les milieux" is one, "l'agence met" and "matière de tri" are none.
        """
        forms = [token.casefold() for token in _tokens(phrase)]
        for before, form in zip(["", *forms], forms, strict=False):
            opens = not before or before in _OPENING
            infinitive = opens and form.endswith(_INFINITIVE)
            if before in _JOINING and form in _PREPOSITIONS:  # "et de l'emploi": half of what it joins is cut
                return False
            if form in _AUXILIARIES or (form in self.verbs and form not in STOP_WORDS and not infinitive):
                return False
        return forms[0] not in self.fixed


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.replace("’", "'"))


def _mostly(some: Counter[str], of: Counter[str], share: float) -> frozenset[str]:
    return frozenset(form for form, count in some.items() if count >= max(_PROOF, share * of[form]))

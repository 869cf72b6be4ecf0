"""A small French grammar, learnt from a catalogue's texts: verbs, nouns, proper names and other forms.

It counts the neighbours of each form. Only closed classes (articles, pronouns, a few prepositions) are
given: a finite verb follows a subject or precedes an article, a noun follows an article, and a proper
name has a capital inside sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reco.text.tokens import STOP_WORDS

_TOKEN = re.compile(r"\w+'?|[^\w\s]|\n")
_SUBJECTS = frozenset("je j' tu il elle on nous vous ils elles qui se s' ne n'".split())
_ARTICLES = frozenset(
    "le la les l' un une ce cet cette ces son sa ses mon ma mes notre nos votre vos leur leurs".split()
)
_MERGED = frozenset("du des au aux".split())
"""A preposition and an article in one word: before a noun, like an article, but also after a noun."""
_AUXILIARIES = frozenset("est sont était étaient sera seront être a ont avait avaient avoir".split())
_CLAUSES = frozenset("qui que qu' dont où car mais ni si comme quand lorsque afin lors grâce".split())
"""Words that begin a clause or its complement: never inside a noun phrase."""
_BEFORE_INFINITIVE = frozenset(("de", "d'", "à", "pour"))
"""Words before an infinitive inside a noun phrase: "permis de conduire"."""
_INTO = frozenset(("en", "au"))
_GOVERNED = frozenset("de d' du des à au aux".split())
_WITH_INFINITIVE = frozenset(("de", "d'", "à"))
"""Words that link an infinitive without an object to a noun: "permis de conduire"."""
_JOINING = frozenset(("et", "ou"))
_PREPOSITIONS = frozenset("de d' du des à au aux en par pour dans sur".split())
_INFINITIVE = ("er", "ir", "re")
_SURE_INFINITIVE = ("er", "ir")
"""Endings of a form that is an infinitive if no article comes before it."""
_IMPERATIVE = ("ons", "ez")
_DEICTIC = (_ARTICLES - frozenset("le la les l' un une".split())) | frozenset(("votre", "vos"))
"""Determiners that refer outside the phrase: "modernisation de son réseau"."""
_FEWEST_SEEN = 2
"""Occurrences beside a known word below which a form has no class."""
_VERB_SHARE = 0.25
"""Share of its occurrences after subjects or before articles from which a form is a verb."""
_NAME_SHARE = 0.9
"""Share of its occurrences inside sentences with a capital from which a form is a proper name."""
_NOUN_SHARE = 0.5
"""Share of its occurrences after a word that follow an article or a preposition: from here on, a noun."""
_TAIL_SHARE = 0.2
"""The same share: below it, an adjective or an adverb that begins no phrase ("solidaire", "mieux")."""
_GOVERNING_SHARE = 0.8
"""Share of its occurrences before "de" or "à" from which a form needs a complement: "auprès", "achat"."""
_FIXED_SHARE = 0.8
"""Share of its occurrences between "en" and "de" from which a form begins no phrase: "en matière de"."""


@dataclass(frozen=True)
class Grammar:
    """The classes of forms, in lower case.

    `fixed` forms are mostly between "en" and "de" ("en matière de"). `tails` are adjectives and adverbs,
    which follow their noun ("solidaire"). `governing` forms need a complement ("auprès de", "achat de").
    """

    verbs: frozenset[str]
    names: frozenset[str]
    fixed: frozenset[str]
    nouns: frozenset[str]
    infinitives: frozenset[str]
    tails: frozenset[str]
    governing: frozenset[str]

    @classmethod
    def read(cls, texts: Iterable[str]) -> Grammar:
        """Learn the grammar of texts, each read once."""
        seen: dict[str, Counter[str]] = {
            kind: Counter() for kind in ("all", "verb", "noun", "in", "en", "name", "led", "tied", "of")
        }
        for text in texts:
            tokens = _tokens(text)
            forms = [token.casefold() for token in tokens]
            for before, word, form, after in zip(["", *forms], tokens, forms, [*forms[1:], ""], strict=False):
                if not form[0].isalpha():
                    continue
                seen["all"][form] += 1
                seen["of"][form] += after in _GOVERNED
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
                    if before not in _JOINING:
                        seen["led"][form] += 1
                        seen["tied"][form] += before in _ARTICLES or before in _PREPOSITIONS
                    if word[0].isupper():
                        seen["name"][form] += 1
        verbs = _mostly(seen["verb"], seen["all"], _VERB_SHARE)
        verbs = frozenset(form for form in verbs if seen["verb"][form] > seen["noun"][form])
        infinitives = frozenset(
            form
            for form in seen["all"]
            if form.endswith(_INFINITIVE)
            and (form in verbs or (form.endswith(_SURE_INFINITIVE) and not seen["noun"][form]))
        )
        return cls(
            verbs,
            _mostly(seen["name"], seen["in"], _NAME_SHARE),
            _mostly(seen["en"], seen["all"], _FIXED_SHARE),
            _mostly(seen["tied"], seen["led"], _NOUN_SHARE) - infinitives,
            infinitives,
            frozenset(
                form
                for form, count in seen["led"].items()
                if count >= _FEWEST_SEEN and seen["tied"][form] < _TAIL_SHARE * count
            ),
            _mostly(seen["of"], seen["all"], _GOVERNING_SHARE),
        )

    def is_nominal(self, phrase: str) -> bool:
        """Whether a phrase is a noun phrase, or an infinitive and its object.

        "Restaurer les milieux" is; "l'agence met", "matière de tri", "solidaire dans le quartier",
        "offrons à tous" and "réseau de son territoire" are not.
        """
        forms = [token.casefold() for token in _tokens(phrase)]
        if not (_DEICTIC | _CLAUSES).isdisjoint(forms) or not self._may_open(forms[0]):
            return False
        if forms[0] in self.infinitives and self.nouns.isdisjoint(forms[1:]):  # "rendre accessible"
            return False
        if forms[-1] in self.infinitives and forms[-2] not in _WITH_INFINITIVE:  # "un compteur pour trouver"
            return False
        for before, form in zip(["", *forms], forms, strict=False):
            opens = not before or before in _BEFORE_INFINITIVE
            infinitive = opens and form.endswith(_INFINITIVE)
            if before in _JOINING and form in _PREPOSITIONS:  # "et de l'emploi": the first half is cut off
                return False
            if form in _AUXILIARIES or (form in self.verbs and form not in STOP_WORDS and not infinitive):
                return False
        return True

    def is_cut(self, phrase: str) -> bool:
        """Whether a phrase followed by a complement is incomplete without it. It is when

        - it begins with an infinitive, whose object may be cut;
        - it ends with a noun not linked to the word before: "mur rue", from "mur rue Monge";
        - "en" or "au" comes before its last word: "en situation", from "en situation de handicap";
        - its last word needs a complement: "auprès".
        """
        forms = [token.casefold() for token in _tokens(phrase)]
        first, before, last = forms[0], forms[-2], forms[-1]
        word = before[0].isalnum() and before not in STOP_WORDS and before[-1] != "'"
        juxtaposed = word and last in self.nouns
        return first in self.infinitives or juxtaposed or before in _INTO or last in self.governing

    def _may_open(self, form: str) -> bool:
        if form in self.infinitives:
            return True
        commands = form.endswith(_IMPERATIVE) and form not in self.nouns
        return form not in self.fixed and form not in self.tails and not commands


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.replace("’", "'"))


def _mostly(some: Counter[str], of: Counter[str], share: float) -> frozenset[str]:
    return frozenset(form for form, count in some.items() if count >= max(_FEWEST_SEEN, share * of[form]))

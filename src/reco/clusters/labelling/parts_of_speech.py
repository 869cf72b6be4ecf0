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

from reco.text.tokens import STOP_WORDS

_TOKEN = re.compile(r"\w+'?|[^\w\s]|\n")
_SUBJECTS = frozenset("je j' tu il elle on nous vous ils elles qui se s' ne n'".split())
_ARTICLES = frozenset(
    "le la les l' un une ce cet cette ces son sa ses mon ma mes notre nos votre vos leur leurs".split()
)
_MERGED = frozenset("du des au aux".split())
"""A preposition and an article in one word: before a noun as any article, but also after one."""
_AUXILIARIES = frozenset("est sont était étaient sera seront être a ont avait avaient avoir".split())
_CLAUSES = frozenset("qui que qu' dont où car mais ni si comme quand lorsque afin lors grâce".split())
"""What begins a clause, or a complement of one: no noun phrase has it within."""
_OPENING = frozenset(("de", "d'", "à", "pour"))
"""What may come before an infinitive within a noun phrase: "permis de conduire"."""
_INTO = frozenset(("en", "au"))
_GOVERNED = frozenset("de d' du des à au aux".split())
_WITH_INFINITIVE = frozenset(("de", "d'", "à"))
"""What ties an infinitive without an object to a noun: "permis de conduire"."""
_JOINING = frozenset(("et", "ou"))
_PREPOSITIONS = frozenset("de d' du des à au aux en par pour dans sur".split())
_INFINITIVE = ("er", "ir", "re")
_PLAIN = ("er", "ir")
"""Of these, the endings of which a form that no article precedes is an infinitive."""
_IMPERATIVE = ("ons", "ez")
_POINTING = (_ARTICLES - frozenset("le la les l' un une".split())) | frozenset(("votre", "vos"))
"""Articles that point at something outside the phrase: "modernisation de son réseau"."""
_PROOF = 2
"""Times that a form is seen beside such a word before it counts for anything."""
_VERB = 0.25
"""Share of its occurrences beside what goes with verbs from which a form is one."""
_NAME = 0.9
_NOUN = 0.5
"""Share of its occurrences after another word that are after an article or a preposition, from which a form
is a noun."""
_TAIL = 0.2
"""The same share, below which it hardly begins a phrase: an adjective or an adverb, "solidaire", "mieux"."""
_GOVERNS = 0.8
"""Share of its occurrences before "de" or "à" from which a form wants what comes after: "auprès", "achat"."""
_FIXED = 0.8
"""Share of its occurrences between "en" and "de" from which a form begins no phrase: "en matière de"."""


@dataclass(frozen=True)
class Grammar:
    """Forms, in lower case, that are verbs, adverbs or prepositions rather than nouns, that are names, that
    hardly come but after "en", that are nouns, that are infinitives, that come after the noun they go with,
    and that want a complement."""

    verbs: frozenset[str]
    names: frozenset[str]
    fixed: frozenset[str]
    nouns: frozenset[str]
    infinitives: frozenset[str]
    tails: frozenset[str]
    governing: frozenset[str]

    @classmethod
    def read(cls, texts: Iterable[str]) -> Grammar:
        """Read each text once."""
        seen: dict[str, Counter[str]] = {
            kind: Counter() for kind in ("all", "verb", "noun", "in", "en", "name", "led", "tied", "of")
        }
        for text in texts:
            written = _tokens(text)
            forms = [token.casefold() for token in written]
            for before, at, form, after in zip(["", *forms], written, forms, [*forms[1:], ""], strict=False):
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
                    if at[0].isupper():
                        seen["name"][form] += 1
        verbs = _mostly(seen["verb"], seen["all"], _VERB)
        verbs = frozenset(form for form in verbs if seen["verb"][form] > seen["noun"][form])
        infinitives = frozenset(
            form
            for form in seen["all"]
            if form.endswith(_INFINITIVE)
            and (form in verbs or (form.endswith(_PLAIN) and not seen["noun"][form]))
        )
        return cls(
            verbs,
            _mostly(seen["name"], seen["in"], _NAME),
            _mostly(seen["en"], seen["all"], _FIXED),
            _mostly(seen["tied"], seen["led"], _NOUN) - infinitives,
            infinitives,
            frozenset(
                form
                for form, count in seen["led"].items()
                if count >= _PROOF and seen["tied"][form] < _TAIL * count
            ),
            _mostly(seen["of"], seen["all"], _GOVERNS),
        )

    def is_nominal(self, phrase: str) -> bool:
        """Whether a phrase is of nouns and what goes with them, or an infinitive and its object.

        "Restaurer les milieux" is one; "l'agence met", "matière de tri", "solidaire dans le quartier",
        "offrons à tous" and "réseau de son territoire" are none.
        """
        forms = [token.casefold() for token in _tokens(phrase)]
        if not (_POINTING | _CLAUSES).isdisjoint(forms) or not self._may_open(forms[0]):
            return False
        if forms[0] in self.infinitives and self.nouns.isdisjoint(forms[1:]):  # "rendre accessible"
            return False
        if forms[-1] in self.infinitives and forms[-2] not in _WITH_INFINITIVE:  # "un compteur pour trouver"
            return False
        for before, form in zip(["", *forms], forms, strict=False):
            opens = not before or before in _OPENING
            infinitive = opens and form.endswith(_INFINITIVE)
            if before in _JOINING and form in _PREPOSITIONS:  # "et de l'emploi": half of what it joins is cut
                return False
            if form in _AUXILIARIES or (form in self.verbs and form not in STOP_WORDS and not infinitive):
                return False
        return True

    def is_cut(self, phrase: str) -> bool:
        """Whether a phrase that goes on is cut short: an infinitive's object is whole, a noun that nothing
        ties to the word before it ends a phrase ("mur rue" of the rue Monge), what "en" and "au" open is
        whole ("en situation" of handicap), and so is what wants a complement ("auprès" of a body)."""
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
    return frozenset(form for form, count in some.items() if count >= max(_PROOF, share * of[form]))

"""Cautions: the passages of a resource about what can go wrong.

The rule is lexical and deterministic. A passage is a caution when it has a cue of `_CUES` ("retard de
chantier"), unless the words before cancel the cue ("sans difficulté", "lever les freins") or it begins
another subject ("obstacle à la migration", "échec scolaire"). A caution claims only that the passage is
about an obstacle, an overrun, a delay, an abandonment or a condition. The cues favour precision, which
`docs/placement.md` gives; they miss about two passages in three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from reco.text.clean import fold
from reco.text.passages import Span

_CONTEXT = 80
"""Characters before a cue that can cancel it."""

KINDS = ("obstacle", "cost", "delay", "abandonment", "condition")


@dataclass(frozen=True)
class Caution:
    """A passage of a summary, `summary[start:end]`, about what can go wrong.

    `kind` is one of `KINDS`. `cue` is the words that match, in lower case without accents.
    """

    text: str
    start: int
    end: int
    kind: str
    cue: str


def points(text: str, spans: Iterable[Span]) -> tuple[Caution, ...]:
    """Return the cautions of `text` among its passages `spans`, in their order."""
    cautions = []
    for span in spans:
        passage = text[span.start : span.end]
        kind_and_cue = cue(passage)
        if kind_and_cue is not None:
            cautions.append(Caution(passage, span.start, span.end, *kind_and_cue))
    return tuple(cautions)


@lru_cache(maxsize=16_384)  # the same passages come back from one query to the next
def cue(passage: str) -> tuple[str, str] | None:
    """Return the kind and the cue of a passage, None when it is not a caution.

    Of several cues, the first in the passage wins, then the first kind in `KINDS`.
    """
    folded = fold(passage)
    signs = [
        (match.start(), KINDS.index(kind), match.group())
        for kind, pattern in _PATTERNS
        if (match := _first(pattern, folded)) is not None
    ]
    if not signs:
        return None
    _, kind, words = min(signs)
    return KINDS[kind], words.strip(" ,:;.!")


def _first(pattern: re.Pattern[str], folded: str) -> re.Match[str] | None:
    for match in pattern.finditer(folded):
        before = folded[max(0, match.start() - _CONTEXT) : match.start()]
        if not (_CANCELLED.search(before) or _OTHER_SUBJECT.match(folded, match.start())):
            return match
    return None


_CANCELLED = re.compile(
    r"(?:\bsans (?:\w+ |la moindre )?|\bpas (?:de |d'|necessairement )?|\bni |\baucune? |"
    r"\bjamais (?:de |d')?"
    r"|\b(?:moins|peu) (?:de |d')?|\beviter (?:les |des |le |tout )?"
    r"|\ben (?:tres )?(?:grande |situation de )?|\ben cas d(?:e |')(?:\w+ )?|\bl'interieur de "
    r"|\bsi vous (?:rencontrez|avez) (?:une |des |la moindre )"
    r"|\b(?:personnes?|publics?|jeunes|menages) (?:ayant|rencontrant|eprouvant) (?:des |de grandes |une )"
    r"|\b(?:lever|levant|leve[es]*|elimin\w+|resou\w+|resolu\w*|pallier|surmonter|depasser|compens\w+|"
    r"couvr\w+|repondre|reponse|cree\w*) "
    r"(?:\w+ )?(?:a |aux? |les? |leurs? |de |ces |des |certains )*"
    r"|\bdossiers? [^\w]*)$"
)
"""Words that cancel the cue after them: a denial, a problem solved, or a problem of the public helped."""

_OTHER_SUBJECT = re.compile(
    r"difficultes? (?:financieres?|scolaires?|sociales?|economiques?|personnelles?|professionnelles?|"
    r"familiales?|"
    r"psychologiques?|maternelles?|motrices?|de (?:paiement|langage|lecture|recrutement)|d'apprentissage|"
    r"d'insertion|d'acces a l'emploi|(?:a|pour) (?:trouver (?:un (?:emploi|logement)|des candidats)|"
    r"recruter|payer|regler|se loger))"
    r"|obstacles? (?:a|aux|au) (?:la |l')?(?:migration|ecoulement|continuite|circulation|franchissement|"
    r"crues)"
    r"|obstacles? (?:naturels?|physiques?)"
    r"|freins? (?:a (?:disque|tambour|main|l'emploi|l'avancement)|hydraulique|moteur|peripherique)"
    r"|blocages? (?:du|de|des|d'un|d'une) (?:comptes?|cartes?|appels?|publicites?|sites?)"
    r"|echecs? (?:scolaires?|et mat)"
    r"|surcouts? (?:evites?|compenses?)"
    r"|leurs limites (?:administratives|communales|territoriales|geographiques)"
    r"|n(?:e |')[^.;:]{1,60} que si (?:\w+ )?le souhait"
)
"""Phrases that begin with a cue and name a subject, not a caution."""

_CUES = {
    "obstacle": (
        r"(?:se |s'y )?heurt(?:e|ent|er|ait|aient|ee?s?|erent|era) (?:a|aux|au)",
        r"freins?",
        r"frein(?:ent|ait|aient|ee?s?)",
        r"obstacles?",
        r"difficultes?",
        r"difficile(?:s|ment)? (?:a|de|d')",
        r"ecueils?",
        r"pieges? a eviter",
        r"(?:eviter|dejouer) (?:les |certains |quelques )?pieges",
        r"(?:points? de )?blocages?",
        r"(?:ce|tout ce) qui (?:bloque|coince)",
        r"reticences?",
        r"reticente?s?",
        r"conflits? d'usages?",
        r"(?:opposition|resistance|mefiance|hostilite)s? (?:d'une partie|au changement|(?:de |d'|des )"
        r"(?:la population|certains|riverains|habitants|elus|agriculteurs|commercants|associations|"
        r"agents))",
        r"manque (?:de |d')(?:moyens|temps|budget|personnel|financements?|formation|coordination|"
        r"connaissances?|"
        r"donnees|suivi|concertation|competences|ressources|visibilite|lisibilite|foncier|place|"
        r"ingenierie)",
        r"(?<!la )(?<!une )(?<!sa )peine(?:nt|ra|ront)? a",
        r"(?:ses|leurs) limites",
        r"(?:oubli\w+ pas|eluder|point\w+|montr\w+|soulign\w+|discut\w+|expos\w+) (?:toutefois |"
        r"aussi )?(?:l|d)es limites",
        r"entrave(?:nt|r|s)?",
        r"(?:lourdeurs?|complexite) (?:administratives?|reglementaires?|(?:des|du|de la|"
        r"de l') ?(?:demarches?|procedures?|"
        r"reglementation|dossiers?|dispositifs?|systeme|normes|montages?|depot))",
        r"points? (?:de|d') ?(?:vigilance|attention)",
        r"(?:rester|restez|soyez|etre) (?:tres |particulierement )?vigilante?s?",
        r"erreurs? a (?:ne pas|eviter)",
        r"au risque d(?:e (?:ne|se|voir|\w+(?:er|ir|re))|'\w+(?:er|ir|re))",
        r"ne suffi(?:t|sent|ra|ront|sait|saient) pas",
    ),
    "cost": (
        r"surcouts?",
        r"depassements? (?:de |du |des )?(?:budgets?|budgetaires?|couts?|credits|enveloppes?|devis)",
        r"couts? (?:(?!peu |moins )\w+ )?(?:trop |tres |plus )?(?:eleves?|importants?|prohibitifs?|"
        r"excessifs?)",
        r"(?:trop |tres |plus |souvent |particulierement )?(?:couteu(?:x|ses?)|onereu(?:x|ses?))",
        r"cout(?:e|ent|ait|er|era) (?:\w+ )?(?:cher|plus)",
        r"trop chers?",
        r"plus chere?s? que prevu\w*",
        r"faute de (?:budget|moyens|financements?|credits|argent)",
    ),
    "delay": (
        r"(?:pris|prend|prendre|accumul\w+|connu|entrain\w+|caus\w+|engendr\w+) (?:\w+ )?(?:du|de|des|"
        r"un) retards?",
        r"des retards? (?:dans|de|sur|importants?|et)",
        r"retards? (?:de livraison|de chantier|du chantier|des travaux)",
        r"plus long(?:ue)?s? que prevu\w*",
        r"(?:a|ont) du etre (?:reporte|repousse|retarde)e?s?",
        r"lenteurs?",
    ),
    "abandonment": (
        r"(?:projets?|chantier|experimentation|operation|idee|"
        r"initiative)\b[^.;:]{0,40}\babandonne(?:e?s?|r)",
        r"(?:a|ont) (?:finalement )?(?:du )?(?:etre |ete )?abandonne(?:e?s?|r)",
        r"abandon d(?:u|e ce|e son|e leur|es) (?:projets?|chantiers?|programmes?|travaux|dispositifs?)",
        r"renonc(?:e|ent|er|ait|aient|erent|era) (?:a|au|aux) (?:(?:ce|ces|leurs?|son|ses|la|le|cette) |"
        r"l')?"
        r"(?:projets?|operation|travaux|chantier|amenagement|investissements?|construction|achat|aides?|"
        r"droits?)",
        r"echecs?",
        r"echou(?:e|ent|er|ait|aient|ee?s?|erent|era)",
        r"n'(?:a|ont) (?:pas|jamais) (?:abouti|survecu|vu le jour|ete realisee?s?|tenu|convaincu)",
        r"faute (?:de (?!quoi)|d')",
        r"mise?s? en sommeil",
    ),
    "condition": (
        r"a (?:la |une )?(?:seule |double )?condition (?:de|que|d'|qu')",
        r"a quelles conditions",
        r"sous (?:reserve|conditions?)",
        r"conditions? (?:de |du |pour (?:la |le )?)(?:reussite|succes|reussir|perennite)",
        r"conditions? (?:qui favorisent|pour que|a reunir|necessaires?|prealables?|indispensables?)",
        r"suppos(?:e|ent|ait) (?:de|que|d'|qu'|une?|des|du)",
        r"(?:conditionne|subordonne)e?s? (?:a|au|aux|par)",
        r"conditions? (?:n'etaient|ne sont|n'etant) pas (?:encore )?(?:reunies|remplies)",
        r"prerequis",
        r"uniquement si",
        r"(?:n'|ne )[^.;:]{1,60} que si",
        r"attention ?[:,!](?=.{0,300}\b(?:ne|n'|pas|doi\w+|devr\w+|faut|requis\w*|obligat\w+|avant|sauf|"
        r"seul\w*|"
        r"interdi\w+|peu(?:t|vent)|plusieurs|assez|limit\w+))",
        r"(?<![a-z0-9,] )(?<!')attention (?:a|aux|au)",
        r"dans la limite d(?:es?|u|e la|e l'enveloppe) (?:budgets?|credits?|enveloppes?|places|stocks?|"
        r"fonds)",
    ),
}

_PATTERNS = tuple(
    (kind, re.compile(rf"(?<!\w)(?:{'|'.join(cues)})(?:(?<!\w)|(?!\w))")) for kind, cues in _CUES.items()
)

"""A deliberation of a council, or a decree: object, reasons and decisions are kept, formulas are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.papers.reading import Mark, Segment

# Patterns match plain text: lower case without accents, at the start of a segment.
_BULLET = r"(?:[-–—•*▪] ?|\d{1,2}[.)°/] ?|[a-h][.)] ?)?"
HEADING = re.compile(
    r"(?:extrait (?:du|des) |registre (?:des|du)|republique francaise|liberte,? egalite|"
    r"deliberations? (?:du|de|n|no)\b|"
    r"conseil (?:municipal|communautaire|syndical)(?: de .*)?$|departement |arrondissement |canton (?:de|d)|"
    r"(?:commune|mairie|ville|communaute de communes|syndicat) (?:de|d'|du|des|la|le)\b.{0,60}$|"
    r"(?:seance|reunion) (?:du|ordinaire|publique|extraordinaire)|l'an (?:deux|2)|date (?:de|d')|"
    r"(?:n°|no?\.?|numero|acte|ref(?:erence)?\.?) ?:? ?\d|folio|page \d|nomenclature|domaine|matiere|"
    r"le conseil (?:municipal|communautaire).{0,60}(?:legalement |regulierement |dument )?(?:convoque|"
    r"reuni|assemble)|"
    r".{0,200}\b(?:(?:legalement|regulierement|dument) (?:convoque|reuni|assemble)|s'(?:est|"
    r"etant) reunis?\b)|sous la presidence)"
)
ATTENDANCE = re.compile(
    r"(?:nombre d|(?:etaient |membres |conseillers |elus )?(?:present|absent|excuse|represente|"
    r"votant)e?s?\b(?: ?:| \(|e?s?\b|$)|en exercice|ont? (?:donne|remis) (?:procuration|pouvoir)|"
    r"(?:procuration|pouvoir)s? ?(?::|de|a\b|donne)|quorum|le quorum|secretaire(?:s)? de (?:la )?seance|"
    r".{3,60} (?:est|a ete) (?:designee?|nommee?|elue?) secretaire|"
    r"ayant (?:donne|pris) (?:procuration|pouvoir)|.{2,60}\b(?:a donne|donne) (?:procuration|pouvoir) a|"
    r"rapporteur|(?:m\.|mm\.|mmes?|madame|monsieur|mesdames|messieurs) (?!l[ea] |"
    r"l')[a-z' .-]{2,40}(?:, ?(?:m\.|mm\.|mmes?|[a-z' .-]{2,30}(?:,|$))| et (?:m\.|mmes?).{2,30}$))"
)
VISAS = re.compile(
    _BULLET + r"(?:vue?s?,? (?:le|la|les|l'|l |ensemble|que|notre|sa|son|ledit|ensemble)|vue? ?:|"
    r"(?:sur|apres) (?:la )?(?:proposition|rapport|avis) d|sur (?:le rapport|l'expose)|"
    r"le rapporteur entendu|(?:entendu|oui|apres avoir entendu|ayant entendu) (?:l'|le |la |cet|son|m)|"
    r"articles? l\.? ?\d|notamment (?:son|ses|l'|les) article)"
)
RECITAL = re.compile(_BULLET + r"(?:considerant|attendu)(?:e?s?)?(?: ?:| ?,)?(?: (?:que|qu'))?(?: ?:)? ?")
OBJECT = re.compile(
    r"(?:objet(?: de la (?:deliberation|seance|decision))?|intitule|titre|sujet) ?[:–-]? ?$|"
    r"objet(?: de la (?:deliberation|decision))? ?[:–—-] ?"
)
NUMBERED_OBJECT = re.compile(r"deliberation (?:n°|no|numero)? ?[\w/.-]*\d[\w/.-]* ?[:–—-] ")
VOTE = re.compile(
    r"(?:apres en avoir (?:delibere|debattu)|(?:le|l'assemblee|son) (?:conseil|"
    r"assemblee)?.{0,60}(?:apres en avoir delibere|a l'unanimite)[^a-z]*.{0,80}$|"
    r"(?:vote|votes|resultat|scrutin|mise aux voix)\b|(?:pour|contre|abstentions?|"
    r"ne prend pas part au vote) ?(?::|=) ?|"
    r"\d+ (?:voix|pour|contre|abstention)|adoptee?s? |a l'unanimite|a la majorite|"
    r"le conseil (?:municipal|communautaire|syndical)(?: de [\w' -]{1,40})?(?:,? ?a (?:l'unanimite|"
    r"la majorite)[^a-z]*.{0,60})? ?[,:]?$|.{0,200}\b(?:decide(?:nt)?|delibere(?:nt)?|propose)(?: de|"
    r" d')? ?:$)"
)
_VERB = (
    r"(?:decide(?:nt)?|delibere(?:nt)?|approuve(?:nt)?|adopte(?:nt)?|valide(?:nt)?|accepte(?:nt)?|"
    r"emet(?:tent)?|donne(?:nt)?|sollicite(?:nt)?|"
    r"demande(?:nt)?|fixe(?:nt)?|engage(?:nt)?|retient|institue|instaure|prend acte|confirme|"
    r"arrete(?:nt)?|s'engage)"
)
DECISION = re.compile(
    _BULLET + rf"(?:(?:le|la) (?:conseil|assemblee|maire|president).{{0,40}}? )?(?:\*+ ?)?{_VERB}\b"
    r"(?: ?: ?| a l'unanimite(?: des [\w' ]+?)?(?: ?[:,]|(?= d))| ?,)?(?: ce qui suit ?:?)? ?"
)
ARTICLE = re.compile(r"art(?:icle|\.) ?(?:\d+|premier|1er|unique|[ivx]+)(?:er|ere|eme|e)? ?[:.–—-]* ?")
FORMALITY = re.compile(
    rf"{_BULLET}(?:art(?:icle|\.) ?\w+ ?[:.–—-]* ?)?(?:"
    r"(?:de |d')?(?:autorise[rz]?|autorisent|habilite[r]?|charge[r]?|chargent|mandate[r]?|"
    r"donne[r]? (?:tou[st] )?(?:pouvoirs?|mandat|delegation)) .{0,80}\b(?:a signer|de signer|l'execution|"
    r"executer|de la transmi|notifi|(?:pour|afin de) signer|signature|necessaires? a|"
    r"toutes? (?:les )?(?:piece|demarche|formalite)|tous? (?:les )?(?:document|acte))|"
    r"(?:de |d')?(?:dit|dire|precise|preciser|rappelle|prend acte) que (?:la (?:presente )?deliberation|"
    r"les credits|cette (?:deliberation|depense)|le present|la depense)|"
    r"(?:les credits|la depense)\b|(?:la|une) (?:presente|ampliation|copie)\b|le present (?:arrete|acte)|"
    r"(?:m\.|mme|madame|monsieur)?,? ?(?:le|la) (?:maire|president|presidente|secretaire|directeur|"
    r"directrice|tresorier|comptable).{0,80}(?:est|sont) (?:autorise|charge)|"
    r"(?:de |d')?inscri(?:t|re|vent) (?:les credits|la depense|cette depense)|(?:de |d')?imputer|"
    r"transmission|ampliation)"
)
END = re.compile(
    r"(?:fait et delibere|ainsi (?:fait|delibere)|fait (?:a|en mairie)|delibere en seance|"
    r"pour (?:extrait|copie|expedition)|(?:ont|suivent les) sign|suivent|au registre|"
    r"(?:acte |deliberation )?(?:rendu|certifie)e? executoire|transmis|recu|publie|affiche|notifie|"
    r"depose|accuse de reception|(?:le|la) (?:maire|presidente?|secretaire)\b[ ,:]*.{0,40}$|"
    r"(?:delais et )?voies? (?:et delais )?de recours|la presente deliberation (?:peut|pourra)|"
    r".{0,60}tribunal administratif|signe|signature|id ?:|envoye en prefecture|cachet)"
)
_OUTER = (("heading", HEADING), ("attendance", ATTENDANCE), ("visas", VISAS))
_FEWEST_SENTENCE = 8
"""Words from which an unknown line is a sentence that explains something."""
_LISTS = re.compile(r"(?:[-–—•*▪]|de |d'|que |qu')")


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is a deliberation: at least three kinds of formula, and one that only councils write."""
    heads = [line.plain for line in lines]
    visas, recitals = any(map(VISAS.match, heads)), any(map(RECITAL.match, heads))
    council = any(
        "delibere" in head[:200] or head.startswith(("extrait du registre", "deliberation")) for head in heads
    )
    if not council and not (visas and recitals):
        return False
    decided = any(DECISION.match(head) or ARTICLE.match(head) for head in heads)
    others = (OBJECT, ATTENDANCE, HEADING, END)
    return visas + recitals + council + decided + sum(any(map(one.match, heads)) for one in others) >= 3


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of a deliberation."""
    marked: list[Mark] = []
    state = "heading"
    for place, line in enumerate(lines):
        mark = _mark(line, state, lines[place + 1 :])
        marked.append(mark)
        # An empty label such as "OBJET" announces the next segment.
        state = "object begins" if mark.label == "object" and mark.start >= len(line.text) else mark.label
        state = "decision" if mark.label == "vote" else state
    return marked


def _mark(line: Segment, state: str, after: Sequence[Segment]) -> Mark:
    plain = line.plain
    if state == "signatures":
        return Mark("signatures")
    if match := OBJECT.match(plain) or NUMBERED_OBJECT.match(plain):
        return Mark("object", line.after(match.end()))
    if state == "object begins":
        return Mark("object")
    if match := RECITAL.match(plain):
        return Mark("recital", line.after(match.end()))
    for label, pattern in _OUTER:
        if pattern.match(plain) and not (state in ("decision", "formality") and label != "visas"):
            return Mark(label)
    return _after_reasons(line, state, after)


def _after_reasons(line: Segment, state: str, after: Sequence[Segment]) -> Mark:
    plain = line.plain
    if FORMALITY.match(plain):
        return Mark("formality")
    if VOTE.match(plain) and not _decides(plain):
        return Mark("vote")
    if match := ARTICLE.match(plain) or DECISION.match(plain):
        return Mark("decision", line.after(match.end()))
    if END.match(plain) and state in ("decision", "formality", "vote"):
        return Mark("signatures")
    return _unknown(line, state, after)


def _decides(plain: str) -> bool:
    return bool(re.search(r"\b(?:decide|approuve|adopte|valide|sollicite) (?:d|l|q|c)", plain))


def _unknown(line: Segment, state: str, after: Sequence[Segment]) -> Mark:
    """Mark a segment without a formula by what comes before it."""
    if state in ("decision", "recital", "statement", "formality"):
        return Mark("decision" if state == "formality" and _LISTS.match(line.plain) else state)
    if state in ("heading", "attendance"):
        if len(line.plain.split()) >= _FEWEST_SENTENCE and not line.text.isupper() and state == "heading":
            return Mark("statement")
        return Mark(state)
    # A line after the object is a second line of it, or the speech of the mayor.
    return Mark("statement")

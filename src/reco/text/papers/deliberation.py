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
    r"(?:direction|service|pole|commission) (?:de|du|des|generale|affaires|urbanisme)\b.{0,60}$|"
    r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) \d|"
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
    r"(?:(?:le|la) )?rapporteure? entendue?|(?:m\.|mme|monsieur|madame|le|la) .{2,40} entendue?,|(?:entendu|oui|apres avoir entendu|ayant entendu) (?:l'|le |la |cet|son|m)|"
    r"articles? l\.? ?\d|notamment (?:son|ses|l'|les) article)"
)
RECITAL = re.compile(_BULLET + r"(?:considerant|attendu)(?:e?s?)?(?: ?:| ?,)?(?: (?:que|qu'))?(?: ?:)? ?")
OBJECT = re.compile(
    r"(?:objet(?: de la (?:deliberation|seance|decision))?|intitule|titre|sujet) ?[:–-]? ?$|"
    r"objet(?: de la (?:deliberation|decision))? ?[:–—-] ?"
)
NUMBERED_OBJECT = re.compile(
    r"(?:deliberation (?:n°|no|numero)? ?[\w/.-]*\d[\w/.-]*|(?:(?:del|d|dcm|n°|no) ?)?[-_]?\d{2,4}[-_./]\d[\w/.-]*)"
    r" ?[:–—-] (?!seance|reunion|conseil|\d)"
)
VOTE = re.compile(
    r"(?:apres en avoir (?:delibere|debattu)|(?:le|l'assemblee|son) (?:conseil|"
    r"assemblee)?.{0,60}(?:apres en avoir delibere|a l'unanimite)[^a-z]*.{0,80}$|"
    r"(?:vote|votes|resultat|scrutin|mise aux voix)\b|(?:pour|contre|abstentions?|"
    r"ne prend pas part au vote) ?(?::|=) ?|"
    r"(?:par )?\d+ (?:voix|pour|contre|abstention)|.{0,60}\bmise?s? aux voix|adoptee?s? |a l'unanimite|a la majorite|"
    r"le (?:conseil|comite|bureau)(?: (?:municipal|communautaire|syndical|metropolitain))?(?: d[eu'] ?[\w' -]{1,40})?(?:,? ?a (?:l'unanimite|"
    r"la majorite)[^a-z]*.{0,60})? ?[,:]?$|.{0,200}\b(?:decide(?:nt)?|delibere(?:nt)?|propose)(?: de|"
    r" d')? ?:$)"
)
_COUNT = re.compile(
    r"(?:pour|contre|abstentions?|exprimes?|votants?|refus de vote|ne prend(?:ent)? pas part au vote)"
    r"(?: ?[:=(]| ?\d|$)|(?:resultats? du )?votes?$"
)
"""A line of a table of votes, whose other cells are numbers and names."""
SPEECH = re.compile(
    r"(?:m\.|mme|madame|monsieur|le maire|la maire|le president|la presidente|l'adjointe?).{0,120}\b(?:rappelle|"
    r"expose|explique|presente|indique|informe|propose|fait (?:part|savoir)|souligne|soumet|signale)\b.*[^:]$"
)
"""What the mayor or an elected person says to the council."""
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
    r"depose|accuse de reception|(?:le|la) (?:maire|presidente?)\b.{0,40} certifie|(?:le|la) (?:maire|presidente?|secretaire)\b[ ,:]*.{0,40}$|"
    r"(?:delais et )?voies? (?:et delais )?de recours|la presente deliberation (?:peut|pourra)|"
    r".{0,60}tribunal administratif|signe|signature|id ?:|envoye en prefecture|cachet)"
)
_OUTER = (("heading", HEADING), ("attendance", ATTENDANCE), ("visas", VISAS))
_FEWEST_SENTENCE = 8
"""Words from which an unknown line is a sentence that explains something."""
_TOP = 12
"""Segments in which a deliberation gives its name."""
_FEWEST_TITLE = 3
"""Words of a title."""
_FEWEST_SPEECH = 10
"""Words from which a line among the names of those present is a sentence."""
_LISTS = re.compile(r"(?:[-–—•*▪]|de |d'|que |qu')")


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is a deliberation: at least three kinds of formula, and one that only councils write."""
    heads = [line.plain for line in lines]
    visas, recitals = any(map(VISAS.match, heads)), any(map(RECITAL.match, heads))
    council = any("delibere" in head[:200] for head in heads) or any(
        head.startswith(("extrait du registre", "deliberation")) for head in heads[:_TOP]
    )
    if not council and not (visas and recitals):
        return False
    decided = any(DECISION.match(head) or ARTICLE.match(head) for head in heads)
    others = (OBJECT, ATTENDANCE, HEADING, END)
    return visas + recitals + council + decided + sum(any(map(one.match, heads)) for one in others) >= 3


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of a deliberation. Its title is its object where none is named."""
    marked = _marked(lines)
    if all(mark.label != "object" for mark in marked) and (place := _title(lines, marked)) is not None:
        marked[place] = Mark("object")
    return marked


def _title(lines: Sequence[Segment], marked: Sequence[Mark]) -> int | None:
    """Return the place of the last line above the reasons that is no formula, below one that is."""
    above = [mark.label in ("heading", "attendance") for mark in marked]
    stop = above.index(False) if False in above else len(above)
    known = [any(one.match(line.plain) for one in (HEADING, ATTENDANCE)) for line in lines[:stop]]
    for place in reversed(range(stop)):
        words = lines[place].plain.split()
        names = lines[place].plain.count(",") * 3 >= len(words)
        if not known[place] and len(words) >= _FEWEST_TITLE and not names and any(known[:place]):
            return place
    return None


def _marked(lines: Sequence[Segment]) -> list[Mark]:
    marked: list[Mark] = []
    state = "heading"
    for place, line in enumerate(lines):
        mark = _mark(line, state, lines[place + 1 :])
        marked.append(mark)
        counts = mark.label == "vote" and (state == "count" or _COUNT.match(line.plain))
        # An empty label such as "OBJET" announces the next segment.
        state = "object begins" if mark.label == "object" and mark.start >= len(line.text) else mark.label
        if mark.label == "vote":
            state = "count" if counts else "decision"
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
    decided = state in ("decision", "formality", "count")
    if not decided and SPEECH.match(plain):
        return Mark("statement")
    for label, pattern in _OUTER:
        if pattern.match(plain) and not (decided and label != "visas"):
            return Mark(label)
    return _after_reasons(line, state, after)


def _after_reasons(line: Segment, state: str, after: Sequence[Segment]) -> Mark:
    plain = line.plain
    if FORMALITY.match(plain):
        return Mark("formality")
    if (VOTE.match(plain) or _COUNT.match(plain)) and not _decides(plain):
        return Mark("vote")
    if match := ARTICLE.match(plain) or DECISION.match(plain):
        return Mark("decision", line.after(match.end()))
    if END.match(plain) and state in ("decision", "formality", "count"):
        return Mark("signatures")
    return _unknown(line, state, after)


def _decides(plain: str) -> bool:
    return bool(re.search(r"\b(?:decide|approuve|adopte|valide|sollicite) (?:d|l|q|c)", plain))


def _unknown(line: Segment, state: str, after: Sequence[Segment]) -> Mark:
    """Mark a segment without a formula by what comes before it."""
    if state in ("decision", "recital", "statement", "formality"):
        return Mark("decision" if state == "formality" and _LISTS.match(line.plain) else state)
    if state == "count":
        return Mark("decision" if _LISTS.match(line.plain) else "vote")
    if state in ("heading", "attendance"):
        return Mark("statement" if _explains(line, state) else state)
    # A line after the object is a second line of it, or the speech of the mayor.
    return Mark("statement")


def _explains(line: Segment, state: str) -> bool:
    """Whether a line is a sentence; among those present it must be longer, and mostly not names."""
    words = line.text.split()
    if state == "heading":
        return len(words) >= _FEWEST_SENTENCE and not line.text.isupper()
    small = sum(word[0].islower() for word in words)
    return len(words) >= _FEWEST_SPEECH and small * 5 >= len(words) * 3 and line.text[0].isupper()

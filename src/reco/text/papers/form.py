"""A project sheet or a call-for-projects form: labelled fields. Those that say what is wanted are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reco.text.clean import fold
from reco.text.papers.reading import Mark, Segment

_FIELDS = (
    (
        "title",
        r"(?:titre|intitule|nom|denomination|libelle)(?: (?:du|de l'|de la) ?(?:projet|operation|action|"
        r"demarche))?|objet(?: (?:du projet|de la demande))?|projet",
    ),
    (
        "context",
        r"(?:contexte|constat|diagnostic|problematique|genese|origine|presentation de la (?:commune|"
        r"collectivite))(?: (?:et|du|de|local|generale?|enjeux?|projet|besoins?|territoire|la|le|les|"
        r"des?)\b)*[a-z ]{0,20}|etat des lieux|enjeux|besoins?(?: identifies)?",
    ),
    (
        "goals",
        r"(?:objectifs?|finalites?|resultats? attendus?|but|ambition)(?: (?:du projet|poursuivis|vises|"
        r"generaux|operationnels|de l'action|de l'operation|et resultats.{0,20}))?|publics? (?:vise|"
        r"cible|concerne)s?|beneficiaires",
    ),
    (
        "action",
        r"(?:description|descriptif|presentation|resume|nature|contenu)(?: (?:synthetique |succincte? |"
        r"detaillee? )?(?:du projet|de l'action|de l'operation|des travaux|des actions))?|"
        r"actions?(?: prevues| envisagees)?|travaux(?: prevus)?|solution(?:s)? (?:retenue|envisagee)s?|"
        r"caractere innovant|moyens mis en œuvre|mise en œuvre",
    ),
    (
        "budget",
        r"(?:budget|cout|plan de financement|financement|montant|depenses|recettes|subvention|aides?|"
        r"cofinancement)s?(?: (?:previsionnel|total|estime|sollicite|demande|global|du projet|"
        r"de l'operation|ht|ttc|et plan de financement|attendu|publiques?)[a-z]*)*",
    ),
    (
        "calendar",
        r"(?:calendrier|echeanciers?|echeances?|planning|duree|dates?|etapes|delais?|demarrage|date de (?:debut|fin|"
        r"depot|demarrage))(?: (?:previsionnel|de realisation|du projet|des travaux|prevue?|"
        r"de l'operation|et etapes|envisagee?|de mise en œuvre)[a-z]*)*",
    ),
    (
        "holder",
        r"(?:porteur|pilote|chef de file|territoire(?: concerne)?|service(?: pilote)?|maitre d'ouvrage|maitrise d'ouvrage|structure porteuse|beneficiaire de l'aide|"
        r"demandeur|candidat|organisme|collectivite|commune|raison sociale|identification|"
        r"intercommunalite|epci|statut juridique|forme juridique|nombre d'habitants|population|localisation|"
        r"departement)(?: (?:du projet|de l'action|porteuse?|de l'operation|du porteur(?: de projet)?|concernees?|"
        r"candidate?)[a-z]*)*",
    ),
    (
        "contact",
        r"(?:contact|referent|responsable|representant legal|interlocuteur|personne a contacter|"
        r"nom(?: et)? prenom|prenom|fonction|qualite|telephone|tel\.?|courriel|e-?mail|mail|"
        r"adresse(?: postale| electronique)?|code postal|siret|n° siret|numero siret|site (?:internet|"
        r"web)|ville)(?: (?:du|de la|technique|du projet|du porteur|legal)[a-z ]*)?",
    ),
    (
        "partners",
        r"(?:partenaires?|partenariats?|gouvernance|equipe projet)(?: (?:du projet|associes|mobilises|"
        r"financiers|techniques|locaux|et gouvernance|envisages)[a-z ]*)?",
    ),
    (
        "indicators",
        r"(?:indicateurs?|evaluation|suivi|priorite|mise? a jour)(?: (?:de|d'|et|du|suivi|resultat|evaluation)[a-z' ]*)?",
    ),
    (
        "annexes",
        r"(?:pieces? (?:jointes?|a (?:joindre|fournir))|annexes?|documents? joints?|attestation|"
        r"engagement|signature|fait a|cachet|visa)(?: [a-z' ]{0,40})?",
    ),
)
_NUMBER = r"(?:\| ?)?(?:(?:\d{1,2}(?:\.\d{1,2})*|[ivx]{1,4}|[a-h])(?: ?[.)/–—-]+) ?|[-–—•▪■□*] ?)?"
_LABELS = [
    (label, re.compile(rf"{_NUMBER}(?:{names})(?: ?\([^)]{{0,80}}\))? ?\|?")) for label, names in _FIELDS
]
_LONGEST_LABEL = 90
_MARK = re.compile(r" ?[:–—|] ?|$")
_VALUE = re.compile(r" ?[:–—|] ?| (?=[A-ZÀ-Ý0-9«])|$")
"""Where the value of a field begins: after a mark, or at a capital or a digit, as beside a cell of a table."""
_HINT = re.compile(
    r"(?:\(.{0,200}\)$|.{0,40}\b(?:maximum|caracteres|mots max|lignes max)\b.{0,40}$|(?:☐|□|☑|x \[|"
    r"\[ ?x? ?\])|.{0,200}\?$|cocher|a completer|precisez|oui ?/ ?non|_{3,}|\.{6,})"
)
_TITLE = re.compile(
    r"(?:\| ?)?(?:fiche[- ](?:projet|action|operation)|appel a (?:projets|manifestation)|"
    r"dossier de (?:candidature|demande|subvention|presentation)|formulaire|ami |aap |"
    r"demande de subvention|note de (?:presentation|cadrage))"
)
_SHEET = re.compile(
    r"(?:\| ?)?fiche[- ](?:projet|action|operation)s?(?: ?(?:n[°o])? ?\w{0,4}\d[\w.-]*)? ?[:–—|-]* ?|n° ?\d+ ?[:–—-]* ?"
)
"""What comes before the title of a sheet that has no field for it."""
_ROW = re.compile(r"[^:]{0,100}\d ?(?:€|euros?|k€|%)(?: (?:ht|ttc))?")
"""A row of a financing plan ends with an amount."""
_FEWEST_TITLE = 3
"""Words of such a title."""


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is a form: a name of one with three different fields, or four different fields."""
    return _fields(lines) >= (3 if _named(lines) else 4)


def found_by_name(lines: Sequence[Segment]) -> bool:
    """Whether a text calls itself a form, and no council decides in it: its annexes may name deliberations."""
    decided = any("en avoir delibere" in line.plain for line in lines)
    return _named(lines) and not decided and _fields(lines) >= 3


def _named(lines: Sequence[Segment]) -> bool:
    return any(_TITLE.match(line.plain) for line in lines[:5])


def _fields(lines: Sequence[Segment]) -> int:
    """Return how many different fields a text has; 0 when none of them says what is wanted."""
    labels = {label for line in lines if (label := _label(line)[0])}
    return len(labels) if labels & {"title", "context", "goals", "action"} and len(lines) >= 4 else 0


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of a form. A field goes on until the next label."""
    marked: list[Mark] = []
    state = "heading"
    for line in lines:
        label, start = _label(line)
        # "Travaux 142 000 €" in a financing plan is one of its rows.
        if state == "budget" and (_ROW.fullmatch(line.plain) or line.plain == "travaux"):
            label = ""
        if label:
            state = label
            marked.append(Mark(label, start))
        elif _HINT.match(line.plain):
            marked.append(Mark("hints"))
        else:
            marked.append(Mark(state))
    if all(mark.label != "title" for mark in marked):
        _entitle(lines, marked)
    return marked


def _entitle(lines: Sequence[Segment], marked: list[Mark]) -> None:
    """Mark as title what follows the name of a sheet, on its line or on the next two."""
    begin = next((place for place, line in enumerate(lines[:5]) if _TITLE.match(line.plain)), len(lines))
    for place in range(begin, min(begin + 3, len(lines))):
        if marked[place].label != "heading":
            return
        named = _SHEET.match(lines[place].plain)
        start = lines[place].after(named.end()) if named is not None else 0
        if len(lines[place].text[start:].split()) >= _FEWEST_TITLE:
            marked[place] = Mark("title", start)
            return


def _label(line: Segment) -> tuple[str, int]:
    """Return the field that a segment begins, and where its value starts in it; ("", 0) for none."""
    found_label, start = "", 0
    for cut in (_MARK if line.text.isupper() else _VALUE).finditer(line.text[:_LONGEST_LABEL]):
        at_end = not cut.group() and cut.end() == min(len(line.text), _LONGEST_LABEL)
        if at_end and len(line.text) > _LONGEST_LABEL:
            break
        name = fold(line.text[: cut.start()]).strip()
        for label, pattern in _LABELS:
            if pattern.fullmatch(name):
                found_label, start = (
                    label,
                    cut.end(),
                )  # "PRÉSENTATION DU PROJET" is longer than its first word
        if name and cut.group().strip():
            break
    return found_label, start

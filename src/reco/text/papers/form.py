"""A project sheet or a call-for-projects form: labelled fields, of which those that say what is wanted "
"are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
        r"(?:calendrier|echeancier|planning|duree|dates?|etapes|delais?|demarrage|date de (?:debut|fin|"
        r"depot|demarrage))(?: (?:previsionnel|de realisation|du projet|des travaux|prevue?|"
        r"de l'operation|et etapes|envisagee?|de mise en œuvre)[a-z]*)*",
    ),
    (
        "holder",
        r"(?:porteur|maitre d'ouvrage|maitrise d'ouvrage|structure porteuse|beneficiaire de l'aide|"
        r"demandeur|candidat|organisme|collectivite|commune|raison sociale|identification|"
        r"intercommunalite|epci|statut juridique|forme juridique|nombre d'habitants|population|"
        r"departement)(?: (?:du projet|porteuse?|de l'operation|du porteur(?: de projet)?|concernees?|"
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
        r"(?:indicateurs?|evaluation|suivi)(?: (?:de|d'|et|du|suivi|resultat|evaluation)[a-z' ]*)?",
    ),
    (
        "annexes",
        r"(?:pieces? (?:jointes?|a (?:joindre|fournir))|annexes?|documents? joints?|attestation|"
        r"engagement|signature|fait a|cachet|visa)(?: [a-z' ]{0,40})?",
    ),
)
_NUMBER = r"(?:\| ?)?(?:(?:\d{1,2}(?:\.\d{1,2})*|[ivx]{1,4}|[a-h])(?: ?[.)/–—-]+) ?|[-–—•▪■□*] ?)?"
_LABELS = [
    (label, re.compile(rf"{_NUMBER}(?:{names})(?: ?\([^)]{{0,80}}\))? ?(?P<mark>:|$|–|—|\||(?= ?\S)) ?"))
    for label, names in _FIELDS
]
_HINT = re.compile(
    r"(?:\(.{0,200}\)$|.{0,40}\b(?:maximum|caracteres|mots max|lignes max)\b.{0,40}$|(?:☐|□|☑|x \[|"
    r"\[ ?x? ?\])|cocher|a completer|precisez|oui ?/ ?non|_{3,}|\.{6,})"
)
_TITLE = re.compile(
    r"(?:fiche[- ](?:projet|action|operation)|appel a (?:projets|manifestation)|"
    r"dossier de (?:candidature|demande|subvention|presentation)|formulaire|ami |aap |"
    r"demande de subvention|note de (?:presentation|cadrage))"
)


def found(lines: Sequence[Segment]) -> bool:
    """Whether a text is a form: a title of one with two different fields, or four different fields."""
    labels = {label for line in lines if (label := _label(line)[0])}
    substance = labels & {"title", "context", "goals", "action"}
    named = any(_TITLE.match(line.plain) for line in lines[:5])
    return bool(substance) and len(lines) >= 4 and len(labels) >= (3 if named else 4)


def marks(lines: Sequence[Segment]) -> list[Mark]:
    """Return a mark for each segment of a form. A field goes on until the next label."""
    marked: list[Mark] = []
    state = "heading"
    for line in lines:
        label, end = _label(line)
        if label:
            state = label
            marked.append(Mark(label, line.after(end)))
        elif _HINT.match(line.plain):
            marked.append(Mark("hints"))
        else:
            marked.append(Mark(state))
    return marked


def _label(line: Segment) -> tuple[str, int]:
    """Return the field that a segment begins, and where its value starts; ("", 0) for none."""
    for label, pattern in _LABELS:
        match = pattern.match(line.plain)
        if match is not None and (
            match["mark"] or match.end() >= len(line.plain) or _starts_value(line, match.end())
        ):
            return label, match.end()
    return "", 0


def _starts_value(line: Segment, end: int) -> bool:
    """Whether the rest of a segment is a value beside its label, as in a table: it has its own capital."""
    if not line.text[: line.after(end)].strip("|-–—•▪■□* 0123456789.)").strip():
        return False
    value = line.text[line.after(end) :]
    return value[:1].isupper() or value[:1].isdigit()

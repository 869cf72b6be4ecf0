"""Standard papers keep their substance; an ordinary request is never taken for one."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import pytest

from reco.text.clean import clean
from reco.text.papers.read import read
from reco.text.papers.reading import Part

ROOT = Path(__file__).parents[2]
PAPERS = sorted((ROOT / "benchmarks" / "papers" / "texts").glob("*.txt"))
KINDS = ("deliberation",) * 4 + ("minutes",) * 2 + ("form",) * 2 + ("mail",) * 2
KINDS += ("deliberation",) * 2 + ("minutes",) + ("form",) * 2 + ("mail",) * 2 + ("note",)


def paper(path: Path) -> tuple[str, str]:
    """Return a paper and what it asks."""
    lines = path.read_text("utf-8").split("\n")
    asked = "\n".join(line[2:] for line in lines if line.startswith("= "))
    return clean("\n".join(line.removeprefix("# ") for line in lines if not line.startswith("= "))), asked


def texts(text: str, parts: tuple[Part, ...], label: str) -> list[str]:
    return [text[part.start : part.end] for part in parts if part.label == label]


@pytest.mark.parametrize(
    ("path", "kind"), list(zip(PAPERS, KINDS, strict=True)), ids=lambda one: getattr(one, "stem", one)
)
def test_each_paper_leads_with_what_it_asks(path: Path, kind: str) -> None:
    text, asked = paper(path)
    reading = read(text)
    assert reading.kind == kind
    assert reading.lead.replace(" |", "") == asked
    assert reading.left_out


def test_each_character_is_kept_or_left_out_or_a_label() -> None:
    for path in PAPERS:
        text, _ = paper(path)
        reading = read(text)
        parts = sorted((*reading.kept, *reading.left_out), key=lambda part: part.start)
        assert all(a.end <= b.start for a, b in pairwise(parts))
        assert all(text[part.start : part.end].strip() for part in parts)


def test_a_deliberation_in_capitals_and_on_one_line() -> None:
    text = (
        "DEPARTEMENT DU LOT - COMMUNE DE VERNAC - CONSEIL MUNICIPAL DU 2 MAI. OBJET : REOUVERTURE DU FOUR A PAIN. "
        "VU le code general des collectivites territoriales ; CONSIDERANT QUE le four est ferme depuis trente ans ; "
        "APRES EN AVOIR DELIBERE, le conseil, DECIDE de rouvrir le four a pain ; Pour extrait conforme."
    )
    reading = read(text)
    assert reading.kind == "deliberation"
    assert reading.lead == "REOUVERTURE DU FOUR A PAIN."
    assert texts(text, reading.kept, "recital") == ["le four est ferme depuis trente ans ;"]
    assert texts(text, reading.kept, "decision") == ["de rouvrir le four a pain ;"]
    assert list(reading.left_labels) == ["heading", "visas", "vote", "signatures"]


def test_an_object_that_says_nothing_takes_the_reasons() -> None:
    text = (
        "Délibération du conseil municipal\nObjet : Demande de subvention DETR\nVu le budget ;\n"
        "Considérant que la halle du marché prend l'eau ;\nAprès en avoir délibéré,\n"
        "Décide de refaire la toiture de la halle du marché ;"
    )
    assert "toiture de la halle" in read(text).lead


def test_minutes_have_one_text_an_item() -> None:
    text, asked = paper(PAPERS[4])
    assert read(text).asked == tuple(asked.split("\n"))


def test_a_mail_answered_below_its_quotes_keeps_the_answer() -> None:
    text = "> Que cherchez-vous ?\n> Dites-nous tout.\nNous cherchons un modèle de bail pour une halle de producteurs.\nCordialement\nA. Roy"
    assert read(text).text == "Nous cherchons un modèle de bail pour une halle de producteurs."


def test_a_mail_that_only_forwards_keeps_what_it_forwards() -> None:
    text = (
        "Pour info\n-----Message d'origine-----\nDe : Mairie\nEnvoyé : lundi\nObjet : TR : halle\nBonjour,\n"
        "Nous voudrions couvrir la halle de panneaux solaires.\nCordialement,\nLe maire"
    )
    reading = read(text)
    assert "panneaux solaires" in reading.text
    assert "Envoyé" not in reading.text


@pytest.mark.parametrize(
    "text",
    [
        "Objet : une halle\nNous voulons la couvrir.",
        "Bonjour,\nNous voulons une halle, vu le climat et considérant notre budget.",
        "Contexte : commune rurale.\nNous voulons planter des haies.\nBudget : 3 000 euros.",
        "Vu le prix du gaz, nous voudrions changer la chaudière.\nVu l'état du toit, aussi l'isoler.\nMerci d'avance",
        "- la cantine\n- la chaufferie\n- le pédibus",
        "Projet de verger\nObjectifs : planter, récolter\nNous sommes une commune de 300 habitants.",
    ],
)
def test_a_request_is_read_whole(text: str) -> None:
    reading = read(text)
    assert (reading.kind, reading.lead, reading.text) == ("", text, text)


def test_no_judged_request_and_no_resource_is_a_paper() -> None:
    requests = [
        json.loads(line)["text"] for line in (ROOT / "data/golden/queries.jsonl").open(encoding="utf-8")
    ]
    for path in (ROOT / "data/requests").glob("*.csv"):
        with path.open(encoding="utf-8") as stream:
            requests += [cell for row in csv.reader(stream) for cell in row]
    assert len(requests) > 200
    assert [text for text in requests if read(clean(text)).kind] == []


def test_a_title_without_a_label_is_the_object() -> None:
    text = (
        "EXTRAIT DU REGISTRE DES DÉLIBÉRATIONS\nPrésents : Mme BOYER, M. RIGAL\n"
        "Culture – Bibliothèque – Prêt de jeux – Approbation\nLe conseil communautaire,\n1. Vu le budget ;\n"
        "2. Vu l'avis du bureau ;\nConsidérant que les familles le demandent ;\nAprès en avoir délibéré,\n"
        "Article 1er : approuve le prêt de jeux.\nPour : 12 – Contre : 2\nFait et délibéré ce jour"
    )
    reading = read(text)
    assert reading.lead == "Culture – Bibliothèque – Prêt de jeux – Approbation"
    assert texts(text, reading.left_out, "visas") == ["1. Vu le budget ;\n2. Vu l'avis du bureau ;"]
    assert "2." not in reading.text


def test_the_cells_of_a_vote_are_left_out() -> None:
    text = (
        "Délibération n° 4\nObjet : ouvrir une ludothèque au bourg\nAprès en avoir délibéré, décide :\n"
        "d'ouvrir une ludothèque ;\nVote\nNombre\nNoms\nPour\n9\nContre\n2\nM. Sire, Mme Aldo\nAbstention\n0"
    )
    assert "Sire" not in read(text).text
    assert "d'ouvrir une ludothèque" in read(text).text


def test_what_the_mayor_says_below_the_names_of_those_present_is_kept() -> None:
    said = "Madame la Maire rappelle que le lavoir prend l'eau et que la charpente cède de toutes parts."
    text = (
        f"Extrait du registre\nPrésents : Mme BOYER, M. RIGAL\nDélibération n° 5 : le lavoir\n{said}\n"
        "Après en avoir délibéré, le conseil\nDÉCIDE de refaire le lavoir ;"
    )
    assert said in texts(text, read(text).kept, "statement")


def test_a_form_whose_annexes_name_a_deliberation_is_a_form() -> None:
    text = (
        "APPEL À MANIFESTATION D'INTÉRÊT\nDOSSIER DE CANDIDATURE\nNom de la collectivité : Mirac\n"
        "Intitulé du projet : un four à pain partagé\nPLAN DE FINANCEMENT\nTravaux 12 000 €\nÉtudes 3 000 €\n"
        "PIÈCES À JOINDRE\nDélibération de la collectivité\nFait à Mirac, le 3 mai\nSignature"
    )
    reading = read(text)
    assert (reading.kind, reading.text) == ("form", "un four à pain partagé")


def test_thanks_that_ask_something_are_of_the_message() -> None:
    asked = "Nous vous remercions de nous indiquer où trouver des exemples de fours à pain remis en marche."
    text = f"Mairie de Mirac\nObjet : four\nMadame,\n{asked}\nBien cordialement,\nL. Sire, adjointe"
    assert read(text).lead == asked


def test_a_note_leads_with_its_object() -> None:
    text = (
        "NOTE À L'ATTENTION DU MAIRE\nDate : 3 mai\nObjet : ouvrir le stade aux écoles\nles jours de pluie\n"
        "Le préau est trop petit.\nNous proposons :\n- un créneau ;\n- une clé.\nLe directeur\nPJ : plan"
    )
    reading = read(text)
    assert (reading.kind, reading.lead) == ("note", "ouvrir le stade aux écoles les jours de pluie")
    assert list(reading.left_labels) == ["headers", "signatures", "annexes"]
    assert texts(text, reading.kept, "statement")[-1] == "- une clé."

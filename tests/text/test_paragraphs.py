"""Physical lines become paragraphs again; lists, headings, verses and short lines stay as they are."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.text import pages
from reco.text.paragraphs import unwrapped

PARAGRAPHS = (
    "Le lavoir du hameau fuit depuis l'hiver et la commune voudrait le réparer avec des pierres du pays, "
    "sans passer par un gros chantier ni fermer le chemin qui le longe.",
    "Une association propose d'y organiser des ateliers d'enduits à la chaux ; nous cherchons des villages qui "
    "ont confié ce genre de travaux à des bénévoles.",
)


@pytest.mark.parametrize("width", [50, 60, 72, 78, 100])
def test_wrapped_paragraphs_are_put_back(width: int) -> None:
    wrapped = "\n\n".join(textwrap.fill(text, width) for text in PARAGRAPHS)
    assert unwrapped(wrapped) == "\n\n".join(PARAGRAPHS)


def test_wrapped_items_of_a_list_stay_items() -> None:
    text = (
        "Nous voudrions, pour le centre du bourg et pour la zone de la\n"
        "gare, trouver des exemples de :\n"
        "- places de marché plantées où l'on a retiré la plus grande partie du\n"
        "  bitume ;\n"
        "- halles en bois.\n"
        "\n"
        "Merci"
    )
    assert unwrapped(text).split("\n") == [
        "Nous voudrions, pour le centre du bourg et pour la zone de la gare, trouver des exemples de :",
        "- places de marché plantées où l'on a retiré la plus grande partie du bitume ;",
        "- halles en bois.",
        "",
        "Merci",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "un préau\nmoins de goudron\nplus d'ombre",
        "repeindre le préau et refaire la toiture du gymnase\nplanter un bosquet à l'entrée du bourg, côté sud\n"
        "racheter le vieux moulin pour le transformer en gîte",
        "Le soir descend sur le lavoir\nOn entend couler la fontaine\nQui donc reviendra la revoir",
        "OBJET : ÉCLAIRAGE\nVu le code de l'environnement ;\nVu le budget ;",
        "Jeanne Dubreuil\nMairie de Pont-le-Vieux\n12, rue du Four",
        "1. Cantine\n2. Chaufferie\n3. Voirie",
    ],
)
def test_lines_that_end_are_not_glued(text: str) -> None:
    assert unwrapped(text) == text


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ("la renatu-\nration du ruisseau", "la renaturation du ruisseau"),
        ("le rejet des eaux-\nvannes dans le fossé", "le rejet des eaux-vannes dans le fossé"),
        ("un balcon en porte-\nà-faux sur la rue", "un balcon en porte-à-faux sur la rue"),
        ("au rez-\nde-chaussée de la mairie", "au rez-de-chaussée de la mairie"),
        ("il faudrait peut-\nêtre un abri", "il faudrait peut-être un abri"),
        ("un maraî\u00ad\ncher bio", "un maraîcher bio"),
        (
            "le four-banal du bourg ; ce four-\nbanal est fermé",
            "le four-banal du bourg ; ce four-banal est fermé",
        ),
        ("la crèche ; cette crè-\nche manque de place", "la crèche ; cette crèche manque de place"),
    ],
)
def test_a_word_cut_at_a_line_end(cut: str, whole: str) -> None:
    assert unwrapped(cut) == whole


@given(st.text(alphabet="aà -\n.;l'EÉ1", max_size=300))
def test_only_line_ends_and_hyphens_can_go(text: str) -> None:
    left = unwrapped(text)
    bare = str.maketrans("", "", " \n-")
    assert left.translate(bare) == text.translate(bare)
    assert left.count("\n") <= text.count("\n")


def test_a_formula_of_a_deliberation_opens_a_paragraph() -> None:
    text = (
        "Le conseil municipal, réuni le douze avril à dix-neuf heures dans la\n"
        "salle des mariages sous la présidence de Mme Lise Morel, maire\n"
        "OBJET : refaire le lavoir du bourg et le chemin qui y mène depuis\n"
        "la place du marché\n"
        "Considérant que le lavoir fuit"
    )
    assert [line[:10] for line in unwrapped(text).split("\n")] == ["Le conseil", "OBJET : re", "Considéran"]


def test_repeated_edges_of_pages_are_left_out() -> None:
    texts = [
        f"Commune de Rival - schéma d'accueil\n{PARAGRAPHS[n % 2]}\nFait numéro {n * 7} ici\npage {n + 1} / 4"
        for n in range(4)
    ]
    joined = pages.joined(texts)
    assert "Rival" not in joined
    assert "page" not in joined
    assert joined.count(PARAGRAPHS[0]) == 2
    assert (
        pages.joined(["Un seul feuillet, sans rien de répété."]) == "Un seul feuillet, sans rien de répété."
    )


def test_ligatures_of_a_pdf_are_letters() -> None:
    assert (
        pages.joined(["l'e\x1bet de la \x1cn, con\x1cer, insu\x1esant"])
        == "l'effet de la fin, confier, insuffisant"
    )


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("la place du\n- 3 -\nmarché", "la place du\nmarché"),
        ("un\nCommune de Mirac - page 2/5\ndeux", "un\ndeux"),
        ("Projet de Mirac – 3/12\nun\nProjet de Mirac – 4/12\ndeux", "un\ndeux"),
        ("un bon début\x0cCommune\x0cla suite", "un bon début\nCommune\nla suite"),
        ("voir la page 12\nvoir la page 14", "voir la page 12\nvoir la page 14"),
        ("Lot 1 – 12\nLot 2 – 15\n3/12\n12", "Lot 1 – 12\nLot 2 – 15\n3/12\n12"),
        ("page 4", "page 4"),
    ],
)
def test_page_numbers_inside_a_text(text: str, body: str) -> None:
    assert pages.body(text) == body


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ("le maire de Saint-\nDenis", "le maire de Saint-Denis"),
        ("dans le Val-de-\nMarne", "dans le Val-de-Marne"),
        ("pour 2023-\n2024", "pour 2023-2024"),
        ("LES ABORDS-\nLe préau", "LES ABORDS-\nLe préau"),
        ("lot A-\n12 chaises", "lot A-\n12 chaises"),
    ],
)
def test_a_name_or_a_number_cut_at_its_hyphen(cut: str, whole: str) -> None:
    assert unwrapped(cut) == whole


def test_the_title_of_an_item_ends_with_its_line() -> None:
    text = (
        "Point n° 2 – Ouverture d'une maison pour les familles et voisins\n"
        "Les familles attendent depuis dix ans un lieu où se retrouver de\n"
        "temps en temps, et les voisins aussi."
    )
    title, _ = text.split("\n", 1)
    assert unwrapped(text).startswith(f"{title}\n")

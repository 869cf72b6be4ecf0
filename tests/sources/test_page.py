from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.catalogue.resource import Record, Rejection
from reco.catalogue.taxonomy import THEMES, TYPES
from reco.errors import SourceError
from reco.sources import page
from reco.sources.config import SourceConfig
from reco.sources.read import read
from reco.text.clean import fold

from .conftest import Read

SEED = Path(__file__).parents[2].parent / "shared" / "seed" / "page.txt"

INVENTED_THEMES = ["Pêche", "Lacs & étangs", "étangs", "Vie de quartier"]
INVENTED_TYPES = ["Podcasts", "Cartes / plans"]
INVENTED = """\
Que faire d'un étang communal ?
Ligue des petits lacsLacs & étangs / Podcasts
Résumé :
Un épisode qui suit trois villages.
À écouter : pêche / baignade / promenade.

Le marché du samedi
Odile Marchand, Yann Le Goff,
Inès d'AlmeidaVIE DE QUARTIER / cartes / plans
RESUME : Une carte commentée.
- les étals
- les horaires
Trois saisons au bord de l'eau
Paul Vasseur, Maison du littoralPÊCHE / Podcasts
Pierre Vasseur n'est pas cité, mais Paul Vaseur l'est.
Compter les poissons
OFPM (Office des mares)Pêche / Podcasts
Une méthode simple.
"""


def read_page(read_file: Read, text: str, **options: object) -> list[Record | Rejection]:
    return read_file("page.txt", text.encode(), kind="page", **options)


def read_invented(read_file: Read, text: str) -> list[Record | Rejection]:
    return read_page(read_file, text, themes=INVENTED_THEMES, types=INVENTED_TYPES)


@pytest.mark.skipif(not SEED.exists(), reason=f"{SEED} is not on this machine")
def test_every_resource_of_the_seed_page_is_read_whole() -> None:
    rows = list(read(SourceConfig(name="seed", kind="page", path=SEED)))
    assert [type(row) for row in rows] == [Record] * 8
    lines = SEED.read_text("utf-8").split("\n")
    kept = {line for row in rows for line in row.values["summary"].split("\n")}
    headers = {line for line in lines if line.endswith(tuple(TYPES.values())) and " / " in line}
    titles = {row.values["title"] for row in rows}
    left = [line for line in lines if line and line not in kept | headers | titles]
    assert [line for line in left if not fold(line).startswith("resume")] == [
        "Sami Bouarfa, Marielle Montginoul,"
    ]
    assert all(row.values["title"] == lines[int(row.locator.rsplit(":", 1)[1]) - 1] for row in rows)


@pytest.mark.skipif(not SEED.exists(), reason=f"{SEED} is not on this machine")
def test_the_credits_and_labels_of_the_seed_page() -> None:
    rows = list(read(SourceConfig(name="seed", kind="page", path=SEED)))
    assert [
        (
            row.values.get("authors", ""),
            row.values.get("publisher", ""),
            row.values["theme"],
            row.values["type"],
        )
        for row in rows
    ] == [
        ("", "Banque des Territoires", "Initiatives locales", "Guides & outils"),
        ("", "CNFPT", "Initiatives locales", "Guides & outils"),
        (
            "",
            "Association des maires ruraux de France (AMRF)",
            "Aménagement du territoire",
            "Dossiers & articles",
        ),
        ("", "Sénat", "Vie démocratique et institutionnelle", "Rapports"),
        ("", "Fédération des agence locales pour l'énergie et le climat", "Énergie", "Guides & outils"),
        ("Achille Warmant", "La Fabrique de la Cité", "Aménagement du territoire", "Rapports"),
        ("Marie-Hélène Lafage", "", "Adaptation", "Livres"),
        ("Sami Bouarfa; Marielle Montginoul; Thomas Pelte; Eric Sauquet", "", "Eau", "Livres"),
    ]


@pytest.mark.skipif(not SEED.exists(), reason=f"{SEED} is not on this machine")
def test_two_spellings_of_a_name_are_reported() -> None:
    parsed = page.parse(SEED.read_text("utf-8"), THEMES, tuple(TYPES.values()))
    doubtful = [item for item in parsed if isinstance(item, page.PageRecord) and item.variants]
    assert [item.variants for item in doubtful] == [{"Achille Warmant": ("Achille Warnant",)}]
    assert doubtful[0].confidence["authors"] < 0.7


def test_a_page_with_its_own_labels_is_read(read_file: Read) -> None:
    rows = read_invented(read_file, INVENTED)
    read_as = [{name: value for name, value in row.values.items() if name != "evidence"} for row in rows]
    assert read_as == [
        {
            "title": "Que faire d'un étang communal ?",
            "publisher": "Ligue des petits lacs",
            "theme": "Lacs & étangs",
            "type": "Podcasts",
            "summary": "Un épisode qui suit trois villages.\nÀ écouter : pêche / baignade / promenade.",
        },
        {
            "title": "Le marché du samedi",
            "authors": "Odile Marchand; Yann Le Goff; Inès d'Almeida",
            "theme": "Vie de quartier",
            "type": "Cartes / plans",
            "summary": "Une carte commentée.\n- les étals\n- les horaires",
        },
        {
            "title": "Trois saisons au bord de l'eau",
            "authors": "Paul Vasseur",
            "publisher": "Maison du littoral",
            "theme": "Pêche",
            "type": "Podcasts",
            "summary": "Pierre Vasseur n'est pas cité, mais Paul Vaseur l'est.",
        },
        {
            "title": "Compter les poissons",
            "publisher": "OFPM (Office des mares)",
            "theme": "Pêche",
            "type": "Podcasts",
            "summary": "Une méthode simple.",
        },
    ]
    assert [row.locator.rsplit(":", 1)[1] for row in rows] == ["1", "7", "13", "16"]


GOOD = "Un titre\nAgence XPêche / Podcasts\nRésumé :\nTexte.\n"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("Agence XChasse / Podcasts", "unknown theme at the end of 'Agence XChasse'"),
        ("Agence XPêche / Films", "unknown type 'Films'"),
        ("Agence XLacs et étang / Podcasts", "the nearest known label is 'Lacs & étangs'"),
        ("Agence X, sans rien", 'no "theme / type" at the end'),
    ],
)
def test_a_resource_that_cannot_be_read_is_handed_back_whole(
    read_file: Read, header: str, problem: str
) -> None:
    bad = f"Autre titre\n{header}\nRésumé :\nUne ligne.\nUne autre."
    rows = read_invented(read_file, GOOD + bad + "\n" + GOOD)
    assert [type(row) for row in rows] == [Record, Rejection, Record]
    assert isinstance(rows[1], Rejection)
    assert problem in rows[1].problems[0]
    assert rows[1].values["raw"] == bad
    assert rows[1].locator.endswith("page.txt:5")
    assert rows[0].values["summary"] == rows[2].values["summary"] == "Texte."


def test_an_unknown_label_is_seen_without_its_summary_announced(read_file: Read) -> None:
    rows = read_invented(read_file, GOOD + "Autre titre\nLigue YChasse / Podcasts\nTexte.\n" + GOOD)
    assert [type(row) for row in rows] == [Record, Rejection, Record]


def test_text_before_the_first_resource_is_handed_back(read_file: Read) -> None:
    rows = read_invented(read_file, "Accueil\nMenu\n" + GOOD)
    assert [type(row) for row in rows] == [Rejection, Record]
    assert rows[0].values["raw"] == "Accueil\nMenu"


def test_a_resource_without_a_title_is_handed_back(read_file: Read) -> None:
    rows = read_invented(read_file, "Agence XPêche / Podcasts\nRésumé :\nTexte.\n" + GOOD)
    assert [type(row) for row in rows] == [Rejection, Record]
    assert isinstance(rows[0], Rejection)
    assert "no title" in rows[0].problems[0]


@pytest.mark.parametrize(
    "line",
    [
        "On y parle de chasse / pêche / podcasts.",
        "- voir aussi : Pêche / Podcasts",
        "Ce document se range avec d'autres sous Pêche / Podcasts",
        "Films / Podcasts",
        "- réduire ses charges/dépenses",
    ],
)
def test_a_summary_may_cite_labels(read_file: Read, line: str) -> None:
    rows = read_invented(read_file, f"Un titre\nAgence XPêche / Podcasts\nRésumé :\nDébut.\n{line}\nFin.\n")
    assert [row.values["summary"] for row in rows] == [f"Début.\n{line}\nFin."]


@pytest.mark.parametrize(
    ("header", "publisher", "theme"),
    [
        ("Comité de l'étangÉtangs / Podcasts", "Comité de l'étang", "étangs"),
        ("Mairie de Marevie de quartier / Podcasts", "Mairie de Mare", "Vie de quartier"),
        ("CNFPT – PÊCHE / PODCASTS", "CNFPT", "Pêche"),
        ("CNFPT | peche/podcasts", "CNFPT", "Pêche"),
        ("Sous-onglet : Pêche / Podcasts", "", "Pêche"),
        ("Réseau Lacs & étangs / Podcasts", "Réseau", "Lacs & étangs"),
    ],
)
def test_labels_are_found_however_they_are_written(
    read_file: Read, header: str, publisher: str, theme: str
) -> None:
    (row,) = read_invented(read_file, f"Un titre\n{header}\nRésumé :\nTexte.\n")
    assert (row.values.get("publisher", ""), row.values["theme"]) == (publisher, theme)


def test_a_short_theme_does_not_cut_a_surname(read_file: Read) -> None:
    for label in ("Résumé :\n", ""):
        text = f"Vrai\nSénatEau / Livres\n{label}Oui.\nUn titre\nLuc Bordeau / Livres\n{label}Texte.\n"
        assert [type(row) for row in read_page(read_file, text)] == [Record, Rejection]


@pytest.mark.parametrize(
    ("credit", "authors", "publisher"),
    [
        ("Léa Martin", "Léa Martin", ""),
        ("Léa Martin et Jean-Paul du Bellay", "Léa Martin; Jean-Paul du Bellay", ""),
        ("J.-P. Durand (dir.)", "J.-P. Durand (dir.)", ""),
        ("Ministère de la Pêche, de l'Eau et du Climat", "", "Ministère de la Pêche, de l'Eau et du Climat"),
        ("Cerema, Léa Martin", "Léa Martin", "Cerema"),
        ("INRAE Occitanie", "", "INRAE Occitanie"),
        ("Comité 21", "", "Comité 21"),
        ("Le Lierre", "", "Le Lierre"),
        ("Villes et lacs en réseau", "", "Villes et lacs en réseau"),
    ],
)
def test_people_are_told_from_organisations(
    read_file: Read, credit: str, authors: str, publisher: str
) -> None:
    (row,) = read_invented(read_file, f"Un titre\n{credit}Pêche / Podcasts\nRésumé :\nTexte.\n")
    assert (row.values.get("authors", ""), row.values.get("publisher", "")) == (authors, publisher)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_page_is_read_in_any_usual_encoding(read_file: Read, encoding: str) -> None:
    data = "Un été\r\nSénatÉnergie / Livres\r\nRésumé :\r\nDéjà.\r\n".encode(encoding)
    (row,) = read_file("page.txt", data, kind="page")
    assert row.values["summary"] == "Déjà."


def test_a_file_that_is_no_such_page_is_an_error(read_file: Read) -> None:
    with pytest.raises(SourceError, match="no resource found") as error:
        read_page(read_file, "Bonjour\n")
    assert "themes" in error.value.hint


SYLLABLES = st.sampled_from(["ba", "cha", "lo", "mi", "né", "rè", "tu", "vou"])
WORDS = st.lists(SYLLABLES, min_size=2, max_size=4).map("".join)
LABEL = st.lists(WORDS, min_size=1, max_size=3).map(" ".join).map(str.capitalize)
NAME = st.tuples(WORDS.map(str.capitalize), WORDS.map(str.capitalize)).map(" ".join)
PUBLISHER = st.tuples(st.sampled_from(["Agence", "Fédération", "Institut", "Observatoire"]), WORDS).map(
    " ".join
)
SENTENCE = st.lists(WORDS, min_size=2, max_size=8).map(lambda words: " ".join(words).capitalize() + ".")


@st.composite
def invented_pages(draw: st.DrawFn) -> tuple[list[str], list[str], list[dict[str, str]], str]:
    themes = draw(st.lists(LABEL, min_size=1, max_size=4, unique_by=fold))
    types = draw(st.lists(LABEL, min_size=1, max_size=3, unique_by=fold))
    resources, text = [], ""
    for _ in range(draw(st.integers(1, 4))):
        people = draw(st.lists(NAME, max_size=3))
        publisher = draw(PUBLISHER) if not people else ""
        resource = {
            "title": draw(SENTENCE).removesuffix("."),
            "authors": "; ".join(people),
            "publisher": publisher,
            "theme": draw(st.sampled_from(themes)),
            "type": draw(st.sampled_from(types)),
            "summary": "\n".join(draw(st.lists(SENTENCE, min_size=1, max_size=4))),
        }
        label = draw(st.sampled_from(["Résumé :\n", "Résumé : ", ""]))
        header = f"{', '.join(people) or publisher}{resource['theme']} / {resource['type']}"
        text += f"{resource['title']}\n{header}\n{label}{resource['summary']}\n"
        resources.append(resource)
    return themes, types, resources, text


@given(invented_pages())
@settings(deadline=None, max_examples=150)
def test_any_invented_page_reads_back(
    invented: tuple[list[str], list[str], list[dict[str, str]], str],
) -> None:
    themes, types, resources, text = invented
    parsed = page.parse(text, themes, types)
    assert [
        {
            "title": item.title,
            "authors": "; ".join(item.authors),
            "publisher": "; ".join(item.publishers),
            "theme": item.theme,
            "type": item.type,
            "summary": item.summary,
        }
        for item in parsed
        if isinstance(item, page.PageRecord)
    ] == resources


LINES = [
    "Un titre",
    "Un titre, et sa suite :",
    "Agence XPêche / Podcasts",
    "Agence XChasse / Podcasts",
    "Pêche / Podcasts",
    "Léa Martin, Paul Petit,",
    "Une phrase / coupée.",
    "Résumé :",
    "",
]


@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_no_line_of_a_page_is_lost(lines: list[str]) -> None:
    parsed = page.parse("\n".join(lines), INVENTED_THEMES, INVENTED_TYPES)
    kept: list[str] = []
    for item in parsed:
        if isinstance(item, page.PageReject):
            kept += item.raw.split("\n")
        else:
            credit = ", ".join((*item.authors, *item.publishers))
            kept += [item.title, *item.summary.split("\n"), credit, f"{item.theme} / {item.type}"]
    everything = "\n".join(kept)
    for text in ("Un titre", "Une phrase / coupée.", "Léa Martin, Paul Petit", "Chasse / Podcasts"):
        assert everything.count(text) == "\n".join(lines).count(text)
    assert everything.count("Pêche / Podcasts") == "\n".join(lines).count("Pêche / Podcasts")


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    page.parse(text, INVENTED_THEMES, INVENTED_TYPES)


def test_doubts_of_the_reading_stay_with_the_record(tmp_path: Path) -> None:
    text = (
        "Les petites villes changent\nAnne Warmant, La Fabrique de la CitéEau / Rapports\nRésumé :\n"
        "L'étude suit trois villes. À propos de l'autrice : Anne Warnant est géographe.\n"
    )
    (tmp_path / "page.txt").write_text(text, encoding="utf-8")
    config = SourceConfig(
        name="p", kind="page", path=tmp_path / "page.txt", themes=("Eau",), types=("Rapports",)
    )
    (row,) = read(config)
    assert isinstance(row, Record)
    assert "authors 60%" in row.values["evidence"] and "also written Anne Warnant" in row.values["evidence"]

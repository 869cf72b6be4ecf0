"""Dossiers read back with the programs' own libraries: whole, in order, and nothing that acts."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import docx
import openpyxl
import pytest
import rispy
from hypothesis import given, settings
from hypothesis import strategies as st
from rispy.config import TYPE_OF_REFERENCE_MAPPING

from reco.app.dossier.authors import authors_of
from reco.app.dossier.content import CUT, LONGEST_CELL, Dossier, Headings, Item
from reco.app.dossier.document import docx_bytes
from reco.app.dossier.markdown import markdown_bytes
from reco.app.dossier.references import ris_bytes, type_of
from reco.app.dossier.tables import COLUMNS, table_bytes, xlsx_bytes
from tests.support import resource

HEADINGS = Headings(
    **{name: name.capitalize() for name in (*COLUMNS, "request", "resources", "source")},
    open_quote="« ",
    close_quote=" »",
)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", '=HYPERLINK("https://evil.example")')
MARKUP = "<script>x</script> ![p](https://evil.example/p.png) [c](javascript:x) **b** | `c` # h"


def item(text: str = "Une cour plantée", **values: object) -> Item:
    found = resource(
        "r1",
        text,
        source=text,
        publisher=text,
        authors=text,
        type=text,
        themes=(text,),
        place=text,
        url="https://example.org/a?b=1",
        year=2021,
        summary=text,
        language="fr",
    )
    return replace(Item(found, (text,), (text,), text, text), **values)


def dossier(
    *items: Item, title: str = "Ma note", request: str = "Rénover l'école", foot: str = "Catalogue 7"
) -> Dossier:
    return Dossier(title, request, items, foot)


def sheet(found: Dossier, headings: Headings = HEADINGS) -> list[list[object]]:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(found, headings)))
    return [list(row) for row in book.worksheets[0].iter_rows()]


def lines(found: Dossier, headings: Headings = HEADINGS) -> list[list[str]]:
    text = table_bytes(found, headings).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def paragraphs(found: Dossier) -> list[str]:
    return [p.text for p in docx.Document(io.BytesIO(docx_bytes(found, HEADINGS))).paragraphs]


def test_every_format_holds_the_items_in_their_order() -> None:
    first, second = item("Premier"), item("Second", note="À relire")
    second = replace(second, resource=replace(second.resource, id="r2"))
    found = dossier(second, first)
    rows = lines(found)
    assert rows[0] == [name.capitalize() for name in COLUMNS]
    assert [row[1] for row in rows[1:]] == ["Second", "Premier"]
    assert [cell.value for cell in sheet(found)[1]][:3] == [1, "Second", "Second"]
    assert [r["title"] for r in rispy.loads(ris_bytes(found).decode())] == ["Second", "Premier"]
    read = paragraphs(found)
    assert read.index("1. Second") < read.index("2. Premier")
    assert "À relire" in read and "« Second »" in read and "Rénover l'école" in read
    markdown = markdown_bytes(found, HEADINGS).decode()
    assert markdown.index("### 1. Second") < markdown.index("### 2. Premier")


def test_the_foot_names_what_was_read() -> None:
    document = docx.Document(io.BytesIO(docx_bytes(dossier(item()), HEADINGS)))
    assert document.sections[0].footer.paragraphs[0].text == "Catalogue 7"
    assert document.core_properties.author == "" and document.core_properties.title == "Ma note"
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(dossier(item()), HEADINGS)))
    assert [cell.value for cell in book.worksheets[1]["A"]] == ["Ma note", "Rénover l'école", "Catalogue 7"]
    assert markdown_bytes(dossier(item()), HEADINGS).decode().rstrip().endswith("Catalogue 7")


@pytest.mark.parametrize("attack", FORMULAS)
def test_no_cell_is_a_formula_headers_too(attack: str) -> None:
    hostile = replace(item(attack), resource=replace(item(attack).resource, id=attack))
    headings = replace(HEADINGS, **dict.fromkeys(COLUMNS, attack))
    for row in sheet(dossier(hostile, title=attack, request=attack), headings):
        for cell in row:
            assert cell.data_type in ("s", "n") and cell.hyperlink is None
            if cell.data_type == "s" and cell.value.startswith(("=", "+", "-", "@")):
                assert cell.quotePrefix, cell.coordinate
    data = xlsx_bytes(dossier(hostile, title=attack), headings)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert not [name for name in parts.namelist() if b"<f>" in parts.read(name)]
    for line in lines(dossier(hostile), headings):
        assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\0"))]


@pytest.mark.parametrize("character", ["é", "🌳"])
def test_a_cell_too_long_is_cut_with_a_mark(character: str) -> None:
    found = dossier(item(note=character * 40_000))
    for cell in (sheet(found)[1][COLUMNS.index("note")].value, lines(found)[1][COLUMNS.index("note")]):
        assert cell.endswith(CUT)
        assert LONGEST_CELL - 2 <= len(cell.encode("utf-16-le")) // 2 <= LONGEST_CELL
        assert set(cell.removesuffix(CUT)) == {character}


def test_no_line_of_a_reference_is_the_source_s_own() -> None:
    attack = "Titre\r\nER  - \r\nTY  - BOOK\r\nTI  - Faux"
    (only,) = rispy.loads(ris_bytes(dossier(item(attack))).decode())
    assert only["title"] == "Titre ER - TY - BOOK TI - Faux"
    assert only["urls"] == ["https://example.org/a?b=1"]
    assert only["year"] == "2021"


@pytest.mark.parametrize(
    "attack",
    [
        MARKUP,
        "- liste",
        "1. liste",
        "> citation",
        "    code",
        "a\n\n# titre",
        "===",
        "www.evil.example https://evil.example",
    ],
)
def test_markdown_of_a_source_is_inert(attack: str) -> None:
    from markdown_it import MarkdownIt

    text = markdown_bytes(dossier(item(attack), title=attack, request=attack), HEADINGS).decode()
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    for tag in ("<script", "<img", "<code", "<table", "<pre", "<ol", "<h4"):
        assert tag not in html
    assert html.count("<a ") == 1
    assert html.count("<h1") == 1 and html.count("<h2") == 2 and html.count("<h3") == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "http://[", "", "data:text/html,x"]
)
def test_no_address_but_of_the_web_is_a_link(url: str) -> None:
    hostile = item()
    hostile = replace(hostile, resource=replace(hostile.resource, url=url))
    found = dossier(hostile)
    assert b"<http" not in markdown_bytes(found, HEADINGS)
    assert "urls" not in rispy.loads(ris_bytes(found).decode())[0]
    document = docx.Document(io.BytesIO(docx_bytes(found, HEADINGS)))
    assert not [r for r in document.part.rels.values() if r.is_external]


def test_a_link_of_the_web_is_one_in_the_note() -> None:
    document = docx.Document(io.BytesIO(docx_bytes(dossier(item()), HEADINGS)))
    assert [r.target_ref for r in document.part.rels.values() if r.is_external] == [
        "https://example.org/a?b=1"
    ]


WRITERS: tuple[Callable[[Dossier, Headings], bytes], ...] = (
    docx_bytes,
    xlsx_bytes,
    table_bytes,
    markdown_bytes,
    lambda found, _: ris_bytes(found),
)


@given(text=st.text(alphabet=st.characters(codec=None), max_size=60))
@settings(max_examples=30)
def test_any_text_can_be_written_and_read_back(text: str) -> None:
    found = dossier(item(text), title=text, request=text, foot=text)
    for write in WRITERS:
        assert write(found, HEADINGS)
    assert docx.Document(io.BytesIO(docx_bytes(found, HEADINGS))).paragraphs
    assert len(sheet(found)) == len(lines(found)) == 2
    rispy.loads(ris_bytes(found).decode())


def test_no_file_names_a_source_of_the_settings() -> None:
    """It is a name for who runs the server; a reader is told who published, and where."""
    kept = item("Une cour")
    found = dossier(replace(kept, resource=replace(kept.resource, source="zzsource", publisher="Ademe")))
    text = "\n".join(
        [
            *paragraphs(found),
            str([[cell.value for cell in row] for row in sheet(found)]),
            *(write(found, HEADINGS).decode() for write in (table_bytes, markdown_bytes)),
            ris_bytes(found).decode(),
        ]
    )
    assert "zzsource" not in text
    assert "Source : Ademe · https://example.org/a?b=1" in paragraphs(found)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Rapports", "RPRT"),
        ("Livres", "BOOK"),
        ("Guides & outils", "RPRT"),
        ("Dossiers & articles", "MGZN"),
        ("Initiatives & retours d'expérience", "GEN"),
        ("Thèse de doctorat", "THES"),
        ("Synthèses", "GEN"),
        ("Parenthèse", "GEN"),
        ("Délivrance d'un acte", "CONF"),
        ("Articles scientifiques", "JOUR"),
        ("Livre blanc", "RPRT"),
        ("Jeux de données", "DATA"),
        ("", "GEN"),
        ("Acte administratif", "STAT"),
        ("Mémoire en réponse", "RPRT"),
        ("info:eu-repo/semantics/conferenceObject", "CPAPER"),
        ("blogPost", "BLOG"),
        ("Article de presse", "NEWS"),
    ],
)
def test_the_type_of_a_reference_is_a_whole_word(text: str, code: str) -> None:
    found = item()
    found = replace(found, resource=replace(found.resource, type=text))
    (only,) = rispy.loads(ris_bytes(dossier(found)).decode())
    assert only["type_of_reference"] == type_of(text) == code
    assert code in TYPE_OF_REFERENCE_MAPPING


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("Claire Moreau", ["Moreau, Claire"]),
        ("MOREAU Claire", ["MOREAU, Claire"]),
        ("Claire MOREAU", ["MOREAU, Claire"]),
        ("C. Moreau ; J.-P. Œillet", ["Moreau, C.", "Œillet, J.-P."]),
        ("Moreau C.", ["Moreau, C."]),
        ("Moreau C., Martin P.", ["Moreau, C.", "Martin, P."]),
        ("MOREAU (Claire) et ROUX (Hugo)", ["MOREAU, Claire", "ROUX, Hugo"]),
        ("Dr. Claire Moreau", ["Moreau, Claire"]),
        ("Coordination : Claire Moreau", ["Moreau, Claire"]),
        ("Claire Moreau (Cerema)", ["Moreau, Claire"]),
        ("Moreau, Claire; Roux, Hugo", ["Moreau, Claire", "Roux, Hugo"]),
        ("Moreau, Claire, Roux, Hugo", ["Moreau, Claire", "Roux, Hugo"]),
        ("Claire Moreau, Hugo Roux et Luc Blanc", ["Moreau, Claire", "Roux, Hugo", "Blanc, Luc"]),
        ("MOREAU Claire, ROUX Hugo", ["MOREAU, Claire", "ROUX, Hugo"]),
        ("Henri de La Roche", ["de La Roche, Henri"]),
        ("de La Roche, Henri", ["de La Roche, Henri"]),
        ("LE GALL Yann / Anne d’Arvor", ["LE GALL, Yann", "d’Arvor, Anne"]),
        ("Jean-Marie Petit Roux", ["Petit Roux, Jean-Marie"]),
        ("Mme Claire Moreau (Cerema), dir. Hugo Roux", ["Moreau, Claire", "Roux, Hugo"]),
        ("Claire Moreau, maire", ["Moreau, Claire"]),
        ("Claire Moreau et al.", ["Moreau, Claire", "et al."]),
        ("Claire Moreau, ADEME", ["Moreau, Claire", "ADEME"]),
        ("ADEME ; Cerema", ["ADEME", "Cerema"]),
        ("CEREMA Normandie", ["CEREMA Normandie"]),
        ("Terra Nova", ["Terra Nova"]),
        ("Plante & Cité", ["Plante & Cité"]),
        ("Agence de l'eau et de la forêt", ["Agence de l'eau et de la forêt"]),
        ("Fondation Jean Moulin", ["Fondation Jean Moulin"]),
        ("Ministère de l'Eau, de la Forêt", ["Ministère de l'Eau, de la Forêt"]),
        ("Entretien avec Claire Moreau", ["Entretien avec Claire Moreau"]),
        ("Moreau, Claire (1902-1985). Auteur du texte", ["Moreau, Claire"]),
        ("Moreau, Claire, 1960- ; Roux, Hugo", ["Moreau, Claire", "Roux, Hugo"]),
        ("Commune de Bourg, 1999-2001", ["Commune de Bourg, 1999-2001"]),
    ],
)
def test_authors_are_name_first_and_organisations_stay(line: str, authors: list[str]) -> None:
    found = item()
    found = replace(found, resource=replace(found.resource, authors=line))
    (only,) = rispy.loads(ris_bytes(dossier(found)).decode())
    assert only["authors"] == authors


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["Claire", "MOREAU", "C.", ",", ";", " et ", "ADEME", "(", ")", "de", "é"])))
def test_no_word_of_an_author_is_lost_or_made_up(words: list[str]) -> None:
    line = " ".join(words)
    kept = set(" ".join(authors_of(line)).replace(",", " ").split())
    assert kept <= set(line.replace(",", " ").split()) and ("ADEME" in kept) >= (line.strip() == "ADEME")


def test_office_files_are_on_a4_and_in_french() -> None:
    data = docx_bytes(dossier(item()), HEADINGS)
    document = docx.Document(io.BytesIO(data))
    (section,) = document.sections
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        styles, settings_part = parts.read("word/styles.xml"), parts.read("word/settings.xml")
    assert b'<w:lang w:val="fr-FR"' in styles and b'w:themeFontLang w:val="fr-FR"' in settings_part
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(dossier(item()), HEADINGS)))
    assert {sheet.page_setup.paperSize for sheet in book.worksheets} == {9}

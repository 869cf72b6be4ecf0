"""The address of a cell, and the address in a sentence."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue import addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://fr.wiki.example.org/L'eau_(France),_un_guide",
        "https://x.fr/fiche,1234.html",
        "https://x.fr/S.A.R.L.",
        "https://x.fr/été/%C3%A9t%C3%A9?a=1&region=53&copy=2#page=3",
        "https://web.archive.org/web/2020/https://x.fr/a",
        "https://médiathèque.fr/a",
        "https://localhost/a",
        "http://192.168.1.10:8080/a",
    ],
)
def test_an_address_that_is_the_whole_cell_stays_as_it_is(url: str) -> None:
    assert addresses.read(url) == addresses.Address(url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://x.fr/Le plan d'eau 2021.pdf", "https://x.fr/Le%20plan%20d'eau%202021.pdf"),
        ("https://x.fr/?q=haie basse", "https://x.fr/?q=haie%20basse"),
        ("https://x.fr/a%27b?q=l'eau d%27ici", "https://x.fr/a%27b?q=l'eau%20d%27ici"),
        ("https://x.fr/guide de l'eau.pdf (2 Mo)", "https://x.fr/guide%20de%20l'eau.pdf"),
        ("https://x.fr/guide eau.pdf consulté le 3 mai", "https://x.fr/guide%20eau.pdf"),
        ("Guide : https://x.fr/guide eau.pdf, p. 12", "https://x.fr/guide%20eau.pdf"),
        ("https://x.fr/a_x000D_", "https://x.fr/a"),
        ("https://x.fr/l&#039;eau?a=1&amp;copy=2", "https://x.fr/l'eau?a=1&copy=2"),
        ("https://x.fr/le\u00a0puits.pdf", "https://x.fr/le%20puits.pdf"),
        ("Voir https://x.fr/note.", "https://x.fr/note"),
        ("la page (https://x.fr/Sol_(terre)).", "https://x.fr/Sol_(terre)"),
        ("https://x.fr/a consulté le 3 mai", "https://x.fr/a"),
        ("https://x.fr/a (PDF, 2 Mo)", "https://x.fr/a"),
        ("https://x.fr Mairie de X", "https://x.fr"),
        ("Guide : https://x.fr/Un guide.pdf", "https://x.fr/Un%20guide.pdf"),
        ("voir www.x.fr/guide.", "https://www.x.fr/guide"),
        ("www.x.fr/a", "https://www.x.fr/a"),
        ("mairie.fr/a b.pdf", "https://mairie.fr/a%20b.pdf"),
        ("x.fr:8080/a", "https://x.fr:8080/a"),
        ("//x.fr/a", "https://x.fr/a"),
        ("http:/x.fr/a", "http://x.fr/a"),
        ("https//x.fr/a", "https://x.fr/a"),
        ("https:x.fr/a", "https://x.fr/a"),
        ("http://https://x.fr/a", "https://x.fr/a"),
        ("HTTP://x.fr/A", "http://x.fr/A"),
        ("[le guide](https://x.fr/sol_(a).pdf)", "https://x.fr/sol_(a).pdf"),
        ("<https://x.fr/a>", "https://x.fr/a"),
        ("« https://x.fr/a »", "https://x.fr/a"),
        ('<a class="b" href="https://x.fr/a?b=1&amp;c=2">guide</a>', "https://x.fr/a?b=1&c=2"),
        ("\ufeffhttps://x.fr/a\u200b", "https://x.fr/a"),
        ("10.1234/abcd.56", "https://doi.org/10.1234/abcd.56"),
        ("doi: 10.1234/abcd.56", "https://doi.org/10.1234/abcd.56"),
        ("DOI 10.1234/abcd.56.", "https://doi.org/10.1234/abcd.56"),
    ],
)
def test_what_stands_around_an_address_goes(text: str, url: str) -> None:
    assert addresses.read(text) == addresses.Address(url)


@pytest.mark.parametrize(
    "text",
    [
        "https://x.fr/1 ; https://x.fr/2",
        "https://x.fr/1,https://x.fr/2",
        "https://x.fr/1 et www.y.fr",
        "Voir https://x.fr/1 et https://y.fr/2.pdf",
    ],
)
def test_the_first_of_several_is_kept_and_told(text: str) -> None:
    found = addresses.read(text)
    assert found.url == "https://x.fr/1" and text in found.note


@pytest.mark.parametrize(
    "text",
    [
        "guide.pdf",
        "voie-verte.html",
        "index.php?id=12",
        "archive.zip",
        "https://guide.pdf",
        "/docs/guide.pdf",
        "mailto:a@x.fr",
        "a@mairie.fr",
        "en mairie",
        "Titre: en mairie",
        "oai:x:1",
        r"C:\docs\guide.pdf",
        "-",
        "http://[",
        "http://www,x.fr/",
        "https://x.fr:99999/",
    ],
)
def test_what_leads_nowhere_is_set_aside_and_told(text: str) -> None:
    found = addresses.read(text)
    assert (found.url, found.problem) == ("", "") and text in found.note


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", "ftp://x.fr/a", "file:///etc/passwd"]
)
def test_a_scheme_that_no_visitor_may_follow_refuses_the_row(text: str) -> None:
    assert "neither http nor https" in addresses.read(text).problem


def test_a_relative_link_has_a_base() -> None:
    assert addresses.joined("https://x.fr/a/b", "../c d.pdf") == "https://x.fr/c%20d.pdf"
    assert addresses.joined("https://x.fr/a", "http://[") == "http://["


@given(
    st.text(max_size=60), st.sampled_from(["", "https://", "http:/", "www.", "](", "<a href=", "10.1234/"])
)
def test_any_text_gives_an_address_a_note_or_a_problem(text: str, start: str) -> None:
    found = addresses.read(start + text)
    assert found.url == "" or found.url.lower().startswith(("http://", "https://"))
    assert not set(found.url) & set(' \n\t<>"')
    again = addresses.read(found.url)
    assert (again.url or found.url) == found.url


@pytest.mark.parametrize(
    "piece",
    ["a ", " ,", "[", "](http:", "<a href=", "<a ", "http://", "(", "www.", "a.", "\n", " ", "'", "&amp;"],
)
def test_a_hostile_cell_costs_linear_time(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    assert all(addresses.read(one).problem == "" for one in chain([text], [f"https://x.fr/{text}x"]))

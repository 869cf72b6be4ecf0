"""The laws that a text quotes, in the forms that real texts use."""

from __future__ import annotations

import pytest

from reco.text.laws import Law, asked, quoted

CGCT = "code général des collectivités territoriales"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("la loi n° 2015-992 du 17 août 2015 relative à la transition", "loi n° 2015-992 du 17 août 2015"),
        ("Loi n°2015-992", "loi n° 2015-992"),
        ("loi nº 2015‑992", "loi n° 2015-992"),
        ("loi no 2015-992", "loi n° 2015-992"),
        ("loi\u00a0n°\u202f2015–992", "loi n° 2015-992"),
        ("la loi 2015-992", "loi n° 2015-992"),
        ("loi 3DS (n° 2022-217 du 21 février 2022)", "loi n° 2022-217 du 21 février 2022"),
        ("loi organique n° 2019-1268", "loi n° 2019-1268"),
        ("loi n° 82-213 du 2 mars 1982", "loi n° 82-213 du 2 mars 1982"),
        ("DÉCRET N° 2019-771 DU 23 JUILLET 2019", "décret n° 2019-771 du 23 juillet 2019"),
        ("le decret 2012-97 quand le rendement baisse", "décret n° 2012-97"),
        ("l’ordonnance n° 45-2658 du 2 novembre 1945", "ordonnance n° 45-2658 du 2 novembre 1945"),
        ("la loi NOTRe du 7 août 2015", "loi du 7 août 2015"),
        ("la loi Climat et résilience du 22 août 2021", "loi du 22 août 2021"),
        ("la loi du 1er juillet 1901", "loi du 1er juillet 1901"),
        ("la loi du 17/08/2015", "loi du 17 août 2015"),
        ("la loi relative à l'action publique du 27 décembre 2019", "loi du 27 décembre 2019"),
        ("la loi de mars 2023", "loi de mars 2023"),
        ("une loi d'avril 2025", "loi d'avril 2025"),
        ("la loi Montagne de 1985", "loi de 1985"),
        ("association loi 1901", "loi de 1901"),
        ("la loi de finances pour 2020", "loi de finances pour 2020"),
        ("un arrêté du 15 décembre 2015", "arrêté du 15 décembre 2015"),
        ("la circulaire de 2015", "circulaire de 2015"),
        ("article 57 de la loi n° 2015-992", "loi n° 2015-992"),
        ("article L. 2224-8 du CGCT", f"article L. 2224-8 du {CGCT}"),
        ("l'article L2224-8 du code général des collectivités", f"article L. 2224-8 du {CGCT}"),
        ("R. 111-2 du code de l’urbanisme", "article R. 111-2 du code de l'urbanisme"),
        ("article 1382 du Code civil", "article 1382 du code civil"),
        ("l'article L.211-7.", "article L. 211-7"),
        (
            "art. L. 211-7 et suivants du code de l'environnement",
            "article L. 211-7 du code de l'environnement",
        ),
        ("le code rural et de la pêche maritime", "code rural et de la pêche maritime"),
        ("le code rural", "code rural et de la pêche maritime"),
        ("le Code de  la\ncommande publique", "code de la commande publique"),
    ],
)
def test_a_quote_is_read_in_every_form(text: str, told: str) -> None:
    assert [str(law) for law in quoted(text)] == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lois n° 2010-788 et n° 2014-366", ["loi n° 2010-788", "loi n° 2014-366"]),
        ("les lois des 3 août 2009 et 12 juillet 2010", ["loi du 3 août 2009", "loi du 12 juillet 2010"]),
        ("articles L. 2224-7 et L. 2224-8 du CGCT", [f"article L. 2224-{n} du {CGCT}" for n in (7, 8)]),
        ("code pénal, code civil puis code pénal", ["code pénal", "code civil"]),
    ],
)
def test_a_list_gives_each_law_once(text: str, told: list[str]) -> None:
    assert [str(law) for law in quoted(text)] == told


@pytest.mark.parametrize(
    "text",
    [
        "la loi NOTRe",
        "le décret tertiaire",
        "un loisir de 2015",
        "la loi de programmation 2019-2025",
        "la loi Climat s'applique depuis le 1er janvier 2023",
        "l'article 40 de la loi Aper",
        "un article de 2019",
        "la commune s'arrête de 2015 à 2020",
        "le code source, le code postal, le Code du skatepark",
        "l'A 13 et la D 952-3",
        "le projet n° 2015-992",
        "",
    ],
)
def test_what_quotes_no_law_is_left_alone(text: str) -> None:
    assert quoted(text) == ()


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("2015-992", Law(number="2015-992")),
        (" n° 2015-992 ", Law(number="2015-992")),
        ("cgct", None),
        ("CGCT", Law("code", code=CGCT)),
        ("L. 2224-8", Law("code", article="L2224-8")),
        ("loi de 2005", Law("loi", date="2005")),
        ("loi NOTRe", None),
        ("loi de 2005 et loi de 2010", None),
        ("", None),
    ],
)
def test_a_person_names_one_law(name: str, law: Law | None) -> None:
    assert asked(name) == law


@pytest.mark.parametrize(
    ("name", "text", "covered"),
    [
        ("2015-992", "décret n° 2015-992", True),
        ("loi n° 2015-992", "décret n° 2015-992", False),
        ("loi n° 2015-992 du 17 août 2015", "loi n° 2015-992", True),
        ("loi n° 2015-992 du 17 août 2015", "loi du 17 août 2015", True),
        ("loi n° 2015-992 du 17 août 2015", "loi n° 2015-994 du 17 août 2015", False),
        ("2015-992", "loi du 17 août 2015", False),
        ("loi de 2015", "loi n° 2015-992", True),
        ("loi de 1982", "loi n° 82-213", True),
        ("loi du 17 août 2015", "loi de 2015", False),
        ("loi d'août 2015", "loi du 17 août 2015", True),
        ("CGCT", "article L. 2224-8 du CGCT", True),
        ("article L. 2224-8 du CGCT", "le CGCT", False),
        ("article L. 2224-8", "article L. 2224-8 du CGCT", True),
        ("code pénal", "code civil", False),
        ("code pénal", "loi de 2015", False),
    ],
)
def test_a_law_covers_what_is_as_exact_or_more(name: str, text: str, covered: bool) -> None:
    law, (one,) = asked(name), quoted(text)
    assert law is not None
    assert law.covers(one) == covered


@pytest.mark.parametrize("text", ["loi Aa ", "loi pour ", "article L. 1, ", "loi n° 2015-992 et n° "])
def test_a_hostile_text_takes_linear_steps(text: str) -> None:
    """A pattern that backtracks without bound would not come back from this."""
    assert len(quoted(text * 5_000)) <= 2

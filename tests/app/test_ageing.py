"""How the age of a resource is told: beside its year."""

from __future__ import annotations

from reco.app import phrases
from tests.app.conftest import Open, Publish, everything

AGED = (
    (
        "regles",
        "Les obligations du maire",
        "Un éditeur",
        "1999",
        "Rapports",
        "Eau",
        "",
        "Ce que la loi demande.",
    ),
    ("verger", "Un verger partagé", "Un éditeur", "1998", "Rapports", "Eau", "", "Des pommiers plantés."),
    (
        "sans-annee",
        "Les obligations du vélo",
        "Un éditeur",
        "",
        "Rapports",
        "Eau",
        "",
        "Ce que la loi demande.",
    ),
)


def warning(key: str, year: int) -> str:
    return phrases.phrase("fr", f"age.{key}", year=year)


def test_old_texts_are_told_on_cards_and_rules_more_than_others(publish: Publish, page: Open) -> None:
    publish(AGED)
    test = page()
    test.text_area(key="description").set_value("les obligations du maire, un verger partagé")
    shown = everything(test.button(key="ask").click().run())
    assert shown.count(warning("rules", 1999)) == 1
    assert shown.count(warning("old", 1998)) == 1
    assert shown.count(":material/history:") == 2


def test_a_sheet_tells_the_age_of_its_text(publish: Publish, page: Open) -> None:
    publish(AGED)
    assert warning("rules", 1999) in everything(page("sheet", id="regles"))
    assert ":material/history:" not in everything(page("sheet", id="sans-annee"))

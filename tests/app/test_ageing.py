"""How a resource shows its age: a warning beside its year, a link that is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from reco.app import phrases
from reco.app.state.curator_access import VARIABLE
from reco.catalogue import link_states
from reco.catalogue.link_states import Checked, LinkState
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


def checked(url: str, *outcomes: Checked) -> LinkState:
    state = LinkState(url)
    for one in outcomes:
        state = state.after(one)
    return state


@pytest.fixture
def lost(home: None, tmp_path: Path) -> Path:
    """The invented catalogue, with one link that is lost and one that moved; return its folder."""
    nights = ("2026-03-02", "2026-03-05", "2026-03-09")
    link_states.write(
        tmp_path / "home",
        [
            checked("https://example.org/ecole", *(Checked(one, "soft-404", "x") for one in nights)),
            checked(
                "https://example.org/commerce", Checked("2026-03-02", "moved", to="https://example.org/neuf")
            ),
        ],
    )
    return tmp_path / "home"


GONE = phrases.phrase("fr", "card.link_gone", day="2 mars 2026")


def test_a_lost_link_is_marked_on_the_card_and_the_sheet_and_still_opens(lost: Path, page: Open) -> None:
    test = page()
    test.text_area(key="description").set_value("rénover une école, rouvrir un commerce")
    test = test.button(key="ask").click().run()
    assert everything(test).count(GONE) == 1
    assert "https://example.org/ecole" in [link.proto.url for link in test.get("link_button")]
    assert GONE in everything(page("sheet", id="ecole"))
    assert "introuvable" not in everything(page("sheet", id="commerce"))


def test_a_link_that_is_found_again_loses_its_mark(lost: Path, page: Open) -> None:
    assert GONE in everything(page("sheet", id="ecole"))
    states = link_states.read(lost).states
    link_states.write(lost, [one.after(Checked("2026-03-12", "ok")) for one in states.values()])
    assert GONE not in everything(page("sheet", id="ecole"))


def test_the_curator_reads_which_links_are_lost_and_which_moved(
    lost: Path, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "mot")
    test = page("curator")
    test.text_input(key="curator_word").set_value("mot")
    test = test.button(key="curator_enter").click().run()
    assert not test.exception
    shown = everything(test)
    assert phrases.phrase("fr", "curator.gone_count.one", count=1) in shown
    why = phrases.phrase("fr", "curator.failed.soft-404")
    assert phrases.phrase("fr", "curator.links.since", day="2 mars 2026", why=why) in shown
    assert "https://example.org/commerce → https://example.org/neuf" in shown


def test_an_unreadable_file_of_links_marks_nothing(lost: Path, page: Open) -> None:
    (lost / link_states.NAME).write_bytes(b"{\n\xff")
    test = page("sheet", id="ecole")
    assert not test.exception and GONE not in everything(test)

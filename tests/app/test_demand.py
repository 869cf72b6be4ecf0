"""The curator's page shows the last measurement of demand, hides what it hides, and computes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import reco
from reco.app.phrases import STATE, phrase
from reco.app.state.curator_access import VARIABLE
from reco.evaluation.demand import NAME, Demand, DemandGroup, MeasuredDemand, NearResource, save
from reco.ranking.recommender import Recommender
from tests.app.conftest import Open, everything

NEAR = (NearResource("ecole", "Rénover une école de village", 0.21), NearResource("parti", "Un livre", 0.1))
ROOFS = DemandGroup("Réfection de la toiture", 7, ("Toiture du gymnase <b>", "Toiture de l'école"), NEAR)
ASKED = Demand(
    queries=20,
    distinct=18,
    found=9,
    weak=4,
    nothing=7,
    groups=(ROOFS, DemandGroup("Ponts", 2)),
    isolated=1,
    withheld=3,
    public=True,
)
MEASURED = MeasuredDemand("2026-11-30T21:00:00+00:00", "000001", "titres.jsonl", 20, 2, ASKED, None)


@pytest.fixture
def curated(home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def unasked(*given: object) -> None:
        raise AssertionError("the page only reads a result")

    monkeypatch.setenv(VARIABLE, "mot")
    for method in ("ranking", "recommend", "similar"):
        monkeypatch.setattr(Recommender, method, unasked)


def shown(page: Open) -> tuple[str, AppTest]:
    test = page("curator")
    test.text_input(key="curator_word").set_value("mot")
    test.button(key="curator_enter").click().run()
    assert not test.exception
    return everything(test), test


def test_the_page_shows_the_last_measurement(curated: None, page: Open) -> None:
    save(reco.open().path, MEASURED)
    text, test = shown(page)
    assert "titres" in text and phrase("fr", "demand.queries.many", count="20") in text
    cells = [str(cell) for table in test.table for row in table.value.to_numpy() for cell in row]
    assert cells[:3] == ["Trouvé", "9", "45,0\xa0%"]
    assert cells[3:] == ["Pistes seulement", "4", "20,0\xa0%", "Rien de probant", "7", "35,0\xa0%"]
    assert [box.label for box in test.expander if "Réfection" in box.label or "Ponts" in box.label] == [
        "**Réfection de la toiture** · 7 demandes",
        "**Ponts** · 2 demandes",
    ]
    assert "«\u00a0Toiture du gymnase <b>\u00a0»" in [element.value for element in test.text]
    assert text.count(phrase("fr", "demand.hidden")) == 1, "a group without examples says why"
    assert "Un livre" in text, "a resource that left the catalogue is still named"
    assert "score moyen 0,21" in text.replace("\u2060", "").replace("\\", "")
    for key, number in (("left_out.many", 2), ("isolated.one", 1), ("withheld.many", 3)):
        assert phrase("fr", f"demand.{key}", count=number) in text
    assert phrase("fr", "demand.older", measured="000001", served="000001")[:20] not in text


def test_a_measurement_of_another_snapshot_says_so(curated: None, page: Open) -> None:
    save(reco.open().path, replace(MEASURED, snapshot="000000", logged=None, saved=ASKED))
    text, _ = shown(page)
    assert phrase("fr", "demand.older", measured="000000", served="000001") in text
    assert phrase("fr", "demand.saved") in text and "titres" not in text


def test_without_a_measurement_the_page_says_how_to_make_one(curated: None, page: Open) -> None:
    assert phrase("fr", "demand.none") in shown(page)[0]


def test_a_damaged_measurement_costs_only_its_section(curated: None, page: Open) -> None:
    (reco.open().path / NAME).write_text("[]", "utf-8")
    text, _ = shown(page)
    assert phrase("fr", "failure.storage").split(".")[0] in text
    assert phrase("fr", "curator.no_decisions_file").split("`")[0] in text


def test_two_groups_may_have_one_label(curated: None, page: Open) -> None:
    alike = DemandGroup("Textes sans mots communs", 2, ("un", "deux"), NEAR)
    save(reco.open().path, replace(MEASURED, logged=replace(ASKED, groups=(alike, alike))))
    text, test = shown(page)
    assert len([box for box in test.expander if "sans mots communs" in box.label]) == 2
    assert text.count("Un livre") == 2


def test_examples_have_the_quotation_marks_of_the_language(curated: None, page: Open) -> None:
    save(reco.open().path, MEASURED)
    _, test = shown(page)
    test.session_state[STATE] = "EN"
    test.run()
    assert "“Toiture du gymnase <b>”" in [element.value for element in test.text]

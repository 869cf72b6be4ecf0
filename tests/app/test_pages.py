"""Each page, as a visitor drives it, without a browser."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from reco.app import phrases
from reco.ranking.recommender import Recommender
from reco.text.clean import digest
from tests.app.conftest import ROWS, Open, Publish, everything


def search(test: AppTest, text: str) -> AppTest:
    test.text_area(key="description").set_value(text)
    return test.button(key="ask").click().run()


def titles(test: AppTest) -> list[str]:
    return [heading.value for heading in test.subheader]


@pytest.mark.parametrize("view", ["recommend", "dossier", "catalogue", "sheet", "about"])
@pytest.mark.parametrize("language", ["FR", "EN"])
def test_every_page_renders_in_both_languages(home: None, page: Open, view: str, language: str) -> None:
    test = page(view)
    test.session_state[phrases.STATE] = language
    test.run()
    assert not test.exception
    assert not test.error
    assert len(test.title) == 1


def test_a_description_gets_cards_best_first(home: None, page: Open) -> None:
    test = search(page(), "rénover le chauffage de notre école")
    assert not test.exception
    assert len(titles(test)) == len(ROWS)
    assert titles(test)[0].startswith("1\\. Rénover une école")
    assert "Fédération des villages · 2021" in everything(test)
    assert "green-background" in everything(test)
    assert test.get("link_button")[0].proto.url == "https://example.org/ecole"


def test_an_example_is_one_click(home: None, page: Open) -> None:
    test = page().button(key="example.school.label").click().run()
    assert test.text_area(key="description").value == phrases.phrase("fr", "example.school.text")
    assert titles(test)


def test_filters_act_at_once_and_keep_the_others_countable(home: None, page: Open) -> None:
    test = search(page(), "école")
    test.multiselect(key="recommend_type").select("Rapports").run()
    assert [title for title in titles(test) if "eau" in title]
    assert len(titles(test)) == 1
    options = test.multiselect(key="recommend_type").options
    assert "Guides & outils (1)" in options
    assert "Énergie (0)" in test.multiselect(key="recommend_theme").options


def test_filters_that_leave_nothing_are_said(home: None, page: Open) -> None:
    test = search(page(), "école")
    test.multiselect(key="recommend_type").select("Rapports")
    test.multiselect(key="recommend_theme").select("Énergie").run()
    assert not titles(test)
    assert "ne passe ces filtres" in everything(test)


@pytest.mark.parametrize("text", ["", "   ", "🙂 🙂", "\0", "<b></b>"])
def test_a_description_without_words_is_said(home: None, page: Open, text: str) -> None:
    test = search(page(), text)
    assert [warning.value for warning in test.warning] == [phrases.phrase("fr", "failure.no_words")]


def test_a_description_too_long_is_said(home: None, page: Open) -> None:
    test = search(page(), "école " * 40_000)
    assert [warning.value for warning in test.warning] == [phrases.phrase("fr", "failure.too_long")]


def opened(test: AppTest, prefix: str) -> AppTest:
    key = next(box.key for box in test.expander if box.key and box.key.startswith(prefix))
    test.session_state[key] = True
    return test.run()


def test_why_shows_shares_that_add_up(home: None, page: Open) -> None:
    test = opened(search(page(), "rénover le chauffage de notre école"), "why_")
    assert not test.exception
    assert len(test.get("progress")) >= 3
    assert "points** =" in everything(test)
    assert "La cour est plantée" in everything(test), "the passages that come after the best one are quoted"
    assert re.search(r"Le passage surligné plus haut → .*\*\*école\*\*", everything(test))
    bars = [bar.text for bar in test.get("progress")]
    assert all(re.search(r"sans cela : −?[\d\u202f]+,\d", bar) for bar in bars), bars


def test_buttons_of_one_kind_have_names_of_their_own(home: None, page: Open) -> None:
    test = search(page(), "rénover le chauffage de notre école")
    names = [button.label for button in test.button if re.match("(useful|off_topic|keep)_", button.key or "")]
    assert len(names) == len(set(names)) == 3 * len(ROWS)
    assert all(re.search(r" :gray\[\\\(.+\\\)\]$|:gray\[\(.+\)\]$", name) for name in names)


def test_similar_resources_are_others(home: None, page: Open) -> None:
    test = opened(search(page(), "école"), "near_")
    labels = [link.proto.label for link in test.get("page_link")]
    near = [label for label in labels if label.startswith("**")]
    assert len(near) == len(ROWS) - 1


def test_more_results_are_a_click_away(publish: Publish, page: Open) -> None:
    publish([(f"r{n}", f"Guide numéro {n}", "", "", "Rapports", "Eau", "", f"École {n}.") for n in range(15)])
    test = search(page(), "école")
    assert len(titles(test)) == 10
    assert len(titles(test.button(key="more").click().run())) == 15


def test_the_catalogue_lists_filters_and_searches_titles(home: None, page: Open) -> None:
    test = page("catalogue")
    assert "3 ressources" in everything(test)
    test.multiselect(key="catalogue_theme").select("Eau").run()
    assert "1 ressource" in everything(test)
    test.multiselect(key="catalogue_theme").set_value([])
    test.text_input(key="catalogue_search").set_value("RENOVER ecole").run()
    assert "1 ressource" in everything(test)


def test_the_catalogue_has_pages(publish: Publish, page: Open) -> None:
    publish([(f"r{n:02}", f"Guide {n:02}", "", "", "Rapports", "Eau", "", "École.") for n in range(45)])
    test = page("catalogue")
    test.session_state["catalogue_page"] = 3
    test.run()
    labels = [link.proto.label for link in test.get("page_link")]
    assert next(label for label in labels if label.startswith("**")) == "**Guide 40**"


def test_a_sheet_has_its_address_and_what_the_model_reads(home: None, page: Open) -> None:
    test = page("sheet", id="ecole")
    assert not test.exception
    assert test.title[0].value == "Rénover une école de village"
    assert ROWS[0][-1] in " ".join(text.value for text in test.text)
    assert test.code[0].value.endswith("?id=ecole")
    assert "inventée" not in everything(test), "the settings' name of a source says nothing to a visitor"


def test_a_resource_is_added_to_the_dossier_from_its_sheet(home: None, page: Open) -> None:
    test = page("sheet", id="ecole")
    test.button(key=f"keep_sheet_{digest('ecole')[:12]}").click().run()
    assert "Dossier (1)" in [link.proto.label for link in test.get("page_link")]
    test.switch_page("views/dossier.py").run()
    assert titles(test) == ["1\\. Rénover une école de village"]
    assert ROWS[0][-1].split(". ")[0] in everything(test).replace("\\", "")


@pytest.mark.parametrize(
    ("address", "place", "said"),
    [
        ("nulle part", "Arvieu", "ne mène nulle part"),
        ("", "Xyzzyx-sur-Mer", "n’est ni une commune"),
        ("", "Saint-Denis", "que plusieurs territoires partagent"),
    ],
)
def test_what_was_set_aside_of_a_row_is_said_in_french(
    publish: Publish, page: Open, address: str, place: str, said: str
) -> None:
    publish([("x", "Un guide", "", "", "Rapports", "Eau", address, "Un texte.", place)])
    shown = everything(page("sheet", id="x"))
    assert said in shown
    assert not re.search(r"set aside|is no commune|is shared", shown)


def test_an_unknown_sheet_is_said(home: None, page: Open) -> None:
    test = page("sheet", id="../../etc/passwd")
    assert not test.exception
    assert test.title[0].value == phrases.phrase("fr", "sheet.unknown_title")


def test_no_snapshot_yet_says_what_to_do(publish: Publish, page: Open) -> None:
    for view in ("", "catalogue", "sheet", "about"):
        test = page(view)
        assert not test.exception
        assert "reco refresh" in test.info[0].value


def test_a_publish_is_seen_without_a_restart(home: None, publish: Publish, page: Open) -> None:
    test = search(page(), "école")
    publish(
        [*ROWS, ("neuf", "École neuve", "", "2024", "Rapports", "Énergie", "", "Une école neuve en bois.")]
    )
    assert len(titles(test.run())) == len(ROWS) + 1


def test_a_filter_that_a_publish_took_away_is_dropped(home: None, publish: Publish, page: Open) -> None:
    test = search(page(), "école")
    test.multiselect(key="recommend_type").select("Rapports").run()
    publish(ROWS[:2])
    test.run()
    assert not test.exception
    assert not test.error
    assert len(titles(test)) == 2


def test_a_damaged_snapshot_is_replaced_and_said(
    home: None, publish: Publish, page: Open, tmp_path: Path
) -> None:
    publish(ROWS[:2])
    damaged = tmp_path / "home" / "snapshots" / "000002" / "parts.npy"
    damaged.write_bytes(damaged.read_bytes()[:-4] + b"oops")
    test = search(page(), "école")
    assert not test.exception
    assert "000001" in test.warning[0].value
    assert len(titles(test)) == len(ROWS)


@pytest.mark.parametrize("pointer", [None, b"", b"garbage"])
def test_a_lost_pointer_stops_no_visitor(
    home: None, publish: Publish, page: Open, tmp_path: Path, pointer: bytes | None
) -> None:
    publish(ROWS[:2])
    current = tmp_path / "home" / "CURRENT"
    current.unlink()
    if pointer is not None:
        current.write_bytes(pointer)
    test = search(page(), "école")
    assert not test.exception and not test.error
    assert "000002" in test.warning[0].value and len(titles(test)) == 2


@pytest.mark.parametrize("encoder", ["dimension = 32", 'kind = "folder"\nfolder = "nowhere"'])
def test_the_old_snapshot_is_served_until_another_encoder_has_made_one(
    home: None, publish: Publish, page: Open, tmp_path: Path, encoder: str
) -> None:
    test = search(page(), "école")
    before, settings = titles(test), tmp_path / "reco.toml"
    named = settings.read_text(encoding="utf-8")
    kind = 'kind = "hashing-for-tests"'
    changed = encoder if encoder.startswith("kind") else f"{kind}\n{encoder}"
    settings.write_text(named.replace(kind, changed), encoding="utf-8")
    test = search(page(), "école")
    assert not test.exception and not test.error and titles(test) == before
    if changed.startswith(kind):
        publish(ROWS[:2])
        test = search(page(), "école")
        assert not test.error and len(titles(test)) == 2


def test_no_sound_snapshot_is_a_plain_sentence(home: None, page: Open, tmp_path: Path) -> None:
    (tmp_path / "home" / "snapshots" / "000001" / "parts.npy").write_bytes(b"")
    test = page()
    assert not test.exception
    assert [error.value for error in test.error] == [phrases.phrase("fr", "failure.snapshot")]


@pytest.mark.parametrize(
    ("language", "said"), [("FR", "depuis le 2 mars 2026"), ("EN", "since 2 March 2026")]
)
def test_a_stale_catalogue_is_said_on_every_page(
    home: None, publish: Publish, page: Open, tmp_path: Path, language: str, said: str
) -> None:
    log = tmp_path / "home" / "refresh.log"
    last = {**json.loads(log.read_text(encoding="utf-8")), "end": "2026-03-02T04:05:06+00:00"}
    log.write_text(json.dumps(last) + "\n", encoding="utf-8")
    for view in ("recommend", "catalogue", "sheet", "about"):
        test = page(view)
        test.session_state[phrases.STATE] = language
        test.run()
        assert not test.exception
        (note,) = test.warning
        assert said in note.value and "04:05" in note.value
    publish(ROWS)
    assert not test.run().warning, "a quiet night checks what is served"


def test_settings_that_cannot_be_read_are_said(home: None, page: Open, tmp_path: Path) -> None:
    (tmp_path / "reco.toml").write_text("[encoder]\nkind = 3\n", encoding="utf-8")
    test = page()
    assert not test.exception
    assert test.error[0].value == phrases.phrase("fr", "failure.settings")


def test_an_unexpected_error_is_a_plain_sentence_and_a_trace_in_the_log(
    home: None, page: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("boom")

    test = page()
    monkeypatch.setattr(Recommender, "recommend", fail)
    with caplog.at_level(logging.ERROR):
        search(test, "une école secrète")
    assert not test.exception
    sentence = test.error[0].value
    assert sentence.startswith("Quelque chose d’imprévu")
    assert "ZeroDivisionError" not in everything(test)
    logged = next(record for record in caplog.records if record.exc_info)
    assert logged.getMessage().split()[-1] in sentence
    assert "secrète" not in caplog.text


def test_requests_stay_out_of_the_address_and_the_log(
    home: None, page: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="reco"):
        test = search(page(), "piscine secrète")
    assert not test.query_params
    assert "secrète" not in caplog.text


def test_what_was_understood_is_said_and_one_click_searches_the_word_as_typed(home: None, page: Open) -> None:
    test = search(page(), "rénover lecol sans bittume")
    assert "Compris : **l\\'école** sans **bitume**" in [element.value for element in test.markdown]
    buttons = [button.label for button in test.button]
    assert "chercher exactement « lecol »" in buttons and "tout chercher comme écrit" in buttons
    test.button(key="exact_0").click().run()
    assert test.session_state["exact"] == ("lecol",)
    assert "Compris : **bitume**" in [element.value for element in test.markdown]
    test.button(key="exact_none").click().run()
    assert "Compris : **l\\'école** sans **bitume**" in [element.value for element in test.markdown]
    assert not test.exception


def test_many_misspelt_words_take_one_line(home: None, page: Open) -> None:
    test = search(page(), "comant renové lecol sans bittume")
    buttons = [button.label for button in test.button]
    assert "tout chercher comme écrit" in buttons and "chercher exactement « lecol »" in buttons
    boxes = test.main.get("popover")
    (box,) = [block for block in boxes if block.proto.popover.label == "chercher un mot exactement"]
    assert "chercher exactement « lecol »" in [button.label for button in box.get("button")]

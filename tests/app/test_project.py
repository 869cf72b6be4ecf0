"""A visitor's project: a file read, opinions that act and are undone, a dossier, an address to share."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import docx
import openpyxl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from reco.app import phrases
from reco.app.dossier.content import Dossier
from reco.app.share import code_of, query_of
from reco.app.widgets import downloads
from reco.catalogue.catalogue import Filters
from reco.errors import StorageError
from reco.projects.feedback import Feedback
from reco.projects.store import ProjectStore
from reco.ranking.query import Query
from reco.text.clean import digest
from tests.app.conftest import ROWS, Open, Publish, everything
from tests.app.test_dossier import HEADINGS
from tests.app.test_hostile import ROWS as HOSTILE
from tests.app.test_pages import search, titles
from tests.sources.sandbox.test_reading import PICTURE, SENTENCE, pdf, word

REQUEST = "rénover le chauffage de notre école"


def key(identifier: str) -> str:
    return digest(identifier)[:12]


def press(test: AppTest, name: str, identifier: str = "") -> AppTest:
    return test.button(key=f"{name}_{key(identifier)}" if identifier else name).click().run()


def journal(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "home")


# A file


def upload(test: AppTest, name: str, data: bytes) -> AppTest:
    test.session_state["file_box"] = True
    test.run()
    test.file_uploader[0].upload(name, data, "application/octet-stream")
    return test.run()


@pytest.mark.parametrize(("name", "data"), [("délib.docx", word()), ("délib.txt", SENTENCE.encode())])
def test_the_text_of_a_file_becomes_the_description(home: None, page: Open, name: str, data: bytes) -> None:
    test = upload(page(), name, data)
    assert not test.exception
    assert test.text_area(key="description").value == SENTENCE
    assert "délib" in test.success[0].value
    assert not test.file_uploader[0].value, "the file is forgotten"
    assert titles(press(test, "ask"))


def test_a_file_that_is_not_read_says_why_and_costs_nothing(home: None, page: Open) -> None:
    test = search(page(), REQUEST)
    test = upload(test, "<script>photo.pdf", PICTURE)
    assert not test.exception
    assert test.text_area(key="description").value == REQUEST
    (warning,) = test.warning
    assert phrases.phrase("fr", "file.wrong_type") in warning.value
    assert "<script>" not in warning.value
    assert upload(test, "scan.pdf", pdf(b"")).warning[0].value.endswith(phrases.phrase("fr", "file.no_text"))


# Opinions


def test_an_opinion_acts_at_once_and_is_undone_exactly(home: None, page: Open, tmp_path: Path) -> None:
    test = search(page(), REQUEST)
    before = everything(test)
    order = titles(test)
    test = press(test, "off_topic", "ecole")
    assert titles(test) != order or "change l’ordre" in everything(test)
    assert "1 avis change" in everything(test)
    test.session_state[f"why_{key('ecole')}"] = True
    test.run()
    bars = [bar.text for bar in test.get("progress")]
    assert any(bar.startswith("1 avis a fait descendre cette ressource : **−") for bar in bars)
    (entry,) = journal(tmp_path).pending()
    assert (entry.resource, entry.useful, entry.text) == ("ecole", False, None)
    test.session_state[f"why_{key('ecole')}"] = False
    test = press(test, "off_topic", "ecole")
    assert everything(test) == before
    assert not journal(tmp_path).pending()


def test_opinions_add_up_and_all_can_be_undone(home: None, page: Open, tmp_path: Path) -> None:
    test = search(page(), REQUEST)
    before = everything(test)
    test = press(press(test, "useful", "eau"), "useful", "commerce")
    assert "2 avis changent" in everything(test)
    test = press(test, "off_topic", "eau")
    assert "2 avis changent" in everything(test), "a second opinion replaces the first"
    assert {(e.resource, e.useful) for e in journal(tmp_path).pending()} == {
        ("commerce", True),
        ("eau", False),
    }
    assert everything(press(test, "undo_all")) == before


def test_a_text_is_kept_only_with_consent_and_a_reason_when_given(
    home: None, page: Open, tmp_path: Path
) -> None:
    test = press(search(page(), REQUEST), "useful", "ecole")
    test.text_input(key=f"reason_{key('ecole')}").set_value("le même projet que le nôtre").run()
    (entry,) = journal(tmp_path).pending()
    assert (entry.reason, entry.text) == ("le même projet que le nôtre", None)
    test.checkbox(key="opinions_consent").check().run()
    (entry,) = journal(tmp_path).pending()
    assert (entry.reason, entry.text) == ("le même projet que le nôtre", REQUEST)
    test.checkbox(key="opinions_consent").uncheck().run()
    assert journal(tmp_path).pending()[0].text is None


def test_another_request_begins_without_opinions(home: None, page: Open) -> None:
    test = press(search(page(), REQUEST), "useful", "eau")
    assert "1 avis change" in everything(search(test, REQUEST)), "the same one keeps them"
    assert "1 avis change" not in everything(search(test, "rouvrir un commerce"))


def test_opinions_change_nothing_for_others(home: None, page: Open) -> None:
    press(search(page(), REQUEST), "off_topic", "ecole")
    other = search(page(), REQUEST)
    assert titles(other)[0].startswith("1\\. Rénover une école")
    assert "avis change" not in everything(other)


def test_a_journal_that_refuses_is_said_and_the_opinion_still_acts(
    home: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("The disk is full.", "")

    monkeypatch.setattr(Feedback, "give", refuse)
    test = press(search(page(), REQUEST), "useful", "eau")
    assert phrases.phrase("fr", "opinion.not_kept") in everything(test)
    assert "1 avis change" in everything(test)
    assert "avis change" not in everything(press(test, "undo_all"))


# The dossier


def with_dossier(page: Open) -> AppTest:
    test = search(page(), REQUEST)
    for identifier in ("ecole", "eau"):
        test = press(test, "keep", identifier)
    return test.switch_page("views/dossier.py").run()


def test_an_empty_dossier_says_how_to_fill_it(home: None, page: Open) -> None:
    test = page("dossier")
    assert phrases.phrase("fr", "dossier.empty") in everything(test)
    assert not test.download_button


def test_a_dossier_is_kept_ordered_and_annotated_across_pages(home: None, page: Open) -> None:
    test = with_dossier(page)
    assert titles(test) == ["1\\. Rénover une école de village", "2\\. Partager l\\'eau en été"]
    assert test.text_area(key="dossier_request").value == REQUEST
    test = press(test, "move1", "ecole")
    assert titles(test)[0].endswith("eau en été")
    test.text_area(key=f"note_{key('ecole')}").set_value("À lire avant le conseil").run()
    test.text_input(key="dossier_title").set_value("Note au maire").run()
    test.switch_page("views/catalogue.py").run()
    test.switch_page("views/dossier.py").run()
    assert test.text_area(key=f"note_{key('ecole')}").value == "À lire avant le conseil"
    assert test.text_input(key="dossier_title").value == "Note au maire"
    test = press(test, "keep", "eau")
    assert titles(test) == ["1\\. Rénover une école de village"]
    assert phrases.phrase("fr", "dossier.empty") in everything(press(test, "clear"))


Take = Callable[[AppTest, str], bytes]


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch) -> Take:
    """Return a function that clicks on a file and returns it, which AppTest does not: the click, then the wish."""
    offered: dict[str, tuple[Callable[[], None], Callable[[], bytes]]] = {}

    def button(_: str, data: Callable[[], bytes], name: str, mime: str, **rest: Any) -> None:
        assert mime
        offered[name.rpartition(".")[2]] = (rest["on_click"], data)

    def click(test: AppTest, ending: str) -> bytes:
        clicked, wish = offered[ending]
        with ThreadPoolExecutor(1) as other:
            file = other.submit(wish)
            clicked()
            test.run()
            return file.result(timeout=240)

    monkeypatch.setattr(st, "download_button", button)
    # The drawing between the click and the file takes as long as the machine makes it.
    monkeypatch.setattr(downloads, "BROUGHT", 240.0)
    return click


def test_a_file_waits_for_the_drawing_that_its_click_causes(home: None, page: Open, take: Take) -> None:
    """What the boxes hold comes with the click: the notes' own callbacks have not been called before it."""
    test = with_dossier(page)
    test.text_area(key=f"note_{key('eau')}").set_value("Pour la commission")
    assert "Pour la commission" in paragraphs(take(test, "docx"))
    test.text_area(key=f"note_{key('eau')}").set_value("Pour le conseil")
    assert "Pour le conseil" in take(test, "md").decode()


def test_a_file_whose_click_is_lost_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "BROUGHT", 0)
    monkeypatch.setattr(downloads, "BEGUN", 0)
    meeting = downloads.Meeting()
    with pytest.raises(TimeoutError):
        meeting.collect()
    meeting.bring(downloads.Brought(Dossier("", "", (), ""), HEADINGS))
    with pytest.raises(TimeoutError):
        meeting.collect()


def paragraphs(document: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(document)).paragraphs]


def test_the_note_holds_quotes_reasons_and_what_was_read(home: None, page: Open, take: Take) -> None:
    test = with_dossier(page)
    test.text_area(key=f"note_{key('eau')}").set_value("Pour la commission").run()
    document = docx.Document(io.BytesIO(take(test, "docx")))
    text = [paragraph.text for paragraph in document.paragraphs]
    assert REQUEST in text and "Pour la commission" in text
    quotes = [line.strip("«» \u00a0") for line in text if line.startswith("«")]
    assert quotes and all(any(quote in row[-1] for row in ROWS) for quote in quotes)
    assert len([line for line in text if re.search(r"« .+ » : [+−]\d+,\d points$", line)]) >= 3
    assert "000001" in document.sections[0].footer.paragraphs[0].text


def test_every_format_is_offered_and_hostile_titles_stay_inert(
    publish: Publish, page: Open, take: Take
) -> None:
    publish(HOSTILE)
    test = search(page(), "école")
    for row in HOSTILE[:10]:
        test = press(test, "keep", row[0])
    test.switch_page("views/dossier.py").run()
    assert not test.exception
    assert len(titles(test)) == 10
    taken = {ending: take(test, ending) for ending in ("docx", "xlsx", "csv", "ris", "md")}
    book = openpyxl.load_workbook(io.BytesIO(taken["xlsx"]))
    assert not [c for row in book.worksheets[0].iter_rows() for c in row if c.data_type == "f" or c.hyperlink]
    assert b"\n=" not in taken["csv"] and b";=" not in taken["csv"]
    assert b"![" not in taken["md"].replace(b"\\!\\[", b"")
    assert taken["ris"].count(b"TY  - ") == 10


def test_a_dossier_is_followed_as_a_project(home: None, page: Open, tmp_path: Path) -> None:
    test = with_dossier(page)
    test.text_input(key="dossier_title").set_value("École 2027").run()
    test = press(test, "save_project")
    assert "École 2027" in test.success[0].value
    (project,) = ProjectStore(tmp_path / "home").read().projects
    assert (project.name, project.text) == ("École 2027", REQUEST)
    assert test.button(key="save_project").click().run().warning[0].value == phrases.phrase(
        "fr", "dossier.not_saved"
    )


# Sharing


def shared(test: AppTest) -> str:
    test.session_state["share"] = True
    return str(test.run().code[0].value)


def test_an_address_reopens_the_search_with_its_choices(home: None, page: Open) -> None:
    test = search(page(), REQUEST)
    test.multiselect(key="recommend_type").select("Rapports").run()
    address = shared(test)
    assert len(address) <= 1500
    assert "chauffage" not in address
    (code,) = parse_qs(urlsplit(address).query)["q"]
    other = page(q=code)
    assert not other.exception
    assert other.text_area(key="description").value == REQUEST
    assert other.multiselect(key="recommend_type").value == ["Rapports"]
    assert titles(other) == titles(test)
    assert "q" not in other.query_params, "the address is used once"


def test_a_request_too_long_for_an_address_is_refused_politely(home: None, page: Open) -> None:
    test = search(page(), " ".join(f"projet{n * 7919 % 10007}" for n in range(900)))
    test.session_state["share"] = True
    test.run()
    assert phrases.phrase("fr", "share.too_long") in everything(test)
    assert not test.code


@pytest.mark.parametrize("code", ["", "x", "!!", "A" * 4000, "<script>"])
def test_a_bad_address_is_said_and_the_page_stands(home: None, page: Open, code: str) -> None:
    test = page(q=code)
    assert not test.exception
    assert [warning.value for warning in test.warning] == [phrases.phrase("fr", "share.unreadable")]
    assert "q" not in test.query_params


def test_a_shared_filter_that_is_no_more_is_dropped(home: None, page: Open) -> None:
    code = code_of(
        Query.of(REQUEST, filters=Filters(types=("Guides & outils",), themes=("Parti",), first_year=2020))
    )
    test = page(q=code)
    assert not test.exception and not test.error
    assert test.multiselect(key="recommend_theme").value == []
    assert len(titles(test)) == 1


def test_nothing_of_a_visit_is_logged(home: None, page: Open, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="reco"):
        test = upload(page(), "secret.txt", b"Un projet confidentiel de piscine.")
        test = upload(test, "secret.pdf", PICTURE)
        test = press(press(test, "ask"), "useful", "ecole")
        shared(test)
    assert "confidentiel" not in caplog.text and "secret" not in caplog.text


# The commune and the options


def test_a_commune_is_found_by_name_and_homonyms_are_asked(home: None, page: Open) -> None:
    test = search(page(), REQUEST)
    test.text_input(key="place_written").set_value("Libourne").run()
    assert not test.exception
    assert test.session_state["place"] == "33243"
    assert re.search(r"Libourne \\\(Gironde\\\)\\, \d+", everything(test))
    test.text_input(key="place_written").set_value("Saint-Denis").run()
    assert test.session_state["place"] == ""
    (box,) = [box for box in test.selectbox if str(box.key).startswith("place_")]
    assert any("Seine-Saint-Denis" in option for option in box.options)
    assert any("Réunion" in option for option in box.options)
    wanted = next(option for option in box.options if "Réunion" in option)
    box.select(wanted).run()
    assert test.session_state["place"] == "97411"
    test.text_input(key="place_written").set_value("Xyzzyx").run()
    assert phrases.phrase("fr", "place.unknown") in everything(test)
    assert titles(test)


def test_a_shelf_holds_one_of_each_type_and_says_why(home: None, page: Open) -> None:
    test = search(page(), REQUEST)
    test.checkbox(key="shelf").check().run()
    assert not test.exception
    assert len(titles(test)) == len(ROWS)
    assert "Choisie pour son type" in everything(test)
    test.multiselect(key="recommend_type").select("Rapports").run()
    assert phrases.phrase("fr", "shelf.refused") in [warning.value for warning in test.warning]


def test_like_places_come_with_their_reasons_and_a_share_keeps_the_choice(
    publish: Publish, page: Open
) -> None:
    publish(ROWS)
    test = search(page(), REQUEST)
    assert test.checkbox(key="near").disabled
    test.text_input(key="place_written").set_value("Libourne").run()
    test.checkbox(key="near").check().run()
    assert not test.exception
    (code,) = parse_qs(urlsplit(shared(test)).query)["q"]
    other = page(q=code)
    assert not other.exception
    assert other.session_state["place"] == "33243"
    assert other.checkbox(key="near").value
    assert titles(other) == titles(test)


# Papers

PAPER = (
    "Extrait du registre des délibérations du conseil municipal\nPrésents : Mme Roux, M. Blin\n"
    "Objet : rénover le chauffage de notre école\nVu le code de l'énergie ;\n"
    "Considérant que la chaudière est vieille ;\nAprès en avoir délibéré,\nDécide de changer la chaudière ;\n"
    "Fait et délibéré en mairie.\nLe maire"
)


def test_what_a_paper_leaves_out_is_shown_and_comes_back_by_one_click(home: None, page: Open) -> None:
    test = search(page(), PAPER)
    box = next(box for box in test.expander if box.label.startswith("Lu : "))
    assert box.label == (
        "Lu : objet, 1 considérant, 1 décision ; laissé de côté : en-tête, présents et quorum, visas, vote, signatures"
    )
    assert any("Mme Roux" in text.value for text in box.markdown)
    found = test.session_state["answer"][1]
    assert found.query.reading.lead == REQUEST
    test = press(test, "paper_restore")
    assert test.session_state["answer"][1].query.reading.lead == PAPER
    assert not any(box.label.startswith("Lu : ") for box in test.expander)
    test = press(test, "paper_undo")
    assert test.session_state["answer"][1] == found


def test_the_address_of_a_paper_searched_whole_opens_it_whole(home: None, page: Open) -> None:
    test = search(page(), PAPER)
    press(test, "paper_restore")
    query = test.session_state["answer"][1].query
    assert query_of(code_of(query)).reading == query.reading

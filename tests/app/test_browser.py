"""The app in Debian's Chromium: what a visitor sees and does, on a wide screen and on a phone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Page, expect

from reco.app.markup import JOINER
from reco.app.phrases import phrase
from tests.app.conftest import ROWS, Place, Visiting
from tests.app.live import SIZES, Site, hrefs, press, serving, settled
from tests.app.test_hostile import ROWS as HOSTILE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The invented catalogue, served."""
    folder = tmp_path_factory.mktemp("village")
    place = Place(folder)
    place.publish(ROWS)
    with serving(place.environment, folder / "server.log") as site:
        yield site


# A server with no turn to give answers the click on a file long before the note that was typed just before.
LATE = """
import sys, time
if "streamlit" in sys.orig_argv:
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
    run = ScriptRunner._run_script
    ScriptRunner._run_script = lambda *given: (time.sleep(0.8), run(*given))[1]
"""


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Site]:
    """The invented catalogue, served by a server that begins each drawing late."""
    place = Place(tmp_path)
    place.publish(ROWS)
    (tmp_path / "sitecustomize.py").write_text(LATE, encoding="utf-8")
    found = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    with serving({**place.environment, "PYTHONPATH": found}, tmp_path / "server.log") as site:
        yield site


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The attacker's catalogue, served."""
    folder = tmp_path_factory.mktemp("attacked")
    place = Place(folder)
    place.publish(HOSTILE)
    with serving(place.environment, folder / "server.log") as site:
        yield site


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("phone", "dark")])
def test_describe_read_why_similar(
    village: Site, visiting: Visiting, tmp_path: Path, size: str, scheme: str
) -> None:
    visit = visiting(village.address, size, scheme)
    page = visit.open(village.address)
    expect(page.get_by_role("heading", level=1)).to_have_text(phrase("fr", "recommend.title"))
    assert page.locator("html").get_attribute("lang") == "fr"
    page.screenshot(path=tmp_path / f"home-{size}-{scheme}.png", full_page=True)
    visit.search("rénover le chauffage de notre école")
    expect(page.get_by_role("heading", level=3).first).to_contain_text("Rénover une école de village")
    expect(page.get_by_role("link", name=phrase("fr", "card.read")).first).to_have_attribute(
        "href", "https://example.org/ecole"
    )
    press(page, page.get_by_text(phrase("fr", "why.open"), exact=True).first)
    page.get_by_role("progressbar").first.wait_for()
    press(page, page.get_by_text(phrase("fr", "card.near"), exact=True).first)
    expect(page.get_by_role("link", name="Rouvrir un commerce au bourg").first).to_be_visible()
    page.screenshot(path=tmp_path / f"results-{size}-{scheme}.png", full_page=True)
    widest = page.evaluate("Math.max(...[...document.querySelectorAll('main *')].map(e => e.scrollWidth))")
    assert widest <= SIZES[size][0], "something is wider than the screen"
    assert "chauffage" not in page.url
    page.get_by_role("link", name=phrase("fr", "card.sheet"), exact=True).first.click()
    page.wait_for_url(re.compile(r"/fiche\?id=ecole$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Rénover une école de village")
    expect(page).to_have_title(re.compile("^Rénover une école de village"))
    visit.assert_quiet()
    assert "chauffage" not in village.log.read_text()


def test_english_is_a_click_away_and_has_an_address(village: Site, visiting: Visiting) -> None:
    page = visiting(village.address).open(village.address)
    press(page, page.get_by_role("radio", name="EN"))
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(phrase("en", "recommend.title"))
    page.wait_for_url(re.compile("lang=EN"))
    page.reload()
    expect(title).to_have_text(phrase("en", "recommend.title"))
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_permanent_address_opens_the_sheet(village: Site, visiting: Visiting) -> None:
    visit = visiting(village.address)
    page = visit.open(f"{village.address}/fiche?id=eau")
    expect(page.get_by_role("heading", level=1)).to_have_text("Partager l'eau en été")
    expect(page.get_by_text(f"{village.address}/fiche?id=eau")).to_be_visible()
    visit.assert_quiet()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A catalogue with many labels of its own, some of which cannot be broken, served."""
    folder = tmp_path_factory.mktemp("foreign")
    place = Place(folder)
    kinds = [f"Aide aux intercommunalités, volet n° {number}" for number in range(14)] + ["t" * 80]
    themes = [f"Sujet n° {number} : écologie et aménagement" for number in range(20)] + ["s" * 80]
    pairs = [(kinds[number % 15], themes[number % 21]) for number in range(105)]
    place.publish([(f"r{n}", f"Essai {n}", "", "", *pair) for n, pair in enumerate(pairs)])
    with serving(place.environment, folder / "server.log") as site:
        yield site


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("catalogue", ["village", "foreign"])
def test_what_a_catalogue_covers_is_no_wider_than_the_screen(
    request: pytest.FixtureRequest, visiting: Visiting, tmp_path: Path, catalogue: str, size: str
) -> None:
    site: Site = request.getfixturevalue(catalogue)
    visit = visiting(site.address, size)
    page = visit.open(f"{site.address}/catalogue")
    press(page, page.get_by_role("tab", name=phrase("fr", "coverage.title")))
    page.screenshot(path=tmp_path / f"coverage-{catalogue}-{size}.png", full_page=True)
    panel = page.get_by_role("tabpanel").filter(has_text=phrase("fr", "coverage.lead"))
    widest = panel.evaluate("one => Math.max(...[...one.querySelectorAll('*')].map(e => e.scrollWidth))")
    assert widest <= SIZES[size][0], "something is wider than the screen"
    gridded = catalogue == "village" and size == "wide"
    expect(panel.get_by_role("columnheader", name="Rapports")).to_have_count(int(gridded))
    theme = "Énergie" if catalogue == "village" else "Sujet n° 3"
    expect(panel.get_by_role("listitem").filter(has_text=theme)).to_have_count(int(not gridded))


@pytest.mark.parametrize("path", ["", "/catalogue", "/fiche?id=a1", "/fiche?id=a7"])
def test_a_hostile_catalogue_stays_inert(attacked: Site, visiting: Visiting, path: str) -> None:
    visit = visiting(attacked.address)
    page = visit.open(attacked.address + path)
    if not path:
        visit.search("école")
        for name in ("why.open", "card.near"):
            for box in page.get_by_text(phrase("fr", name), exact=True).all():
                box.click()
            settled(page)
        expect(page.get_by_role("progressbar").nth(20)).to_be_visible()
        titles = [
            title.replace(JOINER, "") for title in page.get_by_role("heading", level=3).all_inner_texts()
        ]
        for row in HOSTILE:
            assert any(title.endswith(" ".join(shown(row[1]).split())) for title in titles), row[1]
    settled(page)
    main = page.get_by_test_id("stMain")
    assert page.evaluate("window.hurt") is None
    ours = "table:not([data-testid='stTable'] table)"
    assert main.locator(f"img, script, iframe, .katex, {ours}, code:not(pre code), del").count() == 0
    assert not [
        href for href in hrefs(page) if not href.startswith((attacked.address, "https://example.org/"))
    ]
    visit.assert_quiet()


def shown(title: str) -> str:
    """Return a title as the core keeps it: scripts are dropped on admission, references are read."""
    from reco.text.clean import clean, strip_markup

    return clean(strip_markup(title))


def test_describe_judge_undo_keep_export_and_reopen(
    village: Site, visiting: Visiting, tmp_path: Path
) -> None:
    visit = visiting(village.address, "phone")
    page = visit.open(village.address)
    press(page, page.get_by_text(phrase("fr", "file.open")))
    note = {
        "name": "note.txt",
        "mimeType": "text/plain",
        "buffer": "Rénover le chauffage de l'école.".encode(),
    }
    page.locator("input[type=file]").set_input_files([note])  # type: ignore[list-item]
    expect(page.get_by_label(phrase("fr", "recommend.box"))).to_have_value("Rénover le chauffage de l'école.")
    press(page, page.get_by_role("button", name=phrase("fr", "recommend.search")))
    first = page.get_by_role("heading", level=3).first
    expect(first).to_contain_text("Rénover une école de village")
    press(page, page.get_by_role("button", name=phrase("fr", "opinion.off_topic")).first)
    told = page.get_by_text(phrase("fr", "opinion.changed.one", count=1).split("**")[1])
    expect(told).to_be_visible()
    press(page, page.get_by_role("button", name=phrase("fr", "opinion.undo_all")))
    expect(told).to_have_count(0)
    expect(first).to_contain_text("Rénover une école de village")
    press(page, page.get_by_role("button", name=phrase("fr", "basket.add")).first)
    expect(page.get_by_role("button", name=phrase("fr", "basket.remove"))).to_be_visible()
    press(page, page.get_by_role("button", name=phrase("fr", "share.open")))
    shared = page.get_by_test_id("stCode").inner_text().replace("\n", "")
    page.keyboard.press("Escape")
    press(page, page.get_by_role("link", name=re.compile(r"Dossier \(1\)")).last)
    assert "À lire" in exported(page, tmp_path, "À lire")
    page.screenshot(path=tmp_path / "dossier-phone.png", full_page=True)
    visit.assert_quiet()
    other = visiting(village.address)
    again = other.open(shared)
    expect(again.get_by_role("heading", level=3).first).to_contain_text("Rénover une école de village")
    expect(again.get_by_label(phrase("fr", "recommend.box"))).to_have_value(
        "Rénover le chauffage de l'école."
    )
    again.wait_for_url(village.address + "/")
    other.assert_quiet()
    assert "chauffage" not in (log := village.log.read_text())
    assert shared.rpartition("=")[2] not in log


def test_a_note_typed_just_before_a_click_is_in_the_file(
    late: Site, visiting: Visiting, tmp_path: Path
) -> None:
    visit = visiting(late.address)
    page = visit.open(late.address)
    visit.search("rénover le chauffage de notre école")
    # Twice is once: Streamlit calls what the button was drawn for both times.
    page.get_by_role("button", name=phrase("fr", "basket.add")).first.dblclick()
    settled(page)
    press(page, page.get_by_role("link", name=re.compile(r"Dossier \(1\)")).first)
    for note in ("Pour la commission", "Pour le conseil"):
        assert note in exported(page, tmp_path, note)
    page.get_by_label(phrase("fr", "dossier.note")).fill("Voté")
    press(page, page.get_by_role("button", name=phrase("fr", "dossier.save")))
    saved = phrase("fr", "dossier.saved", name=phrase("fr", "dossier.untitled"))
    expect(page.get_by_text(saved)).to_be_visible(timeout=20_000)


def exported(page: Page, folder: Path, note: str) -> list[str]:
    """Type a note and go straight to the button: what is typed last is in the file, and no click is lost."""
    box = page.get_by_label(phrase("fr", "dossier.note"))
    box.fill(note)
    with page.expect_download() as download:
        page.get_by_role("button", name=phrase("fr", "dossier.docx")).click()
    saved = folder / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "dossier.docx"
    return [paragraph.text for paragraph in docx.Document(str(saved)).paragraphs]

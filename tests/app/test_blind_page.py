"""The blind page in a browser: judged by keyboard, kept over a reload, exported, and safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from reco.catalogue.catalogue import Catalogue
from reco.evaluation.blind import judgements
from reco.evaluation.blind.page import blind_page
from reco.evaluation.blind.pairs import Key, Pair
from tests.app.live import SIZES
from tests.support import resource

pytestmark = pytest.mark.browser

EVIL = "</script><script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"
CATALOGUE = Catalogue(
    [
        resource("a", f"Titre {EVIL}", summary=EVIL, url="https://exemple.fr/a"),
        resource("b", "Four à pain", summary="Rouvert.", publisher="Éditions du Four", year=2021),
    ]
)
KEY = Key(
    seed=1,
    a={"config": "a.toml"},
    b={"config": "b.toml"},
    pairs=(
        Pair(id="q1", text=f"demande {EVIL}", left="b", a=("a", "b"), b=("b", "a")),
        Pair(id="q2", text="four", left="a", a=("a",), b=("b",)),
        Pair(id="q3", text="rien", left="a", a=(), b=("b",)),
    ),
)


@pytest.fixture
def page(browser: BrowserContext, tmp_path: Path) -> Iterator[Page]:
    """The page opened as a file. It asks nothing of anybody and runs into no policy."""
    (tmp_path / "page.html").write_bytes(blind_page(KEY, CATALOGUE))
    (tmp_path / "page.key.json").write_bytes(KEY.to_bytes())
    opened = browser.new_page()
    opened.set_viewport_size({"width": 1280, "height": 900})
    asked: list[str] = []
    problems: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto((tmp_path / "page.html").as_uri())
    opened.evaluate("localStorage.clear()")  # all files are one place to Chromium
    opened.reload()
    yield opened
    assert opened.evaluate("window.hacked === undefined") and problems == []
    assert all(url.startswith(("file:", "blob:")) for url in asked)
    opened.close()


def test_two_requests_are_judged_by_keyboard_and_exported(page: Page, tmp_path: Path) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Quelle liste est la meilleure ?")
    expect(page.locator("#asked")).to_have_text(f"demande {EVIL}")
    page.keyboard.press("Digit1")
    expect(page.locator("#left")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#asked")).to_have_text("four")
    useful = page.get_by_role("button", name="Utile", exact=True).nth(1)
    useful.focus()
    page.keyboard.press("Enter")
    expect(useful).to_be_focused()
    expect(useful).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Digit4")
    page.reload()
    expect(page.locator("#asked")).to_have_text("four")
    expect(page.locator("#done")).to_have_text("Jugées : 2 sur 3")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Neither")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my judgements").click()
    given = tmp_path / "given.json"
    download.value.save_as(given)
    found = judgements.read([given], tmp_path / "page.key.json")
    said = found.preferences
    assert (found.requests, said.a, said.b, said.neither) == (2, 0, 1, 1), "the first list was that of b"
    (topic,) = found.topics
    assert (topic.id, topic.qrels) == ("q2", {"b": 2})


def test_the_digits_of_a_french_keyboard_need_no_shift(page: Page) -> None:
    page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'é', code: 'Digit2', bubbles: true }))"
    )
    expect(page.locator("#right")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Digit2")
    expect(page.locator("#right")).to_have_attribute("aria-pressed", "false")


def test_a_browser_that_keeps_nothing_is_told(page: Page) -> None:
    expect(page.locator("#kept")).to_contain_text("gardées dans ce navigateur")
    page.add_init_script("Storage.prototype.setItem = () => { throw new Error('refused') }")
    page.reload()
    expect(page.locator("#kept")).to_contain_text("téléchargez-les avant de fermer")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_fits(page: Page, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.keyboard.press("Digit1")
    page.get_by_role("button", name="En partie").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []

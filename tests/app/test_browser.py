"""The app in Debian's Chromium: what a visitor sees and does, on a wide screen and on a phone."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reco.app.markup import JOINER
from reco.app.wording import phrase
from tests.app.conftest import ROWS, Publish
from tests.app.test_hostile import ROWS as HOSTILE

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SIZES = {"wide": (1280, 900), "phone": (390, 844)}

Serve = Callable[[], str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    assert CHROMIUM is not None, "CI must install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def serve(publish: Publish, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that starts the app as `reco app` does, on the home that `publish` fills."""
    servers = []

    def start() -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [str(Path(sys.executable).with_name("reco")), "app", "--port", str(port)]
        log = (tmp_path / "server.log").open("wb")
        servers.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/_stcore/health")
        return address

    yield start
    for server in servers:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _wait_for(address: str) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.3)


def settled(page: Page) -> None:
    """Wait until the page has its heading and nothing runs any more."""
    page.get_by_role("heading", level=1).first.wait_for()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_timeout(500)


class Visit:
    """A page with what it asked of others and what it complained of."""

    def __init__(self, browser: Browser, address: str, size: str = "wide", scheme: str = "light") -> None:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="fr-FR",
        )
        self.page: Page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.foreign: list[str] = []
        self.dialogs: list[str] = []
        self.refused: list[str] = []
        allowed = (address, address.replace("http", "ws", 1), "data:", "blob:")
        self.page.on("request", lambda r: None if r.url.startswith(allowed) else self.foreign.append(r.url))
        self.page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))
        self.page.on(
            "console", lambda m: self.refused.append(m.text) if "Content Security" in m.text else None
        )

    def search(self, text: str) -> None:
        self.page.get_by_label(phrase("fr", "recommend.box")).fill(text)
        self.page.get_by_role("button", name=phrase("fr", "recommend.search")).click()
        self.page.get_by_role("heading", level=3).first.wait_for()

    def assert_quiet(self) -> None:
        assert not self.foreign
        assert not self.dialogs
        assert not self.refused


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_describe_read_why_similar(
    browser: Browser, publish: Publish, serve: Serve, tmp_path: Path, size: str, scheme: str
) -> None:
    publish(ROWS)
    address = serve()
    visit = Visit(browser, address, size, scheme)
    page = visit.page
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text(phrase("fr", "recommend.title"))
    assert page.locator("html").get_attribute("lang") == "fr"
    page.screenshot(path=tmp_path / f"home-{size}-{scheme}.png", full_page=True)
    visit.search("rénover le chauffage de notre école")
    expect(page.get_by_role("heading", level=3).first).to_contain_text("Rénover une école de village")
    expect(page.get_by_role("link", name=phrase("fr", "card.read")).first).to_have_attribute(
        "href", "https://example.org/ecole"
    )
    page.get_by_text(phrase("fr", "why.open"), exact=True).first.click()
    page.get_by_role("progressbar").first.wait_for()
    page.get_by_text(phrase("fr", "card.near"), exact=True).first.click()
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
    assert "chauffage" not in (tmp_path / "server.log").read_text()


def test_english_is_a_click_away_and_has_an_address(browser: Browser, publish: Publish, serve: Serve) -> None:
    publish(ROWS)
    address = serve()
    visit = Visit(browser, address)
    visit.page.goto(address)
    visit.page.get_by_role("radio", name="EN").click()
    title = visit.page.get_by_role("heading", level=1)
    expect(title).to_have_text(phrase("en", "recommend.title"))
    visit.page.reload()
    expect(title).to_have_text(phrase("en", "recommend.title"))
    assert visit.page.locator("html").get_attribute("lang") == "en"


def test_a_permanent_address_opens_the_sheet(browser: Browser, publish: Publish, serve: Serve) -> None:
    publish(ROWS)
    address = serve()
    visit = Visit(browser, address)
    visit.page.goto(f"{address}/fiche?id=eau")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Partager l'eau en été")
    expect(visit.page.get_by_text(f"{address}/fiche?id=eau")).to_be_visible()
    visit.assert_quiet()


@pytest.mark.parametrize("path", ["", "/catalogue", "/fiche?id=a1", "/fiche?id=a7"])
def test_a_hostile_catalogue_stays_inert(browser: Browser, publish: Publish, serve: Serve, path: str) -> None:
    publish(HOSTILE)
    address = serve()
    visit = Visit(browser, address)
    page = visit.page
    page.goto(address + path)
    page.get_by_role("heading", level=1).wait_for()
    if not path:
        visit.search("école")
        for name in ("why.open", "card.near"):
            for box in page.get_by_text(phrase("fr", name), exact=True).all():
                box.click()
        expect(page.get_by_role("progressbar").nth(20)).to_be_visible()
        titles = [
            title.replace(JOINER, "") for title in page.get_by_role("heading", level=3).all_inner_texts()
        ]
        for row in HOSTILE:
            assert any(title.endswith(" ".join(shown(row[1]).split())) for title in titles), row[1]
    page.wait_for_timeout(1500)
    main = page.get_by_test_id("stMain")
    assert page.evaluate("window.hurt") is None
    ours = "table:not([data-testid='stTable'] table)"
    assert main.locator(f"img, script, iframe, .katex, {ours}, code:not(pre code), del").count() == 0
    assert not [href for href in hrefs(page) if not href.startswith((address, "https://example.org/"))]
    visit.assert_quiet()


def shown(title: str) -> str:
    """Return a title as the core keeps it: scripts are dropped on admission, references are read."""
    from reco.text import clean, strip_markup

    return clean(strip_markup(title))


def hrefs(page: Page) -> list[str]:
    links: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)")
    return links


def test_describe_judge_undo_keep_export_and_reopen(
    browser: Browser, publish: Publish, serve: Serve, tmp_path: Path
) -> None:
    publish(ROWS)
    address = serve()
    visit = Visit(browser, address, "phone")
    page = visit.page
    page.goto(address)
    page.get_by_text(phrase("fr", "file.open")).click()
    note = {
        "name": "note.txt",
        "mimeType": "text/plain",
        "buffer": "Rénover le chauffage de l'école.".encode(),
    }
    page.locator("input[type=file]").set_input_files([note])  # type: ignore[list-item]
    expect(page.get_by_label(phrase("fr", "recommend.box"))).to_have_value("Rénover le chauffage de l'école.")
    page.get_by_role("button", name=phrase("fr", "recommend.search")).click()
    first = page.get_by_role("heading", level=3).first
    expect(first).to_contain_text("Rénover une école de village")
    page.get_by_role("button", name=phrase("fr", "opinion.off_topic")).first.click()
    told = page.get_by_text(phrase("fr", "opinion.changed.one", count=1).split("**")[1])
    expect(told).to_be_visible()
    page.get_by_role("button", name=phrase("fr", "opinion.undo_all")).click()
    expect(told).to_have_count(0)
    expect(first).to_contain_text("Rénover une école de village")
    page.get_by_role("button", name=phrase("fr", "basket.add")).first.click()
    expect(page.get_by_role("button", name=phrase("fr", "basket.remove"))).to_be_visible()
    page.get_by_role("button", name=phrase("fr", "share.open")).click()
    shared = page.get_by_test_id("stCode").inner_text().replace("\n", "")
    page.keyboard.press("Escape")
    page.get_by_role("link", name=re.compile(r"Dossier \(1\)")).last.click()
    page.get_by_label(phrase("fr", "dossier.note")).fill("À lire")
    page.get_by_label(phrase("fr", "dossier.note")).blur()
    with page.expect_download() as download:
        page.get_by_role("button", name=phrase("fr", "dossier.docx")).click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "dossier.docx"
    assert "À lire" in [p.text for p in docx.Document(str(saved)).paragraphs]
    page.screenshot(path=tmp_path / "dossier-phone.png", full_page=True)
    visit.assert_quiet()
    other = Visit(browser, address)
    other.page.goto(shared)
    expect(other.page.get_by_role("heading", level=3).first).to_contain_text("Rénover une école de village")
    expect(other.page.get_by_label(phrase("fr", "recommend.box"))).to_have_value(
        "Rénover le chauffage de l'école."
    )
    other.page.wait_for_url(address + "/")
    other.assert_quiet()
    assert "chauffage" not in (log := (tmp_path / "server.log").read_text())
    assert shared.rpartition("=")[2] not in log

"""axe-core on every page in real Chromium, wide and on a phone, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from reco.app.phrases import phrase
from reco.app.state.curator_access import VARIABLE
from tests.app.conftest import PLACED, ROWS, Place, Visiting
from tests.app.live import Site, Visit, press, serving

pytestmark = pytest.mark.browser

PAGES = {
    "/": "nav.recommend",
    "/dossier": "nav.dossier",
    "/explorer": "nav.explorer",
    "/carte": "nav.map",
    "/nouveautes": "nav.news",
    "/catalogue": "nav.catalogue",
    "/a-propos": "nav.about",
    "/curation": "nav.curator",
}
SHEET = "/fiche?id=ecole"

PASSWORD = "mot de passe"


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three nights of the invented catalogue, served with the curator's page."""
    folder = tmp_path_factory.mktemp("nights")
    place = Place(folder)
    for rows in (ROWS, [*ROWS[1:], *PLACED], [*ROWS, *PLACED]):
        place.publish(rows)
    with serving({**place.environment, VARIABLE: PASSWORD}, folder / "server.log") as site:
        yield site


@pytest.mark.parametrize(
    ("size", "scheme"), [("phone", "dark"), pytest.param("wide", "light", marks=pytest.mark.slow)]
)
def test_no_page_has_a_serious_violation(
    nights: Site, visiting: Visiting, tmp_path: Path, size: str, scheme: str
) -> None:
    visit = visiting(nights.address, size, scheme)
    found: dict[str, list[str]] = {}
    for path in (*PAGES, SHEET):
        page = visit.open(nights.address + path)
        page.screenshot(
            path=tmp_path / f"{path.strip('/').split('?')[0] or 'recommander'}-{size}-{scheme}.png"
        )
        found[path] = violations(page)
        assert_outline(page, path)
        if path in FURTHER:
            FURTHER[path](visit)
            found[f"{path}, further"] = violations(page)
    assert {name: bad for name, bad in found.items() if bad} == {}
    visit.assert_quiet()


def _results(visit: Visit) -> None:
    visit.search("rénover le chauffage de notre école")
    press(visit.page, visit.page.get_by_text(phrase("fr", "why.open"), exact=True).first)
    visit.page.get_by_role("progressbar").first.wait_for()


def _coverage(visit: Visit) -> None:
    press(visit.page, visit.page.get_by_role("tab", name=phrase("fr", "coverage.title")))
    visit.page.get_by_text(phrase("fr", "coverage.lead")).wait_for()


def _curator(visit: Visit) -> None:
    visit.page.get_by_label(phrase("fr", "curator.password")).fill(PASSWORD)
    press(visit.page, visit.page.get_by_role("button", name=phrase("fr", "curator.enter")))
    press(visit.page, visit.page.get_by_role("tab", name=phrase("fr", "curator.decisions")))


FURTHER = {"/": _results, "/catalogue": _coverage, "/curation": _curator}
"""What is looked at once a page was seen as it opens."""


def violations(page: Page) -> list[str]:
    """Return axe-core's serious and critical findings, Streamlit's own markup included."""
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def assert_outline(page: Page, path: str) -> None:
    """One first heading, no level skipped on the way down, the language said, a title of its own."""
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(h => h.checkVisibility())"
        ".map(h => Number(h.tagName[1]))"
    )
    assert levels.count(1) == 1, (path, levels)
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels)), (path, levels)
    assert page.locator("html").get_attribute("lang") == "fr"
    if path in PAGES:
        expect(page).to_have_title(re.compile(f"^{re.escape(phrase('fr', PAGES[path]))}.* · Reco$"))


def test_every_page_is_reached_and_read_by_keyboard(nights: Site, visiting: Visiting) -> None:
    page = visiting(nights.address).open(f"{nights.address}/carte")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.innerText.trim()"))
    for name in ("nav.recommend", "nav.explorer", "nav.news", "nav.catalogue", "nav.about"):
        assert phrase("fr", name) in reached
    assert "Un village numérique" in reached, "what the map shows is a link of the list"
    page.get_by_role("link", name="Un village numérique").press("Enter")
    page.wait_for_url(re.compile("/fiche"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Un village numérique")

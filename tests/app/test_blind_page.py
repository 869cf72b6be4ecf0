"""The blind page in a browser: judged by keyboard, kept over a reload, exported, and safe."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from reco.catalogue.catalogue import Catalogue
from reco.evaluation.blind.judgements import preference, written
from reco.evaluation.blind.page import blind_page
from reco.evaluation.compare import RequestComparison
from tests.support import resource

EVIL = "</script><script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"


def test_two_requests_are_judged_by_keyboard(browser: BrowserContext, tmp_path: Path) -> None:
    catalogue = Catalogue(
        [resource("a", f"Titre {EVIL}", summary=EVIL), resource("b", "Four à pain", summary="Rouvert.")]
    )
    found = [
        RequestComparison("q1", f"demande {EVIL}", ("a", "b"), ("b", "a"), (None, None)),
        RequestComparison("q2", "four", ("a",), ("b",), (None, None)),
        RequestComparison("same", "rien", ("a",), ("a",), (None, None)),
    ]
    made = blind_page(found, catalogue, ("A", "B"), 3)
    (tmp_path / "page.html").write_text(made.html, encoding="utf-8")
    (tmp_path / "key.json").write_bytes(written(made.key))
    page = browser.new_page()
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto((tmp_path / "page.html").as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("Quelle liste répond le mieux ?")
    expect(page.locator("blockquote")).to_have_text(f"demande {EVIL}")
    page.keyboard.press("1")
    expect(page.locator("blockquote")).to_have_text("four")
    page.keyboard.press("4")
    page.get_by_role("button", name="oui").first.click()
    page.reload()
    expect(page.get_by_role("status")).to_have_text("2 demandes jugées sur 2")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Neither helps")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export my judgements").click()
    given = tmp_path / "given.json"
    download.value.save_as(given)
    left = made.key["requests"]["q1"]["left"]
    assert json.loads(given.read_text())["choices"] == {"q1": "left", "q2": "neither"}
    told = preference(given, tmp_path / "key.json")
    assert (told.a, told.b) == ((1, 0) if left == "a" else (0, 1)) and told.neither == 1 and told.graded == 1
    assert page.evaluate("window.hacked === undefined") and problems == []
    assert all(url.startswith(("file:", "blob:")) for url in asked)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    page.close()

"""The attacker's catalogue on the pages of maps, news and curation: sent inert, shown inert."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from reco.app.figures.plot import hover
from reco.app.markup import JOINER
from reco.app.phrases import phrase
from reco.app.state.curator_access import VARIABLE
from reco.projects.feedback import Feedback
from reco.projects.store import ProjectStore
from reco.ranking.query import Query
from tests.app.conftest import Open, Place, Visiting
from tests.app.live import Site, hrefs, press, serving
from tests.app.test_hostile import ACTIVE, ATTACKS
from tests.app.test_hostile import ROWS as HOSTILE

PLACED = [(*row, "Arvieu", "12011", row[2]) for row in HOSTILE]
REFUSED = [(f"r{n}", "", attack, "soon", attack, attack, attack, attack) for n, attack in enumerate(ATTACKS)]
OWN = re.compile(r"\*\*|:material/(?:add_circle|do_not_disturb_on):|\((?:rang )?\d+\)|\b\d\d:\d\d\b")
"""What our pages write themselves: bold, two icons, a rank or a count, the time of day."""
OURS = ("https://example.org/", "https://www.geonames.org/", "https://creativecommons.org/")


PASSWORD = {VARIABLE: "mot"}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two nights of hostile rows, with rejects, a duplicate, a saved project and opinions."""
    place = Place(tmp_path_factory.mktemp("attacked"))
    place.publish(PLACED[1:])
    home = place.folder / "home"
    for number, attack in enumerate(ATTACKS):
        ProjectStore(home).add(f"p{number} {attack}"[:100], Query.of(f"école {attack}"))
        Feedback(home).give(f"école {attack}", "a1", number % 2 == 0, "000001", attack, consent=True)
    changed = [(*row[:7], f"{row[7]} Elle a changé.", *row[8:]) for row in PLACED[:5]]
    again = ("double", *PLACED[5][1:])
    place.publish([*changed, *PLACED[5:8], again, *REFUSED[:3], *filler()])
    return place


@pytest.fixture
def hostile(attacked: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the attacker left, for the pages of this process."""
    for name, value in {**attacked.environment, **PASSWORD}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def served(attacked: Place) -> Iterator[Site]:
    """What the attacker left, served."""
    with serving({**attacked.environment, **PASSWORD}, attacked.folder / "server.log") as site:
        yield site


def filler() -> list[tuple[str, ...]]:
    """Enough sound rows for the refused ones to be few."""
    return [(f"s{n}", f"Guide {n}", "", "", "Rapports", "Eau", "", f"Texte {n}.") for n in range(100)]


def sent(test: AppTest) -> list[str]:
    kinds = ("markdown", "caption", "subheader", "header", "title", "warning", "info")
    found = [str(e.value) for kind in kinds for e in test.get(kind)]
    found += [e.proto.label for e in test.get("page_link")]
    return found + [e.label for e in test.expander]


@pytest.mark.parametrize("view", ["experiences", "explorer", "news", "catalogue", "curator"])
def test_every_source_s_text_is_sent_escaped(hostile: None, page: Open, view: str) -> None:
    test = page(view)
    if view == "curator":
        test.text_input(key="curator_word").set_value("mot")
        test.button(key="curator_enter").click().run()
    assert not test.exception
    theirs = [text for text in sent(test) if re.search("cole|evil|alarm|pixel|hurt", text)]
    assert theirs or view == "explorer"
    for text in theirs:
        assert not ACTIVE.search(re.sub(r"\\.", "", OWN.sub("", text))), text


@pytest.mark.parametrize("attack", [*ATTACKS, "<a href='https://evil.example'>x</a>", "%{x} &lt;b&gt;"])
def test_hover_text_has_no_tag_nor_name_of_plotly_s(attack: str) -> None:
    made = hover((attack, "deux"))
    assert made.endswith("<br>deux<extra></extra>")
    own = made.removesuffix("<br>deux<extra></extra>")
    assert "<" not in own and "%{" not in own


@pytest.mark.browser
def test_the_new_pages_stay_inert(served: Site, visiting: Visiting) -> None:
    address = served.address
    visit = visiting(address)
    for path in ("/carte", "/explorer", "/nouveautes", "/catalogue", "/a-propos", "/curation"):
        page = visit.open(address + path)
        if path == "/carte":
            _hovered(page)
        if path == "/curation":
            page.get_by_label(phrase("fr", "curator.password")).fill("mot")
            press(page, page.get_by_role("button", name=phrase("fr", "curator.enter")))
            for name in ("curator.rejects", "curator.families", "curator.feedback"):
                press(page, page.get_by_role("tab", name=phrase("fr", name)))
        assert page.evaluate("window.hurt") is None
        main = page.get_by_test_id("stMain")
        assert main.locator("img, script, iframe, .katex, del").count() == 0
        assert not [href for href in hrefs(page) if not href.startswith((address, *OURS))], path
        pictures = main.locator("svg image").evaluate_all("all => all.map(i => i.href.baseVal.slice(0, 20))")
        assert all(picture.startswith("data:image/svg+xml") for picture in pictures)
    visit.assert_quiet()


def _hovered(page: Page) -> None:
    """The text over a mark is the source's, letter by letter, without a link in it."""
    page.locator(".scatterlayer .point").first.hover(force=True)
    over = page.locator(".hoverlayer")
    expect(over).to_contain_text("Arvieu")
    assert "École" in (over.text_content() or "").replace(JOINER, "")
    assert over.locator("a").count() == 0


@pytest.mark.browser
def test_a_feed_reader_gets_the_feed(served: Site) -> None:
    import urllib.request
    import xml.etree.ElementTree as ET

    with urllib.request.urlopen(f"{served.address}/nouveautes.atom", timeout=60) as answer:
        assert answer.headers["content-type"].startswith("application/atom+xml")
        feed = ET.fromstring(answer.read())
    links = [link.get("href") for link in feed.iter("{http://www.w3.org/2005/Atom}link")]
    assert links and all(link == "https://example.org/" for link in links)

"""A small home, made by the test encoder from sources that these tests invent."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from playwright.sync_api import BrowserContext, sync_playwright
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import reco
from reco.app.server import SCRIPT
from reco.refresh.recipe import Recipe
from reco.refresh.run import refresh
from tests.app.live import FLAGS, PATIENCE, Visit

COLUMNS = (
    "id",
    "title",
    "publisher",
    "year",
    "type",
    "theme",
    "url",
    "summary",
    "place",
    "place_code",
    "scale",
)
"""Of the source; a row may stop early."""
ROWS = (
    (
        "ecole",
        "Rénover une école de village",
        "Fédération des villages",
        "2021",
        "Guides & outils",
        "Énergie",
        "https://example.org/ecole",
        "Une école se rénove par étapes. Le chauffage est remplacé en premier. La cour est plantée d'arbres.",
    ),
    (
        "commerce",
        "Rouvrir un commerce au bourg",
        "Agence des bourgs",
        "2019",
        "Initiatives & retours d'expérience",
        "Centres-bourgs & commerces",
        "https://example.org/commerce",
        "Une commune rachète un local vide. Les habitants choisissent le commerce. Le bail est modéré.",
    ),
    (
        "eau",
        "Partager l'eau en été",
        "",
        "",
        "Rapports",
        "Eau; Adaptation",
        "",
        "La sécheresse oblige à partager l'eau. Les sols perméables retiennent la pluie.",
    ),
)

PLACED = (
    (
        "arvieu",
        "Un village numérique",
        "Réseau des villages",
        "2019",
        "Initiatives & retours d'expérience",
        "Numérique & données",
        "https://example.org/arvieu",
        "Arvieu ouvre un espace de travail partagé. Les habitants l'animent.",
        "Arvieu",
        "12011",
        "commune rurale",
    ),
    (
        "pyrenees",
        "Une charte au parc",
        "Parc naturel",
        "2024",
        "Initiatives & retours d'expérience",
        "Adaptation",
        "",
        "Un parc naturel confronte sa charte au climat.",
        "PNR des Pyrénées Ariégeoises",
        "",
        "EPCI",
    ),
    (
        "lacanau",
        "Le littoral se retire",
        "Ville littorale",
        "2022",
        "Rapports",
        "Adaptation; Risques naturels & sécurité",
        "",
        "La commune prépare le recul de ses commerces.",
        "Lacanau",
        "33214",
        "petite ville",
    ),
    (
        "mamoudzou",
        "L'eau partagée à Mayotte",
        "Agglomération",
        "2023",
        "Initiatives & retours d'expérience",
        "Eau; Outre-mer",
        "",
        "L'agglomération répare les fuites du réseau.",
        "CA Dembéni-Mamoudzou",
        "",
        "EPCI",
    ),
)

Row = Sequence[str]
Publish = Callable[[Sequence[Row]], None]
Open = Callable[..., AppTest]
Visiting = Callable[..., Visit]


class Place:
    """A source that rows are written to, and the home that is made from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"RECO_CONFIG": str(folder / "reco.toml"), "RECO_HOME": str(folder / "home")}
        (folder / "reco.toml").write_text(
            '[encoder]\nkind = "hashing-for-tests"\n'
            "[gates]\nrow_drop = 1.0\n"
            '[[sources]]\nname = "inventée"\nkind = "csv"\npath = "rows.csv"\n',
            encoding="utf-8",
        )

    def publish(self, rows: Sequence[Row]) -> None:
        """Write rows to the source, and refresh the home."""
        with (self.folder / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
            padded = [[*row, *[""] * (len(COLUMNS) - len(row))] for row in rows]
            csv.writer(stream).writerows([COLUMNS, *padded])
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            home = reco.open()
            recipe = Recipe(thresholds=home.settings.gates.thresholds())
            refresh(home.store, home.settings.sources, lambda: home.plain_encoder, recipe=recipe)


@pytest.fixture(scope="session", autouse=True)
def _one_scan_of_what_is_installed() -> Iterator[None]:
    """Every AppTest reads the metadata of every installed distribution; it takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Return a function that writes rows to the source and refreshes the home the app will read."""
    place = Place(tmp_path)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    st.cache_resource.clear()
    st.cache_data.clear()
    return place.publish


@pytest.fixture
def home(publish: Publish) -> None:
    """Publish the invented catalogue."""
    publish(ROWS)


@pytest.fixture
def page() -> Open:
    """Return a function that opens the app, on a page's script, with what its address asks."""

    def open_page(view: str = "", **asked: str) -> AppTest:
        test = AppTest.from_file(str(SCRIPT), default_timeout=240).run()
        for name, value in asked.items():
            test.query_params[name] = value
        return test.switch_page(f"views/{view}.py").run() if view else test.run()

    return open_page


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """Debian's Chromium, started once a module: Streamlit's scripts are then fetched and compiled once too.

    No longer than that: while it lives an event loop runs in this thread, and nothing else may start one.
    """
    chromium = shutil.which("chromium")
    if chromium is None and os.environ.get("CI") != "true":
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    assert chromium is not None, "CI must install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        context = browser.new_context(locale="fr-FR")
        context.set_default_timeout(PATIENCE * 1_000)
        yield context
        browser.close()


@pytest.fixture
def visiting(browser: BrowserContext) -> Iterator[Visiting]:
    """Return a function that opens a visit: an address, then how wide the screen and which colours."""
    visits: list[Visit] = []

    def visit(address: str, size: str = "wide", scheme: str = "light") -> Visit:
        visits.append(Visit(browser, address, size, scheme))
        return visits[-1]

    yield visit
    for one in visits:
        one.page.close()


def everything(test: AppTest) -> str:
    """Return all the text that a page holds, as it was sent."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "text",
        "warning",
        "error",
        "info",
        "code",
    )
    return "\n".join(str(element.value) for kind in kinds for element in test.get(kind))

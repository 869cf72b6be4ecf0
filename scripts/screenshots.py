"""Take the pictures of README and docs: the app and its map, in the light theme, on a wide screen.

    .venv/bin/reco refresh --home /tmp/pictures
    .venv/bin/python -m scripts.screenshots --home /tmp/pictures

It drives the real server with Chromium, as `tests/app` does. A picture has 256 colours, to stay under 150 kB
in Git.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.app.live import FLAGS, PATIENCE, Visit, press, serving, settled

QUERY = "Désimperméabiliser la cour de l'école : 1 200 habitants, peu de budget"
APP = {"width": 1000, "height": 1300}
"""Pixels, high enough for the query, its verdict and the first results."""
MAP = {"width": 1280, "height": 1000}
MOST = 150_000
"""Largest size of a picture, in bytes."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="a home made by `reco refresh`")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed: apt-get install chromium fonts-dejavu-core")
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        context = browser.new_context(locale="fr-FR")
        context.set_default_timeout(PATIENCE * 1_000)
        with serving({"RECO_HOME": str(given.home.resolve())}, Path(folder, "log")) as site:
            visit = Visit(context, site.address)
            visit.page.set_viewport_size(APP)
            visit.open(site.address)
            visit.search(QUERY)
            keep(visit.page, given.out / "app.png")
            visit.page.set_viewport_size(MAP)
            # Within the same session, the map shows the query among its results.
            press(visit.page, visit.page.get_by_role("link", name="Explorer").first)
            visit.page.locator(".js-plotly-plot").wait_for()
            keep(visit.page, given.out / "map.png")
        browser.close()


def keep(page: Page, path: Path) -> None:
    """Write a screenshot, and stop if the file is too large for Git."""
    settled(page)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {picture.width} x {picture.height}, {size:,} bytes")
    if size > MOST:
        sys.exit(f"{path} has more than {MOST:,} bytes: show less of the page.")


if __name__ == "__main__":
    main()

"""The real server and a real visit: what the tests in a browser share."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from reco.app.phrases import phrase

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SIZES = {"wide": (1280, 900), "phone": (390, 844)}
PATIENCE = 120
"""Seconds that anything may take: a test that fails by the clock tells how busy the machine was."""

expect.set_options(timeout=PATIENCE * 1_000)

# The browser itself knows when it has asked for a run (`rerunRequested`), so an interaction that was handed
# to it cannot be missed. What is drawn after the run takes a moment more: nothing must be added for a while, and no grey box be left for a
# script that is still on its way.
_QUIET = """() => new Promise(resolve => {
    let timer
    const app = () => document.querySelector('[data-testid="stApp"]')
    const done = () => app()?.dataset.testScriptState === 'notRunning' && document.querySelector('h1')
        && !document.querySelector('[data-testid="stSkeleton"]')
    const wait = () => {
        clearTimeout(timer)
        timer = setTimeout(() => done() ? (seen.disconnect(), resolve()) : wait(), 250)
    }
    const seen = new MutationObserver(wait)
    seen.observe(document.body, { childList: true, subtree: true, characterData: true })
    wait()
})"""


@dataclass(frozen=True)
class Site:
    """The app as it is served, and the file of what it logs."""

    address: str
    log: Path


@contextmanager
def serving(environment: Mapping[str, str], log: Path) -> Iterator[Site]:
    """Start the app as `reco app` does, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("reco")), "app", "--port", str(port)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/_stcore/health")
        yield Site(address, log)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=PATIENCE)


def _wait_for(address: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.1)


def settled(page: Page) -> None:
    """Wait until the page has its heading, nothing runs any more and nothing more is drawn."""
    page.evaluate(_QUIET)


def press(page: Page, what: Locator) -> None:
    """Click once the page is still, and wait until what the click changes is drawn."""
    settled(page)
    what.click()
    settled(page)


class Visit:
    """A page with what it asked of others and what it complained of. Each is a session of its own."""

    def __init__(
        self, context: BrowserContext, address: str, size: str = "wide", scheme: str = "light"
    ) -> None:
        width, height = SIZES[size]
        self.page: Page = context.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        self.foreign: list[str] = []
        self.dialogs: list[str] = []
        self.refused: list[str] = []
        allowed = (address, address.replace("http", "ws", 1), "data:", "blob:")
        self.page.on("request", lambda r: None if r.url.startswith(allowed) else self.foreign.append(r.url))
        self.page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))
        self.page.on(
            "console", lambda m: self.refused.append(m.text) if "Content Security" in m.text else None
        )

    def open(self, address: str) -> Page:
        """Go to a page, and return it once it is still."""
        self.page.goto(address)
        settled(self.page)
        return self.page

    def search(self, text: str) -> None:
        """Describe a project, and wait for its results."""
        self.page.get_by_label(phrase("fr", "recommend.box")).fill(text)
        press(self.page, self.page.get_by_role("button", name=phrase("fr", "recommend.search")))
        self.page.get_by_role("heading", level=3).first.wait_for()

    def assert_quiet(self) -> None:
        """Nothing was asked of anybody else, no dialog was opened, no policy was run into."""
        assert not self.foreign
        assert not self.dialogs
        assert not self.refused


def hrefs(page: Page) -> list[str]:
    """Return where every link of a page leads."""
    links: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)")
    return links

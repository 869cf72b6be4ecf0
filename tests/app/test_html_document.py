"""The served document: language, title, description, policy, headers, with Streamlit's real page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

import reco.app
from reco.app.addresses import FEED, PAGES, lost, not_found
from reco.app.html_document import HtmlDocument, language_of, policy, rewrite
from reco.app.phrases import phrase
from reco.app.state.curator_access import VARIABLE

PAGE = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("query", "language"), [(b"", "fr"), (b"lang=EN", "en"), (b"lang=x", "fr"), (b"\xff", "fr")]
)
def test_the_address_chooses_the_language(query: bytes, language: str) -> None:
    assert language_of({"query_string": query}) == language


@pytest.mark.parametrize("language", ["fr", "en"])
def test_streamlit_s_page_is_rewritten(language: str) -> None:
    html = rewrite(PAGE, language)
    assert f'<html lang="{language}">' in html
    assert f"<title>{phrase(language, 'app.document_title')}</title>" in html
    assert phrase(language, "app.no_javascript") in html
    assert "<title>Streamlit</title>" not in html


def test_the_policy_allows_the_page_s_own_scripts_only() -> None:
    allowed = policy(PAGE)
    scripts = next(part for part in allowed.split("; ") if part.startswith("script-src"))
    assert "'sha256-" in scripts
    assert "unsafe" not in scripts
    assert "http" not in allowed


async def ask(path: str, accept: str) -> tuple[dict[str, str], bytes]:
    app = Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse(PAGE, headers={"etag": "old"})),
            Route("/text", lambda _: PlainTextResponse("as it was")),
        ],
        middleware=[Middleware(HtmlDocument)],
    )
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    await call(app, path, accept, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in sent[1:])


async def call(app: Starlette, path: str, accept: str, receive: Receive, send: Send) -> None:
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"accept", accept.encode()), (b"accept-encoding", b"gzip")],
        "scheme": "http",
        "server": ("localhost", 80),
    }
    await app(scope, receive, send)


def test_the_addresses_are_those_of_the_pages() -> None:
    script = Path(reco.app.__file__).with_name("script.py").read_text(encoding="utf-8")
    assert set(re.findall(r'url_path="([^"]+)"', script)) == PAGES - {FEED}


@pytest.mark.parametrize("path", ["/inconnue", "/fiche/x", "/curation", "/catalogue/"])
def test_an_address_of_no_page_is_answered_in_the_visitor_s_language(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert lost(path) == (path != "/catalogue/")
    page = not_found("fr")
    assert page.status_code == 404
    assert phrase("fr", "app.lost_title") in bytes(page.body).decode()
    assert '<html lang="en">' in bytes(not_found("en").body).decode()


@pytest.mark.parametrize("path", ["/", "", "/fiche", "/_stcore/health", "/media/x.png", "/static/js/a.js"])
def test_pages_and_what_streamlit_serves_pass(path: str) -> None:
    assert not lost(path)
    assert not lost(f"/reco{path}", "reco")


def test_pages_and_other_answers_have_their_headers() -> None:
    import asyncio

    headers, body = asyncio.run(ask("/", "text/html"))
    assert b'<html lang="fr">' in body
    assert int(headers["content-length"]) == len(body)
    assert "etag" not in headers
    assert headers["referrer-policy"] == "no-referrer"
    headers, body = asyncio.run(ask("/nulle-part", "text/html"))
    assert phrase("fr", "app.lost_title").encode() in body
    assert "script-src 'self'" in headers["content-security-policy"]
    headers, body = asyncio.run(ask("/text", "*/*"))
    assert body == b"as it was"
    assert headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in headers

"""The HTML document of Streamlit, rewritten with a language, a title and a content security policy.

Streamlit has no setting for these (its issue 8399). The policy is a second barrier: if Markdown ever rendered
a source's text, the browser would still not load its images and scripts.
"""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import get_option

from reco.app.addresses import FEED, lost, not_found
from reco.app.phrases import DEFAULT, LANGUAGES, phrase

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class HtmlDocument:
    """ASGI middleware that rewrites HTML pages and adds security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        page = "text/html" in Headers(scope=scope).get("accept", "")
        base = str(get_option("server.baseUrlPath") or "")
        if page and lost(scope["path"], base):
            await not_found(language_of(scope), base)(scope, receive, _Page(send, language_of(scope)))
            return
        answer = _Page(send, language_of(scope)) if page else _WithHeaders(send)
        await self._app(_uncompressed(scope) if page else scope, receive, answer)


class _WithHeaders:
    """Sends a response with the security headers."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await self._send(message)


class _Page:
    """Sends a response. It collects and rewrites the body if this is HTML."""

    def __init__(self, send: Send, language: str) -> None:
        self._send = _WithHeaders(send)
        self._language = language
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        html = rewrite(self._body.decode("utf-8"), self._language)
        body = html.encode("utf-8")
        headers = MutableHeaders(scope=start)
        for name in ("etag", "last-modified"):
            # They describe the original: a browser must not reuse a cached original for this page.
            if name in headers:
                del headers[name]
        headers["content-length"] = str(len(body))
        headers["content-security-policy"] = policy(html)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def language_of(scope: Scope) -> str:
    """Return the language of the address, e.g. "en" for `?lang=EN`, else the default."""
    code = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[0].lower()
    return code if code in LANGUAGES else DEFAULT


def rewrite(html: str, language: str) -> str:
    """Return Streamlit's document with our language, title, description and `<noscript>` text."""
    html = html.replace('<html lang="en">', f'<html lang="{language}">')
    head = (
        f"<title>{phrase(language, 'app.document_title')}</title>"
        f'<meta name="description" content="{phrase(language, "app.description")}">'
        f'<link rel="alternate" type="application/atom+xml" href="./{FEED}"'
        f' title="{phrase(language, "news.title")}">'
    )
    html = html.replace("<title>Streamlit</title>", head)
    return re.sub(
        r"<noscript>.*?</noscript>",
        f"<noscript>{phrase(language, 'app.no_javascript')}</noscript>",
        html,
        flags=re.DOTALL,
    )


def policy(html: str) -> str:
    """Return a policy that allows only this server and the inline scripts of the document."""
    digests = [hashlib.sha256(script.encode("utf-8")).digest() for script in _INLINE_SCRIPT.findall(html)]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {hashes}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


def _is_html(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    plain = "content-encoding" not in headers
    return start["status"] in (200, 404) and plain and headers.get("content-type", "").startswith("text/html")


def _uncompressed(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
    return {**scope, "headers": headers}

"""Addresses of the pages, below the base path of the server. Any other address gets a 404.

Streamlit itself serves its document at every address, then says in English that the page does not exist.
"""

from __future__ import annotations

from html import escape

from starlette.datastructures import URL
from starlette.responses import HTMLResponse

from reco.app.phrases import phrase
from reco.app.state import curator_access

FEED = "nouveautes.atom"
"""Address of the Atom feed of new resources, next to the pages."""
CURATION = "curation"
PAGES = frozenset(
    {
        "recommander",
        "dossier",
        "explorer",
        "carte",
        "nouveautes",
        "catalogue",
        "fiche",
        "a-propos",
        CURATION,
        FEED,
    }
)
_STREAMLIT_PATHS = ("_stcore", "media", "component", "static", "app")


def lost(path: str, base: str = "") -> bool:
    """Return whether a path below `base` is neither a page nor an address that Streamlit serves itself."""
    page = path.removeprefix(f"/{base.strip('/')}").strip("/")
    first, _, rest = page.partition("/")
    if not page or first in _STREAMLIT_PATHS:
        return False
    known = page in PAGES and (page != CURATION or bool(curator_access.expected()))
    return not known or bool(rest)


def not_found(language: str, base: str = "") -> HTMLResponse:
    """Return the 404 page in a language."""
    home = URL(f"/{base.strip('/')}").include_query_params(lang=language.upper())
    title, text, back = (
        escape(phrase(language, key)) for key in ("app.lost_title", "app.lost", "app.lost_home")
    )
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · {escape(phrase(language, 'app.name'))}</title><style>"
        ":root{color-scheme:light dark;"
        "background:light-dark(#fbfaf7,#15191a);color:light-dark(#22271f,#e9e6df)}"
        "body{max-width:40rem;margin:15vh auto 0;padding:0 1.25rem;font:1.06rem/1.5 sans-serif}"
        "h1{font:600 2.1rem serif}a{color:light-dark(#1a5d4d,#85cdb9)}</style></head><body><main>"
        f'<h1>{title}</h1><p>{text}</p><p><a href="{escape(str(home))}">{back}</a></p></main></body></html>'
    )
    return HTMLResponse(html, status_code=404)

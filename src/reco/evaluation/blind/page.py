"""The page on which a person judges pairs of lists: one HTML file that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.evaluation.blind.pairs import FORMAT, Key

LANGUAGES = ("fr", "en")
"""Languages of the page, the first one shown first."""

_LONGEST = 280
_HERE = files(__package__ or "")
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_CHOICES = ("left", "right", "equal", "neither")


@cache
def phrases(language: str) -> Mapping[str, str]:
    """Return the texts of the page in a language, by key."""
    return tomllib.loads(_read(f"locales/{language}.toml"))


def blind_page(key: Key, catalogue: Catalogue) -> bytes:
    """Return the page of a key, the same bytes for the same key and catalogue.

    It names its comparison by the key's digest, and does not tell which side made which list: neither
    scores nor passages are shown, since those of two models are unlike.
    """
    script, style = _read("page.js"), _read("page.css")
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!doctype html>\n<html lang="{LANGUAGES[0]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_phrase('title')}</title>\n<style>{style}</style>\n</head>\n<body>\n{_body()}\n"
        f'<script type="application/json" id="data">{_inert(_data(key, catalogue))}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    ).encode("utf-8", "replace")


def _read(name: str) -> str:
    return _HERE.joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _inert(document: Mapping[str, Any]) -> str:
    """Return JSON that no HTML parser takes for markup."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True).translate(_UNSAFE)


def _data(key: Key, catalogue: Catalogue) -> dict[str, Any]:
    # In the order of ids: an order of lists would tell which side came first.
    ids = sorted({identifier for pair in key.pairs for identifier in (*pair.a, *pair.b)})
    rows = {identifier: catalogue.row(identifier) for identifier in ids}
    return {
        "format": FORMAT,
        "comparison": key.digest,
        "texts": {language: dict(phrases(language)) for language in LANGUAGES},
        "pairs": [{"id": pair.id, "text": pair.text, "lists": pair.lists} for pair in key.pairs],
        "resources": {i: _resource(catalogue[row]) for i, row in rows.items() if row is not None},
    }


def _resource(resource: Resource) -> dict[str, str]:
    about = (resource.type, resource.publisher, str(resource.year or ""))
    url = resource.url or ""
    return {
        "title": resource.title,
        "about": " · ".join(filter(None, about)),
        "summary": _shortened(resource.read_summary),
        "url": url if url.lower().startswith(("https://", "http://")) else "",
    }


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST].rsplit(' ', 1)[0]} …"


def _phrase(key: str) -> str:
    return escape(phrases(LANGUAGES[0])[key])


def _said(tag: str, key: str, identifier: str = "", kind: str = "") -> str:
    """Return an element with a text of the page; the script writes it again in the other language."""
    named = f' id="{identifier}"' if identifier else ""
    classed = f' class="{kind}"' if kind else ""
    pressed = ' type="button"' if tag == "button" else ""
    return f'<{tag} data-say="{key}"{pressed}{named}{classed}>{_phrase(key)}</{tag}>'


def _body() -> str:
    return "\n".join((_header(), _main(), _footer()))


def _header() -> str:
    told = _said("h1", "title"), _said("button", "language", "language"), _said("p", "lead", kind="lead")
    return f"<header>{''.join(told)}<noscript>{_phrase('no_javascript')}</noscript></header>"


def _main() -> str:
    return (
        '<main><p class="where"><strong id="where" tabindex="-1"></strong>'
        '<span id="done" aria-live="polite"></span></p>'
        '<progress id="bar" value="0" aria-labelledby="done"></progress>'
        '<blockquote id="asked" tabindex="0"></blockquote>'
        f'<div class="lists">{_list(1)}{_list(2)}</div>{_bar()}</main>'
    )


def _list(number: int) -> str:
    heading, empty = (
        _said("h2", f"list_{number}", f"heading-{number}"),
        _said("p", "empty", f"empty-{number}"),
    )
    return (
        f'<section class="list" id="side-{number}" aria-labelledby="heading-{number}">'
        f'{heading}{empty}<ol id="list-{number}"></ol></section>'
    )


def _bar() -> str:
    choices = "".join(
        f'<button type="button" id="{choice}" aria-pressed="false" aria-keyshortcuts="{number}">'
        f'<kbd aria-hidden="true">{number}</kbd>{_said("span", choice)}</button>'
        for number, choice in enumerate(_CHOICES, start=1)
    )
    return (
        f'<div class="bar">{_said("p", "question", "question")}{_said("button", "previous", "previous")}'
        f'<div class="choices" role="group" aria-labelledby="question">{choices}</div>'
        f"{_said('button', 'next', 'next')}</div>"
    )


def _footer() -> str:
    help_, said = _said("p", "export_help", kind="help"), _said("p", "keys", "keys", "help")
    return (
        f'<footer>{said}{_said("button", "export", "export")}{help_}<p class="help" id="kept"></p></footer>'
    )

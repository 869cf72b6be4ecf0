"""The page on which two lists are judged without knowing which configuration made which.

One file, without network. Its key, in a file beside it, says which list was on which side.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from tomllib import loads
from typing import Any

from reco.catalogue.catalogue import Catalogue
from reco.evaluation.compare import RequestComparison

_SUMMARY = 280


@dataclass(frozen=True)
class BlindPage:
    """The HTML of a page, and its key: the digest of the comparison, both lists, and which one is left."""

    html: str
    key: dict[str, Any]


def blind_page(
    found: Sequence[RequestComparison], catalogue: Catalogue, names: tuple[str, str], seed: int
) -> BlindPage:
    """Return the page of the requests whose lists differ. The same input gives the same bytes."""
    differing = [one for one in found if one.differs]
    comparison = hashlib.sha256(
        json.dumps([seed, names, [(one.id, one.text, one.a, one.b) for one in differing]]).encode()
    ).hexdigest()[:16]
    swapped = {one.id: _swapped(comparison, seed, one.id) for one in differing}
    key = {
        "comparison": comparison,
        "names": list(names),
        "requests": {
            one.id: {"a": list(one.a), "b": list(one.b), "left": "b" if swapped[one.id] else "a"}
            for one in differing
        },
    }
    shown = [
        {
            "id": one.id,
            "text": one.text,
            "left": one.b if swapped[one.id] else one.a,
            "right": one.a if swapped[one.id] else one.b,
        }
        for one in differing
    ]
    data = {
        "comparison": comparison,
        "requests": shown,
        "resources": _resources(differing, catalogue),
        "texts": loads((files("reco.evaluation.blind") / "texts.toml").read_text(encoding="utf-8")),
    }
    return BlindPage(_document(data), key)


def _swapped(comparison: str, seed: int, name: str) -> bool:
    """Draw a side for each request; the digest keeps the draw out of the page's reader's sight."""
    drawn = hashlib.sha256(f"{seed} {comparison} {name}".encode()).digest()
    return drawn[0] % 2 == 1


def _resources(found: Sequence[RequestComparison], catalogue: Catalogue) -> Mapping[str, Mapping[str, str]]:
    ids = sorted({name for one in found for name in (*one.a, *one.b)})
    shown = {}
    for name in ids:
        row = catalogue.row(name)
        if row is not None:
            one = catalogue[row]
            about = " · ".join(str(part) for part in (one.publisher, one.year, one.type) if part)
            summary = one.summary if len(one.summary) <= _SUMMARY else f"{one.summary[:_SUMMARY]}…"
            shown[name] = {"title": one.title, "about": about, "summary": summary}
    return shown


def _document(data: Mapping[str, Any]) -> str:
    folder = files("reco.evaluation.blind")
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    policy = f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; base-uri 'none'"
    # "<" would end the element: no source text is ever read as HTML.
    written = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<!doctype html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>reco</title>\n'
        f'<style>{style}</style>\n</head>\n<body>\n<main id="main"></main>\n'
        f'<script type="application/json" id="data">{written}</script>\n<script>{script}</script>\n'
        f"</body>\n</html>\n"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

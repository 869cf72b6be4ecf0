"""A dossier as RIS references, which Zotero and the like import.

One value a line: a line end inside a value would begin a tag of the source's choosing.
"""

from __future__ import annotations

from reco.app.dossier.content import Dossier, Item, address, one_line
from reco.text.clean import fold

_TYPES = (("livre", "BOOK"), ("rapport", "RPRT"), ("article", "MGZN"), ("these", "THES"), ("video", "VIDEO"))
_DEFAULT = "ELEC"


def ris_bytes(dossier: Dossier) -> bytes:
    """Return one reference for each item, in UTF-8 with CRLF as the format asks."""
    return "".join(_reference(item) for item in dossier.items).encode("utf-8", "replace")


def _reference(item: Item) -> str:
    found = item.resource
    lines = [
        ("TY", next((code for word, code in _TYPES if word in fold(found.type)), _DEFAULT)),
        ("TI", found.title),
        *(("AU", author) for author in found.authors.split(";")),
        ("PB", found.publisher),
        ("PY", str(found.year or "")),
        ("LA", found.language),
        ("UR", address(found)),
        *(("KW", theme) for theme in found.themes),
        *(("AB", quote) for quote in item.quotes[:1]),
        ("N1", item.note),
        ("ID", found.id),
    ]
    written = [f"{tag}  - {value}\r\n" for tag, text in lines if (value := one_line(text))]
    return "".join(written) + "ER  - \r\n\r\n"

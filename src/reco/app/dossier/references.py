"""A dossier as RIS references, for Zotero and other reference managers.

Each value is on one line: a line end inside a value would let a source start a tag.
"""

from __future__ import annotations

from reco.app.dossier.content import Dossier, Item, address, one_line
from reco.text.clean import fold

_TYPES = (("livre", "BOOK"), ("rapport", "RPRT"), ("article", "MGZN"), ("these", "THES"), ("video", "VIDEO"))
_DEFAULT = "ELEC"


def ris_bytes(dossier: Dossier) -> bytes:
    """Return one reference per item, in UTF-8 with CRLF line ends as RIS requires."""
    return "".join(_reference(item) for item in dossier.items).encode("utf-8", "replace")


def _reference(item: Item) -> str:
    resource = item.resource
    lines = [
        ("TY", next((code for word, code in _TYPES if word in fold(resource.type)), _DEFAULT)),
        ("TI", resource.title),
        *(("AU", author) for author in resource.authors.split(";")),
        ("PB", resource.publisher),
        ("PY", str(resource.year or "")),
        ("LA", resource.language),
        ("UR", address(resource)),
        *(("KW", theme) for theme in resource.themes),
        *(("AB", quote) for quote in item.quotes[:1]),
        ("N1", item.note),
        ("ID", resource.id),
    ]
    written = [f"{tag}  - {value}\r\n" for tag, text in lines if (value := one_line(text))]
    return "".join(written) + "ER  - \r\n\r\n"

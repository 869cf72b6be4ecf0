"""A dossier as RIS references, for Zotero and other reference managers.

Each value is on one line: a line end inside a value would let a source start a tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reco.app.dossier.authors import authors_of
from reco.app.dossier.content import Dossier, Item, address, one_line
from reco.text.clean import fold

_TYPES: Mapping[str, str] = {
    "acte administratif": "STAT",
    "acte reglementaire": "STAT",
    "article de presse": "NEWS",
    "article scientifique": "JOUR",
    "base de donnees": "DATA",
    "book chapter": "CHAP",
    "book section": "CHAP",
    "conference paper": "CPAPER",
    "jeu de donnees": "DATA",
    "journal article": "JOUR",
    "livre blanc": "RPRT",
    "memoire en reponse": "RPRT",
    "page web": "ELEC",
    "revue de presse": "NEWS",
    "semantics article": "JOUR",
    "site internet": "ELEC",
    "site web": "ELEC",
    "acte": "CONF",
    "arrete": "STAT",
    "article": "MGZN",
    "atlas": "MAP",
    "audio": "SOUND",
    "bachelorthesis": "THES",
    "blog": "BLOG",
    "blogpost": "BLOG",
    "book": "BOOK",
    "bookpart": "CHAP",
    "booksection": "CHAP",
    "brochure": "PAMP",
    "carte": "MAP",
    "chapitre": "CHAP",
    "chapter": "CHAP",
    "colloque": "CONF",
    "conferenceobject": "CPAPER",
    "conferencepaper": "CPAPER",
    "circulaire": "STAT",
    "dataset": "DATA",
    "decret": "STAT",
    "depliant": "PAMP",
    "diaporama": "SLIDE",
    "doctoralthesis": "THES",
    "documentaire": "VIDEO",
    "etude": "RPRT",
    "film": "VIDEO",
    "guide": "RPRT",
    "journalarticle": "JOUR",
    "livre": "BOOK",
    "livret": "PAMP",
    "logiciel": "COMP",
    "loi": "STAT",
    "magazine": "MGZN",
    "magazinearticle": "MGZN",
    "map": "MAP",
    "masterthesis": "THES",
    "memoire": "THES",
    "newspaperarticle": "NEWS",
    "norme": "STAND",
    "ouvrage": "BOOK",
    "plaquette": "PAMP",
    "podcast": "SOUND",
    "presse": "NEWS",
    "rapport": "RPRT",
    "report": "RPRT",
    "revue": "MGZN",
    "software": "COMP",
    "thesis": "THES",
    "these": "THES",
    "video": "VIDEO",
    "webinaire": "VIDEO",
    "webpage": "ELEC",
    "website": "ELEC",
}
"""Words of a type, folded, and the type of RIS. Several words go before one of them."""

_DEFAULT = "GEN"
_WORD = re.compile(r"[a-z0-9]+")


def ris_bytes(dossier: Dossier) -> bytes:
    """Return one reference per item, in UTF-8 with CRLF line ends as RIS requires."""
    return "".join(_reference(item) for item in dossier.items).encode("utf-8", "replace")


def type_of(text: str) -> str:
    """Return the RIS type of a resource's type, by whole words: the first that `_TYPES` has."""
    line = f" {_singular(text)} "
    found = ((-key.count(" "), line.index(f" {key} "), key) for key in _CODES if f" {key} " in line)
    first = min(found, default=None)
    return _CODES[first[2]] if first is not None else _DEFAULT


def _singular(text: str) -> str:
    """Return the folded words of a text, each without the mark of a plural."""
    return " ".join(re.sub(r"[sx]$", "", word) for word in _WORD.findall(fold(text)))


_CODES = {_singular(words): code for words, code in _TYPES.items()}


def _reference(item: Item) -> str:
    resource = item.resource
    lines = [
        ("TY", type_of(resource.type)),
        ("TI", resource.title),
        *(("AU", author) for author in authors_of(resource.authors)),
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

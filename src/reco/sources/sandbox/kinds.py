"""The kind of a file, from its first bytes. Its name must agree."""

from __future__ import annotations

import codecs
import re

from reco.sources.sandbox.refusal import Reason, Unreadable
from reco.text.decoding import encoding_of

SUFFIXES = ("pdf", "docx", "odt", "txt")
"""The extensions of the files that are read."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Signatures that no text begins with. Zero bytes reveal any other binary file.
_BINARY = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%!PS",
    b"\x7fELF",
    b"SQLite format 3",
    b"\x1f\x8b",
    b"Rar!",
)
_MARKUP = re.compile(rb"\s*<(?:!--|(?:\?xml|!doctype|html|head|body|svg|script|rss|feed)\b)", re.IGNORECASE)
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def kind_of(data: bytes, name: str) -> str:
    """Return `pdf`, `docx`, `odt` or `txt`.

    Raises Unreadable for any other content, and for content that does not match `name`.
    """
    if not data.strip():
        raise Unreadable(Reason.EMPTY_FILE)
    claimed = name.rpartition(".")[2].lower()
    kind = _content(data)
    if kind == "zip":
        # DOCX and ODT are both archives: `archive` checks the content later.
        kind = claimed if claimed in ("docx", "odt") else kind
    if claimed not in SUFFIXES:
        raise Unreadable(Reason.WRONG_TYPE)
    if kind != claimed:
        raise Unreadable(Reason.DISGUISED)
    return kind


def _content(data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if data.startswith(_OLE):
        # Word stores a document with a password in the container of the old format.
        raise Unreadable(Reason.ENCRYPTED if _ENCRYPTED_PACKAGE in data else Reason.OLD_FORMAT)
    if data.startswith(b"{\\rtf"):
        raise Unreadable(Reason.OLD_FORMAT)
    if data.startswith(_BINARY) or _MARKUP.match(data.removeprefix(codecs.BOM_UTF8)):
        raise Unreadable(Reason.WRONG_TYPE)
    if b"\0" in data and not encoding_of(data):
        raise Unreadable(Reason.WRONG_TYPE)
    return "txt"

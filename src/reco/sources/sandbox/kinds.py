"""What a file is, by its first bytes; its name must agree."""

from __future__ import annotations

import codecs
import re

from reco.sources.sandbox.refusal import Reason, Unreadable

SUFFIXES = ("pdf", "docx", "odt", "txt")
"""The names of what is read, as they end."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Signatures that no text begins with; a binary file without one is known by its zero bytes.
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
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def kind_of(data: bytes, name: str) -> str:
    """Return `pdf`, `docx`, `odt` or `txt`; the two of an archive are told apart by what it holds.

    Raises Unreadable for any other content, and for one that the name denies.
    """
    if not data.strip():
        raise Unreadable(Reason.EMPTY_FILE)
    claimed = name.rpartition(".")[2].lower()
    found = _content(data)
    if found == "zip":
        # Which of the two it is, `archive` says from what is inside.
        found = claimed if claimed in ("docx", "odt") else found
    if claimed not in SUFFIXES:
        raise Unreadable(Reason.WRONG_TYPE)
    if found != claimed:
        raise Unreadable(Reason.DISGUISED)
    return found


def _content(data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if data.startswith(_OLE):
        # Word keeps a document that has a password in the container of the old format.
        raise Unreadable(Reason.ENCRYPTED if _ENCRYPTED_PACKAGE in data else Reason.OLD_FORMAT)
    if data.startswith(b"{\\rtf"):
        raise Unreadable(Reason.OLD_FORMAT)
    if data.startswith(_BINARY) or _MARKUP.match(data.removeprefix(codecs.BOM_UTF8)):
        raise Unreadable(Reason.WRONG_TYPE)
    if b"\0" in data and not data.startswith(_MARKS):
        raise Unreadable(Reason.WRONG_TYPE)
    return "txt"

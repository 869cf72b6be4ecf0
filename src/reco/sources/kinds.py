"""What a file is by its first bytes, where it is not what its source says: a sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from reco.errors import SourceError
from reco.sources.config import Kind, SourceConfig
from reco.sources.content import is_html, shown_place

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PARQUET = b"PAR1"
_LOCKED_PARQUET = b"PARE"
_START = 1_000
_SEARCHED = 1_000_000
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The entry of an Office document with a password, whose container is that of the old formats."""
_JSON = re.compile(rb'\[\s*[{\[]|\{\s*"')
_WORKBOOK = b"opendocument.spreadsheet"


def refuse_other(config: SourceConfig, stream: BinaryIO) -> None:
    """Raise `SourceError` when a file is plainly of another kind than its source. The stream is at its start.

    An Excel workbook of the kind before 2007 is one of kind `xlsx`.
    """
    start = stream.read(_START)
    stream.seek(0)
    found, hint = _found(config, stream, start)
    stream.seek(0)
    if not start.strip() and config.kind not in _MAY_BE_EMPTY:
        found, hint = "empty", "Put the whole file there."
    elif found in _FITS.get(config.kind, ("",)):
        return
    elif not found:
        found, hint = "a text", 'Set `kind = "csv"` if it is a table with delimiters.'
    problem = f"cannot be read as {config.kind}: it is {_NAMES.get(found, found)}"
    raise SourceError(f"source {config.name}: {shown_place(config)} {problem}", hint)


def of_table(path: Path, named: Kind) -> Kind:
    """Return the kind of a table on this machine by its bytes, where its name misleads, else `named`.

    Portals give text the name of a workbook, and people rename a workbook that was asked for as CSV.
    """
    if named not in _TABLES or not path.is_file():
        return named
    try:
        with path.open("rb") as stream:
            start = stream.read(_START)
            stream.seek(0)
            found = _archive(stream)[0] if start.startswith(ZIP) else "xls" if start.startswith(OLE) else ""
    except OSError:  # its reader says so
        return named
    if fits := next((kind for kind, known in _FITS.items() if found in known), None):
        return fits
    is_text = start.strip() and not start.startswith((ZIP, b"\x1f\x8b", b"<", b"%PDF"))
    return "csv" if is_text else named


def locked(config: SourceConfig) -> SourceError:
    """Return the error for a file that needs a password."""
    return SourceError(
        f"source {config.name}: {shown_place(config)} is protected by a password",
        "Save it without a password: `reco` asks for none and stores none.",
    )


_MAY_BE_EMPTY = frozenset(("csv", "jsonl"))
"""`csv` says so itself; of JSON Lines, nothing is a file of no rows."""
_FITS: Mapping[Kind, tuple[str, ...]] = {"xlsx": ("xlsx", "xls"), "ods": ("ods",), "parquet": ("parquet",)}
_TABLES = frozenset(("csv", "xlsx", "ods"))
_NAMES = {
    "xlsx": "an Excel workbook",
    "xls": "an Excel workbook of the old format",
    "ods": "an OpenDocument spreadsheet",
    "parquet": "a Parquet table",
}


def _found(config: SourceConfig, stream: BinaryIO, start: bytes) -> tuple[str, str]:
    """Return what a file is, "" for text that may be a table, and what to do."""
    if start.startswith(ZIP):
        return _archive(stream)
    if start.startswith(OLE) and _ENCRYPTED in stream.read(_SEARCHED):
        raise locked(config)
    if start.startswith(_LOCKED_PARQUET):
        raise locked(config)
    if start.startswith(PARQUET):
        return "parquet", 'Set `kind = "parquet"` for this source.'
    if start.startswith(OLE):
        return "xls", 'Set `kind = "xlsx"` for this source.'
    if start.startswith(b"%PDF-"):
        return "a PDF", "Ask for the table itself, as CSV, XLSX or ODS."
    is_table = config.kind in _TABLES
    if is_html(start) or (is_table and start.lstrip().lower().startswith((b"<table", b"<!--"))):
        table = "Portals answer a page, or save a table as one: open it in a spreadsheet, save it as XLSX."
        other = "Open the address in a browser: it must answer the file itself, and need no login."
        return "a web page", table if is_table else other
    return _text(start) if is_table else ("", "")


def _text(start: bytes) -> tuple[str, str]:
    """Return what a text is that is plainly no table with delimiters."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<?xml", b"<Workbook", b"<office:")):
        return (
            "an XML document",
            'Open a table in a spreadsheet, save it as XLSX; for a feed, set `kind = "rss"`.',
        )
    if text[:13].lower() == b"mime-version:":
        return (
            "a web page with its pictures in one file (MHTML)",
            "Open it in a spreadsheet, save it as XLSX.",
        )
    if _JSON.match(text):
        return "JSON", 'Set `kind = "json"`, or "jsonl" where each line is a record.'
    return "", ""


def _archive(stream: BinaryIO) -> tuple[str, str]:
    try:
        with ZipFile(stream) as archive:
            names = set(archive.namelist())
            written = b""
            if "mimetype" in names:
                with archive.open("mimetype") as part:
                    written = part.read(_START)
    except (BadZipFile, RuntimeError, NotImplementedError, ValueError, KeyError):
        return "an archive that is cut short or damaged", "Copy or fetch the whole file again."
    if "xl/workbook.xml" in names or any(name.startswith("xl/") for name in names):
        return "xlsx", 'Set `kind = "xlsx"` for this source.'
    if _WORKBOOK in written:
        return "ods", 'Set `kind = "ods"` for this source.'
    return "an archive that is no spreadsheet", "Unpack it, and name the table that is in it."

"""The archive of a DOCX or ODT file: refused when hostile, else rebuilt with checked XML only.

After the rebuild, a parser never sees a byte that was not checked here.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from xml.parsers import expat

from reco.sources.sandbox import limits
from reco.sources.sandbox.refusal import Reason, Unreadable

_LARGE = 1_000_000
_MAIN = {"docx": "word/document.xml", "odt": "content.xml"}
_ODT = b"application/vnd.oasis.opendocument.text"


def rebuilt(data: bytes, kind: str) -> bytes:
    """Return the archive of a `docx` or `odt` file, with every entry emptied that is not XML.

    Raises Unreadable for a bomb, a DOCTYPE, a password, damage, or another kind of archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _require_modest(entries, len(data))
            _require_kind(archive, entries, kind)
            return _copied(archive, entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        # zipfile reports "Overlapped entries" when entries share their bytes, as in a bomb.
        raise Unreadable(Reason.BOMB if "verlap" in str(error) else Reason.BROKEN) from error


def _require_modest(entries: list[zipfile.ZipInfo], packed: int) -> None:
    """Refuse an archive by its declared sizes. zipfile never unpacks more than an entry declares."""
    total = sum(entry.file_size for entry in entries)
    swollen = [e for e in entries if e.file_size > max(_LARGE, limits.MOST_RATIO * e.compress_size)]
    if len(entries) > limits.MOST_ENTRIES or total > min(limits.MOST_UNPACKED, limits.MOST_RATIO * packed):
        raise Unreadable(Reason.BOMB)
    if swollen or sum(entry.compress_size for entry in entries) > packed:
        raise Unreadable(Reason.BOMB)
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Unreadable(Reason.ENCRYPTED)
    if len({entry.filename for entry in entries}) < len(entries):
        raise Unreadable(Reason.BROKEN)


def _require_kind(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], kind: str) -> None:
    names = {entry.filename for entry in entries}
    if _MAIN[kind] not in names:
        raise Unreadable(Reason.DISGUISED)
    if kind == "odt":
        if "mimetype" not in names or not archive.read("mimetype").startswith(_ODT):
            raise Unreadable(Reason.DISGUISED)
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Unreadable(Reason.ENCRYPTED)


def _copied(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> bytes:
    target, total = io.BytesIO(), 0
    with zipfile.ZipFile(target, "w") as copy:
        for entry in entries:
            if entry.is_dir():
                continue
            with archive.open(entry) as stream:
                start = stream.read(4)
                # Pictures, fonts and nested archives are emptied here, never unpacked.
                content = start + stream.read(limits.MOST_MARKUP) if _may_be_markup(entry, start) else b""
            total += len(content)
            if total > limits.MOST_MARKUP:
                raise Unreadable(Reason.BOMB)
            if content and entry.filename != "mimetype":
                _require_sound(content)
            copy.writestr(entry.filename, content)
    return target.getvalue()


def _may_be_markup(entry: zipfile.ZipInfo, start: bytes) -> bool:
    return entry.filename == "mimetype" or entry.filename.endswith((".xml", ".rels")) or b"<" in start


def _require_sound(content: bytes) -> None:
    """Refuse XML that expat cannot parse. expat knows fewer encodings than libxml2, which reads it next."""
    elements = depth = 0

    def start(_name: str, _attributes: object) -> None:
        nonlocal elements, depth
        elements += 1
        depth += 1
        if elements > limits.MOST_ELEMENTS or depth > limits.DEEPEST:
            raise Unreadable(Reason.BOMB)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise Unreadable(Reason.DOCTYPE)

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Unreadable(Reason.BROKEN) from error

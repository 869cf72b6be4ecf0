"""Reading a visitor's file: each format, and everything that must be refused, with its own reason."""

from __future__ import annotations

import io
import random
import time
import zipfile
import zlib
from collections.abc import Callable

import docx
import odfdo
import pytest
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from pypdf import PdfWriter

from reco.sources.sandbox import limits, parent
from reco.sources.sandbox.archive import rebuilt
from reco.sources.sandbox.limits import LONGEST_TEXT, MOST_BYTES, MOST_PAGES
from reco.sources.sandbox.parent import read
from reco.sources.sandbox.refusal import Reason, Unreadable

SENTENCE = "La commune rénove l'école et plante la cour, à l'été 2027."


def word(*paragraphs: str) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs or (SENTENCE,):
        document.add_paragraph(paragraph)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def odt(*paragraphs: str) -> bytes:
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Projet"))
    for paragraph in paragraphs or (SENTENCE,):
        document.body.append(odfdo.Paragraph(paragraph))
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def pdf(*streams: bytes, compress: bool = False, image: bool = False) -> bytes:
    """A PDF by hand: one page for each stream of operators, in a standard font."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    resources = (
        b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> >>"
    )
    if image:
        resources += b" /XObject << /Im1 3 0 R >>"
        pixels = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray"
        objects.append(pixels + b" /BitsPerComponent 8 /Length 1 >>\nstream\n\x00\nendstream")
    for stream in streams:
        body = zlib.compress(stream, 9) if compress else stream
        extra = b" /Filter /FlateDecode" if compress else b""
        objects.append(b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(body), extra, body))
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << %s >> /Contents %d 0 R >>"
        objects.append(page % (resources, len(objects)))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    out, offsets = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + trailer


def shown(text: str) -> bytes:
    return b"BT /F1 12 Tf 50 700 Td (%s) Tj ET" % text.encode("cp1252").replace(b"(", b"\\(")


def encrypted(password: str, owner: str = "owner") -> bytes:
    writer = PdfWriter(io.BytesIO(pdf(shown(SENTENCE))))
    writer.encrypt(password, owner, algorithm="RC4-128")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def rewritten(data: bytes, change: dict[str, bytes], level: int = 9) -> bytes:
    """An archive with other content in some of its entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in {**dict.fromkeys(old.namelist()), **change}:
            content = change[name] if name in change else old.read(name)
            new.writestr(name, content, zipfile.ZIP_DEFLATED, level)
    return stream.getvalue()


OF_THE_CLOCK = limits.MOST_WALL_SECONDS


@pytest.fixture(autouse=True)
def _the_clock_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded machine takes seconds to start a process; tests of the clock set their own limit."""
    monkeypatch.setattr(limits, "MOST_WALL_SECONDS", 240.0)


def reason(data: bytes, name: str) -> Reason:
    with pytest.raises(Unreadable) as refused:
        read(data, name)
    assert refused.value.hint
    return refused.value.reason


# What is read


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (pdf(shown(SENTENCE)), "delib.pdf"),
        (word(), "DÉLIB.DOCX"),
        (odt(), "projet.odt"),
        (SENTENCE.encode(), "note.txt"),
        (b"\xef\xbb\xbf" + SENTENCE.encode(), "note.txt"),
        (SENTENCE.encode("utf-16"), "note.txt"),
        (SENTENCE.encode("utf-16-le"), "note.txt"),
        (SENTENCE.encode("cp1252"), "note.txt"),
        (encrypted(""), "imprimable.pdf"),
    ],
)
def test_the_text_of_each_format_is_read(data: bytes, name: str) -> None:
    found = read(data, name)
    assert SENTENCE in found.text
    assert not found.cut


def test_paragraphs_of_a_document_stay_apart() -> None:
    assert read(word("Titre", "Suite", "Fin"), "a.docx").text == "Titre\nSuite\nFin"
    assert read(odt("Suite", "Fin"), "a.odt").text == "Projet\nSuite\nFin"


def test_forms_and_insertions_are_read_and_deletions_are_not() -> None:
    document = docx.Document()
    for tag, leaf, text in (
        ("w:sdt", "w:t", "champ"),
        ("w:ins", "w:t", "ajout"),
        ("w:del", "w:delText", "retrait"),
    ):
        outer, run, content = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(leaf)
        content.text = text
        run.append(content)
        outer.append(run)
        document.add_paragraph()._p.append(outer)
    document.add_table(1, 1).cell(0, 0).text = "cellule"
    assert document.element.body.find(qn("w:p")) is not None
    stream = io.BytesIO()
    document.save(stream)
    assert read(stream.getvalue(), "a.docx").text.split() == ["champ", "ajout", "cellule"]


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "/dev/full.txt", "a\0b.txt", "x" * 5000 + ".txt"])
def test_a_name_is_never_a_path(name: str) -> None:
    assert read(b"Une cour plus verte.", name).text == "Une cour plus verte."


def test_a_long_text_is_cut_and_that_is_told() -> None:
    found = read(("Une phrase qui se répète. " * 5000).encode(), "long.txt")
    assert found.cut
    assert LONGEST_TEXT * 0.9 < len(found.text) <= LONGEST_TEXT
    assert found.text.endswith(".")


def test_a_pdf_of_many_pages_is_read_to_the_limit() -> None:
    found = read(pdf(*[shown(f"Page numero {n}.") for n in range(MOST_PAGES + 5)]), "long.pdf")
    assert found.cut
    assert f"numero {MOST_PAGES - 1}." in found.text
    assert f"numero {MOST_PAGES}." not in found.text


# What is refused


def old_word(extra: bytes = b"") -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + extra


PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SHEET = rewritten(word(), {"xl/workbook.xml": b"<workbook/>"})
ARCHIVE = rewritten(b"PK\x05\x06" + b"\0" * 18, {"a.txt": b"bonjour"})


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (PICTURE, "photo.pdf", Reason.WRONG_TYPE),
        (PICTURE, "photo.txt", Reason.WRONG_TYPE),
        (b"\xff\xd8\xff\xe0JFIF", "photo.docx", Reason.WRONG_TYPE),
        (b"MZ\x90\0" + b"\0" * 60, "virus.pdf", Reason.WRONG_TYPE),
        (b"\x7fELF\x02", "program.txt", Reason.WRONG_TYPE),
        (PAGE, "page.pdf", Reason.WRONG_TYPE),
        (PAGE, "page.txt", Reason.WRONG_TYPE),
        (b"<?xml version='1.0'?><a/>", "data.docx", Reason.WRONG_TYPE),
        (b"<svg onload='alert(1)'/>", "dessin.txt", Reason.WRONG_TYPE),
        (b"SQLite format 3\0", "base.odt", Reason.WRONG_TYPE),
        (b"\x1f\x8b\x08", "compresse.pdf", Reason.WRONG_TYPE),
        (b"Rar!\x1a\x07", "a.docx", Reason.WRONG_TYPE),
        (SENTENCE.encode() + b"\0" * 3, "octetsnuls.txt", Reason.WRONG_TYPE),
        (b"\x01\x02\x03\x04" * 50, "octets.txt", Reason.WRONG_TYPE),
        (pdf(shown(SENTENCE)), "vrai.exe", Reason.WRONG_TYPE),
        (pdf(shown(SENTENCE)), "", Reason.WRONG_TYPE),
        (word(), "note.pdf", Reason.DISGUISED),
        (pdf(shown(SENTENCE)), "note.docx", Reason.DISGUISED),
        (pdf(shown(SENTENCE)), "note.txt", Reason.DISGUISED),
        (SENTENCE.encode(), "note.pdf", Reason.DISGUISED),
        (SENTENCE.encode(), "note.docx", Reason.DISGUISED),
        (odt(), "note.docx", Reason.DISGUISED),
        (word(), "note.odt", Reason.DISGUISED),
        (ARCHIVE, "archive.docx", Reason.DISGUISED),
        (ARCHIVE, "archive.txt", Reason.DISGUISED),
        (old_word(), "vieux.docx", Reason.OLD_FORMAT),
        (b"{\\rtf1 bonjour}", "vieux.txt", Reason.OLD_FORMAT),
        (old_word("EncryptedPackage".encode("utf-16-le")), "secret.docx", Reason.ENCRYPTED),
        (b"", "vide.pdf", Reason.EMPTY_FILE),
        (b" \n ", "vide.txt", Reason.EMPTY_FILE),
        (b"... 12 !", "chiffres.txt", Reason.NO_TEXT),
        (b"%PDF-" + b"a" * MOST_BYTES, "gros.pdf", Reason.TOO_BIG),
    ],
)
def test_disguised_and_foreign_files_are_refused(data: bytes, name: str, expected: Reason) -> None:
    assert reason(data, name) is expected


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (word()[:-200], "coupe.docx"),
        (word()[:300], "coupe.docx"),
        (rewritten(word(), {"word/document.xml": b"<w:document"}), "casse.docx"),
        (rewritten(word(), {"[Content_Types].xml": b"<Types/>"}), "casse.docx"),
        (rewritten(odt(), {"content.xml": b"\0\0\0"}), "casse.odt"),
        (b"%PDF-1.7\nrien de plus", "casse.pdf"),
        (pdf(shown(SENTENCE)).replace(b"/Catalog", b"/Nothing").replace(b"2 0 R", b"9 0 R"), "casse.pdf"),
    ],
)
def test_damaged_files_are_told_as_such(data: bytes, name: str) -> None:
    assert reason(data, name) is Reason.BROKEN


def test_passwords_are_told_as_such() -> None:
    assert reason(encrypted("secret"), "secret.pdf") is Reason.ENCRYPTED
    manifest = b'<manifest xmlns="m"><encryption-data/></manifest>'
    assert reason(rewritten(odt(), {"META-INF/manifest.xml": manifest}), "secret.odt") is Reason.ENCRYPTED


def test_scanned_and_empty_pdfs_have_their_own_reasons() -> None:
    assert reason(pdf(b"/Im1 Do", image=True), "scan.pdf") is Reason.SCANNED
    assert reason(pdf(b""), "vide.pdf") is Reason.NO_TEXT


# Traps


def overlapping() -> bytes:
    """An archive in which many entries of the directory share the same packed bytes, modest otherwise."""
    stream, noise = io.BytesIO(), random.Random(0).randbytes(100_000).hex().encode()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a>" + noise + b"</a>")
        first = archive.filelist[0]
        for number in range(20):
            other = zipfile.ZipInfo(f"word/p{number}.xml")
            other.compress_type, other.CRC = first.compress_type, first.CRC
            other.compress_size, other.file_size = first.compress_size, first.file_size
            other.header_offset = first.header_offset
            archive.filelist.append(other)
    return stream.getvalue()


BOMBS: dict[str, Callable[[], tuple[bytes, str]]] = {
    "one huge entry": lambda: (
        rewritten(word(), {"word/document.xml": b"<a>" + b"0" * 90_000_000 + b"</a>"}),
        "a.docx",
    ),
    "too much in all": lambda: (
        rewritten(word(), {f"word/media/{n}.png": b"\0" * 30_000_000 for n in range(4)}),
        "a.docx",
    ),
    "too many entries": lambda: (rewritten(odt(), {f"p{n}": b"" for n in range(3000)}), "a.odt"),
    "small nodes": lambda: (
        rewritten(odt(), {"content.xml": b"<a>" + b"<b/>" * 400_000 + b"</a>"}, level=1),
        "a.odt",
    ),
    "deep": lambda: (
        rewritten(word(), {"word/document.xml": b"<a>" * 3000 + b"</a>" * 3000}),
        "a.docx",
    ),
    "shared bytes": lambda: (overlapping(), "a.docx"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_unpack(name: str) -> None:
    data, file = BOMBS[name]()
    assert len(data) < MOST_BYTES
    assert reason(data, file) is Reason.BOMB


BILLION = b'<!DOCTYPE a [<!ENTITY l "lol">%s]>' % b"".join(
    b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1) if n else b"&l;") * 10) for n in range(10)
)
ENTITIES = {
    "file": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "http": b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>',
    "parameter": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>',
    "external": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
    "billion laughs": BILLION,
}


@pytest.mark.parametrize("kind", ["docx", "odt"])
@pytest.mark.parametrize("name", ENTITIES)
def test_a_doctype_is_refused_in_any_part(name: str, kind: str) -> None:
    part = {"docx": "word/document.xml", "odt": "content.xml"}[kind]
    data = word() if kind == "docx" else odt()
    for entry in (part, "customXml/item1.xml"):
        hostile = rewritten(data, {entry: b"<?xml version='1.0'?>" + ENTITIES[name] + b"<a>x</a>"})
        with pytest.raises(Unreadable) as refused:
            rebuilt(hostile, kind)
        assert refused.value.reason is Reason.DOCTYPE


def test_a_doctype_is_told_to_the_visitor() -> None:
    hostile = ENTITIES["file"] + b"<a>&x;</a>"
    assert reason(rewritten(word(), {"word/document.xml": hostile}), "a.docx") is Reason.DOCTYPE


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "cp037", "utf-32"])
def test_an_encoding_hides_no_doctype(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?>" + ENTITIES["file"].decode() + "<a>x</a>"
    with pytest.raises(Unreadable) as refused:
        rebuilt(rewritten(word(), {"word/document.xml": text.encode(encoding)}), "docx")
    assert refused.value.reason in (Reason.DOCTYPE, Reason.BROKEN)


def test_only_checked_markup_reaches_the_parser() -> None:
    hidden = rewritten(word(), {"word/media/a.png": PICTURE, "word/embeddings/a.xlsx": word()})
    with zipfile.ZipFile(io.BytesIO(rebuilt(hidden, "docx"))) as copy:
        assert copy.read("word/media/a.png") == b""
        assert copy.read("word/embeddings/a.xlsx") == b""
        assert copy.read("word/document.xml").startswith(b"<?xml")
    assert SENTENCE in read(hidden, "a.docx").text


def slow() -> bytes:
    """150 kB that pypdf would read for minutes."""
    return pdf(b"BT /F1 1 Tf " + b"1 0 0 1 0 0 Tm (a) Tj " * 1_500_000 + b"ET", compress=True)


def test_a_slow_file_is_stopped_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WALL_SECONDS", 1.5)
    assert reason(slow(), "lent.pdf") is Reason.TOO_SLOW


@pytest.mark.slow
def test_a_slow_file_is_stopped_by_the_processor_time_that_it_took() -> None:
    data, before = slow(), time.process_time()
    assert reason(data, "lent.pdf") is Reason.TOO_SLOW
    assert time.process_time() - before < 2, "the reading is done in a process of its own"
    assert OF_THE_CLOCK < 10


def test_a_stream_that_swells_is_a_bomb() -> None:
    heavy = pdf(b"[" + b"(a) " * 18_000_000 + b"] TJ", compress=True)
    assert reason(heavy, "lourd.pdf") is Reason.BOMB


def test_many_files_at_once_wait_then_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WALL_SECONDS", 0.01)
    for _ in range(limits.AT_ONCE):
        assert parent._places.acquire(blocking=False)
    try:
        assert reason(SENTENCE.encode(), "a.txt") is Reason.BUSY
    finally:
        for _ in range(limits.AT_ONCE):
            parent._places.release()
    monkeypatch.undo()
    assert read(SENTENCE.encode(), "a.txt").text == SENTENCE

"""The text of each file format, from checked bytes. It runs in the child process."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator

from reco.sources.sandbox import limits
from reco.sources.sandbox.archive import rebuilt
from reco.sources.sandbox.refusal import Reason, Unreadable
from reco.text import pages
from reco.text.decoding import decoded

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_ODT_NOTES = "descendant::office:annotation|descendant::text:tracked-changes|descendant::text:note"
_LETTER = re.compile(r"[^\W\d_]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_FEWEST_LETTERS = 20


def extract(data: bytes, kind: str) -> tuple[str, bool]:
    """Return the text of a file of `kind`, and whether it was cut. Raises Unreadable."""
    read = {"pdf": _pdf, "docx": _docx, "odt": _odt, "txt": _txt}[kind]
    text, cut = "", False
    for piece in read(data):
        if piece is None or len(text) > limits.LONGEST_TEXT:
            cut = True
            break
        text += piece
    if not _LETTER.search(text):
        raise Unreadable(Reason.NO_TEXT)
    return text, cut


def _docx(data: bytes) -> Iterator[str | None]:
    import docx

    body = docx.Document(io.BytesIO(rebuilt(data, "docx"))).element.body
    # python-docx's own text omits content controls and accepted insertions, which forms are made of.
    for paragraph in body.iter(f"{_W}p"):
        if next(paragraph.iterancestors(_FALLBACK), None) is None:
            yield "".join(_run(paragraph)) + "\n"


def _run(paragraph: object) -> Iterator[str]:
    for node in paragraph.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr"):  # type: ignore[attr-defined]
        # A text box holds paragraphs inside a paragraph: each is read once, by itself.
        if next(node.iterancestors(f"{_W}p"), None) is paragraph:
            yield (node.text or "") if node.tag == f"{_W}t" else " "


def _odt(data: bytes) -> Iterator[str | None]:
    import odfdo

    body = odfdo.Document(io.BytesIO(rebuilt(data, "odt"))).body
    for note in body.get_elements(_ODT_NOTES):
        note.delete()
    for paragraph in body.get_elements("descendant::text:h|descendant::text:p"):
        yield paragraph.inner_text + "\n"


def _txt(data: bytes) -> Iterator[str | None]:
    text = decoded(data)
    if len(_CONTROL.findall(text)) * 100 > len(text):
        raise Unreadable(Reason.WRONG_TYPE)
    yield text[: limits.LONGEST_TEXT + 1]


def _pdf(data: bytes) -> Iterator[str | None]:
    from pypdf.errors import LimitReachedError, PyPdfError

    try:
        yield from _pages(data)
    except LimitReachedError as error:
        raise Unreadable(Reason.BOMB) from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        # pypdf trusts the structure of a page: a broken page raises any of these.
        raise Unreadable(Reason.BROKEN) from error


def _pages(data: bytes) -> Iterator[str | None]:
    import pypdf

    until = time.monotonic() + limits.ENOUGH_SECONDS
    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not _opens(reader):
        raise Unreadable(Reason.ENCRYPTED)
    texts, letters, pictures, cut = list[str](), 0, False, False
    for number, page in enumerate(reader.pages):
        if number >= limits.MOST_PAGES or time.monotonic() > until:
            cut = True
            break
        text = page.extract_text()
        letters += len(_LETTER.findall(text))
        pictures = pictures or _has_picture(page)
        texts.append(text)
        if sum(map(len, texts)) > 2 * limits.LONGEST_TEXT:  # headers and footers go: more is read than kept
            cut = number + 1 < len(reader.pages)
            break
    if letters < _FEWEST_LETTERS and pictures:
        raise Unreadable(Reason.SCANNED)
    yield pages.joined(texts) + "\n"
    if cut:
        yield None


def _opens(reader: object) -> bool:
    """Return whether an empty password opens the file, as when only printing is restricted."""
    from pypdf.errors import DependencyError

    try:
        return bool(reader.decrypt(""))  # type: ignore[attr-defined]
    except (DependencyError, NotImplementedError):
        return False


def _has_picture(page: object) -> bool:
    resources = page.get("/Resources")  # type: ignore[attr-defined]
    reference = resources.get_object().get("/XObject") if resources is not None else None
    objects = reference.get_object() if reference is not None else {}
    return any(objects[name].get_object().get("/Subtype") == "/Image" for name in objects)

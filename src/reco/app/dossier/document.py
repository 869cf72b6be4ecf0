"""A dossier as a Word file (DOCX): a note for the municipal council."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from reco.app.dossier.content import Dossier, Headings, Item, address, facts, one_line, sound

if TYPE_CHECKING:
    from docx.document import Document

_LANGUAGE = "fr-FR"


def docx_bytes(dossier: Dossier, headings: Headings) -> bytes:
    """Return the file: title, query, resources with quotes and reasons, and the snapshot in the footer."""
    import docx

    document = docx.Document()
    _describe(document, dossier)
    _lay_out(document)
    document.add_heading(one_line(dossier.title), 0)
    if dossier.request.strip():
        document.add_heading(headings.request, 1)
        document.add_paragraph(sound(dossier.request))
    document.add_heading(headings.resources, 1)
    for rank, item in enumerate(dossier.items, start=1):
        _item(document, rank, item, headings)
    for section in document.sections:
        section.footer.paragraphs[0].text = one_line(dossier.foot)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _describe(document: Document, dossier: Dossier) -> None:
    properties = document.core_properties
    # Otherwise the template names python-docx as the author.
    properties.title, properties.author = one_line(dossier.title)[:255], ""
    properties.comments, properties.language = "", _LANGUAGE


def _lay_out(document: Document) -> None:
    """Set the paper to A4 and the language of proofing: python-docx's template is American."""
    from docx.oxml.ns import qn
    from docx.shared import Mm

    for section in document.sections:
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(25)
    for part, tag in ((document.styles.element, "w:lang"), (document.settings.element, "w:themeFontLang")):
        for language in part.iter(qn(tag)):
            language.set(qn("w:val"), _LANGUAGE)


def _item(document: Document, rank: int, item: Item, headings: Headings) -> None:
    document.add_heading(f"{rank}. {one_line(item.resource.title)}", 2)
    credit = " · ".join(fact for fact in (*facts(item), one_line(item.level)) if fact)
    if credit:
        document.add_paragraph(credit)
    for quote in item.quotes:
        text = f"{headings.open_quote}{one_line(quote)}{headings.close_quote}"
        document.add_paragraph(text, style="Quote")
    if item.reasons:
        document.add_heading(headings.reasons, 3)
        for reason in item.reasons:
            document.add_paragraph(one_line(reason), style="List Bullet")
    if item.note.strip():
        document.add_heading(headings.note, 3)
        document.add_paragraph(sound(item.note))
    _source(document, item, headings)


def _source(document: Document, item: Item, headings: Headings) -> None:
    # The publisher, not the source: a source's name comes from the settings and means nothing to a reader.
    publisher, url = one_line(item.resource.publisher), address(item.resource)
    if not (publisher or url):
        return
    paragraph = document.add_paragraph(f"{headings.source} : {publisher}")
    if url:
        paragraph.add_run(" · " if publisher else "")
        _link(paragraph, url)


def _link(paragraph: Any, target: str) -> None:
    """Add a hyperlink. python-docx has no function for it."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(target, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = paragraph.add_run(target)
    run.underline = True
    link.append(run._r)
    paragraph._p.append(link)

"""A dossier: what a visitor kept to read, with notes, written as DOCX, XLSX, CSV, RIS or Markdown.

Whatever is written is a quote of the catalogue, the visitor's own words, a computed figure, or a
heading given by whoever asks for the document: no sentence is made here.
"""

from reco.dossier.content import Dossier, Headings, Item, quotes_of
from reco.dossier.document import docx_bytes
from reco.dossier.markdown import markdown_bytes
from reco.dossier.references import ris_bytes
from reco.dossier.tables import COLUMNS, table_bytes, xlsx_bytes

__all__ = [
    "COLUMNS",
    "Dossier",
    "Headings",
    "Item",
    "docx_bytes",
    "markdown_bytes",
    "quotes_of",
    "ris_bytes",
    "table_bytes",
    "xlsx_bytes",
]

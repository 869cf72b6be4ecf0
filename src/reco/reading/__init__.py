"""The text of a visitor's file: a deliberation or a project sheet in PDF, DOCX, ODT or TXT.

A file is hostile until proved otherwise. It is read in a process of its own, with limits on time and
memory, from bytes: its name is never a path, and nothing of it touches the disk.
"""

from reco.reading.bounds import LONGEST_TEXT, MOST_BYTES, MOST_PAGES, MOST_SECONDS
from reco.reading.kinds import SUFFIXES
from reco.reading.outside import FileText, read
from reco.reading.refusal import Reason, Unreadable

__all__ = [
    "LONGEST_TEXT",
    "MOST_BYTES",
    "MOST_PAGES",
    "MOST_SECONDS",
    "SUFFIXES",
    "FileText",
    "Reason",
    "Unreadable",
    "read",
]

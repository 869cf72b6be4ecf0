"""The reasons to refuse a file."""

from __future__ import annotations

from enum import StrEnum

from reco.errors import InvalidInput


class Reason(StrEnum):
    """A reason to refuse a file. Each locale of the app has a sentence for it."""

    TOO_BIG = "too_big"
    EMPTY_FILE = "empty_file"
    WRONG_TYPE = "wrong_type"
    DISGUISED = "disguised"
    OLD_FORMAT = "old_format"
    BROKEN = "broken"
    BOMB = "bomb"
    DOCTYPE = "doctype"
    ENCRYPTED = "encrypted"
    SCANNED = "scanned"
    NO_TEXT = "no_text"
    TOO_SLOW = "too_slow"
    TOO_HEAVY = "too_heavy"
    BUSY = "busy"


_SENTENCES = {
    Reason.TOO_BIG: ("It is larger than 10 MB.", "Send the pages that matter, or paste their text."),
    Reason.EMPTY_FILE: ("It is empty.", "Choose the file again."),
    Reason.WRONG_TYPE: (
        "It is not a PDF, DOCX, ODT or text file.",
        "Save it as one of these, or paste its text.",
    ),
    Reason.DISGUISED: (
        "Its name says one format and its content another.",
        "Save it again from the program that made it.",
    ),
    Reason.OLD_FORMAT: ("It is in an old format (DOC or RTF).", "Save it as DOCX, ODT or PDF."),
    Reason.BROKEN: ("It is damaged or cut short.", "Save it again, or paste its text."),
    Reason.BOMB: ("It would unpack to far more than its size.", "Paste the text instead."),
    Reason.DOCTYPE: ("It declares entities, as no office program does.", "Save it again as PDF."),
    Reason.ENCRYPTED: (
        "It is protected by a password.",
        "Save it without the password, or paste its text.",
    ),
    Reason.SCANNED: ("Its pages are pictures without text.", "Use its text version, or describe it."),
    Reason.NO_TEXT: ("It holds no text.", "Choose another file, or describe the project."),
    Reason.TOO_SLOW: ("It takes too long to read.", "Send the pages that matter, or paste their text."),
    Reason.TOO_HEAVY: ("It takes too much memory to read.", "Send the pages that matter."),
    Reason.BUSY: ("Other files are being read.", "Try again in a few seconds."),
}


class Unreadable(InvalidInput):
    """A file that is refused, with the `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(*_SENTENCES[reason])
        self.reason = reason

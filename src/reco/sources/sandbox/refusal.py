"""The reasons to refuse a file."""

from __future__ import annotations

from enum import StrEnum

from reco.errors import InvalidInput


class Reason(StrEnum):
    """A reason to refuse a file, with its message and hint. Each locale of the app has a sentence for it."""

    message: str
    hint: str

    TOO_BIG = "too_big", "It is larger than 10 MB.", "Send the pages that matter, or paste their text."
    EMPTY_FILE = "empty_file", "It is empty.", "Choose the file again."
    WRONG_TYPE = (
        "wrong_type",
        "It is not a PDF, DOCX, ODT or text file.",
        "Save it as one of these, or paste its text.",
    )
    DISGUISED = (
        "disguised",
        "Its name says one format and its content another.",
        "Save it again from the program that made it.",
    )
    OLD_FORMAT = "old_format", "It is in an old format (DOC or RTF).", "Save it as DOCX, ODT or PDF."
    BROKEN = "broken", "It is damaged or cut short.", "Save it again, or paste its text."
    BOMB = "bomb", "It would unpack to far more than its size.", "Paste the text instead."
    DOCTYPE = "doctype", "It declares entities, as no office program does.", "Save it again as PDF."
    ENCRYPTED = (
        "encrypted",
        "It is protected by a password.",
        "Save it without the password, or paste its text.",
    )
    SCANNED = "scanned", "Its pages are pictures without text.", "Use its text version, or describe it."
    NO_TEXT = "no_text", "It holds no text.", "Choose another file, or describe the project."
    TOO_SLOW = "too_slow", "It takes too long to read.", "Send the pages that matter, or paste their text."
    TOO_HEAVY = "too_heavy", "It takes too much memory to read.", "Send the pages that matter."
    BUSY = "busy", "Other files are being read.", "Try again in a few seconds."

    def __new__(cls, value: str, message: str = "", hint: str = "") -> Reason:
        reason = str.__new__(cls, value)
        reason._value_, reason.message, reason.hint = value, message, hint
        return reason


class Unreadable(InvalidInput):
    """A file that is refused, with the `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message, reason.hint)
        self.reason = reason

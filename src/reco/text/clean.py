"""Text cleaning and digests. Every function is pure: same text, same result, on every machine."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from reco.text.escapes import without_excel_escapes, without_shortcodes
from reco.text.markup import protected as protected_signs
from reco.text.markup import readable

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(
    f"[\x00-\x08\x0e-\x1f\x7f-\x9f{_BIDI}\u00ad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb]"
)
_JOINERS = re.compile("(?<![\u2600-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u2600-\U0010ffff])")
"""Joiners mean nothing to Latin letters. Between two pictures they make one of them: a family, a farmer."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\u2028\u2029]")
_HYPHENATED = re.compile("\u00ad[^\\S\n]*\n[^\\S\n]*")
"""A soft hyphen at the end of a line: the word goes on below."""
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U0010ffff"
_BULLET = re.compile(f"^[^\\S\n]*[{_PRIVATE}]+|[\uf076\uf0a7\uf0a8\uf0b7\uf0d8\uf0fc]", re.MULTILINE)
"""Word's bullets: signs of the fonts Symbol and Wingdings, which have private numbers."""
_ICON = re.compile(f"[{_PRIVATE}]+")
_VARIANT = re.compile("[\u2010\u2011\ufb00-\ufb06\ufffc]")
_VARIANTS = {
    "\u2010": "-",
    "\u2011": "-",
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
    "\ufffc": " ",
}
"""Hyphens that do not break, the ligatures of a PDF, and what stands for a picture."""
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r" ?\n ?(?:\n ?)*")
_MARKS = re.compile(r"[^\w\s\x00-\u02ff]{31,}")
_MOST_MARKS = 30
"""Combining marks kept on each letter, as in Unicode's stream-safe format (UAX #15, section 13)."""
_SHORT = 1_000
"""Characters. Any text up to this length is decomposed in a millisecond."""
_ACCENTS = re.compile("[\u0300-\u034e\u0350-\u036f]+")
_RARE = re.compile("[\u0483-\u1fff\u20d0-\U0010ffff]")
"""Ranges that contain every combining mark missing from `_ACCENTS`."""
_ITEM = re.compile(r"^[^\S\n]*(?:[*•▪●–-]|\\-)[^\S\n]+", re.MULTILINE)
"""The bullet of a list item at the start of a line, in Markdown or typed."""
_BREAK = re.compile(r"\\$", re.MULTILINE)
"""Markdown's line break: a backslash at the end of a line."""


def strip_markup(text: str) -> str:
    """Return what a person reads in a text of HTML, of a page builder or of Excel, blocks on their lines.

    See `markup.readable`, `escapes.without_shortcodes` and `escapes.without_excel_escapes`. A text is
    stripped once, where it comes in: for its author "&amp;lt;" is "&lt;", and a second time would make "<"
    of it. The time is linear in the length of `text`.
    """
    if "_x" in text:
        text = without_excel_escapes(text)
    if "[" in text:
        text = without_shortcodes(text)
    return readable(text) if "<" in text or "&" in text else text


def protected(text: str) -> str:
    """Return `text` written so that `strip_markup` gives it back."""
    return protected_signs(text).replace("[", "&#91;").replace("_x", "&#95;x")


def nfc(text: str) -> str:
    """Return `text` in Unicode form NFC, with at most thirty combining marks on each letter.

    Ordering a run of marks takes quadratic time: minutes for a hundred thousand marks.
    """
    if text.isascii():
        return text
    limited = _MARKS.sub(_limit_marks, text)
    composed = unicodedata.normalize("NFC", limited)
    return composed if composed is limited else _MARKS.sub(_limit_marks, composed)


def _limit_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in run.group():
        decomposed = unicodedata.normalize("NFD", character)
        marks = marks + len(decomposed) if unicodedata.combining(decomposed[0]) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def clean(text: str) -> str:
    """Normalise a text for display, matching and encoding: clean(clean(text)) == clean(text).

    The text is in form NFC, with single spaces and newlines. Spaces that do not break become ordinary ones,
    ligatures their letters, Word's bullets "•". Controls, zero-width marks, soft hyphens and bidirectional
    controls go: they can stop a tokeniser early, hide a word from a search, or reverse the text on screen.
    """
    text = nfc(text)
    if not text.isascii() and _VARIANT.search(text):
        text = nfc(_VARIANT.sub(lambda variant: _VARIANTS[variant[0]], text))
    if text.isprintable():  # no newline, control or format character: true of nearly every field
        return (_SPACES.sub(" ", text) if "  " in text else text).strip()
    text = _SURROGATE.sub("\ufffd", text)
    text = _LINE_END.sub("\n", text)
    text = _HYPHENATED.sub("", text)
    text = _INVISIBLE.sub("", text)
    text = _ICON.sub(" ", _BULLET.sub(" • ", text))
    text = _JOINERS.sub("", text)
    text = _SPACES.sub(" ", nfc(text))
    return _BLANK_LINES.sub("\n", text).strip()


def itemised(text: str) -> str:
    """Return `text` with the same bullet before every list item: "- Bois" -> "• Bois"."""
    return _ITEM.sub("• ", _BREAK.sub("", text).strip())


def quotation(passage: str) -> str:
    """Return a passage without its list bullet: "- Bois" -> "Bois"."""
    return itemised(passage).removeprefix("• ")


def fold(text: str) -> str:
    """Return `text` in lower case without accents, to match labels and names: "Énergie" -> "energie"."""
    if not text.isascii():
        text = bare(text.replace("œ", "oe").replace("Œ", "oe")).replace("’", "'").replace("\u2010", "-")
    return " ".join(text.casefold().split())


def bare(text: str) -> str:
    """Return `text` in Unicode form NFKD, without combining marks: "Énergie" -> "Energie"."""
    if len(text) > _SHORT:
        text = _MARKS.sub(_limit_marks, text)  # ordering marks takes quadratic time
    decomposed = unicodedata.normalize("NFKD", text)
    if _RARE.search(decomposed) is None:  # true of nearly every text, and takes a tenth of the time
        return _ACCENTS.sub("", decomposed)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def digest(*parts: str) -> str:
    """Return a 32-digit hexadecimal digest of `parts`. ("ab", "c") and ("a", "bc") differ."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()

"""Text cleaning and digests. Every function is pure: same text, same result, on every machine."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from html.entities import html5

from turbohtml import TokenType, tokenize

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}\ufeff\u200b\u00ad]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|\u2028|\u2029")
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
_REFERENCE = re.compile(r"&(?!#(?:[0-9]+|[xX][0-9a-fA-F]+);)([^\W_]*;?)")
_ITEM = re.compile(r"^[^\S\n]*(?:[*•▪●–-]|\\-)[^\S\n]+", re.MULTILINE)
"""The bullet of a list item at the start of a line, in Markdown or typed."""
_BREAK = re.compile(r"\\$", re.MULTILINE)
"""Markdown's line break: a backslash at the end of a line."""
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section table td th tr ul".split()
)
_HIDDEN = frozenset(("script", "style", "template", "noscript"))


def strip_markup(text: str) -> str:
    """Return the readable text of an HTML fragment, each block on its own line.

    Only a reference that ends in ";" is decoded: HTML would turn `&region=53` in an address into `®ion=53`.
    The time is linear in the length of `text`. Tokens are read one by one, because a tree built from
    hostile tags takes time quadratic in their number.
    """
    if "<" not in text and "&" not in text:
        return text
    text = _REFERENCE.sub(_escape_unknown, text)
    closed = text.rfind(">") + 1
    parts: list[str] = []
    hidden: list[str] = []
    for token in tokenize(text[:closed] + text[closed:].replace("<", "&lt;")):  # no ">" follows, so no tag
        tag = token.tag
        if token.type is TokenType.TEXT and not hidden:
            parts.append(token.data or "")
        elif token.type is TokenType.START_TAG and tag in _HIDDEN:
            hidden.append(tag)
        elif token.type is TokenType.END_TAG and hidden and tag == hidden[-1]:
            hidden.pop()
        elif tag in _BLOCKS:
            parts.append("\n")
    return "".join(parts)


def _escape_unknown(reference: re.Match[str]) -> str:
    """Keep a reference that HTML defines and that ends in ";"; escape the "&" of any other."""
    name = reference[1]
    return reference[0] if name.endswith(";") and name in html5 else f"&amp;{name}"


def nfc(text: str) -> str:
    """Return `text` in Unicode form NFC, with at most thirty combining marks on each letter.

    Ordering a run of marks takes quadratic time: minutes for a hundred thousand marks.
    """
    return _MARKS.sub(_limit_marks, unicodedata.normalize("NFC", _MARKS.sub(_limit_marks, text)))


def _limit_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in run.group():
        decomposed = unicodedata.normalize("NFD", character)
        marks = marks + len(decomposed) if unicodedata.combining(decomposed[0]) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def clean(text: str) -> str:
    """Normalise a text for display and encoding: NFC, single spaces and newlines, nothing invisible.

    C0, C1 and bidirectional controls and lone surrogates carry no meaning in a summary. They can stop
    a tokeniser early, or reverse the text on screen.
    """
    if text.isprintable():  # no newline, control or format character: true of nearly every field
        text = nfc(text)
        return (_SPACES.sub(" ", text) if "  " in text else text).strip()
    text = _SURROGATE.sub("\ufffd", text)
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", text)
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
        text = bare(text.replace("œ", "oe").replace("Œ", "oe")).replace("’", "'")
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

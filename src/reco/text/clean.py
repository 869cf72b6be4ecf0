"""Cleaning and digesting text. Pure: the same text in, the same text out, on every machine."""

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
"""Combining marks kept on one letter, as in Unicode's stream-safe format (UAX #15, section 13)."""
_SHORT = 1_000
"""Characters up to which any text is decomposed in a millisecond."""
_ACCENTS = re.compile("[\u0300-\u034e\u0350-\u036f]+")
_RARE = re.compile("[\u0483-\u1fff\u20d0-\U0010ffff]")
"""Every other combining mark is among these."""
_REFERENCE = re.compile(r"&(?!#(?:[0-9]+|[xX][0-9a-fA-F]+);)([^\W_]*;?)")
_ITEM = re.compile(r"^[^\S\n]*(?:[*•▪●–-]|\\-)[^\S\n]+", re.MULTILINE)
"""The mark of an item of a list, in Markdown or typed."""
_BREAK = re.compile(r"\\$", re.MULTILINE)
"""What Markdown ends a line with to have it end there."""
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section table td th tr ul".split()
)
_UNREAD = frozenset(("script", "style", "template", "noscript"))


def strip_markup(text: str) -> str:
    """Return the readable text of an HTML fragment, each block on lines of its own.

    Only a reference that ends in ";" is decoded: HTML also reads `&region=53` in an address as `®ion=53`.
    Takes a time proportional to the length of `text`, whatever it holds: the tokens are read as they
    come, because building a tree from hostile tags takes the square of their number.
    """
    if "<" not in text and "&" not in text:
        return text
    text = _REFERENCE.sub(_ended, text)
    closed = text.rfind(">") + 1
    parts: list[str] = []
    unread: list[str] = []
    for token in tokenize(text[:closed] + text[closed:].replace("<", "&lt;")):  # a sign there opens no tag
        tag = token.tag
        if token.type is TokenType.TEXT and not unread:
            parts.append(token.data or "")
        elif token.type is TokenType.START_TAG and tag in _UNREAD:
            unread.append(tag)
        elif token.type is TokenType.END_TAG and unread and tag == unread[-1]:
            unread.pop()
        elif tag in _BLOCKS:
            parts.append("\n")
    return "".join(parts)


def _ended(reference: re.Match[str]) -> str:
    """Return a reference that HTML defines with its ";" as it is, and any other with its "&" escaped."""
    name = reference[1]
    return reference[0] if name.endswith(";") and name in html5 else f"&amp;{name}"


def nfc(text: str) -> str:
    """Return `text` in Unicode's form NFC, without the marks past the thirtieth on one letter.

    Ordering a run of marks takes the square of its length: a hundred thousand take minutes.
    """
    return _MARKS.sub(_few_marks, unicodedata.normalize("NFC", _MARKS.sub(_few_marks, text)))


def _few_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in run.group():
        apart = unicodedata.normalize("NFD", character)
        marks = marks + len(apart) if unicodedata.combining(apart[0]) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def clean(text: str) -> str:
    """Normalise a text for display and encoding: NFC, one space, one newline, nothing invisible.

    C0 and C1 controls, bidirectional controls and lone surrogates carry no meaning in a summary and
    can end a tokeniser's reading early, or reverse what a reader sees.
    """
    if text.isprintable():  # so without newline, control or format characters: nearly every field
        text = nfc(text)
        return (_SPACES.sub(" ", text) if "  " in text else text).strip()
    text = _SURROGATE.sub("\ufffd", text)
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    text = _SPACES.sub(" ", nfc(text))
    return _BLANK_LINES.sub("\n", text).strip()


def itemised(text: str) -> str:
    """Return a text whose lists have the same bullet, however they are typed, to stand on one line."""
    return _ITEM.sub("• ", _BREAK.sub("", text).strip())


def quotation(passage: str) -> str:
    """Return a passage without the mark of the list of which it is an item."""
    return itemised(passage).removeprefix("• ")


def fold(text: str) -> str:
    """Return `text` in lower case without accents, for matching labels and names."""
    if not text.isascii():
        text = bare(text.replace("œ", "oe").replace("Œ", "oe")).replace("’", "'")
    return " ".join(text.casefold().split())


def bare(text: str) -> str:
    """Return `text` in Unicode's form NFKD, without combining marks."""
    if len(text) > _SHORT:
        text = _MARKS.sub(_few_marks, text)  # ordering them takes the square of their number
    decomposed = unicodedata.normalize("NFKD", text)
    if _RARE.search(decomposed) is None:  # a tenth of the time, for nearly every text
        return _ACCENTS.sub("", decomposed)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def digest(*parts: str) -> str:
    """Return a 32-digit hexadecimal digest of `parts`, in which their boundaries count."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()

"""Cleaning and digesting text. Pure: the same text in, the same text out, on every machine."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from html.parser import HTMLParser

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}\ufeff\u200b\u00ad]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|\u2028|\u2029")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r" ?\n ?(?:\n ?)*")
_MARKS = re.compile(r"[^\w\s\x00-\u02ff]{31,}")
_MOST_MARKS = 30
"""Combining marks kept on one letter, as in Unicode's stream-safe format (UAX #15, section 13)."""
_ACCENTS = re.compile("[\u0300-\u034e\u0350-\u036f]+")
_RARE = re.compile("[\u0483-\u1fff\u20d0-\U0010ffff]")
"""Every other combining mark is among these."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_ODD = re.compile(r"<(?!/?[a-zA-Z][^<>]*>|![^<>\[-][^<>]*>|\?[^<>]*>)")
_MOST_ODD = 20
_REFERENCE = re.compile(r"&#[0-9]{10,};?")
_ITEM = re.compile(r"^[^\S\n]*(?:[*•▪●–-]|\\-)[^\S\n]+", re.MULTILINE)
"""The mark of an item of a list, in Markdown or typed."""
_BREAK = re.compile(r"\\$", re.MULTILINE)
"""What Markdown ends a line with to have it end there."""
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section table td th tr ul".split()
)
_UNREAD = frozenset(("script", "style", "template", "noscript"))


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unread: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread.append(tag)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._unread and tag == self._unread[-1]:
            self._unread.pop()
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.parts.append(data)


def strip_markup(text: str) -> str:
    """Return the readable text of an HTML fragment; text without tags comes back unescaped.

    Takes a time proportional to the length of `text`, whatever it holds.
    """
    if "&#" in text:
        text = _REFERENCE.sub("\ufffd", text)  # no such character, and `int` refuses thousands of digits
    if not _has_markup(text):
        return html.unescape(text) if "&" in text else text
    if sum(1 for _ in _ODD.finditer(text)) > _MOST_ODD:
        text = _closed(text)
    parser = _TextOnly()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


def _has_markup(text: str) -> bool:
    if "<" not in text:
        return False
    comment = text.find("<!--")
    return _TAG.search(text) is not None or (comment >= 0 and text.find("-->", comment + 4) >= 0)


def _closed(text: str) -> str:
    """Return `text` without comments, its other "<" that open no tag escaped.

    HTMLParser looks for the end of each of these through all that follows.
    """
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + len("-->")
    return _ODD.sub("&lt;", "".join((*kept, text[at:])))


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

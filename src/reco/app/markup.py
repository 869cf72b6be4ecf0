"""Sources' text inside Markdown, made inert, and sources' addresses, made safe.

Backslashes stop what Markdown parses. Streamlit then searches the parsed text again, where no backslash
is left: for bare addresses, emoji codes, icons and arrows. A word joiner, which has no width, breaks these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from reco.words import words

JOINER = "\u2060"
_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
_SEARCHED = re.compile(
    r":(?=\S)"  # :emoji:, :material/icon:, :red[, http://
    r"|@(?=\S)"  # an e-mail
    r"|www(?=\.)"
    r"|[<>~=-](?=[<>=-])",  # arrows, dashes and comparisons
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Return Markdown that shows a text on one line, exactly, whatever it holds."""
    broken = _SEARCHED.sub(lambda found: found.group() + JOINER, " ".join(text.split()))
    return _SPECIAL.sub(lambda found: "\\" + found.group(), broken)


def with_words(text: str, stems: Iterable[str]) -> str:
    """Return `plain` text in which the words of these stems are bold."""
    wanted = frozenset(stems)
    pieces, end = [], 0
    for word in words(text):
        if word.stem in wanted and word.start >= end:
            pieces += [_kept(text[end : word.start]), f"**{_kept(text[word.start : word.end])}**"]
            end = word.end
    return "".join([*pieces, _kept(text[end:])])


def marked(markdown: str) -> str:
    """Return Markdown on a coloured ground, for the passage that answers."""
    return f":green-background[{markdown}]"


def badge(text: str, colour: str = "gray") -> str:
    """Return a badge holding a source's text."""
    return f":{colour}-badge[{plain(text)}]"


def shortened(text: str, longest: int) -> str:
    """Return a text cut at a space when it is long, with an ellipsis."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    return text[:longest].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def link(address: str) -> str:
    """Return an address that a browser may follow, or an empty string."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and host else ""


def _kept(text: str) -> str:
    """Return `plain` text that keeps a space at either end."""
    if not text.strip():
        return " " if text else ""
    return " " * text[0].isspace() + plain(text) + " " * text[-1].isspace()

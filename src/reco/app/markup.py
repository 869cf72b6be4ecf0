"""Sources' text inside Markdown, made inert, and sources' addresses, made safe.

Backslashes stop what Markdown parses. Streamlit then searches the parsed text again, where no backslash
is left: for bare addresses, emoji codes, icons and arrows. A word joiner, which has no width, breaks these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reco.text.tokens import words

JOINER = "\u2060"
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")
_BREAKABLE = re.compile(r" (?=[?!:;»](?:\s|$))|(?<=«) |(?<=\d) (?=\d{3}(?!\d)|[%€])")
_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
_SEARCHED = re.compile(
    r":(?=\S)"  # :emoji:, :material/icon:, :red[, http://
    r"|@(?=\S)"  # an e-mail
    r"|www(?=\.)"
    r"|[<>~=-](?=[<>=-])",  # arrows, dashes and comparisons
    re.IGNORECASE,
)


def line(text: str) -> str:
    """Return a text on one line, in which no line ends inside a number nor before French punctuation."""
    return _BREAKABLE.sub("\u00a0", _SPACES.sub(" ", text).strip())


def plain(text: str) -> str:
    """Return Markdown that shows a text on one line, exactly, whatever it holds."""
    return _escaped(line(text))


def with_words(text: str, stems: Iterable[str]) -> str:
    """Return `plain` text in which the words of these stems are bold."""
    wanted = frozenset(stems)
    text = line(text)
    pieces, end = [], 0
    for word in words(text):
        if word.stem in wanted and word.start >= end:
            pieces += [_escaped(text[end : word.start]), f"**{_escaped(text[word.start : word.end])}**"]
            end = word.end
    return "".join([*pieces, _escaped(text[end:])])


def marked(markdown: str) -> str:
    """Return Markdown on a coloured ground, for the passage that answers."""
    return f":green-background[{markdown}]"


def badge(text: str, colour: str = "gray") -> str:
    """Return a badge holding a source's text."""
    return f":{colour}-badge[{plain(text)}]"


def of(text: str) -> str:
    """Return the end of a button's or a box's name that says of which resource it is.

    `style.css` hides it from sight: screen readers, which meet many buttons of one name, read it.
    """
    return f" :gray[({plain(shortened(text, 80))})]"


def shortened(text: str, longest: int) -> str:
    """Return a text cut at a space when it is long, with an ellipsis."""
    text = line(text)
    if len(text) <= longest:
        return text
    return text[:longest].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _escaped(text: str) -> str:
    broken = _SEARCHED.sub(lambda found: found.group() + JOINER, text)
    return _SPECIAL.sub(lambda found: "\\" + found.group(), broken)

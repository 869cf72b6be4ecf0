"""Safe Markdown from sources' text.

Backslashes stop Markdown. Streamlit then searches the parsed text, where no backslash is left, for bare URLs,
emoji codes, icons and arrows. A word joiner, which has no width, breaks these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reco.text.tokens import words

JOINER = "\u2060"
_SPACES = re.compile(r"[^\S\u00a0\u202f]+")
_BREAKABLE = re.compile(r" (?=[?!:;»](?:\s|$))|(?<=«) |(?<=\d) (?=\d{3}(?!\d)|[%€])")
_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
_STREAMLIT_MARKUP = re.compile(
    r":(?=\S)"  # :emoji:, :material/icon:, :red[, http://
    r"|@(?=\S)"  # an e-mail
    r"|www(?=\.)"
    r"|[<>~=-](?=[<>=-])",  # arrows, dashes and comparisons
    re.IGNORECASE,
)


def line(text: str) -> str:
    """Return a text on one line, with no-break spaces inside numbers and next to French punctuation."""
    return _BREAKABLE.sub("\u00a0", _SPACES.sub(" ", text).strip())


def plain(text: str) -> str:
    """Return Markdown that shows a text exactly as it is, on one line."""
    return _escaped(line(text))


def with_words(text: str, stems: Iterable[str]) -> str:
    """Return `plain` Markdown with the words of these stems in bold."""
    wanted = frozenset(stems)
    text = line(text)
    pieces, end = [], 0
    for word in words(text):
        if word.stem in wanted and word.start >= end:
            pieces += [_escaped(text[end : word.start]), f"**{_escaped(text[word.start : word.end])}**"]
            end = word.end
    return "".join([*pieces, _escaped(text[end:])])


def marked(markdown: str) -> str:
    """Return Markdown on a coloured ground, for the best passage."""
    return f":green-background[{markdown}]"


def badge(text: str, colour: str = "gray") -> str:
    """Return the Markdown of a badge that holds a source's text."""
    return f":{colour}-badge[{plain(text)}]"


def of(text: str) -> str:
    """Return the end of a button's or a box's name that says which resource it is for.

    `style.css` hides it: screen readers, which meet many buttons of the same name, read it.
    """
    return f" :gray[({plain(shortened(text, 80))})]"


def shortened(text: str, longest: int) -> str:
    """Return a text cut at a space, with "…", if it is longer than `longest` characters."""
    text = line(text)
    if len(text) <= longest:
        return text
    return text[:longest].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _escaped(text: str) -> str:
    broken = _STREAMLIT_MARKUP.sub(lambda match: match.group() + JOINER, text)
    return _SPECIAL.sub(lambda match: "\\" + match.group(), broken)

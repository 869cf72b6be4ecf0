"""Hostile text becomes inert Markdown. What a browser makes of it is in `test_browser.py`."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reco.app.markup import JOINER, badge, line, marked, plain, shortened, with_words
from reco.text.tokens import words

ALPHABET = st.text(alphabet="ab1 \n\t:/@.-<>=~*_`#[](){}!$|\\^&;'\"+é", max_size=60) | st.text(max_size=60)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def read_back(markdown: str) -> str:
    """Return what a browser shows, with ordinary spaces."""
    return " ".join(_ESCAPED.sub(r"\1", markdown).replace(JOINER, "").split())


@given(ALPHABET)
def test_plain_keeps_every_character_and_leaves_none_active(text: str) -> None:
    shown = plain(text)
    assert read_back(shown) == " ".join(text.replace(JOINER, "").split()) or JOINER in text
    assert not re.search(r"[!-/:-@\[-`{-~]", _ESCAPED.sub("", shown))
    assert "\n" not in shown


@given(ALPHABET)
def test_no_pattern_that_streamlit_searches_survives(text: str) -> None:
    read = _ESCAPED.sub(r"\1", plain(text))
    assert not re.search(r":\S", read.replace(f":{JOINER}", ""))
    assert not re.search(r"www\.|@[^\s\u2060]|->|<-|--|[<>~]=", read, re.IGNORECASE)


@given(ALPHABET, st.lists(st.sampled_from(["a", "b", "ab", "e"]), max_size=3))
def test_bold_words_change_nothing_else(text: str, stems: list[str]) -> None:
    shown = with_words(text, stems)
    bare = re.sub(r"(?<!\\)\*\*", "", shown)
    assert read_back(bare).split() == text.replace(JOINER, "").split() or JOINER in text


def test_bold_words_are_those_of_the_stems() -> None:
    stems = {word.stem for word in words("rénovation écoles")}
    assert with_words("L'école en rénovation, enfin.", stems) == r"L\'**école** en **rénovation**\, enfin\."


def test_french_punctuation_stays_with_its_word() -> None:
    shown = "Que lire\u00a0? Le «\u00a0zéro\u00a0»\u00a0: oui"
    assert line("Que  lire ? Le « zéro » : oui") == shown
    assert line("En 2 ans, 12 100 m² et 30 % pour 1 990 000 €.") == (
        "En 2 ans, 12\u00a0100 m² et 30\u00a0% pour 1\u00a0990\u00a0000\u00a0€."
    )


def test_marks_and_badges_hold_what_they_are_given() -> None:
    assert marked(plain("a] :red[b")) == r":green-background[a\] \:" + JOINER + r"red\[b]"
    assert badge("x]") == r":gray-badge[x\]]"


@given(ALPHABET, st.integers(5, 40))
def test_shortened_is_never_longer(text: str, longest: int) -> None:
    assert len(shortened(text, longest)) <= longest + 1

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reco.text.clean import clean
from reco.text.passages import SHORTEST, Span, split

LONG = "La commune a repris le café du village en régie directe"
PIECES = st.sampled_from(
    [
        LONG,
        "M.",
        "Oui.",
        "cf. art. 12",
        "n° 3",
        "!",
        "?",
        "…",
        "« Non ! »",
        "\n",
        "- ",
        ". ",
        "1.",
        " ",
        "é",
        "\t",
    ]
)


def passages(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split(text)]


def require_a_partition(text: str) -> None:
    at = 0
    for span in split(text):
        assert at <= span.start < span.end <= len(text)
        assert not text[at : span.start].strip(), "characters between two passages are lost"
        quote = text[span.start : span.end]
        assert quote == quote.strip()
        at = span.end
    assert not text[at:].strip(), "the end is lost"


@given(st.text(max_size=300))
@example("a\u2028b. c\u0085d")
@example("\x1c. \x1d.")
def test_any_text_is_covered_in_order_without_overlap(text: str) -> None:
    require_a_partition(text)
    require_a_partition(clean(text))


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_mixture_of_sentences_is_covered(text: str) -> None:
    require_a_partition(text)


@pytest.mark.parametrize("text", ["", " ", "\n \n"])
def test_no_words_no_passage(text: str) -> None:
    assert split(text) == []


def test_sentences_are_passages() -> None:
    other = "Les habitants y tiennent le bar à tour de rôle"
    assert passages(f"{LONG}. {other} !") == [f"{LONG}.", f"{other} !"]


def test_lines_are_passages() -> None:
    other = "Un livret raconte les deux premières années"
    assert passages(f"- {LONG}\n- {other}") == [f"- {LONG}", f"- {other}"]


@pytest.mark.parametrize(
    "abbreviation",
    [
        "M. Durand",
        "Mme. Petit",
        "le Dr. Roux",
        "l'art. 12 du code",
        "cf. la fiche",
        "2 000 hab. au bourg",
        "av. J. Jaurès",
    ],
)
def test_an_abbreviation_ends_no_sentence(abbreviation: str) -> None:
    text = f"{LONG} selon {abbreviation}, qui a suivi tout le chantier depuis le début."
    assert passages(text) == [text]


def test_a_short_sentence_is_read_with_its_neighbour() -> None:
    assert passages(f"Pourquoi ? {LONG}.") == [f"Pourquoi ? {LONG}."]
    assert passages(f"{LONG}. Oui.") == [f"{LONG}. Oui."]
    assert passages("Oui.") == ["Oui."]


@given(st.lists(PIECES, max_size=25).map("".join))
def test_only_a_lone_passage_is_short(text: str) -> None:
    spans = split(text)
    assert len(spans) < 2 or all(span.end - span.start >= SHORTEST for span in spans)


def test_a_long_text_takes_little_time() -> None:
    text = f"{LONG}. " * 2_000
    assert len(split(text)) == 2_000
    assert split("a" * 100_000) == [Span(0, 100_000)]

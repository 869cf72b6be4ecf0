from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.text.tokens import STOP_WORDS, runs, stem, tokens, words
from reco.text.tokens import stems as indexed


def stems(text: str) -> list[str]:
    return [word.stem for word in words(text)]


@given(st.text(max_size=200))
def test_words_quote_their_text_in_order(text: str) -> None:
    at = 0
    for word in words(text):
        assert at <= word.start < word.end <= len(text)
        assert text[word.start : word.end].casefold() not in STOP_WORDS
        assert word.stem
        at = word.end


@given(st.text(max_size=100) | st.text("lLd'’`ʼ_-éÉ 9", max_size=40))
def test_an_index_reads_what_a_reader_is_shown(text: str) -> None:
    found = words(text)
    assert indexed(text) == [word.stem for word in found]
    assert runs(text) == [gram for word in found for gram in word.grams]
    assert [stem for token in tokens(text) for stem in indexed(token)] == indexed(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("l'école", "école"),
        ("L’École", "école"),
        ("qu'énergie", "énergie"),
        ("écoles", "école"),
        ("rénovation", "renovation"),
        ("RÉNOVATION", "rénovation"),
        ("jusqu'aujourd'hui", "aujourd'hui"),
        ("lorsqu'arrive", "arrive"),
        ("Entr'aide", "aide"),
        ("tiers-lieux", "tiers lieux"),
        ("cœur", "coeur"),
        ("communale", "communal"),
        ("1 200 habitants", "1200 habitants"),
        ("1\N{NARROW NO-BREAK SPACE}200 habitants", "1.200 habitants"),
        ("1,200 habitants", "1 200 habitants"),
        ("12 345 678", "12345678"),
    ],
)
def test_two_ways_to_write_one_word_meet(one: str, other: str) -> None:
    assert stems(one) == stems(other) != []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("en 2019 200 logements", ["2019", "200", "log"]),
        ("le 12 100", ["12100"]),
        ("06 12 34 56 78", ["06", "12", "34", "56", "78"]),
        ("3,5 km", ["3", "5", "km"]),
        ("1.200,50", ["1", "200", "50"]),
        ("lot 1 2000 m²", ["lot", "1", "2000", "m2"]),
    ],
)
def test_only_groups_of_three_figures_make_one_number(text: str, read: list[str]) -> None:
    assert stems(text) == read


@pytest.mark.parametrize(("one", "other"), [("eau", "air"), ("école", "mairie"), ("2023", "2024")])
def test_two_words_stay_apart(one: str, other: str) -> None:
    assert stems(one) != stems(other)


def test_stop_words_and_lone_letters_are_left_out() -> None:
    assert stems("le la les d'un à ce qui était été x") == []
    assert stems("article 5") == [stem("article"), "5"]


@given(st.sampled_from(["piscine", "éclairage", "bibliothèque", "mobilités"]), st.booleans())
def test_words_do_not_depend_on_case(word: str, upper: bool) -> None:
    assert stems(word.upper() if upper else word.title()) == stems(word)


def test_stems_are_the_same_in_every_thread() -> None:
    given_words = ["rénovations", "communales", "participatives", "énergétiques"] * 50
    expected = [stem(word) for word in given_words]
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append([stem(word) for word in given_words])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8

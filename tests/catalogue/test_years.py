"""The year of a document, however a person wrote it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue import years


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2021", 2021),
        (" 2021 ", 2021),
        ("2020.0", 2020),
        ("２０１９", 2019),
        ("2019-03", 2019),
        ("2019-03-12T10:00:00Z", 2019),
        ("2019/03/12", 2019),
        ("12/03/2019", 2019),
        ("12/03/2019 10:30", 2019),
        ("20190312", 2019),
        ("12032019", 2019),
    ],
)
def test_a_plain_year_or_date_says_nothing_more(text: str, year: int) -> None:
    assert years.read(text) == (year, "")


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2021-2022", 2021),
        ("2021/22", 2021),
        ("2021-22", 2021),
        ("03/2019", 2019),
        ("mars 2019", 2019),
        ("1er trimestre 2020", 2020),
        ("2020T1", 2020),
        ("[2018?]", 2018),
        ("c2018", 2018),
        ("©2018", 2018),
        ("vers 2010", 2010),
        ("2O19", 2019),
        ("12/03/19", 2019),
        ("12-03-98", 1998),
        ("mars-49", 2049),
        ("sept. 50", 1950),
        ("'98", 1998),
        ("2 019", 2019),
        ("1,998", 1998),
    ],
)
def test_another_spelling_is_read_and_told(text: str, year: int) -> None:
    found, note = years.read(text)
    assert found == year and str(year) in note and text in note


@pytest.mark.parametrize(
    "text",
    [
        *"s.d. sd n.d. [s.d.] inconnue 0 00 0000 - — ? N/A NC 19.. 200? 20?? 19XX 1066 3000 MMXX 43536 19/19/19".split(),
        "en cours",
        "à paraître",
        "XXIe siècle",
        "19e éd.",
        "sans date",
        "l'an 2000 " * 20,
    ],
)
def test_no_year_is_told(text: str) -> None:
    found, note = years.read(text)
    assert found is None and text[:40] in note


def test_an_empty_cell_is_not_worth_a_word() -> None:
    assert years.read(" \n") == (None, "")


def test_a_year_shown_as_a_date_by_a_spreadsheet() -> None:
    assert years.of_day(dt.date(1905, 7, 11)) == 2019
    assert years.of_day(dt.datetime(2019, 3, 12, 10)) == 2019
    assert years.of_day(dt.date(1905, 1, 1)) == 1905


@given(st.text(max_size=80))
def test_any_text_gives_a_year_or_none(text: str) -> None:
    found, note = years.read(text)
    assert found is None or years.FIRST <= found <= years.LAST
    assert found is not None or note or not text.strip()

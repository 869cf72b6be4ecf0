"""Which resources quote a law, and which years are worth a warning."""

from __future__ import annotations

from datetime import date

import pytest

from reco.catalogue.rules import age, law_counts, quoting
from reco.text.laws import Law
from tests.support import resource

ENERGY = Law(number="2015-992")
RESOURCES = [
    resource("b", year=2016, summary="Ce que la loi n° 2015-992 du 17 août 2015 demande."),
    resource("c", summary="La loi n° 2015-992, sans date."),
    resource("a", title="La loi 2015-992 expliquée", year=2019),
    resource("d", year=2001, summary="L'article L. 2224-8 du CGCT, puis l'article L. 2224-9 du CGCT."),
]


def test_the_resources_that_quote_a_law_come_oldest_first_and_undated_ones_last() -> None:
    assert [one.resource.id for one in quoting(RESOURCES, ENERGY)] == ["b", "a", "c"]


def test_laws_are_counted_by_resource_under_their_fullest_name() -> None:
    counts = {str(one.law): (one.resources, one.oldest, one.newest) for one in law_counts(RESOURCES)}
    code = "code général des collectivités territoriales"
    assert counts == {
        "loi n° 2015-992 du 17 août 2015": (3, 2016, 2019),
        code: (1, 2001, 2001),
        f"article L. 2224-8 du {code}": (1, 2001, 2001),
        f"article L. 2224-9 du {code}": (1, 2001, 2001),
    }
    assert next(iter(counts)) == "loi n° 2015-992 du 17 août 2015"


@pytest.mark.parametrize(
    ("year", "summary", "told"),
    [
        (2021, "Les obligations de la commune.", "rules"),
        (2022, "Les obligations de la commune.", None),
        (2021, "Le décret n° 2019-771 en images.", "rules"),
        (2021, "Le CGCT en images.", "rules"),
        (2021, "Un verger derrière la mairie.", None),
        (2016, "Un verger derrière la mairie.", "old"),
        (2017, "Un verger derrière la mairie.", None),
        (2030, "Les obligations de la commune.", None),
        (None, "Les obligations de la commune.", None),
    ],
)
def test_a_year_is_worth_a_warning_by_its_age_and_its_text(
    year: int | None, summary: str, told: str | None
) -> None:
    assert age(resource("r", year=year, summary=summary), date(2026, 1, 1)) == told

"""An address that reopens a search: short, exact, and safe to open from anyone."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.app.share import LONGEST_ADDRESS, code_of, query_of
from reco.catalogue.catalogue import Filters
from reco.errors import InvalidInput, InvalidQuery
from reco.ranking.query import Opinion, Query

NAMES = st.lists(st.text(max_size=12), max_size=3).map(tuple)
FILTERS = st.builds(Filters, types=NAMES, themes=NAMES, first_year=st.none() | st.integers(1900, 2100))


def packed(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(zlib.compress(data, 9)).decode().rstrip("=")


@given(text=st.text(max_size=400), filters=FILTERS, without=NAMES, k=st.integers(1, 50))
def test_a_request_comes_back_whole(text: str, filters: Filters, without: tuple[str, ...], k: int) -> None:
    try:
        query = Query.of(text, k, filters, without)
        code = code_of(query)
    except InvalidInput:
        return
    assert query_of(code) == query
    assert code.replace("-", "").replace("_", "").isalnum()


def test_a_page_of_french_fits_and_opinions_stay_home() -> None:
    text = (
        "Notre école date des années 1970 : les factures de chauffage explosent et les classes sont étouffantes "
        "dès le mois de juin. Nous voulons la rénover, végétaliser la cour et trouver des financements. "
        "Le conseil municipal a délibéré le 12 mai ; 84 élèves sont concernés, et une garderie. La commune compte "
        "1 200 habitants, emploie six agents, et n'a pas de bureau d'études. Quels retours d'expérience lire ?"
    )
    query = Query.of(text, opinions=(Opinion("r1", True),))
    code = code_of(query)
    assert len(code) < 700
    assert query_of(code).opinions == ()
    assert query_of(code).text == query.text


def test_what_does_not_fit_is_refused_with_what_to_do() -> None:
    long = " ".join(f"projet{n * 7919 % 10007}" for n in range(700))
    with pytest.raises(InvalidInput, match="too long") as refused:
        code_of(Query.of(long))
    assert refused.value.hint
    with pytest.raises(InvalidInput):
        code_of(Query.of("école " * 10_000))


@pytest.mark.parametrize(
    "code",
    [
        "",
        "é",
        "!!!!",
        "AAAA",
        "a" * (LONGEST_ADDRESS + 1),
        code_of(Query.of("école verte et sobre"))[:-4],
        packed(b"x" * 5_000_000)[:LONGEST_ADDRESS],
        packed({"text": "a" * 30_000}),
        packed([]),
        packed({}),
        packed({"text": 3}),
        packed({"text": "   "}),
        packed({"text": "eau", "k": 0}),
        packed({"text": "eau", "k": "10"}),
        packed({"text": "eau", "filters": {"types": "abc"}}),
        packed({"text": "eau", "filters": []}),
        packed(b"[" * 5000),
        packed(b"\xff\xfe"),
    ],
)
def test_a_foreign_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        query_of(code)
    assert not isinstance(refused.value, InvalidQuery)


def test_a_code_cannot_ask_for_everything() -> None:
    assert query_of(packed({"text": "eau", "k": 10**9})).k == 100

"""A balanced shelf: as many slots filled as can be, one publisher each, and never by what is beside the point."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.taxonomy import TYPES
from reco.ranking.shelf import Candidate, fill, types
from tests.support import resource

KINDS = ("Guides & outils", "Rapports", "Livres")
LEVELS = (None, "très proche", "proche", "piste", "éloigné")

CANDIDATES = st.lists(
    st.tuples(
        st.sampled_from((*KINDS, "Affiches", "")),
        st.sampled_from(("Cerema", "CEREMA", "Ademe", "Sénat", "")),
        st.sampled_from(LEVELS),
        st.integers(-5, 100),
    ),
    max_size=7,
)


def made(rows: list[tuple[str, str, str | None, int]]) -> list[Candidate]:
    return [
        Candidate(resource(f"r{n}", type=kind, publisher=publisher), merit / 100, level)
        for n, (kind, publisher, level, merit) in enumerate(rows)
    ]


def worth(candidates: list[Candidate], filled: tuple[int | None, ...]) -> tuple[int, float]:
    chosen = [candidates[position] for position in filled if position is not None]
    return len(chosen), round(sum(one.merit for one in chosen), 9)


def allowed(candidates: list[Candidate], filled: tuple[int | None, ...]) -> bool:
    chosen = [(kind, candidates[p]) for kind, p in zip(KINDS, filled, strict=True) if p is not None]
    publishers = [one.resource.publisher.casefold() for _, one in chosen if one.resource.publisher]
    return (
        all(one.resource.type == kind and one.level != "éloigné" for kind, one in chosen)
        and len(set(publishers)) == len(publishers)
        and len({one.resource.id for _, one in chosen}) == len(chosen)
    )


@given(rows=CANDIDATES)
def test_no_other_shelf_is_fuller_or_better(rows: list[tuple[str, str, str | None, int]]) -> None:
    candidates = made(rows)
    filled = fill(KINDS, candidates)
    assert allowed(candidates, filled)
    every = product((None, *range(len(candidates))), repeat=len(KINDS))
    assert worth(candidates, filled) == max(worth(candidates, s) for s in every if allowed(candidates, s))


def test_a_slot_stays_empty_rather_than_hold_what_is_far() -> None:
    far = made([("Guides & outils", "Ademe", "proche", 50), ("Rapports", "Sénat", "éloigné", 90)])
    assert fill(KINDS, far) == (0, None, None)


def test_the_only_report_keeps_its_publisher_when_another_has_a_guide() -> None:
    candidates = made(
        [
            ("Guides & outils", "Ademe", None, 90),
            ("Rapports", "Ademe", None, 80),
            ("Guides & outils", "Sénat", None, 40),
        ]
    )
    assert fill(KINDS, candidates) == (2, 1, None)


def test_types_are_the_catalogue_s_own_unless_it_has_others() -> None:
    assert types([resource("a", type="Livres")]) == tuple(TYPES.values())
    assert types([resource("a", type="Livres")], ("guide", "LIVRES")) == ("Guides & outils", "Livres")
    others = [resource(f"{kind}{n}", type=kind) for n, kind in enumerate("aabbbcdefg")]
    assert types(others) == ("b", "a", "c", "d", "e")
    assert types([resource("a")]) == ()


@pytest.mark.parametrize("kinds", [(), KINDS])
def test_nothing_fills_nothing(kinds: tuple[str, ...]) -> None:
    assert fill(kinds, []) == (None,) * len(kinds)

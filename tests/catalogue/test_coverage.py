"""Coverage: every cell of the taxonomy, gaps included, and labels of one's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.coverage import Cell, Coverage
from reco.catalogue.taxonomy import SCALES, THEMES, TYPES
from tests.support import resource

LABELS = st.sampled_from([*THEMES[:3], "Un thème à soi"])
RESOURCES = st.lists(
    st.tuples(
        st.lists(LABELS, max_size=2, unique=True),
        st.sampled_from([*TYPES.values(), "Podcasts", ""]),
        st.sampled_from(["EPCI", ""]),
    )
)


@given(RESOURCES)
def test_cells_add_up_and_gaps_are_the_empty_ones(made: list[tuple[list[str], str, str]]) -> None:
    found = Coverage.of(
        resource(f"r{n}", themes=tuple(themes), type=kind, scale=scale)
        for n, (themes, kind, scale) in enumerate(made)
    )
    assert found.themes[: len(THEMES)] == THEMES and found.scales[: len(SCALES)] == SCALES
    total = sum(found.count(theme, kind) for theme in found.themes for kind in found.types)
    assert total == sum(max(1, len(themes)) for themes, _, _ in made)
    for theme, kind in found.gaps():
        assert not [1 for themes, made_kind, _ in made if theme in themes and made_kind == kind]
    themes, types = [t for t in found.themes if t], [k for k in found.types if k]
    filled = {(t, k) for t in themes for k in types if found.count(t, k)}
    assert len(found.gaps()) + len(filled) == len(themes) * len(types), "no theme, or no type, is no gap"


def test_one_scale_is_a_slice() -> None:
    found = Coverage.of(
        [
            resource("a", themes=("Eau",), type="Livres", scale="EPCI"),
            resource("b", themes=("Eau", "Sport"), type="Livres", scale="région"),
        ]
    )
    assert found.count("Eau", "Livres") == 2
    assert found.count("Eau", "Livres", "EPCI") == 1
    assert ("Sport", "Livres") in found.gaps("EPCI")
    assert ("Sport", "Livres") not in found.gaps()


def test_a_theme_is_told_with_its_types_its_scales_and_the_types_it_lacks() -> None:
    found = Coverage.of(
        [
            resource("a", themes=("Eau", "Sport"), type="Guides", scale="EPCI"),
            resource("b", themes=("Eau",), type="Livres"),
            resource("c", themes=("Eau",), type="Livres", scale="unknown"),
        ]
    )
    told = found.by_theme(["Eau", "Sport", "Santé", "Eau"])
    assert [one.theme for one in told] == ["Santé", "Sport", "Eau"]
    health, sport, water = told
    assert water.resources == 3 and water.types == {"Guides": 1, "Livres": 2}
    assert water.scales == {"EPCI": 1, "unknown": 2} and water.missing == () and not water.thin
    assert health.resources == 0 and health.thin and health.missing == ("Guides", "Livres")
    assert sport.missing == ("Livres",)
    assert found.cells()[0] == Cell("Eau", "Livres", "unknown", 2)

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.catalogue import FACETS, Catalogue, Filters, diff, values_of
from reco.catalogue.places import gazetteer
from reco.catalogue.resource import Resource
from reco.errors import InvalidQuery
from tests.support import resource, resources

LABELS = st.sampled_from(["Eau", "eau", "Énergie", "ENERGIE", "Sport", "", "guide", "Guides & outils"])
YEARS = st.one_of(st.none(), st.integers(2000, 2003))
RESOURCES = st.lists(
    st.builds(
        resource,
        identifier=st.uuids().map(str),
        title=st.just("t"),
        type=LABELS,
        themes=st.lists(LABELS.filter(bool), max_size=3).map(tuple),
        publisher=LABELS,
        scale=LABELS,
        language=LABELS,
        place=LABELS,
        year=YEARS,
    ),
    max_size=12,
    unique_by=lambda r: r.id,
)
LISTED = st.lists(LABELS.filter(bool), max_size=2).map(tuple)
FILTERS = st.builds(
    Filters, types=LISTED, themes=LISTED, publishers=LISTED, places=LISTED, first_year=YEARS, last_year=YEARS
)
SAME = {"Eau": "eau", "ENERGIE": "énergie", "Énergie": "énergie", "guide": "guides & outils"}


def key(value: str) -> str:
    return SAME.get(value, value.casefold())


def passes(one: Resource, filters: Filters) -> bool:
    """What a filter means, one resource at a time."""

    def among(values: tuple[str, ...], wanted: tuple[str, ...], codes: bool = False) -> bool:
        read = key if codes else (lambda v: v.casefold() if v == "guide" else key(v))
        return not wanted or bool({read(v) for v in values} & {read(v) for v in wanted})

    first = filters.first_year is None or (one.year is not None and one.year >= filters.first_year)
    last = filters.last_year is None or (one.year is not None and one.year <= filters.last_year)
    return (
        among((one.type,), filters.types, codes=True)
        and among(one.themes, filters.themes)
        and among((one.publisher,), filters.publishers)
        and among((one.place,), filters.places)
        and first
        and last
    )


@given(RESOURCES, FILTERS)
def test_select_keeps_exactly_what_passes(found: list[Resource], filters: Filters) -> None:
    catalogue = Catalogue(found)
    assert catalogue.select(filters).tolist() == [passes(one, filters) for one in catalogue]


@given(RESOURCES, FILTERS)
def test_facets_count_what_passes(found: list[Resource], filters: Filters) -> None:
    catalogue = Catalogue(found)
    kept = [one for one in catalogue if passes(one, filters)]
    counted = catalogue.facets(filters)
    assert tuple(counted) == FACETS
    for facet, counts in counted.items():
        assert counts == Counter(value for one in kept for value in values_of(one, facet))
        assert list(counts.values()) == sorted(counts.values(), reverse=True)


@given(RESOURCES, st.randoms())
def test_rows_do_not_depend_on_the_order_of_a_source(found: list[Resource], chance: object) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    catalogue = Catalogue(shuffled)
    assert list(catalogue) == list(Catalogue(found)) == sorted(found, key=lambda one: one.id)
    assert all(catalogue.row(one.id) == row for row, one in enumerate(catalogue))


def test_every_facet_value_that_is_counted_can_be_asked_for() -> None:
    catalogue = Catalogue(resources())
    for value, count in catalogue.facets()["theme"].items():
        assert catalogue.select(Filters(themes=(value.upper(),))).sum() == count
        assert catalogue.knows("theme", value)
    assert not catalogue.knows("theme", "Astrologie")


def test_a_type_may_be_given_by_its_code() -> None:
    catalogue = Catalogue(resources())
    by_code, by_label = (catalogue.select(Filters(types=(v,))) for v in ("guide", "guides & OUTILS"))
    assert by_code.any() and np.array_equal(by_code, by_label)


def test_a_place_may_be_given_by_its_name_its_code_or_its_departement() -> None:
    tremargat, saillans = gazetteer.bundled().by_code("22365"), gazetteer.bundled().by_code("26289")
    assert tremargat is not None and saillans is not None
    catalogue = Catalogue(
        [
            resource("a", place="Tremargat", localities=(tremargat,)),
            resource("b", place="Trémargat ; Un parc", localities=(tremargat,)),
            resource("c", place="Saillans (Drôme)", localities=(saillans,)),
            resource("d", place="Saillans"),
        ]
    )
    assert catalogue.facets()["place"] == {
        "Trémargat (22)": 2,
        "Saillans": 1,
        "Saillans (26)": 1,
        "Un parc": 1,
    }
    for asked, found in (
        ("trémargat (22)", "ab"),
        ("TREMARGAT", "ab"),
        ("22365", "ab"),
        ("22", "ab"),
        ("un parc", "b"),
        ("Trémargat ; Un parc", "b"),
        ("26", "c"),
        ("Saillans (26)", "c"),
        ("saillans", "cd"),
    ):
        rows = catalogue.select(Filters(places=(asked,)))
        assert "".join(catalogue[row].id for row in np.flatnonzero(rows)) == found, asked
        assert catalogue.knows("place", asked)
    assert not catalogue.knows("place", "33")


def test_each_of_several_publishers_is_a_value() -> None:
    several = resource("a", publisher="ADEME ; Cerema")
    catalogue = Catalogue([several, resource("b", publisher="Cerema")])
    assert catalogue.facets()["publisher"] == {"Cerema": 2, "ADEME": 1}
    for asked, count in (("ademe", 1), ("Cerema", 2), ("ADEME ; Cerema", 1)):
        assert catalogue.select(Filters(publishers=(asked,))).sum() == count


def test_a_filter_that_nothing_can_pass_names_what_can() -> None:
    catalogue = Catalogue(resources())
    with pytest.raises(InvalidQuery, match="no resource has the theme 'Energies'") as error:
        catalogue.require_known(Filters(themes=("Energies", "Eau")))
    assert "Énergie" in error.value.hint
    with pytest.raises(InvalidQuery, match="no year is from 2020 to 2010"):
        catalogue.require_known(Filters(first_year=2020, last_year=2010))


def test_two_resources_cannot_share_an_id() -> None:
    with pytest.raises(ValueError, match="same id"):
        Catalogue([resource("a"), resource("a", "autre")])


def test_diff_says_what_came_changed_and_left() -> None:
    before = Catalogue([resource("a"), resource("b"), resource("c"), resource("d")])
    after = Catalogue([resource("b"), resource("c", year=2020), resource("d", "Autre"), resource("e")])
    changes = diff(before, after)
    assert (changes.added, changes.changed, changes.removed) == (("e",), ("c", "d"), ("a",))
    assert changes.unchanged == 1 and not changes.quiet
    assert diff(after, after).quiet


@given(RESOURCES, RESOURCES)
def test_diff_reversed_swaps_what_came_and_what_left(one: list[Resource], other: list[Resource]) -> None:
    there, back = diff(Catalogue(one), Catalogue(other)), diff(Catalogue(other), Catalogue(one))
    assert (there.added, there.removed, there.changed) == (back.removed, back.added, back.changed)
    assert there.unchanged + len(there.changed) + len(there.added) == len(other)


@pytest.mark.parametrize(
    "name",
    [f.name for f in fields(Resource) if f.compare and f.name not in ("id", "themes", "notes", "year")],
)
def test_a_change_of_any_field_is_a_change(name: str) -> None:
    one = resource("a")
    assert diff(Catalogue([one]), Catalogue([replace(one, **{name: "autre"})])).changed == ("a",)


def test_a_frame_has_a_row_per_resource() -> None:
    frame = Catalogue(resources()).to_frame()
    assert list(frame["id"]) == [one.id for one in resources()]
    assert frame.loc[0, "themes"] == "Sport" and frame["year"].dtype == "Int64"
    assert len(Catalogue([]).to_frame()) == 0


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://example.org/a?b=c", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("JavaScript://example.org/%0aalert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("https://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_web_addresses_are_links(address: str, safe: bool) -> None:
    assert resource("a", url=address).link == (address if safe else "")

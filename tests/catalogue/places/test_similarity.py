"""A place like mine: what is alike is said, nearer and more alike is worth more, and a wrong name is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.places.gazetteer import Gazetteer, Locality, bundled
from reco.catalogue.places.lookup import chosen
from reco.catalogue.places.similarity import NEUTRAL, REASONS, TOLERANCE, Likeness, among_equals, likeness
from reco.errors import InvalidQuery


def commune(code: str, population: int | None, department: str = "01", **values: str) -> Locality:
    return Locality(
        "commune",
        code,
        f"C{code}",
        department,
        values.get("region", "84"),
        values.get("epci", ""),
        population,
    )


MINE = commune("01001", 2_000, epci="200000001")
TABLE = Gazetteer(
    [
        MINE,
        Locality("epci", "200000001", "CC du Val", "01", "84", "200000001", 12_000),
        Locality("epci", "200000002", "CC du Mont", "38", "84", "200000002", 15_000),
        Locality("department", "01", "Ain", "01", "84"),
        Locality("region", "84", "Auvergne-Rhône-Alpes", "", "84"),
        Locality("region", "04", "La Réunion", "", "04"),
    ],
    {},
)


def to(place: Locality, scale: str = "") -> Likeness:
    found = likeness(MINE, [place], scale, TABLE)
    assert found is not None
    return found


@given(st.integers(1, 3_000_000), st.integers(1, 3_000_000))
def test_a_size_nearer_to_mine_is_never_worth_less(one: int, other: int) -> None:
    apart = [max(n, 2_000) / min(n, 2_000) for n in (one, other)]
    far = [to(commune("75001", n, "75", region="11")) for n in (one, other)]
    settings = [any(reason.startswith("both_") for reason in place.reasons) for place in far]
    if settings[0] == settings[1] and apart[0] <= apart[1]:
        assert far[0].value >= far[1].value


@given(
    population=st.none() | st.integers(0, 3_000_000),
    department=st.sampled_from(("01", "38", "2A", "974", "")),
    region=st.sampled_from(("84", "94", "04", "")),
    epci=st.sampled_from(("200000001", "200000002", "999", "")),
    scale=st.sampled_from(("", "commune rurale", "métropole", "EPCI", "n'importe quoi")),
)
def test_a_likeness_is_a_share_with_known_reasons(
    population: int | None, department: str, region: str, epci: str, scale: str
) -> None:
    found = to(commune("99001", population, department, region=region, epci=epci), scale)
    assert 0 <= found.value <= 1 and set(found.reasons) <= set(REASONS)
    assert len(set(found.reasons)) == len(found.reasons)


def test_nearer_ground_is_worth_more() -> None:
    grounds = [
        MINE,
        commune("01002", 2_000, epci="200000001"),
        commune("01003", 2_000),
        commune("38001", 2_000, "38"),
        commune("75001", 2_000, "75", region="11"),
    ]
    values = [to(place).value for place in grounds]
    assert values == sorted(values, reverse=True) and len(set(values)) == len(values)
    assert [to(place).reasons[0] for place in grounds[:4]] == [
        "same_commune",
        "same_epci",
        "same_department",
        "same_region",
    ]


def test_the_village_is_more_like_a_village_than_the_metropolis_is() -> None:
    village, metropolis = (
        commune("48001", 1_500, "48", region="76"),
        commune("75056", 2_000_000, "75", region="11"),
    )
    assert to(village).value > NEUTRAL > to(metropolis).value
    assert "same_band" not in to(metropolis).reasons and "larger" in to(metropolis).reasons


def test_overseas_is_said_and_halves_what_else_is_alike() -> None:
    there = commune("97401", 2_000, "974", region="04")
    mainland = commune("29001", 2_000, "29", region="53")
    assert to(there).value == to(mainland).value / 2 and "overseas_differs" in to(there).reasons
    both = likeness(there, [commune("97201", 2_000, "972", region="02")], "", TABLE)
    assert both is not None and "both_overseas" in both.reasons
    assert "overseas_differs" in to(Locality("region", "04", "La Réunion", "", "04")).reasons


def test_a_group_of_communes_is_compared_with_mine() -> None:
    mont = TABLE.by_code("200000002")
    assert mont is not None
    found = to(mont)
    assert (
        "epci_compared" in found.reasons
        and "close_band" not in found.reasons
        and "same_band" in found.reasons
    )
    own = TABLE.by_code("200000001")
    assert own is not None and "same_epci" in to(own).reasons


def test_a_scale_stands_for_a_place_that_is_not_said() -> None:
    rural, large = likeness(MINE, [], "petite ville", TABLE), likeness(MINE, [], "Métropole", TABLE)
    assert rural is not None and rural.reasons == ("same_band", "both_town", "scale_only")
    assert large is not None and large.value < rural.value
    assert likeness(MINE, [], "national", TABLE) is None and likeness(MINE, [], "", TABLE) is None


def test_of_several_places_the_most_like_counts() -> None:
    places = [commune("75056", 2_000_000, "75", region="11"), commune("01003", 2_100)]
    found = likeness(MINE, places, "", TABLE)
    assert found is not None and found.place == "C01003 (Ain)" and found.population == 2_100


SCORES = st.lists(st.floats(0.01, 1), min_size=1, max_size=12).map(lambda found: sorted(found, reverse=True))


@given(scores=SCORES, values=st.lists(st.none() | st.floats(0, 1), min_size=12, max_size=12))
def test_likeness_never_lifts_a_result_beyond_its_equals(
    scores: list[float], values: list[float | None]
) -> None:
    likenesses = [None if value is None else Likeness(value, ()) for value in values[: len(scores)]]
    order = among_equals(scores, [None] * len(scores), likenesses)
    assert sorted(order) == list(range(len(scores)))
    for rank, position in enumerate(order):
        assert scores[position] >= scores[rank] * (1 - TOLERANCE) - 1e-12


def test_levels_decide_who_is_equal_where_they_are_known() -> None:
    likenesses = [Likeness(value, ()) for value in (0.1, 0.2, 0.9, 1.0)]
    order = among_equals([0.9, 0.5, 0.4, 0.39], ["proche", "proche", "proche", "piste"], likenesses)
    assert order == (2, 1, 0, 3)
    far = among_equals([0.3, 0.29, 0.1], ["éloigné"] * 3, likenesses[:3])
    assert far == (1, 0, 2), "what is far is not all alike"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("22365", "22365"),
        ("2a004", "2A004"),
        ("trémargat", "22365"),
        (" TREMARGAT ", "22365"),
        ("Sainte-Colombe (Gironde)", "33390"),
        ("Sainte-Colombe (76)", "76569"),
        ("Saint-Denis (La Réunion)", "97411"),
        ("200054781", "200054781"),
        ("CC Erdre et Gesvres", "244400503"),
        ("Paris", "75056"),
    ],
)
def test_a_place_is_chosen(text: str, code: str) -> None:
    assert chosen(text).code == code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Sainte-Colombe", r"12: .*Gironde\) 33390"),
        ("Tremragat", "Trémargat \\(Côtes-d'Armor\\)"),
        ("Trémargat (Gironde)", "No commune"),
        ("99999", "code 99999.*postal"),
        ("75", "No commune"),
        ("Bretagne", "is the name of"),
        ("((", "No commune"),
        ("x" * 5_000, "No commune"),
    ],
)
def test_a_place_that_cannot_be_chosen_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        chosen(text)
    message = f"{refused.value} {refused.value.hint}"

    assert re.search(said, message, re.DOTALL) and refused.value.hint and len(message) < 1_500


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("tremar", "22365"),
        ("Trémargat", "22365"),
        ("tremragat", "22365"),
        ("lyno", "69123"),
        ("lyon", "69123"),
        ("loos en go", "62528"),
        ("sainte colombe (33)", "33390"),
        ("st denis", "97411"),
        ("2236", None),
        ("", None),
        ("(33)", None),
        ("zzzzzz", None),
    ],
)
def test_communes_are_searched_as_they_are_typed(text: str, first: str | None) -> None:
    found = bundled().search(text, 5)
    assert len(found) <= 5 and all(place.kind == "commune" for place in found)
    assert len({place.code for place in found}) == len(found)
    if first:
        assert found[0].code == first
    elif text == "2236":
        *typed, whole = bundled().search(text, 50)
        assert typed and all(place.code.startswith("2236") for place in typed)
        assert whole.code == "02236", "a spreadsheet eats the first zero"
    else:
        assert found == ()


def test_the_most_populous_come_first_after_the_name_itself() -> None:
    found = bundled().search("saint", 20)
    populations = [place.population or 0 for place in found]
    assert populations == sorted(populations, reverse=True)
    assert bundled().search("aix", 2)[0].code == "19002", "Aix-en-Provence comes after Aix"


@given(st.text(max_size=30), st.integers(-1, 6))
def test_any_text_can_be_searched(text: str, limit: int) -> None:
    assert len(bundled().search(text, limit)) <= max(limit, 0)


def test_a_label_tells_homonyms_apart() -> None:
    table = bundled()
    labels = [table.label(place) for place in table.named("Sainte-Colombe", ("commune",))]
    assert len(set(labels)) == len(labels) == 12

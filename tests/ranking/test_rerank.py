"""What is shown in another order than that of scores, through the recommender: scores never change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.catalogue import Filters
from reco.catalogue.places.gazetteer import Locality, bundled
from reco.catalogue.resource import Resource
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidQuery
from reco.ranking.recommender import Answer, Fusion, Query, Recommender
from tests.promises import by_score as promise_by_score
from tests.promises import levels_of
from tests.support import resource, resources, scores_of, snapshot_of

ENCODER = HashingEncoderForTests()
SNAPSHOT = snapshot_of(resources(), ENCODER)
RECOMMENDER = Recommender(SNAPSHOT, ENCODER)
REQUESTS = st.sampled_from(
    ("rouvrir le café", "école et cour", "énergie, budget, haies", "vieillir au bourg", "eau des fontaines")
)


def place(code: str) -> tuple[Locality, ...]:
    found = bundled().by_code(code)
    assert found is not None
    return (found,)


def copies() -> list[Resource]:
    """The invented catalogue with near copies of one resource: something to spread."""
    found = resources()
    cafe = next(one for one in found if "café" in one.title)
    return [*found, *(replace(cafe, id=f"copy{n}", title=f"{cafe.title} {n}") for n in range(4))]


def by_score(answer: Answer) -> dict[str, tuple[int, float]]:
    return {item.resource.id: (item.rank, item.score) for item in answer.recommendations}


@given(text=REQUESTS, diversity=st.floats(0, 1), k=st.integers(1, 24))
def test_spreading_changes_ranks_and_no_score(text: str, diversity: float, k: int) -> None:
    plain = by_score(RECOMMENDER.recommend(Query.of(text, 24)))
    spread = RECOMMENDER.recommend(Query.of(text, k, diversity=diversity))
    for item in spread.recommendations:
        rank, score = plain[item.resource.id]
        assert item.score == score
        assert (item.placement.from_rank if item.placement else item.rank) == rank
    whole = RECOMMENDER.recommend(Query.of(text, 24, diversity=diversity))
    assert scores_of(spread) == scores_of(whole)[:k]


def test_near_copies_go_down_and_say_of_what() -> None:
    recommender = Recommender(snapshot_of(copies(), ENCODER), ENCODER)
    query = Query.of("sauver le dernier café", 5)
    plain, spread = (recommender.recommend(replace(query, diversity=d)) for d in (0.0, 0.8))
    count = [sum("café" in i.resource.title for i in answer.recommendations) for answer in (plain, spread)]
    assert count[0] == 5 and count[1] < 5
    lifted = [item.placement for item in spread.recommendations if item.placement]
    assert lifted and all(one.reason == "diversity" for one in lifted)
    everything = recommender.recommend(replace(query, diversity=0.8, k=28))
    lowered = [
        i.placement.text for i in everything.recommendations if i.placement and i.rank > i.placement.from_rank
    ]
    assert any("café" in text for text in lowered)


def test_the_recommender_s_own_diversity_is_that_of_queries_without_one() -> None:
    snapshot = snapshot_of(copies(), ENCODER)
    spread = Recommender(snapshot, ENCODER, Fusion(diversity=0.8))
    query = Query.of("sauver le dernier café", 5)
    expected = Recommender(snapshot, ENCODER).recommend(replace(query, diversity=0.8))
    assert scores_of(spread.recommend(query)) == scores_of(expected)
    assert [hit.score for hit in spread.rank(query)] == [score for _, score in scores_of(expected)]
    plain = Recommender(snapshot, ENCODER)
    assert scores_of(spread.recommend(replace(query, diversity=0.0))) == scores_of(plain.recommend(query))
    assert scores_of(spread.similar("copy1", 5)) == scores_of(plain.similar("copy1", 5))


@given(text=REQUESTS)
def test_a_shelf_has_one_of_each_type_from_different_publishers(text: str) -> None:
    plain = by_score(RECOMMENDER.recommend(Query.of(text, 24)))
    answer = RECOMMENDER.recommend(Query.of(text, shelf=True))
    filled = {slot.rank: slot.type for slot in answer.shelf if slot.rank is not None}
    assert len(answer.shelf) == 5
    assert {item.rank: item.resource.type for item in answer.recommendations} == filled
    publishers = [item.resource.publisher for item in answer.recommendations]
    assert len(set(publishers)) == len(publishers) == 2, "the invented catalogue has two publishers"
    for item in answer.recommendations:
        assert item.placement is not None and item.placement.reason == "shelf"
        assert (item.placement.from_rank, item.score) == plain[item.resource.id]
    assert [i.score for i in answer.recommendations] == sorted(
        (i.score for i in answer.recommendations), reverse=True
    )


def test_what_is_far_stays_off_the_shelf() -> None:
    out_of_reach = levels_of(promise_by_score(9.0, 9.0, 9.0), SNAPSHOT.manifest.dimension)
    recommender = Recommender(replace(SNAPSHOT, levels=out_of_reach), ENCODER)
    answer = recommender.recommend(Query.of("rouvrir le café", shelf=True))
    assert answer.verdict == "weak"
    assert answer.recommendations == () and [slot.rank for slot in answer.shelf] == [None] * 5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query.of("café", 3, shelf=True), "k is 3"),
        (Query.of("café", filters=Filters(types=("Livres",)), shelf=True), "only 'Livres'"),
    ],
)
def test_a_shelf_that_cannot_be_says_why(query: Query, said: str) -> None:
    with pytest.raises(InvalidQuery, match=said) as refused:
        RECOMMENDER.recommend(query)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"diversity": 1.5}, "diversity is 1.5"),
        ({"diversity": float("nan")}, "diversity is nan"),
        ({"near": True}, "without a place"),
        ({"place": "Sainte-Colombe"}, "name of 12"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidQuery, match=said) as refused:
        Query.of("café", **options)  # type: ignore[arg-type]
    assert refused.value.hint


TOWNS = {"paris": "75056", "village": "68343", "lyon": "69123"}


SPREAD_OVER_FRANCE = Recommender(
    snapshot_of(
        (replace(one, localities=place(list(TOWNS.values())[n % 3])) for n, one in enumerate(resources())),
        ENCODER,
    ),
    ENCODER,
)
"""The invented catalogue, each resource in one of three towns."""


def located() -> Recommender:
    """The same text told of three communes, and of none."""
    told = [
        resource(name, "Rouvrir le café du bourg", summary="Le café rouvre.", localities=place(code))
        for name, code in TOWNS.items()
    ]
    return Recommender(
        snapshot_of(
            [*told, resource("nowhere", "Rouvrir le café du bourg", summary="Le café rouvre.")], ENCODER
        ),
        ENCODER,
    )


def test_a_small_commune_sees_the_village_before_the_metropolis_at_equal_topic() -> None:
    answer = located().recommend(Query.of("rouvrir le café", place="Rignac (Aveyron)", near=True))
    assert bundled().by_code(answer.query.place).population == 2_000  # type: ignore[union-attr]
    assert [item.resource.id for item in answer.recommendations][:2] == ["village", "nowhere"]
    first = answer.recommendations[0]
    assert (
        first.placement is not None and first.placement.reason == "place" and first.placement.from_rank == 4
    )
    assert first.likeness is not None and "same_band" in first.likeness.reasons
    assert answer.recommendations[1].likeness is None


def test_a_city_sees_the_city_first() -> None:
    answer = located().recommend(Query.of("rouvrir le café", place="13055", near=True))
    assert answer.recommendations[0].resource.id in ("paris", "lyon")


def test_a_place_alone_moves_nothing() -> None:
    recommender = located()
    plain = recommender.recommend(Query.of("rouvrir le café"))
    told = recommender.recommend(Query.of("rouvrir le café", place="22033"))
    assert scores_of(plain) == scores_of(told)
    assert all(item.likeness is None for item in plain.recommendations)
    assert all(item.placement is None for item in told.recommendations)
    assert [item.likeness is None for item in told.recommendations] == [
        item.resource.id == "nowhere" for item in told.recommendations
    ]


@given(text=REQUESTS, diversity=st.floats(0, 1), k=st.integers(1, 24), shelf=st.booleans())
def test_what_moved_says_from_where_whatever_moved_it(
    text: str, diversity: float, k: int, shelf: bool
) -> None:
    plain = by_score(SPREAD_OVER_FRANCE.recommend(Query.of(text, 24)))
    query = Query.of(text, max(k, 5), diversity=diversity, shelf=shelf, place="22033", near=True)
    for item in SPREAD_OVER_FRANCE.recommend(query).recommendations:
        rank, score = plain[item.resource.id]
        assert item.score == score and item.likeness is not None
        assert (item.placement is not None) == (shelf or item.rank != rank)
        assert item.placement is None or item.placement.from_rank == rank


@given(text=REQUESTS)
def test_like_places_never_pass_what_is_more_relevant(text: str) -> None:
    scores = [s for _, s in scores_of(SPREAD_OVER_FRANCE.recommend(Query.of(text, 24)))]
    near = [
        s for _, s in scores_of(SPREAD_OVER_FRANCE.recommend(Query.of(text, 24, place="22033", near=True)))
    ]
    assert sorted(near, reverse=True) == scores
    assert all(moved >= there - 0.1 * abs(there) - 1e-9 for moved, there in zip(near, scores, strict=True))


def test_warnings_are_quoted_where_they_stand() -> None:
    text = "Le café a rouvert en mai. Le chantier a pris du retard, et le projet de terrasse a été abandonné."
    recommender = Recommender(snapshot_of([resource("a", "Café", summary=text)], ENCODER), ENCODER)
    (item,) = recommender.recommend(Query.of("café")).recommendations
    (point,) = item.vigilance
    assert item.resource.summary[point.start : point.end] == point.text and point.kind == "delay"

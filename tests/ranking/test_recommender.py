"""What a query gets: proofs that add up, filters that change no score, and no resource like itself."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.catalogue import Filters
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidQuery, SnapshotError, UnknownResource
from reco.index.acronyms import Acronym, Acronyms
from reco.ranking.recommender import Answer, Fusion, Query, Recommender
from reco.snapshots.snapshot import build
from tests.support import resource, resources, scores_of, snapshot_of

ENCODER = HashingEncoderForTests()
SNAPSHOT = snapshot_of(resources(), ENCODER)
RECOMMENDER = Recommender(SNAPSHOT, ENCODER)
WORDS = "piscine verger haies énergie école bus café eau cantine jeunes friche budget éclairage arbre inconnu".split()
REQUESTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


def sums(answer: Answer) -> list[float]:
    return [sum(line.value for line in item.explanation.contributions) for item in answer.recommendations]


@given(text=REQUESTS, k=st.integers(1, 30))
def test_contributions_sum_to_the_score(text: str, k: int) -> None:
    answer = RECOMMENDER.recommend(Query.of(text, k))
    assert sums(answer) == pytest.approx([item.score for item in answer.recommendations], abs=1e-6)


@given(text=REQUESTS, emphasis=st.floats(0.5, 3))
def test_contributions_sum_to_the_score_at_any_emphasis(text: str, emphasis: float) -> None:
    recommender = Recommender(SNAPSHOT, ENCODER, Fusion(emphasis=emphasis))
    answer = recommender.recommend(Query.of(f"{text} verger vergers"))
    assert sums(answer) == pytest.approx([item.score for item in answer.recommendations], abs=1e-6)


def test_what_a_request_repeats_counts_more_than_once_for_each_time() -> None:
    found = [resource("a", "Le verger"), resource("b", "La piscine"), *resources()]
    snapshot = snapshot_of(found, ENCODER)
    words = Fusion(meaning=0.0, grams=0.0)

    def lead(text: str, emphasis: float) -> float:
        scores = dict(
            scores_of(
                Recommender(snapshot, ENCODER, replace(words, emphasis=emphasis)).recommend(
                    Query.of(text, 26)
                )
            )
        )
        return scores["a"] / scores["b"]

    once = lead("verger piscine", 1.0)
    assert lead("verger piscine", 1.5) == pytest.approx(once)
    assert lead("verger verger verger verger piscine", 1.0) == pytest.approx(4 * once)
    assert lead("verger verger verger verger piscine", 1.5) == pytest.approx(8 * once)


@given(text=REQUESTS, reach=st.floats(0, 1))
def test_words_are_scaled_to_the_resource_that_has_most_of_them(text: str, reach: float) -> None:
    def scores(reach: float, **filters: tuple[str, ...]) -> dict[str, float]:
        fusion = Fusion(meaning=0.0, words=0.5, grams=0.5, reach=reach)
        query = Query.of(text, 24, Filters(**filters))
        return dict(scores_of(Recommender(SNAPSHOT, ENCODER, fusion).recommend(query)))

    plain, scaled = scores(0.0), scores(reach)
    best = max(plain.values(), default=0.0)
    for name, score in plain.items():
        assert scaled[name] == pytest.approx(score * (0.25 / best) ** reach if best else 0.0, abs=1e-6)
    filtered = scores(reach, types=("Livres",))
    assert all(scaled[name] == score for name, score in filtered.items())


@given(row=st.integers(0, 23))
def test_similar_adds_up_and_is_never_the_resource_itself(row: int) -> None:
    identifier = SNAPSHOT.catalogue[row].id
    answer = RECOMMENDER.similar(identifier, 30)
    assert identifier not in {item.resource.id for item in answer.recommendations}
    assert len(answer.recommendations) == 23
    assert sums(answer) == pytest.approx([item.score for item in answer.recommendations], abs=1e-6)


@given(text=REQUESTS, kind=st.sampled_from(["Rapports", "Livres"]), theme=st.sampled_from(["Eau", "Énergie"]))
def test_a_filter_is_a_choice_among_all_results(text: str, kind: str, theme: str) -> None:
    everything = RECOMMENDER.recommend(Query.of(text, 50))
    for filters in (
        Filters(types=(kind,)),
        Filters(themes=(theme,)),
        Filters(types=(kind,), themes=(theme,)),
    ):
        filtered = RECOMMENDER.recommend(Query.of(text, 50, filters))
        wanted = {
            item.resource.id
            for item in everything.recommendations
            if (not filters.types or item.resource.type in filters.types)
            and (not filters.themes or set(filters.themes) & set(item.resource.themes))
        }
        assert scores_of(filtered) == [pair for pair in scores_of(everything) if pair[0] in wanted]


@given(text=REQUESTS, k=st.integers(1, 23))
def test_fewer_results_are_the_first_of_more(text: str, k: int) -> None:
    more = scores_of(RECOMMENDER.recommend(Query.of(text, 24)))
    assert scores_of(RECOMMENDER.recommend(Query.of(text, k))) == more[:k]
    assert more == sorted(more, key=lambda pair: (-pair[1], pair[0]))


@given(text=REQUESTS)
def test_ranking_for_evaluation_is_what_is_recommended(text: str) -> None:
    hits = RECOMMENDER.rank(Query.of(text, 10))
    assert [(SNAPSHOT.catalogue[h.row].id, h.score) for h in hits] == scores_of(
        RECOMMENDER.recommend(Query.of(text, 10))
    )


def test_quotes_are_where_they_say() -> None:
    for item in RECOMMENDER.recommend(Query.of("rouvrir le café du village")).recommendations:
        for quote in item.explanation.passages:
            assert item.resource.summary[quote.start : quote.end] == quote.text
            assert -1.001 <= quote.similarity <= 1.001


@pytest.mark.parametrize(
    ("text", "k"),
    [
        ("", 5),
        ("  \n\t", 5),
        ("🌳🌳", 5),
        ("\0\0", 5),
        ("<p></p>", 5),
        ("a" * 200_001, 5),
        ("école", 0),
        ("école", -1),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(text: str, k: int) -> None:
    with pytest.raises(InvalidQuery) as refused:
        Query.of(text, k)
    assert refused.value.hint


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(InvalidQuery, match=r"no words.*k is 0"):
        Query.of(" ", 0)


def test_markup_and_controls_do_not_change_a_request() -> None:
    plain = RECOMMENDER.recommend(Query.of("rénover l'école"))
    dirty = RECOMMENDER.recommend(Query.of("<b>rénover</b>\0 l'éco\u200ble<script>alert(1)</script>"))
    assert scores_of(plain) == scores_of(dirty)


def test_an_unknown_filter_names_what_is_near() -> None:
    with pytest.raises(InvalidQuery) as refused:
        RECOMMENDER.recommend(Query.of("école", 5, Filters(types=("Rapport",))))
    assert "Rapports" in refused.value.hint


def test_an_unknown_resource_names_what_is_near() -> None:
    with pytest.raises(UnknownResource) as refused:
        RECOMMENDER.similar("r1")
    assert "r" in refused.value.hint


def test_a_snapshot_of_another_encoder_is_refused() -> None:
    with pytest.raises(SnapshotError, match="another encoder"):
        Recommender(SNAPSHOT, HashingEncoderForTests(32))


def test_more_results_than_resources_is_fine() -> None:
    assert len(RECOMMENDER.recommend(Query.of("école", 10_000)).recommendations) == 24


def test_both_forms_of_an_acronym_give_the_same_list_and_one_can_be_taken_away() -> None:
    table = Acronyms([Acronym("ZAN", "zéro artificialisation nette")])
    found = [*resources(), resource("z1", "Objectif ZAN"), resource("z2", "La zéro artificialisation nette")]
    plain = snapshot_of(found, ENCODER)
    snapshot = build(plain.manifest, plain.catalogue, plain.table, None, table)
    recommender = Recommender(snapshot, ENCODER)
    short, full = (recommender.recommend(Query.of(t)) for t in ("ZAN", "zéro artificialisation nette"))
    assert (
        {i.resource.id for i in short.recommendations[:2]}
        == {i.resource.id for i in full.recommendations[:2]}
        == {"z1", "z2"}
    )
    assert [e.short for e in short.expansions] == ["ZAN"]
    without = recommender.recommend(Query.of("ZAN", without=("ZAN",)))
    assert not without.expansions and scores_of(without) != scores_of(short)
    assert sums(short) == pytest.approx([item.score for item in short.recommendations], abs=1e-6)


def test_an_empty_catalogue_answers_with_nothing() -> None:
    alone = Recommender(snapshot_of([resource("only")], ENCODER), ENCODER, Fusion())
    assert len(alone.recommend(Query.of("école")).recommendations) == 1
    assert alone.similar("only").recommendations == ()


def test_a_snapshot_goes_with_its_recommender() -> None:
    """Without a search for cycles: until then a large snapshot would stay in memory beside the next one."""
    recommender = Recommender(snapshot_of(resources(), ENCODER), ENCODER)
    recommender.recommend(Query.of("rouvrir la piscine. Planter des haies.", 5))
    snapshot = weakref.ref(recommender.snapshot)
    gc.disable()
    try:
        del recommender
        assert snapshot() is None
    finally:
        gc.enable()

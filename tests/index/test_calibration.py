"""Levels and verdicts: measured at refresh, kept by the snapshot, and honest where nothing fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reco.encoder.protocol import Matrix
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import SnapshotError
from reco.evaluation.beir import Topic
from reco.index.calibration import LEVELS, Levels
from reco.index.promise import bundled
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.refresh.calibrate import FEWEST, calibrate
from reco.snapshots.snapshot import Snapshot, from_files, to_files
from reco.snapshots.store import SnapshotStore
from reco.text.background import background, unrelated
from tests.support import Home, publish, resource, run_cli, snapshot_of, write_csv

ENCODER = HashingEncoderForTests()
SUBJECTS = "école cantine forêt rivière mairie chaufferie bourg friche verger digue marché halle".split()
ACTIONS = "rénover désimperméabiliser mutualiser végétaliser reconvertir".split()
RESOURCES = [
    resource(
        f"{action}-{subject}",
        f"{action} la {subject} communale",
        summary=f"Une commune raconte comment {action} sa {subject} avec l'intercommunalité et les habitants.",
        themes=("Collectivités",),
    )
    for action in ACTIONS
    for subject in SUBJECTS
]
PLAIN = snapshot_of(RESOURCES, ENCODER)
LEVELS_OF = calibrate(PLAIN, ENCODER, Fusion(), background()[:150])
SNAPSHOT = replace(PLAIN, levels=LEVELS_OF)
RECOMMENDER = Recommender(SNAPSHOT, ENCODER)


def levels() -> Levels:
    assert LEVELS_OF is not None
    return LEVELS_OF


def verdict(text: str) -> str | None:
    return RECOMMENDER.recommend(Query.of(text)).verdict


def test_a_request_of_the_field_is_answered_and_a_foreign_one_is_not() -> None:
    fields = [f"{a} une {s} de la commune" for a in ACTIONS[:3] for s in SUBJECTS]
    assert sum(verdict(text) == "nothing" for text in fields) <= len(fields) * 0.05
    # Sentences that it was not measured with; an encoder that knows no meaning tells them by their words.
    foreign = [verdict(text) for text in background()[150:250]]
    assert foreign.count("nothing") >= 85


def test_the_list_is_there_whatever_the_verdict_and_nothing_of_it_is_close() -> None:
    answer = RECOMMENDER.recommend(Query.of(background()[200], 5))
    assert answer.verdict == "nothing" and answer.confidence is not None
    assert answer.confidence < levels().threshold
    assert [item.level for item in answer.recommendations] == [LEVELS[0]] * 5


def test_levels_follow_chances() -> None:
    answer = RECOMMENDER.recommend(Query.of("végétaliser la cour de l'école communale", 60))
    promise = levels().promise
    for item in answer.recommendations:
        assert item.chance is not None and 0 <= item.chance.squarely <= item.chance.useful <= 1
        chances = np.asarray([[item.chance.useful, item.chance.squarely]])
        assert item.level == LEVELS[promise.levels(chances)[0]]
    found = [item.level for item in answer.recommendations]
    assert found[0] != LEVELS[0] == found[-1] and answer.verdict in ("found", "weak")
    assert answer.chance == max(item.chance.useful for item in answer if item.chance is not None)


def test_a_rare_word_that_nothing_meets_is_told() -> None:
    answer = RECOMMENDER.recommend(Query.of("un trampoline à la cantine de l'école communale"))
    assert answer.unmet == ("trampoline",) and answer.verdict != "found"
    assert RECOMMENDER.recommend(Query.of("végétalisations de l'école")).unmet == ()


def test_a_level_does_not_depend_on_filters_or_on_how_many_are_asked() -> None:
    text = "végétaliser la cour de l'école communale"
    more = {i.resource.id: i.level for i in RECOMMENDER.recommend(Query.of(text, 60)).recommendations}
    fewer = {i.resource.id: i.level for i in RECOMMENDER.recommend(Query.of(text, 3)).recommendations}
    assert fewer.items() <= more.items()


def test_it_measures_the_same_twice_whether_it_encodes_or_remembers() -> None:
    again = calibrate(PLAIN, ENCODER, Fusion(), background()[:150], known=levels().asked)
    assert again == calibrate(PLAIN, ENCODER, Fusion(), background()[:150]) == levels()


class Silent(HashingEncoderForTests):
    def encode_queries(self, texts: object) -> Matrix:
        raise AssertionError("nothing is encoded again")


def test_a_small_night_does_not_encode_requests_again() -> None:
    assert calibrate(PLAIN, Silent(), Fusion(), background()[:150], known=levels().asked) == levels()


def test_too_few_resources_have_no_level() -> None:
    few = snapshot_of(RESOURCES[: FEWEST - 1], ENCODER)
    assert calibrate(few, ENCODER, Fusion(), background()[:150]) is None
    answer = Recommender(few, ENCODER).recommend(Query.of("école"))
    assert answer.verdict is None and {item.level for item in answer.recommendations} == {None}


def test_other_weights_than_were_measured_have_no_level() -> None:
    answer = Recommender(SNAPSHOT, ENCODER, Fusion(words=0.1)).recommend(Query.of("école"))
    assert answer.verdict is None and answer.recommendations[0].level is None


def test_another_head_or_encoder_forgets_what_was_measured() -> None:
    assert SNAPSHOT.with_head(np.eye(64, dtype=np.float32)).levels is None
    assert SNAPSHOT.encoded_by("other", SNAPSHOT.table, None).levels is None


def test_neighbours_of_a_resource_have_no_verdict() -> None:
    answer = RECOMMENDER.similar(RESOURCES[0].id)
    assert answer.verdict is None and answer.recommendations[0].level is None


def test_judged_requests_of_the_home_tell_its_promises() -> None:
    topics = [
        Topic(
            f"t{a}{s}",
            f"{action} la {subject}",
            {r.id: (subject in r.id) + (r.id == f"{action}-{subject}") for r in RESOURCES},
        )
        for a, action in enumerate(ACTIONS)
        for s, subject in enumerate(SUBJECTS)
    ]
    found = calibrate(PLAIN, ENCODER, Fusion(), background()[:150], topics)
    assert found is not None and (found.calibrated, found.fallback) == ("judged", "")
    assert levels().calibrated == "bundled" and found.promise != levels().promise == bundled()
    measured = found.promise.measured
    assert measured["very_close_squarely"] > measured.get("far_squarely", 0) and measured["requests"] == 60
    few = calibrate(PLAIN, ENCODER, Fusion(), background()[:150], topics[:20])
    assert few is not None and few.promise == bundled() and "at least 30" in few.fallback
    same = [replace(topic, qrels=dict.fromkeys(topic.qrels, 0)) for topic in topics]
    none = calibrate(PLAIN, ENCODER, Fusion(), background()[:150], same)
    assert none is not None and none.calibrated == "bundled" and "nothing tells them apart" in none.fallback


def test_vectors_that_are_no_directions_are_not_measured() -> None:
    class Broken(HashingEncoderForTests):
        def encode_queries(self, texts: object) -> Matrix:
            return np.full((len(list(texts)), 64), np.nan, dtype=np.float32)  # type: ignore[call-overload]

    assert calibrate(PLAIN, Broken(), Fusion(), background()[:150]) is None


def files_of(snapshot: Snapshot) -> dict[str, bytes]:
    return {name: b"".join(bytes(piece) for piece in pieces) for name, pieces in to_files(snapshot)}


def test_a_snapshot_keeps_what_was_measured_and_an_old_one_has_none(memory: Path) -> None:
    store = SnapshotStore(memory / "home")
    publish(store, SNAPSHOT)
    read = store.open()
    assert read.levels == levels()
    assert read.levels is not None and read.levels.asked.keys() == levels().asked.keys()
    files = files_of(SNAPSHOT)
    cut_on_scores = {**files, "levels.json": b'{"cuts": [0.1, 0.2, 0.3]}'}
    assert from_files(SNAPSHOT.manifest, cut_on_scores).levels is None
    del files["levels.json"], files["asked.safetensors"]
    assert from_files(SNAPSHOT.manifest, files).levels is None


@pytest.mark.parametrize("name", ["levels.json", "asked.safetensors"])
def test_a_damaged_measure_is_a_damaged_snapshot(name: str) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        from_files(SNAPSHOT.manifest, {**files_of(SNAPSHOT), name: b"{}"})


def test_refresh_measures_and_the_command_line_says_so(home: Home) -> None:
    rows = [{"id": r.id, "title": r.title, "summary": r.summary, "theme": "Vie"} for r in RESOURCES]
    write_csv(home.folder / "catalogue.csv", rows)
    assert run_cli("refresh", *home.arguments).code == 0
    answer = run_cli("recommend", "végétaliser la cour de l'école", *home.arguments, "--json").json
    assert answer["verdict"] != "nothing" and answer["recommendations"][0]["level"] != "éloigné"
    assert 0 <= answer["confidence"] <= 1 and 0 <= answer["chance"] <= 1 and answer["unmet"] == ["cour"]
    chance = answer["recommendations"][0]["chance"]
    assert 0 <= chance["squarely"] <= chance["useful"] <= 1 and chance["need"] == ""
    assert home.store.open().manifest.report["levels"]["calibrated"] == "bundled"
    told = run_cli("recommend", "recette de la tarte au citron meringuée", *home.arguments)
    assert "Rien de probant" in told.out


def test_unrelated_requests_are_many_and_different() -> None:
    assert len(unrelated()) == len(set(unrelated())) >= 1000

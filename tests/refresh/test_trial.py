"""What was learnt is kept for what the product's answers gain, not for ranks of vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reco.adapt.deep.learn import DeepReport
from reco.adapt.head import HeadRecipe, HeadReport
from reco.encoder.adapter import Adapter
from reco.encoder.testing import HashingEncoderForTests
from reco.evaluation.beir import Topic
from reco.index.acronyms import Acronym, Acronyms
from reco.index.duplicates import Families, Family
from reco.index.vectors import embed
from reco.ranking.measures import ndcg
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.refresh.learn import deep_trial, head_trial, learn
from reco.refresh.recipe import Recipe
from reco.refresh.trial import Asked, Side, Trial, compared, judging, probe, questions
from reco.snapshots.snapshot import Snapshot
from reco.snapshots.store import SnapshotStore
from tests.support import resource, snapshot_of

ENCODER = HashingEncoderForTests()
MEANING = Fusion(meaning=1.0, words=0.0, grams=0.0)
WORDS = Fusion(meaning=0.0)
LONG = "un récit commun de toutes les personnes qui ont pris part à la réunion, de ce qui coûte et de ce qui dure"
SUBJECTS = [f"sujet{letter}{other}" for letter in "abcdefgh" for other in "klmnop"]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Records whose title and passages share the word of their subject, and one word of everyone."""
    found = [
        resource(
            f"r{n:02}",
            f"Le {subject} commun",
            summary=" ".join(f"{start} le {subject}, {LONG}." for start in ("Pourquoi", "Comment", "Quand")),
        )
        for n, subject in enumerate(SUBJECTS)
    ]
    return snapshot_of(found, ENCODER)


def report(snapshot: Snapshot, head: np.ndarray, **figures: Any) -> HeadReport:
    good: dict[str, Any] = {
        "before": 0.1,
        "after": 0.3,
        "p": 0.001,
        "off_domain_before": 0.5,
        "off_domain_after": 0.5,
    }
    rows = tuple(range(len(snapshot.catalogue)))
    return HeadReport(head=head, records=len(rows), rows=rows, held_out=(head, head), **{**good, **figures})


IDENTITY = np.eye(64, dtype=np.float32)
BLIND = np.zeros((64, 64), dtype=np.float32)
BLIND[0, 0] = 1.0


def test_what_is_asked_for_is_lacking_in_the_probe(snapshot: Snapshot) -> None:
    rows = range(len(snapshot.catalogue))
    asked, lost = questions(snapshot, list(rows), 2)
    found = probe(snapshot, snapshot.table, lost)
    assert set(lost) == set(rows) and {one.fold for one in asked} == {0, 1}
    for row in lost:
        before, after = snapshot.catalogue[row], found.catalogue[row]
        texts = [one.text for one in asked if one.id == before.id]
        assert after.id == before.id and after.title == "" and before.title in texts
        assert len(texts) == 2 and texts[1] in before.read_summary and texts[1] not in after.read_summary
        parts = found.table.document(row)
        assert len(parts.spans) == len(snapshot.table.document(row).spans) - 1
        assert parts.vectors.weights[0] == 0 and parts.vectors.weights.sum() == pytest.approx(1)


def test_a_head_that_changes_nothing_changes_no_answer(snapshot: Snapshot) -> None:
    trial = head_trial(snapshot, ENCODER, report(snapshot, IDENTITY), Recipe(fusion=MEANING))
    assert trial.asked == 2 * len(SUBJECTS) and trial.product_before == trial.product_after > 0.5
    assert trial.product_p == 1 and not trial.kept


def test_a_head_that_blinds_is_refused_where_meaning_counts_only(snapshot: Snapshot) -> None:
    promising = report(snapshot, BLIND)
    assert promising.promising
    assert head_trial(snapshot, ENCODER, promising, Recipe(fusion=MEANING)).product_after < 0.2
    by_words = head_trial(snapshot, ENCODER, promising, Recipe(fusion=WORDS))
    assert by_words.product_before == by_words.product_after


def test_what_wins_is_kept_unless_the_golden_set_loses(snapshot: Snapshot) -> None:
    """Here the side before is blind, so that the other one wins for certain."""
    asked, lost = questions(snapshot, list(range(len(SUBJECTS))), 1)
    plain = probe(snapshot, snapshot.table, lost)
    blind = Side(ENCODER, lambda: snapshot.with_head(BLIND), [plain.with_head(BLIND)])
    seeing = Side(ENCODER, lambda: snapshot, [plain])
    golden = [Topic(one.id, one.text, {one.id: 2}) for one in asked]
    won = compared(asked, golden, MEANING, blind, seeing)
    assert won.kept and won.product_p < 0.001 and won.golden_after > won.golden_before
    worse = Side(ENCODER, blind.whole, [plain])
    lost_golden = compared(asked, golden, MEANING, replace(seeing, probes=blind.probes), worse)
    assert lost_golden.product_after > lost_golden.product_before and not lost_golden.kept


def test_golden_queries_that_were_learnt_or_have_no_resource_do_not_judge(snapshot: Snapshot) -> None:
    golden = [
        Topic("absent", "sujetak", {"gone": 1}),
        Topic("learnt", "Une Voie Verte", {"r01": 1}),
        Topic("new", "sujetak", {"r00": 1, "gone": 2}),
    ]
    found = judging(golden, snapshot.catalogue, ["une voie verte"])
    assert [(topic.id, topic.qrels) for topic in found] == [("new", {"r00": 1})]
    learnt = report(snapshot, IDENTITY, requests=frozenset(["une voie verte"]))
    assert head_trial(snapshot, ENCODER, learnt, Recipe(golden=tuple(golden))).judged_queries == 1


def test_a_record_that_another_one_could_stand_for_is_not_asked_for() -> None:
    twins = [
        resource("a", "Le même titre", summary=LONG),
        resource("b", "Le même  TITRE", summary=f"{LONG}."),
    ]
    found = snapshot_of(
        [*twins, resource("c", "Seul", summary=LONG), resource("d", "", summary=LONG)], ENCODER
    )
    asked, lost = questions(found, range(4), 2)
    assert [one.id for one in asked] == ["c"] and set(lost) == {2}
    listed = replace(found, families=Families((Family(("c", "d"), ()),)))
    assert questions(listed, range(4), 2) == ([], {})


def test_the_probe_of_a_large_catalogue_is_bounded(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reco.refresh.trial.AMONG", 20)
    asked, lost = questions(snapshot, [3, 40, 41], 1)
    found = probe(snapshot, snapshot.table, lost)
    assert len(found.catalogue) == 20 and {one.id for one in asked} <= {r.id for r in found.catalogue}
    untouched = next(r for r in found.catalogue if r.title)
    row, before = found.catalogue.row(untouched.id), snapshot.catalogue.row(untouched.id)
    np.testing.assert_array_equal(
        found.table.document(row).vectors.parts, snapshot.table.document(before).vectors.parts
    )


def test_queries_are_read_in_batches_and_answered_as_one_by_one(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Needs and acronyms too; a word that must be mended is read alone."""
    asked, lost = questions(snapshot, range(len(SUBJECTS)), 1)
    plain = probe(
        replace(snapshot, acronyms=Acronyms([Acronym("SAK", "sujetak commun")])), snapshot.table, lost
    )
    asked.append(Asked("Rénover la SAK, créer un sujetbl et planter des sujetcm", "r00", 0))
    alone = Recommender(plain, ENCODER, MEANING)
    ranked = [[plain.catalogue[hit.row].id for hit in alone.rank(Query.of(one.text, 10))] for one in asked]
    wanted = np.mean([ndcg({one.id: 1}, ids) for one, ids in zip(asked, ranked, strict=True)])
    encoder, single = HashingEncoderForTests(), list[str]()
    monkeypatch.setattr(
        encoder, "encode_query", lambda text: single.append(text) or ENCODER.encode_query(text)
    )
    monkeypatch.setattr(encoder, "encode_queries", ENCODER.encode_queries)
    side = Side(encoder, lambda: snapshot, [plain])
    found = compared(asked, (), MEANING, side, side)
    assert single == [] and found.product_before == found.product_after == pytest.approx(wanted)
    misspelt = [Asked("un equippement sportif dans ma commune", "r00", 0)]
    compared(misspelt, (), MEANING, side, side)
    assert single == ["un équipement sportif dans ma commune"] * 2


def test_deep_weights_are_tried_from_the_plain_encoder_without_encoding(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The served snapshot has the weights of an earlier training, and a head."""
    older, newer = (Adapter({"a": np.full((2, 2), n, np.float16)}, ENCODER.fingerprint, 2, 2) for n in (1, 2))
    old, new = (embed(snapshot.catalogue, ENCODER.adapted(which))[0] for which in (older, newer))
    served = snapshot.encoded_by(ENCODER.adapted(older).fingerprint, old, older).with_head(BLIND)
    rows = tuple(range(len(SUBJECTS)))
    good = {"before": 0.1, "after": 0.3, "p": 0.001, "off_domain_before": 0.5, "off_domain_after": 0.5}
    learnt = DeepReport(
        adapter=newer,
        plain=snapshot.table,
        table=new,
        rows=rows,
        records=48,
        judged=48,
        steps=1,
        training_seconds=0.0,
        encoding_seconds=0.0,
        **good,
    )
    monkeypatch.setattr(HashingEncoderForTests, "encode_documents", lambda *_: pytest.fail("encoded again"))
    trial = deep_trial(served, ENCODER, learnt, Recipe(fusion=MEANING))
    asked, lost = questions(snapshot, rows, 1)
    tuned = snapshot.encoded_by(ENCODER.adapted(newer).fingerprint, new, newer)
    adapted = ENCODER.adapted(newer)
    plain = Side(ENCODER, lambda: snapshot, [probe(snapshot, snapshot.table, lost)])
    learning = Side(adapted, lambda: tuned, [probe(tuned, tuned.table, lost)])
    assert trial == compared(asked, (), MEANING, plain, learning) and trial.asked == 2 * len(SUBJECTS)
    assert trial.product_before != trial.product_after


def test_deep_weights_that_promise_nothing_are_not_tried(snapshot: Snapshot) -> None:
    learnt = DeepReport(
        adapter=Adapter({}, ENCODER.fingerprint, 2, 2),
        plain=snapshot.table,
        table=snapshot.table,
        records=48,
        judged=0,
        steps=1,
        training_seconds=0.0,
        encoding_seconds=0.0,
        before=0.4,
        after=0.3,
        p=0.001,
        off_domain_before=0.5,
        off_domain_after=0.5,
    )
    assert deep_trial(snapshot, ENCODER, learnt, Recipe()) == Trial.none()


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({}, True),
        ({"product_p": 0.05}, False),
        ({"product_after": 0.4}, False),
        ({"golden_after": 0.499, "golden_p": 0.01}, True),
        ({"golden_after": 0.497, "golden_p": 0.01}, False),
        ({"golden_after": 0.495, "golden_p": 0.3}, True),
        ({"golden_after": 0.495, "golden_p": 0.01}, False),
        ({"golden_after": 0.4, "golden_p": 0.3}, False),
    ],
)
def test_the_rule(changed: dict[str, float], kept: bool) -> None:
    good = Trial(100, 0.4, 0.5, 0.01, 50, 0.5, 0.5, 1.0)
    assert replace(good, **changed).kept is kept


def test_a_refresh_without_judged_queries_learns_no_head_and_drops_none(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    def refreshed(before: Snapshot, golden: tuple[Topic, ...] = ()) -> Snapshot:
        recipe = Recipe(head=HeadRecipe(), golden=golden)
        return learn(SnapshotStore(tmp_path), before, ENCODER, ENCODER, None, recipe, None)

    unjudged = refreshed(snapshot)
    assert unjudged.head is None and "golden" in unjudged.manifest.report["adapt"]["reason"]
    kept = refreshed(snapshot.with_head(BLIND))
    assert kept.head is not None and np.array_equal(kept.head, BLIND)
    judged = refreshed(snapshot, (Topic("q", "sujetak", {"r00": 1}),))
    assert "at least" in judged.manifest.report["adapt"]["reason"]  # it tries, and 48 records are too few


def test_what_promises_nothing_is_not_tried(snapshot: Snapshot) -> None:
    trial = head_trial(snapshot, ENCODER, report(snapshot, IDENTITY, p=0.2), Recipe())
    assert trial == Trial.none() and not trial.kept

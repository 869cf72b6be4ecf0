"""What was learnt is kept for what the product's answers gain, not for ranks of vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reco.adapt.head import HeadReport
from reco.encoder.testing import HashingEncoderForTests
from reco.evaluation.beir import Topic
from reco.ranking.recommender import Fusion
from reco.refresh.learn import head_trial
from reco.refresh.recipe import Recipe
from reco.refresh.trial import Asked, Side, Trial, compared, probe, questions
from reco.snapshots.snapshot import Snapshot
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


def report(snapshot: Snapshot, head: np.ndarray, **figures: float) -> HeadReport:
    good = {"before": 0.1, "after": 0.3, "p": 0.001, "off_domain_before": 0.5, "off_domain_after": 0.5}
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
    blind = Side(ENCODER, snapshot.with_head(BLIND), [plain.with_head(BLIND)])
    seeing = Side(ENCODER, snapshot, [plain])
    golden = [Topic(one.id, one.text, {one.id: 2}) for one in asked]
    won = compared(asked, golden, MEANING, blind, seeing)
    assert won.kept and won.product_p < 0.001 and won.golden_after > won.golden_before
    worse = Side(ENCODER, snapshot.with_head(BLIND), [plain])
    lost_golden = compared(asked, golden, MEANING, replace(seeing, probes=blind.probes), worse)
    assert lost_golden.product_after > lost_golden.product_before and not lost_golden.kept


def test_a_golden_query_of_absent_resources_is_left_out(snapshot: Snapshot) -> None:
    side = Side(ENCODER, snapshot, [snapshot])
    golden = [Topic("q", "sujetak", {"absent": 1}), Topic("s", "sujetak", {"r00": 1})]
    found = compared([Asked("...", "r00", 0)], golden, MEANING, side, side)
    assert found.judged_queries == 1 and found.asked == 1 and found.product_after == 0


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({}, True),
        ({"product_p": 0.05}, False),
        ({"product_after": 0.4}, False),
        ({"golden_after": 0.499}, True),
        ({"golden_after": 0.495, "golden_p": 0.3}, True),
        ({"golden_after": 0.495, "golden_p": 0.01}, False),
        ({"golden_after": 0.4, "golden_p": 0.3}, False),
    ],
)
def test_the_rule(changed: dict[str, float], kept: bool) -> None:
    good = Trial(100, 0.4, 0.5, 0.01, 50, 0.5, 0.5, 1.0)
    assert replace(good, **changed).kept is kept


def test_what_promises_nothing_is_not_tried(snapshot: Snapshot) -> None:
    trial = head_trial(snapshot, ENCODER, report(snapshot, IDENTITY, p=0.2), Recipe())
    assert trial == Trial.none() and not trial.kept

"""A setting worked out from cached sides ranks as the product does under that setting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput
from reco.evaluation.beir import Topic
from reco.evaluation.runs import quality
from reco.evaluation.sweep import SweepReader, at_strength, curve
from reco.ranking.recommender import Fusion, Recommender
from tests.support import resources, snapshot_of

ENCODER = HashingEncoderForTests(64)
TOPICS = tuple(
    Topic(f"t{number}", f"{one.title[:14]} {one.summary[20:70]}", {one.id: 3, f"r{(number + 5) % 24:02}": 1})
    for number, one in enumerate(resources())
)
SETTINGS = (
    Fusion(),
    Fusion(meaning=1.0, passage=0.0, words=0.0, grams=0.0),
    Fusion(meaning=0.3, passage=1.0, words=0.1, grams=0.7),
    Fusion(meaning=0.0, words=0.2, grams=0.0),
)


def head() -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    return np.eye(64, dtype=np.float32) + 0.1 * noise


@pytest.mark.parametrize("learnt", [False, True])
def test_cached_sides_rank_as_the_product_does(learnt: bool) -> None:
    snapshot = snapshot_of(resources(), ENCODER).with_head(head() if learnt else None)
    reader = SweepReader(snapshot, ENCODER, Fusion())
    found = curve([reader.read(topic) for topic in TOPICS], SETTINGS)
    for fusion, values in zip(SETTINGS, found, strict=True):
        expected = quality(Recommender(snapshot, ENCODER, fusion), TOPICS)
        assert dict(zip(expected, values, strict=True)) == pytest.approx(expected)
    assert len(np.unique(found.mean(axis=1))) == len(SETTINGS), "settings that differ must tell"


def test_a_head_goes_from_nothing_to_what_was_learnt() -> None:
    plain = snapshot_of(resources(), ENCODER)
    learnt = plain.with_head(head())
    np.testing.assert_allclose(at_strength(learnt, 0.0).dense.vectors(), plain.dense.vectors(), atol=1e-6)
    np.testing.assert_allclose(at_strength(learnt, 1.0).dense.vectors(), learnt.dense.vectors(), atol=1e-6)
    half = at_strength(learnt, 0.5).head
    assert half is not None
    np.testing.assert_allclose(half, (np.eye(64) + head()) / 2, atol=1e-6)
    with pytest.raises(InvalidInput, match="no head"):
        at_strength(plain, 1.0)


def test_words_known_from_another_head_are_not_read_again() -> None:
    learnt = snapshot_of(resources(), ENCODER).with_head(head())
    base = SweepReader(learnt, ENCODER, Fusion()).read(TOPICS[0])
    half = SweepReader(at_strength(learnt, 0.5), ENCODER, Fusion())
    again, whole = half.read(TOPICS[0], base), half.read(TOPICS[0])
    assert again.words is base.words and again.grams is base.grams
    np.testing.assert_array_equal(again.scores(Fusion()), whole.scores(replace(Fusion())))

"""A head learnt from a catalogue alone: kept when it wins, refused when there is nothing to learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reco.adapt.head import HeadRecipe, HeadReport, learn_head
from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.encoder.protocol import unit
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput
from reco.index.vectors import embed
from reco.ranking.recommender import Fusion
from reco.refresh.on_demand import adapt, undo
from reco.refresh.recipe import Recipe
from reco.refresh.trial import Trial
from reco.snapshots.snapshot import Manifest, Snapshot, build
from reco.snapshots.store import SnapshotStore
from tests.support import publish

ENCODER = HashingEncoderForTests(48)
GENERAL = [
    f"{a} {b} sous la pluie du soir quand le train est déjà parti sans nous" for a in "abc" for b in "xyz"
]


def snapshot_of(count: int) -> Snapshot:
    """Titles and texts use two vocabularies tied one to one, which only learning can relate."""
    generator = np.random.default_rng(0)
    subjects = [generator.choice(40, size=3, replace=False) for _ in range(count)]
    catalogue = Catalogue(
        Resource(
            f"r{i:03}",
            " ".join(f"titre{s}" for s in chosen),
            "test",
            summary=". ".join(f"Il est question ici de texte{s} et de texte{s} encore" for s in chosen) + ".",
        )
        for i, chosen in enumerate(subjects)
    )
    table, _ = embed(catalogue, ENCODER)
    manifest = Manifest("000001", "", ENCODER.fingerprint, 48, count, int((table.spans[:, 0] >= 0).sum()))
    return build(manifest, catalogue, table)


def test_a_head_relates_what_the_encoder_could_not() -> None:
    report = learn_head(snapshot_of(400), ENCODER, GENERAL, HeadRecipe(rate=3e-3))
    assert report.after > report.before * 1.2
    assert report.p < 0.05


def test_learning_twice_gives_the_same_head() -> None:
    first, second = (learn_head(snapshot_of(120), ENCODER, GENERAL).head for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_approved_opinions_are_lessons_too() -> None:
    """A word that only visitors use is tied to the records they found useful."""
    snapshot = snapshot_of(120)
    chosen = [resource for resource in snapshot.catalogue if "titre7" in resource.title.split()]
    pairs = [("jargon", resource.id) for resource in chosen] * 20
    plain, taught = (
        learn_head(snapshot, ENCODER, GENERAL, HeadRecipe(rate=3e-3), pairs=given)
        for given in ((), [*pairs, ("jargon", "gone")])
    )
    assert (plain.requests, taught.requests) == (frozenset(), {"jargon"})
    rows = np.asarray([snapshot.catalogue.row(resource.id) for resource in chosen])

    def nearness(head: np.ndarray) -> float:
        asked = unit(ENCODER.encode_queries(["jargon"]) @ head.T)
        return float((asked @ unit(snapshot.dense.vectors(rows) @ head.T).T).mean())

    assert nearness(taught.head) > nearness(plain.head) + 0.1


def test_a_small_catalogue_teaches_nothing() -> None:
    with pytest.raises(InvalidInput, match="at least 100"):
        learn_head(snapshot_of(99), ENCODER, GENERAL)


def test_a_head_is_applied_alike_to_parts_documents_and_requests() -> None:
    plain = snapshot_of(20)
    head = np.random.default_rng(1).standard_normal((48, 48)).astype(np.float32)
    adapted = build(plain.manifest, plain.catalogue, plain.table, head)
    pooled = plain.table.pooled()
    np.testing.assert_allclose(adapted.dense.vectors(), unit(pooled @ head.T), atol=1e-5)
    np.testing.assert_allclose(adapted.document(3).vectors.vector, adapted.dense.vectors()[3], atol=1e-5)
    vector = ENCODER.encode_query("titre1 titre2")
    asked = adapted.request(vector)
    through = adapted.document(3).vectors.parts @ asked
    start, end = plain.table.bounds[3:5]
    np.testing.assert_allclose(
        plain.table.parts[start:end] @ adapted.towards(asked), through, rtol=1e-3, atol=1e-4
    )


def test_an_adaptation_is_published_and_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SnapshotStore(tmp_path)
    made = snapshot_of(40)
    publish(store, made)
    head = np.random.default_rng(1).standard_normal((48, 48)).astype(np.float32)
    won = HeadReport(
        head=head, records=40, before=0.1, after=0.3, p=0.001, off_domain_before=0.5, off_domain_after=0.5
    )
    monkeypatch.setattr("reco.refresh.learn.learn_head", lambda *_: won)
    monkeypatch.setattr("reco.refresh.on_demand.head_trial", lambda *_: Trial(80, 0.4, 0.5, 0.001))
    done = adapt(store, ENCODER, Recipe())
    assert done.published and done.kept and (done.before, done.after) == (0.1, 0.3)
    adapted = store.open()
    assert adapted.id == done.snapshot
    np.testing.assert_array_equal(adapted.head, head)
    np.testing.assert_array_equal(adapted.table.parts, made.table.parts)
    without = undo(store, ENCODER)
    assert without.published and store.open().head is None
    np.testing.assert_allclose(store.open().dense.vectors(), made.dense.vectors(), atol=1e-6)
    assert not undo(store, ENCODER).published


def test_a_head_that_does_not_win_is_not_published(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    publish(store, snapshot_of(120))
    done = adapt(store, ENCODER, Recipe(head=HeadRecipe(epochs=0)))
    assert not done.published and store.current() == "000001"


def test_a_head_is_kept_for_the_answers_that_it_gains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meaning alone tells a title from its text here; the words that both would need are in no record."""
    monkeypatch.setattr("reco.refresh.learn.background", lambda: GENERAL)
    store = SnapshotStore(tmp_path)
    publish(store, snapshot_of(400))
    done = adapt(
        store, ENCODER, Recipe(head=HeadRecipe(rate=3e-3), fusion=Fusion(meaning=1.0, words=0, grams=0))
    )
    assert done.kept and done.published and done.product_after > done.product_before and done.asked > 200
    served = store.open()
    assert served.head is not None and served.manifest.report["adapt"]["product_p"] == done.product_p < 0.05


def test_a_head_that_only_vectors_gain_by_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same head, where words answer everything: vectors rank better, and no answer changes."""
    monkeypatch.setattr("reco.refresh.learn.background", lambda: GENERAL)
    store = SnapshotStore(tmp_path)
    publish(store, snapshot_of(400))
    done = adapt(store, ENCODER, Recipe(head=HeadRecipe(rate=3e-3), fusion=Fusion(meaning=0.0)))
    assert (done.before or 0) * 1.2 < (done.after or 0) and (done.p or 1) < 0.05
    assert done.asked > 200 and done.product_before == done.product_after and done.product_p == 1
    assert not done.kept and not done.published and store.current() == "000001"


def test_what_a_head_learns_from_is_bounded_whatever_the_catalogue() -> None:
    assert learn_head(snapshot_of(150), ENCODER, GENERAL, HeadRecipe(records=120, epochs=1)).records == 120
    unmoved = learn_head(snapshot_of(120), ENCODER, GENERAL, HeadRecipe(steps=0)).head
    np.testing.assert_array_equal(unmoved, np.eye(len(unmoved), dtype=np.float32))

"""The head that comes with the program: for its own encoder only, until a catalogue learns a better one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load

from benchmarks.starter import write
from reco.adapt import starter
from reco.adapt.head import HeadRecipe
from reco.encoder.bundled import STAMP
from reco.encoder.loading import ModelSource
from reco.encoder.sentence import SentenceEncoder
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput
from reco.refresh.on_demand import undo
from reco.refresh.recipe import Recipe
from reco.refresh.run import refresh
from reco.snapshots.snapshot import Snapshot
from reco.workspace.home import recipe_of
from reco.workspace.settings import Settings
from tests.support import Home, edited, rows

ENCODER = HashingEncoderForTests()
LEARNING = Recipe(head=HeadRecipe())
HEAD = np.eye(ENCODER.dimension, dtype=np.float32) * np.float32(2)


def start(fingerprint: str) -> NDArray[np.float32] | None:
    return HEAD if fingerprint == ENCODER.fingerprint else None


def test_it_belongs_to_the_bundled_model_and_is_small() -> None:
    own = SentenceEncoder(ModelSource(stamp=STAMP)).fingerprint
    head = starter.starting_head(own)
    assert head is not None and head.shape == (384, 384) and np.isfinite(head).all()
    assert 0 < np.abs(head - np.eye(384)).max() < 1
    assert starter.starting_head(ENCODER.fingerprint) is None
    assert Path(starter.__file__).with_name(starter.FILE).stat().st_size < 5_000_000


def test_a_head_comes_back_as_it_was_written() -> None:
    data = starter.to_bytes(HEAD, "some encoder")
    np.testing.assert_array_equal(load(data)["head"], HEAD.astype(np.float16))


def test_the_settings_start_with_it_unless_they_want_no_head() -> None:
    assert recipe_of(Settings()).head == HeadRecipe()
    assert recipe_of(Settings.model_validate({"adapt": {"head": False}})).head is None


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that comes with the program for the test encoder."""
    monkeypatch.setattr("reco.refresh.build.starting_head", start)


def refreshed(home: Home, recipe: Recipe) -> Snapshot:
    refresh(home.store, home.settings().sources, lambda: ENCODER, recipe=recipe)
    return home.store.open()


def test_a_first_snapshot_has_it_the_next_carries_it_and_one_undo_is_for_good(ours: None, home: Home) -> None:
    first = refreshed(home, LEARNING)
    np.testing.assert_array_equal(first.head, HEAD)
    home.write(edited(rows(), "r03", summary="La cantine devient une régie."))
    assert refreshed(home, Recipe()).head is not None
    undo(home.store, ENCODER)
    home.write(edited(rows(), "r04", summary="Le café rouvre."))
    assert refreshed(home, LEARNING).head is None


def test_another_encoder_starts_without(home: Home) -> None:
    assert refreshed(home, LEARNING).head is None


def test_a_recipe_without_a_head_starts_without(ours: None, home: Home) -> None:
    assert refreshed(home, Recipe()).head is None


def test_the_script_writes_only_what_was_learnt(ours: None, home: Home, tmp_path: Path) -> None:
    assert refreshed(home, LEARNING).head is not None
    with pytest.raises(InvalidInput, match="learnt no head"):
        write(home.path, tmp_path / "starter.safetensors")
    assert not (tmp_path / "starter.safetensors").exists()

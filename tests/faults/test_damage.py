"""Files cut short or with one bit changed: nobody is served them, and whoever asks is told."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reco.adapt.head import HeadRecipe
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import SnapshotError
from reco.refresh.run import refresh
from reco.snapshots.check import check
from reco.snapshots.store import SnapshotStore
from reco.workspace.home import recipe_of
from tests.faults.stage import STRIDE, record, scaled
from tests.support import Home, edited, publish, resources, rows, snapshot_of

ENCODER = HashingEncoderForTests(16)


@pytest.fixture
def store(memory: Path) -> SnapshotStore:
    """A store with three snapshots of different sizes; the third is current."""
    made = SnapshotStore(memory / "home")
    for number, count in (("000001", 8), ("000002", 9), ("000003", 10)):
        publish(made, snapshot_of(resources()[:count], ENCODER, number))
    return made


@pytest.fixture
def nights(memory: Path, monkeypatch: pytest.MonkeyPatch) -> SnapshotStore:
    """A store with three snapshots that refreshes made: clusters, levels, families, a head, all that is
    carried to the next night. The third is current."""
    home = Home(memory / "nights", dimension=16)
    head = np.eye(16, dtype=np.float32)
    monkeypatch.setattr("reco.refresh.learn._headed", lambda _, snapshot, *__: snapshot.with_head(head))
    recipe = replace(recipe_of(home.settings()), head=HeadRecipe())
    table = [
        {**row, "id": f"{n}{row['id']}", "title": f"{row['title']} {n}"} for n in "abc" for row in rows()
    ]
    for year in ("1997", "1998", "1999"):
        home.write(edited(table, "ar01", year=year))
        refresh(home.store, home.settings().sources, lambda: ENCODER, None, recipe)
    parts = {path.name.split(".")[0] for path in (home.store.folder / "000003").iterdir()}
    assert {"carried", "clusters", "families", "head", "levels", "asked"} <= parts
    return home.store


def refused(store: SnapshotStore, number: str) -> None:
    """`open` and `check` refuse the snapshot, no roll-back reaches it, and the one before is served."""
    with pytest.raises(SnapshotError):
        store.open(number)
    assert not check(store, number).sound
    if number == store.named():
        with pytest.raises(SnapshotError):
            store.open()
        served, warning = store.serve()
        assert served.id == "000002" and "000002 is served" in warning
    else:
        with pytest.raises(SnapshotError):
            store.rollback(number)
        assert store.named() == "000003"


def cuts(data: bytes, step: int) -> Iterator[bytes]:
    for cut in range(1, 101, step):
        yield data[: max(0, len(data) - cut)]


def flips(data: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        flipped = bytearray(data)
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        yield bytes(flipped)


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("number", ["000003", "000001"], ids=["current", "older"])
@pytest.mark.parametrize(
    ("kind", "step", "count"), [("store", 33, 4), pytest.param("nights", 1, 100, marks=pytest.mark.slow)]
)
def test_no_damage_goes_unnoticed(
    kind: str, number: str, step: int, count: int, request: pytest.FixtureRequest
) -> None:
    """Each file of a snapshot: cut by 1 to 100 bytes, and `count` random flips of one bit."""
    store: SnapshotStore = request.getfixturevalue(kind)
    chance, step, count = random.Random(11), step if step > 1 else STRIDE, scaled(count)
    files = sorted(path for path in (store.folder / number).rglob("*") if path.is_file())
    assert {"manifest.json", "manifest.sha256", "dense.faiss"} <= {path.name for path in files}
    shortened = flipped = 0
    for path in files:
        data = path.read_bytes()
        for other in (*cuts(data, step), *flips(data, chance, count)):
            assert other != data
            path.write_bytes(other)
            refused(store, number)
            shortened += len(other) < len(data)
            flipped += len(other) == len(data)
        path.write_bytes(data)
        assert check(store, number).sound
    assert store.serve()[1] == ""
    record(
        request.node.name,
        files=len(files),
        cuts=shortened,
        flips=flipped,
        refused=shortened + flipped,
        missed=0,
    )


def test_a_damaged_pointer_serves_a_sound_snapshot_and_says_so(store: SnapshotStore) -> None:
    """Each bit of CURRENT."""
    pointer = store.home / "CURRENT"
    data = pointer.read_bytes()
    for place in range(0, 8 * (len(data) - 1), 5):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        pointer.write_bytes(bytes(flipped))
        served, warning = store.serve()
        assert warning and served.id in store.ids(), bytes(flipped)
    pointer.write_bytes(data)
    assert store.serve()[1] == ""

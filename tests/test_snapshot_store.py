"""Snapshots on disk: what is published is what is read, and what is damaged is never served."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from support import Home, edited, files_under, publish, resources, rows, scores_of, snapshot_of

from reco import storage
from reco.encoder.hashing import HashingEncoderForTests
from reco.errors import RefreshRunning, SnapshotError, StorageError
from reco.recommend import Query, Recommender
from reco.store import SnapshotStore

ENCODER = HashingEncoderForTests(32)
REQUEST = Query.of("rouvrir le café du village", 24)


@pytest.fixture
def store(memory: Path) -> SnapshotStore:
    """A store with two snapshots; the second has one resource more."""
    made = SnapshotStore(memory / "home")
    publish(made, snapshot_of(resources()[:-1], ENCODER, "000001"))
    publish(made, snapshot_of(resources(), ENCODER, "000002"))
    return made


def answer(snapshot: object) -> list[tuple[str, float]]:
    return scores_of(Recommender(snapshot, ENCODER).recommend(REQUEST))  # type: ignore[arg-type]


def test_what_is_published_is_what_is_read(store: SnapshotStore) -> None:
    written, read = snapshot_of(resources(), ENCODER, "000002"), store.open()
    assert list(read.catalogue) == list(written.catalogue)
    assert read.table.hashes == written.table.hashes
    for name in ("parts", "weights", "spans", "bounds"):
        np.testing.assert_array_equal(getattr(read.table, name), getattr(written.table, name))
    np.testing.assert_array_equal(read.dense.vectors(), written.dense.vectors())
    assert answer(read) == answer(written)


def test_the_same_content_is_the_same_bytes(store: SnapshotStore, tmp_path: Path) -> None:
    other = SnapshotStore(tmp_path / "other")
    publish(other, snapshot_of(resources()[:-1], ENCODER, "000001"))
    publish(other, snapshot_of(resources(), ENCODER, "000002"))
    assert files_under(other.folder) == files_under(store.folder)


def test_a_manifest_names_every_file_with_its_digest(store: SnapshotStore) -> None:
    folder = store.folder / "000002"
    files = {name: data for name, data in files_under(folder).items() if name != "manifest.json"}
    assert files
    named = json.loads((folder / "manifest.json").read_bytes())["files"]
    assert {name: (v["sha256"], v["bytes"]) for name, v in named.items()} == {
        name: (storage.digest_of(data), len(data)) for name, data in files.items()
    }
    pointer = json.loads((store.home / "CURRENT").read_bytes())
    assert pointer == {"snapshot": "000002", "manifest": storage.sha256(folder / "manifest.json")}


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "nowhere")
    with pytest.raises(SnapshotError) as refused:
        store.serve()
    assert "reco refresh" in refused.value.hint
    assert store.current() is None and store.ids() == [] and store.entries() == []
    assert not store.home.exists(), "reading creates nothing"


def test_entries_mark_the_one_that_is_served(store: SnapshotStore) -> None:
    assert [(entry.id, entry.current) for entry in store.entries()] == [("000001", False), ("000002", True)]
    assert [entry.manifest.resources for entry in store.entries()] == [23, 24]
    assert store.entries()[1].bytes == sum(map(len, files_under(store.folder / "000002").values()))


def test_rolling_back_and_forth(store: SnapshotStore) -> None:
    before = files_under(store.folder)
    assert store.rollback() == "000001"
    assert len(store.open().catalogue) == 23
    with pytest.raises(SnapshotError, match="no older"):
        store.rollback()
    assert store.rollback("000002") == "000002"
    assert len(store.open().catalogue) == 24
    with pytest.raises(SnapshotError, match="no snapshot 000009"):
        store.rollback("000009")
    assert store.current() == "000002"
    assert files_under(store.folder) == before, "rolling back rewrites CURRENT alone"


def test_a_damaged_snapshot_is_not_rolled_back_to(store: SnapshotStore) -> None:
    (store.folder / "000001" / "dense.faiss").unlink()
    with pytest.raises(SnapshotError, match="damaged"):
        store.rollback()
    assert store.current() == "000002"


@pytest.mark.parametrize("number", ["../000001", "", "1", "000001/../000002", "/tmp"])
def test_an_id_is_no_path(store: SnapshotStore, number: str) -> None:
    with pytest.raises(SnapshotError):
        store.open(number)


def test_one_writer_at_a_time(store: SnapshotStore) -> None:
    with store.writing():
        with pytest.raises(RefreshRunning), SnapshotStore(store.home).writing():
            pass
        assert len(store.open().catalogue) == 24, "readers need no lock"
    with store.writing():
        pass


def test_drafts_of_the_dead_are_removed_and_snapshots_are_not(store: SnapshotStore) -> None:
    before = files_under(store.home)
    for place in ("snapshots/000003.tmp-1/lexical/a", "CURRENT.tmp-2", "quarantine/x.jsonl.tmp-3"):
        (store.home / place).parent.mkdir(parents=True, exist_ok=True)
        (store.home / place).write_bytes(b"dead")
    with store.writing():
        pass
    left = files_under(store.home)
    assert {name: left[name] for name in before} == before
    assert set(left) - set(before) <= {".lock"}


def test_numbers_are_never_used_twice(store: SnapshotStore) -> None:
    assert store.next_id() == "000003"
    store.rollback()
    assert store.next_id() == "000003"
    with store.writing():
        store.set_aside(store.write_draft(snapshot_of(resources(), ENCODER, "000003")))
    assert store.ids() == ["000001", "000002"] and store.next_id() == "000004"


def refused(store: SnapshotStore) -> None:
    """The current snapshot is refused, and the one before is served with a sentence."""
    with pytest.raises(SnapshotError):
        store.open()
    served, warning = store.serve()
    assert (served.id, len(served.catalogue)) == ("000001", 23)
    assert "000001 is served instead" in warning


def damage(data: bytes, chance: random.Random, cuts: int, flips: int) -> list[bytes]:
    """The data without its last bytes, and with one bit of it changed."""
    damaged = [data[: -chance.randint(1, 100)] for _ in range(cuts)] + [b"", data + b"\0"]
    for _ in range(flips):
        flipped = bytearray(data)
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        damaged.append(bytes(flipped))
    return damaged


@pytest.mark.parametrize(("cuts", "flips"), [(2, 4), pytest.param(100, 100, marks=pytest.mark.slow)])
def test_no_damage_is_served(store: SnapshotStore, cuts: int, flips: int) -> None:
    chance = random.Random(11)
    files = sorted(path for path in (store.folder / "000002").rglob("*") if path.is_file())
    assert len(files) >= 10
    for path in files:
        data = path.read_bytes()
        for damaged in damage(data, chance, cuts, flips):
            path.write_bytes(damaged)
            refused(store)
        path.unlink()
        refused(store)
        path.write_bytes(data)
    assert store.open().id == "000002"


@pytest.mark.parametrize("data", [b"", b"{}", b"000002", b'{"snapshot": "000002"}', b"\xff\xfe", b"[1]"])
def test_an_unreadable_pointer_stops_nobody(store: SnapshotStore, data: bytes) -> None:
    (store.home / "CURRENT").write_bytes(data)
    with pytest.raises(SnapshotError, match="CURRENT"):
        store.open()
    served, warning = store.serve()
    assert served.id == "000002" and "CURRENT" in warning
    assert [entry.id for entry in store.entries()] == ["000001", "000002"]
    assert store.rollback("000002") == "000002"
    assert store.serve()[1] == ""


def test_a_pointer_to_another_manifest_is_refused(store: SnapshotStore) -> None:
    pointer = json.loads((store.home / "CURRENT").read_bytes())
    (store.home / "CURRENT").write_text(json.dumps({**pointer, "manifest": "0" * 64}))
    refused(store)


def test_a_snapshot_under_another_number_is_refused(store: SnapshotStore) -> None:
    (store.folder / "000002").rename(store.folder / "000005")
    with pytest.raises(SnapshotError, match="manifest is that of 000002"):
        store.open("000005")


def test_a_snapshot_of_another_format_is_refused(store: SnapshotStore) -> None:
    path = store.folder / "000002" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "format": 999}))
    with pytest.raises(SnapshotError, match="format 999"):
        store.open("000002")


def test_when_nothing_is_sound_nothing_is_served(store: SnapshotStore) -> None:
    for number in store.ids():
        (store.folder / number / "catalogue.parquet").write_bytes(b"")
    with pytest.raises(SnapshotError, match="000002 is damaged"):
        store.serve()


def test_a_home_that_cannot_be_made_is_the_disks_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError), SnapshotStore(tmp_path / "file" / "home").writing():
        pass


def test_the_next_refresh_mends_a_damaged_home(served: Home) -> None:
    served.write(edited(rows(), "r01", summary="Un autre résumé."))
    served.refresh()
    (served.path / "snapshots" / "000002" / "parts.npy").write_bytes(b"")
    assert served.store.serve()[0].id == "000001"
    report = served.refresh()
    assert report.published and served.store.serve()[1] == ""
    assert served.store.open().catalogue[1].summary == "Un autre résumé."
    (served.path / "CURRENT").write_bytes(b"garbage")
    report = served.refresh()
    assert (report.published, report.encoded) == (True, 0), "vectors are reused although CURRENT is lost"
    assert served.store.serve()[1] == ""


def test_an_unreadable_pointer_still_serves_the_newest_sound_snapshot(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    publish(store, snapshot_of(resources()[:3], ENCODER))
    (tmp_path / "CURRENT").write_bytes(b"\x00garbage")
    with pytest.raises(SnapshotError, match="CURRENT"):
        store.open()
    snapshot, warning = store.serve()
    assert snapshot.id == "000001" and "CURRENT" in warning
    with store.writing():
        assert store.next_id() == "000002"


def test_a_refresh_mends_an_unreadable_pointer(served: Home) -> None:
    (served.path / "CURRENT").write_bytes(b"")
    report = served.refresh()
    assert report.published and report.encoded == 0 and served.store.open().id == report.snapshot

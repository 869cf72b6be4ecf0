"""Snapshots on disk: what is published is what is read, and what is damaged is never served."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reco.encoder.testing import HashingEncoderForTests
from reco.errors import RefreshRunning, SnapshotError, StorageError
from reco.ranking.recommender import Query, Recommender
from reco.snapshots.check import check
from reco.snapshots.snapshot import Snapshot, to_files
from reco.snapshots.store import SnapshotStore
from reco.sources.http_cache import HttpCache
from reco.storage import atomic
from tests.support import Home, edited, files_under, publish, resources, rows, scores_of, snapshot_of

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


def test_arrays_are_written_from_where_they_are() -> None:
    snapshot = snapshot_of(resources(), ENCODER)
    files = dict(to_files(snapshot))
    for name in ("parts", "weights", "spans", "bounds"):
        array = getattr(snapshot.table, name)
        assert np.shares_memory(np.frombuffer(files[f"{name}.npy"][1], dtype=array.dtype), array)
        saved = io.BytesIO()
        np.save(saved, array)
        assert b"".join(files[f"{name}.npy"]) == saved.getvalue()


def test_a_manifest_names_every_file_with_its_digest(store: SnapshotStore) -> None:
    folder = store.folder / "000002"
    files = files_under(folder)
    manifest, seal = files.pop("manifest.json"), files.pop("manifest.sha256")
    assert files and seal.decode() == f"{atomic.digest_of(manifest)}  manifest.json\n"
    named = json.loads((folder / "manifest.json").read_bytes())["files"]
    assert {name: (v["sha256"], v["bytes"]) for name, v in named.items()} == {
        name: (atomic.digest_of(data), len(data)) for name, data in files.items()
    }
    pointer = json.loads((store.home / "CURRENT").read_bytes())
    assert pointer == {"snapshot": "000002", "manifest": atomic.sha256(folder / "manifest.json")}


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


def test_listing_goes_on_while_one_is_pruned(store: SnapshotStore, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def overtaken(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == store.folder / "000001" / "lexical":
            monkeypatch.setattr(os, "scandir", scandir)
            shutil.rmtree(store.folder / "000001")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", overtaken)
    assert [entry.id for entry in store.entries()] == ["000001", "000002"]
    assert store.ids() == ["000002"], "it was pruned meanwhile"


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


def test_what_a_kill_left_of_a_fetched_page_goes_too(store: SnapshotStore) -> None:
    cache = store.home / "cache"
    HttpCache(cache).save("https://example.org", b"page", {"etag": "1"})
    kept = files_under(cache)
    (body,) = cache.glob("*.body")
    body.with_name(f"{body.name}.tmp-12").write_bytes(b"pa")
    with store.writing():
        pass
    assert files_under(cache) == kept and len(kept) == 2


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
        if path.name != "manifest.sha256":  # `CURRENT` holds its digest too, and the next writer mends it
            refused(store)
        path.write_bytes(data)
    assert store.open().id == "000002"


def test_a_missing_pointer_is_said_not_that_there_is_no_snapshot(store: SnapshotStore) -> None:
    (store.home / "CURRENT").unlink()
    with pytest.raises(SnapshotError, match="CURRENT is missing"):
        store.open()
    served, warning = store.serve()
    assert served.id == "000002" and "CURRENT is missing" in warning


NO_NUMBERS = ("../x", "/etc", "", "²", None, "9" * 40)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_pointer_names_a_number_or_nothing(store: SnapshotStore, number: str | None) -> None:
    (store.home / "CURRENT").write_text(json.dumps({"snapshot": number, "manifest": "0" * 64}), "utf-8")
    with pytest.raises(SnapshotError, match="CURRENT"):
        store.open()
    assert store.current() is None and store.serve()[0].id == "000002" and store.prune(1) == []
    with store.writing():
        assert store.next_id() == "000003"


def test_a_folder_whose_name_is_no_number_is_no_snapshot(store: SnapshotStore) -> None:
    for name in ("²", "to-look-at.refused"):
        (store.folder / name).mkdir()
    with store.writing():
        assert store.next_id() == "000003"


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
    snapshot = snapshot_of(resources(), ENCODER, "000003")
    publish(store, replace(snapshot, manifest=replace(snapshot.manifest, format=999)))
    with pytest.raises(SnapshotError, match="format 999"):
        store.open("000003")


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


@pytest.mark.parametrize(
    "data", [b"", *(json.dumps({"snapshot": n, "manifest": "0" * 64}).encode() for n in NO_NUMBERS)]
)
def test_a_refresh_mends_an_unreadable_pointer(served: Home, data: bytes) -> None:
    (served.path / "CURRENT").write_bytes(data)
    report = served.refresh()
    assert report.published and report.encoded == 0 and served.store.open().id == report.snapshot


class Death(BaseException):
    """The process dies here: nothing after it runs but what any exception runs."""


@contextmanager
def refusing(name: str, path: Path, error: BaseException | None = None) -> Iterator[list[str]]:
    """Refuse one kind of operation on one path, or die of it; it must have happened."""
    seen: list[str] = []
    before = atomic.operation

    def operation(found: str, place: Path) -> None:
        before(found, place)
        if (found, place) == (name, path):
            seen.append(name)
            raise error or OSError(errno.EIO, "Input/output error")

    atomic.operation = operation
    try:
        yield seen
    finally:
        atomic.operation = before
    assert seen, "the fault never happened"


@pytest.fixture
def third(store: SnapshotStore) -> Snapshot:
    """A snapshot that `store` does not have yet."""
    return snapshot_of(resources()[:5], ENCODER, "000003")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256"])
def test_damage_to_an_older_manifest_is_noticed(store: SnapshotStore, name: str) -> None:
    path = store.folder / "000001" / name
    data, chance = path.read_bytes(), random.Random(3)
    for damaged in damage(data, chance, 4, 40):
        path.write_bytes(damaged)
        with pytest.raises(SnapshotError, match="000001 is damaged"):
            store.open("000001")
        with pytest.raises(SnapshotError):
            store.rollback()
        assert not check(store, "000001").sound
        assert [entry.id for entry in store.entries()] == ["000002"]
    path.write_bytes(data)
    assert check(store, "000001").sound and store.rollback() == "000001"


def test_a_seal_is_what_sha256sum_checks(store: SnapshotStore) -> None:
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum here")
    done = subprocess.run([tool, "-c", "manifest.sha256"], cwd=store.folder / "000001", check=False)
    assert done.returncode == 0


def test_what_was_never_committed_is_never_served(store: SnapshotStore, third: Snapshot) -> None:
    with refusing("rename", store.home / "CURRENT", Death()), pytest.raises(Death):
        publish(store, third)
    assert (store.folder / "000003" / "manifest.json").exists(), "renamed, but not committed"
    assert store.ids() == ["000001", "000002"]
    assert [entry.id for entry in store.entries()] == ["000001", "000002"]
    for number in ("000003", None):
        with pytest.raises(SnapshotError), store.writing():
            store.open(number) if number else store.rollback("000003")
    (store.folder / "000002" / "parts.npy").write_bytes(b"")
    assert store.serve()[0].id == "000001"


def test_what_was_never_committed_makes_room(store: SnapshotStore, third: Snapshot) -> None:
    for _ in range(3):
        with refusing("rename", store.home / "CURRENT", Death()), pytest.raises(Death):
            publish(store, third)
    with store.writing():
        assert not (store.folder / "000003").exists() and store.next_id() == "000003"
    assert publish(store, third) == "000003" and len(store.open().catalogue) == 5
    assert sorted(p.name for p in store.folder.iterdir()) == ["000001", "000002", "000003"]


def test_on_a_first_night_too(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with refusing("rename", store.home / "CURRENT", Death()), pytest.raises(Death):
        publish(store, snapshot_of(resources(), ENCODER))
    with pytest.raises(SnapshotError, match="no snapshot"):
        store.serve()
    with store.writing():
        assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize("place", ["home", "seal"])
def test_a_commit_that_the_disk_does_not_confirm_is_said_and_made_again(
    store: SnapshotStore, third: Snapshot, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    seal = store.folder / "000003" / "manifest.sha256"
    fault = ("fsync", store.home) if place == "home" else ("rename", seal)
    with refusing(*fault), caplog.at_level(logging.WARNING):
        assert publish(store, third) == "000003", "readers see it, so it is said to be served"
    assert "Snapshot 000003 is served, but" in caplog.text and "Input/output error" in caplog.text
    served, warning = store.serve()
    assert (served.id, warning, seal.exists()) == ("000003", "", False)
    with store.writing():
        assert seal.exists()
    assert store.rollback() == "000002" and store.rollback("000003") == "000003"


def test_nothing_takes_the_place_of_a_commit_that_was_not_finished(
    store: SnapshotStore, third: Snapshot
) -> None:
    """Without its seal it would be taken for one that was never committed."""
    seal = store.folder / "000003" / "manifest.sha256"
    fourth = snapshot_of(resources()[:6], ENCODER, "000004")
    with refusing("rename", seal):
        publish(store, third)
        with pytest.raises(StorageError):
            publish(store, fourth)
        with pytest.raises(StorageError), store.writing():
            store.rollback()
        with store.writing():
            assert store.prune(2) == ["000001"], "a full disk can be pruned"
    assert store.serve()[0].id == "000003" and not (store.folder / "000004").exists()
    publish(store, fourth)
    assert store.ids() == ["000002", "000003", "000004"] and store.rollback() == "000003"


def test_a_damaged_snapshot_without_a_seal_keeps_no_writer_out(store: SnapshotStore) -> None:
    for name in ("manifest.json", "manifest.sha256"):
        (store.folder / "000002" / name).unlink()
    with store.writing():
        assert store.serve()[0].id == "000001"


def test_an_unreadable_pointer_lets_nothing_be_removed(store: SnapshotStore) -> None:
    (store.folder / "000002" / "manifest.sha256").unlink()
    (store.home / "CURRENT").write_bytes(b"garbage")
    with store.writing():
        assert (store.folder / "000002").exists() and store.next_id() == "000003"
        assert store.prune(1) == []


def test_pruning_waits_for_whoever_is_reading(store: SnapshotStore, third: Snapshot) -> None:
    publish(store, third)
    with atomic.reading(store.folder / "000001" / "manifest.json"):
        assert store.prune(1) == ["000002"]
        assert len(store.open("000001").catalogue) == 23
    assert store.prune(1) == ["000001"]
    assert store.ids() == ["000003"] and len(list(store.folder.iterdir())) == 1


def test_nobody_reads_what_is_being_removed(store: SnapshotStore) -> None:
    with atomic.claim(store.folder / "000001" / "manifest.json") as free:
        assert free
        with pytest.raises(SnapshotError):
            store.open("000001")


def test_a_reader_overtaken_by_a_publish_and_a_prune_opens_the_new_snapshot(
    store: SnapshotStore, third: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = atomic.reading

    def overtaken(path: Path) -> AbstractContextManager[None]:
        monkeypatch.setattr(atomic, "reading", really)
        publish(store, third)
        assert store.prune(1) == ["000001", "000002"]
        return really(path)

    monkeypatch.setattr(atomic, "reading", overtaken)
    served, warning = store.serve()
    assert (served.id, warning) == ("000003", "")


def test_pruning_that_dies_leaves_whole_snapshots(store: SnapshotStore, third: Snapshot) -> None:
    publish(store, third)
    with refusing("rmdir", store.folder / "000001.tmp-removed"), pytest.raises(StorageError):
        store.prune(1)
    assert "000001" not in store.ids() and check(store, "000002").sound
    with store.writing():
        assert sorted(p.name for p in store.folder.iterdir()) == ["000002", "000003"]


@pytest.mark.parametrize("name", ["open", "write", "fsync"])
def test_a_draft_that_the_disk_refuses_is_abandoned(store: SnapshotStore, third: Snapshot, name: str) -> None:
    draft = store.folder / f"000003.tmp-{os.getpid()}"
    with refusing(name, draft / "dense.faiss"), pytest.raises(StorageError):
        publish(store, third)
    assert sorted(p.name for p in store.folder.iterdir()) == ["000001", "000002"]


@pytest.mark.parametrize("draft", ["CURRENT.tmp-1", "quarantine/a.jsonl.tmp-1"])
def test_removing_what_the_dead_left_can_be_refused(store: SnapshotStore, draft: str) -> None:
    path = store.home / draft
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"dead")
    with refusing("unlink", path), pytest.raises(StorageError), store.writing():
        pass


def test_a_replacement_that_fails_removes_its_own_draft(tmp_path: Path) -> None:
    draft = tmp_path / f"a.tmp-{os.getpid()}"
    with refusing("rename", tmp_path / "a"), pytest.raises(StorageError):
        atomic.replace(tmp_path / "a", b"new")
    assert not draft.exists()
    with refusing("unlink", draft), refusing("rename", tmp_path / "a"), pytest.raises(StorageError):
        atomic.replace(tmp_path / "a", b"new")
    assert draft.exists(), "its removal is an operation too"


def test_a_line_never_joins_one_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    atomic.append_line(path, b"one\n")
    atomic.append_line(path, b"two\n")
    path.write_bytes(path.read_bytes() + b"thr")
    atomic.append_line(path, b"four\n")
    assert path.read_bytes() == b"one\ntwo\nthr\nfour\n"


def test_a_file_that_this_version_does_not_read_is_checked_all_the_same(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with store.writing():
        draft = store.write_draft(snapshot_of(resources(), ENCODER))
        stranger = draft / "of-a-later-version.json"
        known = {"sha256": atomic.write(stranger, b"{}"), "bytes": 2}
        manifest = store.read_draft(draft).manifest
        store.amend(draft, replace(manifest, files={**manifest.files, stranger.name: known}))
        store.publish(draft)
    assert store.open().id == "000001"
    (store.folder / "000001" / stranger.name).write_bytes(b"[]")
    with pytest.raises(SnapshotError, match=stranger.name):
        store.open()

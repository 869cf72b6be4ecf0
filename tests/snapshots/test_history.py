"""Nights: what each snapshot on disk changed of the one before it, and the dates of a resource."""

from __future__ import annotations

import gc
import logging
import weakref

import pytest

from reco.snapshots.history import read
from reco.snapshots.snapshot import Snapshot
from tests.support import Home, edited, rows


def identifiers(found: tuple) -> list[str]:
    return [one.id for one in found]


def test_each_night_says_what_came_changed_and_left(served: Home) -> None:
    first = rows()
    second = [
        row for row in edited(first, "r03", summary="Tout est neuf.", year="2025") if row["id"] != "r05"
    ]
    served.write([*second, {"id": "neuf", "title": "Une école neuve", "summary": "En bois."}])
    served.refresh()
    found = read(served.store, served.store.open()).nights
    assert [(night.before, night.after) for night in found] == [("000001", "000002"), ("", "000001")]
    last = found[0]
    assert identifiers(last.came) == ["neuf"]
    assert [(one.resource.id, one.fields) for one in last.changed] == [("r03", ("year", "summary"))]
    assert identifiers(last.left) == ["r05"]
    assert len(found[1].came) == len(first)


def test_dates_come_from_the_nights(served: Home) -> None:
    served.write(edited(rows(), "r03", summary="Tout est neuf."))
    served.refresh()
    found = read(served.store, served.store.open())
    made = {night.after: night.created for night in found.nights}
    edited_one = found.dates("r03")
    assert (edited_one.seen, edited_one.since, edited_one.changed) == (made["000001"], True, made["000002"])
    assert found.dates("r04").changed == ""


def test_what_the_oldest_kept_snapshot_had_came_before_it(served: Home) -> None:
    for number in range(4):
        served.write(edited(rows(), "r01", summary=f"Version {number}."))
        served.refresh()
    served.store.prune(2)
    found = read(served.store, served.store.open())
    assert [night.after for night in found.nights] == ["000005"]
    one = found.dates("r02")
    assert not one.since
    assert one.seen == served.store.manifest("000004").created


def test_a_damaged_snapshot_is_passed_over(served: Home, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(2):
        served.write(edited(rows(), "r01", summary=f"Version {number}."))
        served.refresh()
    (served.path / "snapshots" / "000002" / "parts.npy").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        found = read(served.store, served.store.open()).nights
    assert [(night.before, night.after) for night in found] == [("000001", "000003"), ("", "000001")]
    assert "000002" in caplog.text


def test_a_night_that_was_rolled_back_from_is_none(served: Home) -> None:
    served.write(rows()[:20])
    served.refresh()
    served.store.rollback("000001")
    served.write(rows()[:23])
    served.refresh()
    found = read(served.store, served.store.open()).nights
    assert [(night.before, night.after) for night in found] == [("000001", "000003"), ("", "000001")]
    assert [len(night.left) for night in found] == [1, 0] and found[0].came == ()


def test_two_snapshots_are_open_at_a_time(served: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        served.write(edited(rows(), "r01", summary=f"Version {number}."))
        served.refresh()
    newest, store, alive, most = served.store.open(), served.store, [], []
    opened = store.open

    def counted(number: str) -> Snapshot:
        snapshot = opened(number)
        alive.append(weakref.ref(snapshot))
        gc.collect()
        most.append(sum(reference() is not None for reference in alive))
        return snapshot

    monkeypatch.setattr(store, "open", counted)
    assert len(read(store, newest).nights) == 5
    assert len(most) == 4 and max(most) == 2

"""Refused rows: written once a run, read back as they were, newest first."""

from __future__ import annotations

from pathlib import Path

import pytest

from reco.catalogue import quarantine
from reco.catalogue.resource import Rejection
from reco.errors import StorageError


def test_rows_are_read_back_as_they_were(tmp_path: Path) -> None:
    rows = [
        Rejection("s", f"s.csv:{n}", ("the title is empty",), {"summary": "é\ud800\n="}) for n in range(3)
    ]
    path = quarantine.write(tmp_path, rows)
    assert path is not None and quarantine.files(tmp_path) == [path]
    found = quarantine.read(path, 2)
    assert [row.locator for row in found.rejections] == ["s.csv:0", "s.csv:1"]
    assert found.more and not quarantine.read(path, 3).more
    assert found.rejections[0].values == {"summary": "é\ufffd\n="}
    assert found.rejections[0].problems == ("the title is empty",)
    assert found.at == quarantine.date_of(path)


def test_nothing_refused_writes_nothing(tmp_path: Path) -> None:
    assert quarantine.write(tmp_path, []) is None
    assert quarantine.files(tmp_path) == []


def test_the_newest_file_is_first_and_others_files_are_none_of_ours(tmp_path: Path) -> None:
    row = Rejection("s", "l", ("p",))
    paths = [quarantine.write(tmp_path, [row]) for _ in range(3)]
    (tmp_path / "quarantine" / "notes.jsonl").write_text("{}")
    assert quarantine.files(tmp_path) == paths[::-1]


def test_the_newest_files_stay_and_this_runs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that has a bad row has it every night: the folder must not grow for ever."""
    monkeypatch.setattr(quarantine, "KEPT", 3)
    row = Rejection("s", "l", ("p",))
    paths = [quarantine.write(tmp_path, [row]) for _ in range(5)]
    assert quarantine.files(tmp_path) == paths[:1:-1]
    for path in quarantine.files(tmp_path):
        path.rename(path.with_name(path.name.replace("202", "209", 1)))
    last = quarantine.write(tmp_path, [row])
    assert last is not None and last.exists() and len(quarantine.files(tmp_path)) == 3


def test_a_damaged_line_costs_only_itself(tmp_path: Path) -> None:
    path = quarantine.write(tmp_path, [Rejection("s", "l", ("p",))])
    assert path is not None
    path.write_text("{oops\n" + path.read_text())
    assert [row.locator for row in quarantine.read(path, 9).rejections] == ["l"]
    with pytest.raises(StorageError):
        quarantine.read(path.with_name("20260101T000000000000.jsonl"), 1)

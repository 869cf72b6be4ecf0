"""The disk refuses: one operation, all from one on, an fsync, or because it is really full."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.stage import (
    MOST_OPERATIONS,
    ROWS,
    SOME_BAD_ROWS,
    STRIDE,
    Ask,
    Stage,
    comparable,
    leftovers,
    of,
    pointer,
    read,
    record,
    run,
    tomorrow,
)
from tests.support import Home

SLOW = pytest.mark.slow
EACH = STRIDE | 1
"""An odd step meets both errors."""
PAGE = 4096


def tells_the_truth(night: Stage, home: Home, done: dict[str, Any]) -> bool:
    """Exit code 1 and a named refusal when the old snapshot is served, 0 when the new one is.

    It says so unless that is certain to last. Returns whether the new one is served.
    """
    is_public = night.is_public(home)
    assert done["code"] == (0 if is_public else 1), done
    if is_public:
        sealed = (home.path / "snapshots" / home.store.named() / "manifest.sha256").exists()
        told = ("is served, but", "could not be recorded")
        assert sealed or any(words in done["output"] for words in told), done
    else:
        said = json.loads(done["output"][done["output"].index("{") :])
        assert "disk" in said["error"] and said["hint"], done
    assert comparable(night.read(home)) == night.expected(home), done
    return is_public


@pytest.mark.parametrize(
    ("night", "errors", "lasting", "step"),
    [
        ("second_night", ("ENOSPC", "EIO"), False, 3),
        pytest.param("first_night", ("EIO", "ENOSPC"), False, EACH, marks=SLOW),
        pytest.param("first_night", ("ENOSPC", "EIO"), False, EACH, marks=SLOW),
        pytest.param("second_night", ("EIO", "ENOSPC"), False, EACH, marks=SLOW),
        pytest.param("second_night", ("ENOSPC", "EIO"), False, EACH, marks=SLOW),
        pytest.param("second_night", ("ENOSPC", "ENOSPC"), True, EACH, marks=SLOW),
        pytest.param("second_night", ("EIO", "EIO"), True, EACH, marks=SLOW),
    ],
    indirect=["night"],
)
def test_every_operation_refused(
    night: Stage, errors: tuple[str, str], lasting: bool, step: int, request: pytest.FixtureRequest
) -> None:
    """Odd operations meet one error, even ones the other; a `lasting` one goes on until the end."""
    refused = new = recovered = 0
    directly = step == 3
    for at in range(1, MOST_OPERATIONS, step):
        home = night.fresh()
        done = night.run(home, at=at, fault=errors[at % 2], lasting=lasting, directly=directly)
        if done["note"] is None:
            assert done["code"] == 0
            break
        refused += 1
        new += tells_the_truth(night, home, done)
        if not lasting:
            assert [name for name in leftovers(home) if ".tmp" in name] == [], done
        if lasting or at % 7 == 0:
            recovered += 1
            assert night.run(home, directly=directly)["code"] == 0
            assert comparable(night.read(home)) == comparable(night.new)
            assert leftovers(home) == []
        shutil.rmtree(home.folder)
    assert refused > 40 // step and (new > 0 or step > 1)
    record(
        request.node.name,
        refused=refused,
        then_old=refused - new,
        then_new=new,
        recovered=recovered,
        broken=0,
    )


@pytest.mark.parametrize(
    "night", ["second_night", pytest.param("night_after_a_crash", marks=SLOW)], indirect=True
)
def test_a_failed_fsync_abandons_the_draft(night: Stage, request: pytest.FixtureRequest) -> None:
    """Each fsync in turn: nothing of the draft is used again, and the next refresh writes it all anew."""
    operations = night.run(night.fresh(), trace=True, directly=True)["trace"]["operations"]
    syncs = [at for at, (name, _) in enumerate(operations, 1) if name == "fsync"]
    assert len(syncs) > 20
    new = 0
    for at in syncs:
        home = night.fresh()
        done = night.run(home, at=at, fault="EIO", directly=True)
        assert done["note"]["operation"] == "fsync"
        is_public = tells_the_truth(night, home, done)
        drafts = list((home.path / "snapshots").glob("*.tmp-[0-9]*"))
        assert is_public or "snapshots" not in done["note"]["path"] or drafts == [], done
        new += is_public
        if at in (syncs[-1], syncs[-4], syncs[len(syncs) // 2]):
            again = night.run(home, trace=True, directly=True)
            assert again["code"] == 0 and comparable(night.read(home)) == comparable(night.new)
            written = [path for name, path in again["trace"]["operations"] if name == "write"]
            assert is_public or any("catalogue.parquet" in path for path in written)
            assert leftovers(home) == []
        shutil.rmtree(home.folder)
    assert new > 0
    record(request.node.name, failed_fsyncs=len(syncs), then_old=len(syncs) - new, then_new=new, broken=0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte. Never /dev/full: a library deletes it."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small tmpfs can only be mounted by root on Linux")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=SLOW)])
def test_a_disk_that_is_really_full(
    worker: Ask, small_disk: Path, step: int, request: pytest.FixtureRequest
) -> None:
    """A refresh with 0, 1, 2... free pages, until it has enough."""
    home = Home(small_disk / "reco", options=SOME_BAD_ROWS)
    home.write(ROWS)
    assert run(worker, home)["code"] == 0
    old = comparable(read(worker, home))
    seen_full = 0
    where: set[str] = set()
    for pages in range(0, 150, step if step > 1 else min(STRIDE, 9)):
        home.write(tomorrow())
        before = pointer(home.path)
        done = with_free_pages(worker, home, small_disk / "ballast", pages)
        if done["code"] == 0 and pointer(home.path) != before and "is served, but" not in done["output"]:
            break
        assert "No space left on device" in done["output"], done
        seen_full += 1
        where.add(done["output"].split("refused to ")[-1].split(" /")[0])
        assert done["code"] == (1 if pointer(home.path) == before else 0)
        assert comparable(read(worker, home)) == old or done["code"] == 0
    else:
        pytest.fail("a refresh never fits")
    assert seen_full >= 3 and leftovers(home) == []
    record(request.node.name, free_pages_tried=pages + 1, enospc_seen=seen_full, at=sorted(where), broken=0)


def with_free_pages(ask: Ask, home: Home, ballast: Path, pages: int) -> dict[str, Any]:
    """Run a refresh on a disk with only so many free pages, then free the rest."""
    state = os.statvfs(ballast.parent)
    note = ballast.parent.parent / "note"
    ballast.write_bytes(b"\0" * max(0, (state.f_bavail - pages) * PAGE))
    try:
        return ask("run", **{**of(home), "note": note}, arguments=("refresh",))
    finally:
        ballast.unlink()

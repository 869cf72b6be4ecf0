"""One or two runs of each kind of fault with the bundled model, whose every refresh encodes for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reco.errors import SnapshotError
from tests.faults.stage import (
    ROWS,
    SOME_BAD_ROWS,
    SOURCE_OF,
    Ask,
    Stage,
    comparable,
    leftovers,
    of,
    record,
    staged,
)
from tests.support import Home

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(1_800)]


class RealHome(Home):
    """A home with the bundled model.

    In float32: in bfloat16, where a processor has it, a text's vector depends on the others of its batch.
    """

    def configure(self) -> None:
        encoder = '[encoder]\nprecision = "float32"\n\n'
        self.config.write_text(encoder + SOURCE_OF.format(options=self.options), "utf-8")


@pytest.fixture(scope="module")
def night(worker: Ask, scratch: Path) -> Stage:
    """One snapshot is served, made by the bundled model."""
    return staged(worker, scratch / "real", RealHome)


@pytest.mark.parametrize("fault", ["kill", "tear", "EIO", "ENOSPC"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_fault_leaves_the_old_snapshot_or_the_new_one(
    night: Stage, fault: str, share: float, request: pytest.FixtureRequest
) -> None:
    operations = night.operations()
    writes = [at for at, name in enumerate(operations, 1) if name == "write" or fault != "tear"]
    at = writes[int(share * (len(writes) - 1))]
    home = night.fresh()
    done = night.run(home, at=at, fault=fault, directly=True)
    assert done["note"] is not None, "the fault really happened"
    assert (done["code"] == -9) == (fault in ("kill", "tear"))
    public = night.is_public(home)
    assert comparable(night.read(home)) == night.expected(home)
    again = night.run(home, directly=True)
    assert again["code"] == 0 and comparable(night.read(home)) == comparable(night.new)
    assert leftovers(home) == []
    shutil.rmtree(home.folder)
    record(request.node.name, operation=at, then_new=int(public), broken=0)


def test_two_refreshes_at_once(night: Stage) -> None:
    home = night.fresh()
    done = night.ask("crowd", **of(home), count=2)
    assert sorted(done["codes"]) == [0, 3]
    assert comparable(night.read(home)) == comparable(night.new)


def test_a_damaged_file_is_not_served(night: Stage) -> None:
    home = night.fresh()
    assert night.run(home, directly=True)["code"] == 0
    path = home.path / "snapshots" / home.store.named() / "parts.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SnapshotError):
        home.store.open()
    assert comparable(night.read(home)) == comparable(night.old)


def test_it_is_what_a_refresh_from_nothing_gives(night: Stage) -> None:
    """Within the noise of the real model's batches: the same ids, scores within a thousandth."""
    scratch = RealHome(night.scratch / "scratch", options=SOME_BAD_ROWS)
    shutil.copy(night.template / "catalogue.csv", scratch.folder / "catalogue.csv")
    # As the night was: by the command line, whose settings start from the head that comes with the program.
    assert night.run(scratch)["code"] == 0
    found = night.read(scratch)
    assert found["ids"] == night.new["ids"] and len(ROWS) <= len(found["ids"])
    wanted = dict(night.new["answer"])
    assert dict(found["answer"]) == pytest.approx(wanted, abs=1e-3)

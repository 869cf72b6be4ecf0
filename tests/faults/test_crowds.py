"""Many at once: readers while snapshots are published and pruned, and refreshes that meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.stage import ROWS, Ask, comparable, leftovers, of, read, record, scaled
from tests.support import Home

SLOW = pytest.mark.slow
READERS = 8


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize(("publishes", "answers"), [(10, 200), pytest.param(500, 100_000, marks=SLOW)])
def test_readers_while_snapshots_come_and_go(
    worker: Ask, scratch: Path, publishes: int, answers: int, request: pytest.FixtureRequest
) -> None:
    """Eight readers; every snapshot but the current one is pruned at once, unless it is being read."""
    publishes, answers = scaled(publishes), scaled(answers)
    home = Home(scratch / f"crowd{publishes}of{answers}", dimension=16)
    home.write({**row, "publisher": "nuit-0", "summary": f"{row['summary']} nuit-0"} for row in ROWS)
    assert worker("run", **of(home), arguments=["refresh"])["code"] == 0
    done = worker("serve", **of(home), publishes=publishes, count=READERS, answers=answers)
    found = done["readers"]
    assert done["codes"] == [0] * (1 + READERS), done
    assert done["published"]["published"] == publishes and done["published"]["left"] <= 1 + READERS
    total = {name: sum(one[name] for one in found) for name in ("answers", "mixed", "failed", "warnings")}
    assert total["answers"] >= answers
    assert (total["mixed"], total["failed"], total["warnings"]) == (0, 0, 0), found
    assert min(one["nights"] for one in found) > 1, "a reader never met a publish"
    record(
        request.node.name,
        publishes=publishes,
        **total,
        opened=sum(one["opened"] for one in found),
        nights_seen_by_each=min(one["nights"] for one in found),
        kept_for_readers=done["published"]["kept_for_readers"],
    )


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize("rounds", [1, pytest.param(50, marks=SLOW)])
def test_refreshes_at_once(
    worker: Ask, scratch: Path, count: int, rounds: int, request: pytest.FixtureRequest
) -> None:
    """One writes, and the others give way while it does."""
    home = Home(scratch / f"race{count}of{rounds}")
    contended = 0
    for turn in range(scaled(rounds)):
        home.write({**row, "summary": f"{row['summary']} Tour {turn}."} for row in ROWS)
        done = worker("crowd", **of(home), count=count)
        assert done["waiting"] == 1, "the one that writes is still writing"
        assert sorted(done["codes"]) == [0] + [3] * (count - 1)
        said = [json.loads(output[output.index("{") :]) for output in done["outputs"]]
        assert sum(one.get("published", False) for one in said) == 1
        assert sum("refresh is running" in one.get("error", "") for one in said) == count - 1
        contended += count - 1
        assert home.store.ids()[-1] == f"{turn + 1:06d}" and leftovers(home) == []
        assert comparable(read(worker, home)) != (None, None)
    record(request.node.name, rounds=turn + 1, gave_way=contended, wrote=turn + 1, broken=0)

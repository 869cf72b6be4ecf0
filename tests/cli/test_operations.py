"""What an operator does with snapshots: check, go back, prune, ask what is served."""

from __future__ import annotations

import pytest

from tests.support import Home, edited, rows, run_cli


@pytest.fixture
def four(served: Home) -> Home:
    """A home with four snapshots."""
    for number in range(3):
        served.write(edited(rows(), "r01", year=str(1990 + number)))
        served.refresh()
    return served


def test_a_sound_snapshot_passes_its_check(four: Home) -> None:
    done = run_cli("check", "--json", *four.arguments)
    assert done.code == 0 and done.json == {"snapshot": "000004", "sound": True, "problems": []}


def test_a_damaged_snapshot_fails_its_check_and_says_where(four: Home) -> None:
    path = four.path / "snapshots" / "000002" / "dense.faiss"
    data = bytearray(path.read_bytes())
    data[-5] ^= 4
    path.write_bytes(data)
    done = run_cli("check", "000002", "--json", *four.arguments)
    assert done.code == 1 and not done.json["sound"] and "dense.faiss" in done.json["problems"][0]


def test_going_back_and_forth(four: Home) -> None:
    assert run_cli("rollback", "--json", *four.arguments).json == {"snapshot": "000003", "before": "000004"}
    assert run_cli("recommend", "café", "--json", *four.arguments).json["snapshot"] == "000003"
    assert run_cli("rollback", "000004", "--json", *four.arguments).json["snapshot"] == "000004"
    assert run_cli("rollback", "000099", "--json", *four.arguments).code == 1


def test_pruning_keeps_the_newest_and_the_one_served(four: Home) -> None:
    run_cli("rollback", "000001", *four.arguments)
    done = run_cli("prune", "--keep", "3", "--json", *four.arguments)
    assert done.json["removed"] == [] and "000001" in done.json["kept"]
    run_cli("rollback", "000004", *four.arguments)
    assert run_cli("prune", "--keep", "3", "--json", *four.arguments).json["removed"] == ["000001"]
    assert run_cli("prune", "--keep", "2", "--json", *four.arguments).code == 2


def test_status_says_what_is_served_and_why(four: Home) -> None:
    assert run_cli("status", "--json", *four.arguments).json["snapshot"] == "000004"
    (four.path / "snapshots" / "000004" / "parts.npy").write_bytes(b"")
    found = run_cli("status", "--json", *four.arguments).json
    assert found["snapshot"] == "000003" and "000004" in found["warning"] and found["resources"] == 24

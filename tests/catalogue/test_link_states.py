"""What nights of checks make of an address, and the file that keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reco.catalogue import link_states
from reco.catalogue.link_states import KEPT, Checked, LinkState, Outcome

URL = "https://exemple.fr/guide"


def after(*nights: tuple[int, Outcome]) -> LinkState:
    state = LinkState(URL)
    for day, outcome in nights:
        state = state.after(Checked(f"2026-11-{day:02}", outcome))
    return state


@pytest.mark.parametrize(
    ("nights", "failures", "since"),
    [
        (((1, "dead"), (2, "dead"), (3, "dead")), 3, "2026-11-01"),
        (((1, "soft-404"), (4, "dead"), (9, "soft-404")), 3, "2026-11-01"),
        (((1, "dead"), (1, "dead"), (1, "dead")), 1, "2026-11-01"),
        (((1, "dead"), (2, "unsure"), (3, "dead"), (4, "unsure"), (5, "dead")), 3, "2026-11-01"),
        (((1, "dead"), (2, "dead"), (3, "ok"), (4, "dead")), 1, "2026-11-04"),
        (((1, "dead"), (2, "dead"), (3, "moved")), 0, ""),
        (((1, "unsure"), (2, "unsure"), (3, "unsure")), 0, ""),
        (((1, "dead"), (1, "unsure"), (1, "dead")), 1, "2026-11-01"),
        (((1, "unsure"), (1, "dead")), 1, "2026-11-01"),
        (((1, "dead"), (1, "ok")), 0, ""),
    ],
)
def test_only_failures_of_different_nights_count(
    nights: tuple[tuple[int, Outcome], ...], failures: int, since: str
) -> None:
    state = after(*nights)
    assert (state.failures, state.since) == (failures, since)
    assert state.gone == (failures == 3)


def test_the_first_night_is_remembered_after_its_outcome_is_forgotten() -> None:
    state = after(*((day, "dead") for day in range(1, 20)))
    assert len(state.outcomes) == KEPT and state.outcomes[-1].night == "2026-11-19"
    assert (state.failures, state.since) == (19, "2026-11-01")


def test_a_damaged_line_costs_only_itself_and_is_counted(tmp_path: Path) -> None:
    states = [after((1, "dead")), LinkState("https://exemple.fr/é\ud800", (Checked("2026-11-01", "ok"),))]
    link_states.write(tmp_path, states)
    path = tmp_path / link_states.NAME
    lines = path.read_bytes()
    damage = (b"{", b"", b"[1]", b'{"url": 3}', b'{"url": "a", "outcomes": [{"night": "x", "outcome": "?"}]}')
    path.write_bytes(lines + b"\n".join(damage) + b"\xff\n" + b'{"url": "' + b"a" * 300_000 + b'"}\n')
    found = link_states.read(tmp_path)
    assert found.states[URL] == states[0]
    assert found.damaged >= len(damage)


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert link_states.read(tmp_path) == link_states.Links()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    gone = after((1, "dead"), (2, "dead"), (3, "dead"))
    link_states.write(tmp_path, [gone, LinkState("https://exemple.fr/b", (Checked("2026-11-01", "ok"),))])
    found = link_states.read(tmp_path)
    assert found.gone == {URL: "2026-11-01"} and len(found.states) == 2 and not found.damaged


def test_the_longest_state_that_is_written_is_read(tmp_path: Path) -> None:
    long = "https://exemple.fr/" + "\U0001f4a7" * 1_981
    moves = tuple(Checked(f"2026-11-0{n}", "moved", "é" * 300, long) for n in range(1, KEPT + 1))
    link_states.write(tmp_path, [LinkState(long, moves)])
    assert link_states.read(tmp_path) == link_states.Links({long: LinkState(long, moves)})


@pytest.mark.parametrize(("failures", "since"), [(3, ""), (3, "hier"), (0, "hier"), (-1, "2026-11-01")])
def test_failures_without_a_date_are_damage(tmp_path: Path, failures: int, since: str) -> None:
    link_states.write(tmp_path, [LinkState(URL, (Checked("2026-11-01", "dead"),), failures, since)])
    assert link_states.read(tmp_path) == link_states.Links({}, 1)

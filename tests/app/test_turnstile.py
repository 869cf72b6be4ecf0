"""The queue before the model: bounded, in order, and polite."""

from __future__ import annotations

import threading

import pytest

from reco.app import turnstile, wording
from reco.app.turnstile import Turnstile
from reco.errors import ServerBusy
from tests.app.conftest import Open
from tests.app.test_pages import search


def test_only_so_many_pass_at_a_time() -> None:
    gate, held, most = Turnstile(2, queue=20, patience=30), [0], [0]
    lock = threading.Lock()

    def work() -> None:
        with gate.passing():
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            threading.Event().wait(0.01)
            with lock:
                held[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [2]


def elsewhere(gate: Turnstile) -> bool:
    """Return whether another thread passes."""
    passed = []

    def work() -> None:
        try:
            with gate.passing():
                passed.append(True)
        except ServerBusy:
            passed.append(False)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=20)
    return passed == [True]


@pytest.mark.parametrize(("queue", "patience"), [(0, 30.0), (1, 0.01)])
def test_a_full_queue_and_one_that_stands_turn_away(queue: int, patience: float) -> None:
    gate = Turnstile(1, queue, patience)
    for _ in range(3):
        with gate.passing():
            assert not elsewhere(gate)
        assert elsewhere(gate)


def test_who_holds_a_place_needs_no_other() -> None:
    gate = Turnstile(1, queue=0, patience=0.01)
    with gate.passing(), gate.passing():
        assert not elsewhere(gate)
    assert elsewhere(gate)


def test_a_failure_frees_the_place() -> None:
    gate = Turnstile(1, queue=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.passing():
            raise ZeroDivisionError


def test_an_overloaded_server_says_so_and_keeps_the_text(
    home: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = page()
    monkeypatch.setattr(turnstile, "SHARED", Turnstile(1, queue=0, patience=0.01))
    with turnstile.SHARED.passing():
        search(test, "rénover notre école")
        assert [error.value for error in test.error] == [wording.phrase("fr", "failure.busy")]
        assert test.text_area(key="description").value == "rénover notre école"
    assert len(test.run().subheader) == 3

"""The queue before the model: bounded, in order, and polite."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import streamlit as st

import reco
from reco.app import phrases
from reco.errors import ServerBusy
from reco.ranking.query import Query
from reco.serving import request_queue
from reco.serving.request_queue import Turnstile
from tests.app.conftest import PLACED, ROWS, Open, Publish
from tests.app.test_pages import search

LONG = 240.0
"""Seconds that nothing here takes, however many programs share the processor."""


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    for _ in range(int(LONG / 0.01)):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_only_so_many_pass_at_a_time() -> None:
    gate, held, most = Turnstile(2, queue=20, patience=LONG), [0], [0]
    lock, pair = threading.Lock(), threading.Barrier(2)

    def work() -> None:
        with gate.passing():
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            # Who waits here for another proves that two pass; the pause gives a third the time to.
            pair.wait(LONG)
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
    thread.join(timeout=LONG)
    return passed == [True]


@pytest.mark.parametrize(("queue", "patience"), [(0, LONG), (1, 0.01)])
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


def test_who_waits_passes_in_turn_and_is_told_the_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "FIRST_WORD", 0.02)
    monkeypatch.setattr(request_queue, "NEXT_WORD", 0.02)
    gate = Turnstile(1)
    passed: list[int] = []
    told: dict[int, list[int]] = {number: [] for number in range(3)}

    def work(number: int) -> None:
        with gate.passing(told[number].append):
            passed.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    with gate.passing():
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda number=number: bool(told[number]))
        assert [ranks[0] for ranks in told.values()] == [1, 2, 3]
    for thread in threads:
        thread.join()
    assert passed == [0, 1, 2]


def test_who_leaves_the_queue_frees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "FIRST_WORD", 0.01)
    gate = Turnstile(1, queue=1)

    def leave(_rank: int) -> None:
        raise KeyboardInterrupt

    def work() -> None:
        with pytest.raises(KeyboardInterrupt), gate.passing(leave):
            raise AssertionError("the place was taken")

    with gate.passing():
        for _ in range(3):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert elsewhere(gate)


def test_who_steps_aside_lets_others_pass_and_comes_back() -> None:
    gate = Turnstile(1, queue=0, patience=0.01)
    with gate.passing():
        assert not elsewhere(gate)
        with gate.aside():
            assert elsewhere(gate)
        assert not elsewhere(gate)
    assert elsewhere(gate)
    with gate.aside():
        assert elsewhere(gate), "who holds no place has none to give"


def test_a_visitor_who_waits_reads_the_rank_and_then_the_results(
    home: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = page()
    monkeypatch.setattr(request_queue, "FIRST_WORD", 0.05)
    monkeypatch.setattr(request_queue, "NEXT_WORD", LONG)
    gate = Turnstile(1)
    monkeypatch.setattr(request_queue, "SHARED", gate)
    told: list[str] = []
    entered, free = threading.Event(), threading.Event()

    def hold() -> None:
        with gate.passing():
            entered.set()
            free.wait(LONG)

    real = st.delta_generator.DeltaGenerator.info

    def info(self: object, body: str, **others: object) -> object:
        told.append(body)
        free.set()
        return real(self, body, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(st.delta_generator.DeltaGenerator, "info", info)
    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(LONG)
    search(test, "rénover notre école")
    thread.join()
    assert told == [phrases.phrase("fr", "progress.queue", rank=1)]
    assert not test.info and len(test.subheader) == 3


def test_an_overloaded_server_says_so_and_keeps_the_text(
    home: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = page()
    monkeypatch.setattr(request_queue, "SHARED", Turnstile(1, queue=0, patience=0.01))
    with request_queue.SHARED.passing():
        search(test, "rénover notre école")
        assert [error.value for error in test.error] == [phrases.phrase("fr", "failure.busy")]
        assert test.text_area(key="description").value == "rénover notre école"
    assert len(test.run().subheader) == 3


def test_who_stands_aside_and_finds_no_place_again_has_none_to_leave() -> None:
    gate = Turnstile(1, queue=1, patience=0.05)
    inside, done = threading.Event(), threading.Event()

    def stay() -> None:
        with gate.passing():
            inside.set()
            done.wait(LONG)

    other = threading.Thread(target=stay)
    with pytest.raises(ServerBusy), gate.passing(), gate.aside():
        other.start()
        assert inside.wait(LONG)
    assert not elsewhere(gate)
    done.set()
    other.join()
    with gate.passing():
        assert not elsewhere(gate)


class Asked(Turnstile):
    """A queue that says when somebody comes to it."""

    def __init__(self, places: int) -> None:
        super().__init__(places)
        self.come = threading.Event()

    def passing(self, tell: request_queue.Told | None = None) -> AbstractContextManager[None]:
        self.come.set()
        return super().passing(tell)


@pytest.mark.parametrize(("view", "asked"), [("sheet", {"id": "ecole"}), ("news", {})])
def test_a_page_that_waits_to_ask_leaves_the_drawing_to_others(
    publish: Publish, page: Open, monkeypatch: pytest.MonkeyPatch, view: str, asked: dict[str, str]
) -> None:
    """Else a few sheets or news, opened while many search, would keep every other page waiting."""
    publish(ROWS)
    reco.open().projects.add("Notre école", Query.of("rénover le chauffage de l'école", k=2))
    publish([*ROWS, PLACED[0]])
    drawing, shared = Turnstile(1, patience=LONG), Asked(1)
    monkeypatch.setattr(request_queue, "DRAWING", drawing)
    monkeypatch.setattr(request_queue, "SHARED", shared)
    held, free = threading.Event(), []

    def search() -> None:
        with shared.passing():
            shared.come.clear()
            held.set()
            free.append(shared.come.wait(LONG) and elsewhere(drawing))

    other = threading.Thread(target=search)
    other.start()
    assert held.wait(LONG)
    test = page(view, **asked)
    other.join()
    assert free == [True]
    assert not test.exception and not test.error
    assert elsewhere(drawing) and elsewhere(shared)

"""The curator's door: off when unset, slow for who guesses, and each session's own."""

from __future__ import annotations

import inspect

import pytest
from streamlit.testing.v1 import AppTest

from reco.app import phrases
from reco.app.state import curator_access
from reco.app.state.curator_access import FREE, LONGEST, SHORTEST, VARIABLE, Door
from tests.app.conftest import ROWS, Open, Publish, everything


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def failing(door: Door, times: int) -> None:
    for _ in range(times):
        assert not door.opens("faux", "juste")


def test_the_right_word_opens_and_others_do_not() -> None:
    door = Door()
    assert door.opens("juste", "juste")
    for given in ("", "Juste", "juste ", "\ud800", "j" * 1_000_000):
        assert not Door().opens(given, "juste")


def test_without_a_password_nothing_opens() -> None:
    assert not Door().opens("", "")


def test_the_wait_doubles_and_is_bounded_and_even_the_right_word_waits() -> None:
    clock = Clock()
    door = Door(clock)
    failing(door, FREE)
    assert door.wait() == SHORTEST
    assert not door.opens("juste", "juste")
    waits = []
    for _ in range(12):
        clock.now += door.wait()
        failing(door, 1)
        waits.append(door.wait())
    assert waits[:3] == [2 * SHORTEST, 4 * SHORTEST, 8 * SHORTEST]
    assert waits[-1] == LONGEST
    clock.now += LONGEST
    assert door.opens("juste", "juste")
    failing(door, FREE - 1)
    assert door.wait() == 0, "a success forgets the failures before it"


def test_attempts_during_a_wait_do_not_count() -> None:
    clock = Clock()
    door = Door(clock)
    failing(door, FREE + 50)
    assert door.wait() == SHORTEST


def test_words_are_compared_in_constant_time() -> None:
    source = inspect.getsource(Door.opens)
    assert "compare_digest" in source and "==" not in source


def at_the_door(page: Open) -> AppTest:
    return page("curator")


def attempt(test: AppTest, word: str) -> AppTest:
    test.text_input(key="curator_word").set_value(word)
    return test.button(key="curator_enter").click().run()


def test_the_page_is_absent_when_no_password_is_set(
    home: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    test = page()
    with pytest.raises(ValueError, match="curator"):
        test.switch_page("views/curator.py")
    assert not curator_access.expected()


def test_its_script_shows_nothing_without_a_password(home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even were the page reached, there is no field to try a word in."""
    from reco.app.server import SCRIPT

    monkeypatch.delenv(VARIABLE, raising=False)
    test = AppTest.from_file(str(SCRIPT.parent / "views" / "curator.py"), default_timeout=240).run()
    assert not test.text_input and not test.tabs
    assert [info.value for info in test.info] == [phrases.phrase("fr", "curator.off")]


@pytest.fixture
def curated(home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "un mot de passe")


def test_the_right_password_shows_what_is_kept_for_the_curator(curated: None, page: Open) -> None:
    test = at_the_door(page)
    assert not test.tabs
    attempt(test, "un mot de passe")
    assert not test.exception and not test.error
    assert len(test.tabs) >= 3
    assert test.session_state["curator_word"] == "", "the word is not kept with the session"
    test.button(key="curator_leave").click().run()
    assert not test.tabs


def test_a_session_does_not_let_another_in(curated: None, page: Open) -> None:
    attempt(at_the_door(page), "un mot de passe")
    assert not at_the_door(page).tabs


def test_a_changed_password_shuts_sessions_out(
    curated: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = attempt(at_the_door(page), "un mot de passe")
    monkeypatch.setenv(VARIABLE, "un autre")
    assert not test.run().tabs


def test_failures_of_all_sessions_count_together(
    curated: None, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        curator_access, "SHORTEST", LONGEST
    )  # a busy machine may take longer than the real one
    for _ in range(FREE):
        test = attempt(at_the_door(page), "faux")
        assert not test.tabs
    test = attempt(at_the_door(page), "un mot de passe")
    assert not test.tabs
    assert "secondes" in test.warning[0].value


def test_refused_rows_and_duplicates_are_shown(
    publish: Publish, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "mot")
    good = [(f"g{n}", f"Guide {n}", "", "", "Rapports", "Eau", "", f"Texte {n}.") for n in range(30)]
    twice = [
        (
            name,
            "Rénover une école de village",
            "Fédération",
            year,
            "Guides & outils",
            "Énergie",
            "https://example.org/ecole",
            "Une école se rénove par étapes.",
        )
        for name, year in (("a", "2019"), ("b", "2024"))
    ]
    publish([*good, *twice, ("sans-titre", "", "=cmd()", "20x", "Rapports", "Eau", "", "Un texte.")])
    test = attempt(at_the_door(page), "mot")
    shown = everything(test)
    assert not test.exception
    assert phrases.phrase("fr", "curator.rows.one", count=1) in shown
    assert "=cmd()" in shown
    assert phrases.phrase("fr", "curator.family_count.one", count=1) in shown
    assert phrases.phrase("fr", "family.url") in shown
    assert len(ROWS) and phrases.phrase("fr", "curator.no_decisions_file").split("`")[0] in shown

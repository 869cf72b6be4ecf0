"""Ids are of their source: what several sources use is told apart, and nobody ever swaps."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.identifiers import FILE, Before, Ids, load, save, tell_apart

Shown = Mapping[str, set[str]]


def names(shown: Shown, ids: Ids) -> dict[tuple[str, str], str]:
    return {(source, own): ids.served(source, own) for source, owns in shown.items() for own in owns}


def told(shown: Shown, before: Before | None = None) -> dict[tuple[str, str], str]:
    return names(shown, tell_apart(shown, before or Before()))


def test_an_id_that_one_source_uses_stays() -> None:
    assert told({"a": {"1", "x:2"}, "b": {"3"}}) == {("a", "1"): "1", ("a", "x:2"): "x:2", ("b", "3"): "3"}


def test_what_collides_is_told_apart_for_all_alike() -> None:
    assert told({"a": {"1"}, "b": {"1"}}) == {("a", "1"): "a:1", ("b", "1"): "b:1"}


def test_who_was_served_under_the_id_keeps_it() -> None:
    before = Before(served={"b": {"1"}})
    assert told({"a": {"1"}, "b": {"1"}, "c": {"1"}}, before) == {
        ("a", "1"): "a:1",
        ("b", "1"): "1",
        ("c", "1"): "c:1",
    }


def test_a_decision_on_an_id_that_nobody_remembers_is_about_a_source_that_was_there() -> None:
    before = Before(served={"b": {"2"}}, cited={"1"})  # `b:1` was hidden by a version that remembered no ids
    shown = {"a": {"1"}, "b": {"1", "2"}}
    assert told(shown, before) == {("a", "1"): "a:1", ("b", "1"): "1", ("b", "2"): "2"}


def test_an_id_that_was_left_is_free_and_one_that_was_disputed_is_not() -> None:
    assert told({"a": {"2"}, "b": {"1"}}, Before(served={"a": {"1", "2"}}))["b", "1"] == "1"
    ids = Ids({("a", "1"): "1", ("b", "1"): "b:1"})
    assert told({"a": {"2"}, "b": {"1"}, "c": {"1"}}, Before(ids=ids)) == {
        ("a", "2"): "2",
        ("b", "1"): "b:1",
        ("c", "1"): "c:1",
    }


def test_a_true_id_that_looks_like_one_told_apart() -> None:
    shown = {"a": {"1"}, "b": {"1", ":1"}, "c": {"b:1"}}
    found = told(shown)
    assert found["c", "b:1"] == "b:1" and found["b", "1"] == "b::1" and found["b", ":1"] == ":1"
    late = Before(ids=tell_apart({"a": {"1"}, "b": {"1"}}, Before()))
    assert told(shown, late)["b", "1"] == "b:1" and told(shown, late)["c", "b:1"] == "c:b:1"


def test_a_source_that_comes_back_has_its_ids_unless_another_took_them() -> None:
    both = tell_apart({"a": {"1"}, "b": {"1"}}, Before(served={"a": {"1"}}))
    alone = tell_apart({"b": {"1"}}, Before(served={"b": {"1"}}, ids=both))
    assert alone.served("b", "1") == "b:1"
    assert told({"a": {"1"}, "b": {"1"}}, Before(ids=alone)) == {("a", "1"): "1", ("b", "1"): "b:1"}
    other = tell_apart({"c": {"1"}}, Before(ids=Ids({("a", "1"): "1"})))
    before = Before(served={"c": {"1"}}, ids=other)
    assert told({"a": {"1"}, "c": {"1"}}, before) == {("a", "1"): "a:1", ("c", "1"): "1"}


def test_what_the_curator_decided_on_is_of_the_first_source() -> None:
    before = Before(cited={"1", "2"})
    assert told({"b": {"1"}, "a": {"1", "2"}}, before) == {
        ("b", "1"): "1",
        ("a", "1"): "a:1",
        ("a", "2"): "2",
    }


OWNS = st.sets(st.sampled_from(["1", "2", ":1", "a:1", "b:1", "b::1", "c:b:1", "x"]))
NIGHT = st.fixed_dictionaries({source: OWNS | st.just({"fails"}) for source in "abc"})


@given(st.lists(st.tuples(NIGHT, st.permutations("abc"), st.sets(st.sampled_from("abc"))), max_size=6))
def test_no_id_ever_changes_hands(story: list[tuple[dict[str, set[str]], list[str], set[str]]]) -> None:
    """In any order of the sources, with any of them failing, removed or without some rows for a while."""
    rows: dict[str, set[str]] = {}
    ids, ever = Ids(), dict[tuple[str, str], str]()
    disputed = set[str]()
    for night, order, removed in story:
        shown = {
            source: rows.get(source, set()) if night[source] == {"fails"} else night[source]
            for source in order
            if source not in removed
        }
        before = Before(rows, ids)
        ids = tell_apart(shown, before)
        found = names(shown, ids)
        assert len(set(found.values())) == len(found), "no two rows share an id, and none is lost"
        for other in permutations(shown):
            assert told({source: shown[source] for source in other}, before) == found
        owns = [own for source in shown for own in shown[source]]
        disputed |= {own for own in owns if owns.count(own) > 1}
        for (source, own), name in found.items():
            if own not in disputed and own not in ids.names.values():
                assert name == own, "an id that no other source uses stays as it is"
            if (source, own) in ever and own in rows.get(source, ()):
                assert name == ever[source, own], "what is served goes on under its id"
        ever.update(found)
        rows = shown


def test_a_home_remembers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert load(tmp_path) == Ids()
    save(tmp_path, Ids())
    assert not (tmp_path / FILE).exists()
    ids = Ids({("a", "\ud800é"): "a:\ud800é", ("b", "1"): "1"})
    save(tmp_path, ids)
    assert load(tmp_path) == ids and ids.own("a", "a:\ud800é") == "\ud800é"
    with (tmp_path / FILE).open("a") as stream:
        stream.write('["c", "1"\n')
    assert load(tmp_path) == ids and "ids.jsonl, line 3 is skipped" in caplog.text

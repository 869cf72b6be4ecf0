"""What changed between two snapshots, one cause for every move, and the feed of what is new."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.catalogue.catalogue import Changes
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import StorageError
from reco.projects.answers import RecordedAnswer, rank
from reco.projects.changes import Cause, attribute, compare
from reco.projects.feed import Arrival, arrivals, document
from reco.projects.store import Project
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.snapshots.history import read
from reco.snapshots.snapshot import Snapshot, build
from reco.storage import atomic
from reco.storage.tables import save
from tests.support import Home, edited, publish, resource, resources, rows, run_cli, snapshot_of

CAFE = "rouvrir le café du village"


def refresh(home: Home, table: list[dict[str, str]]) -> None:
    home.write(table)
    done = run_cli("refresh", "--json", *home.arguments)
    assert done.code == 0 and done.json["published"], done


def follow(home: Home, name: str = "Café", text: str = CAFE, *options: str) -> None:
    assert run_cli("projects", "add", name, text, *options, *home.arguments).code == 0


def changes(home: Home, *options: str) -> Any:
    done = run_cli("changes", *options, "--json", *home.arguments)
    assert done.code == 0, done
    return done.json


def first(home: Home, count: int = 10, text: str = CAFE) -> list[str]:
    answer = home.recommender().recommend(Query.of(text, count))
    return [item.resource.id for item in answer.recommendations]


def causes(moves: list[dict[str, Any]]) -> dict[str, str]:
    return {move["id"]: move["cause"] for move in moves}


def cafe_row(identifier: str = "r99", **values: str) -> dict[str, str]:
    summary = "Rouvrir le café du village, avec le village, pour le village."
    return {**rows()[4], "id": identifier, "title": "Le café du village rouvre", "summary": summary, **values}


# The rule, on rankings alone


def test_a_new_resource_pushes_the_last_out() -> None:
    found = attribute("abc", "xabc", 3, Changes(("x",), (), (), 3), Cause.SETTINGS)
    assert found == ({"x": Cause.NEW}, {"c": Cause.NEW})


def test_a_removed_resource_lets_the_next_in() -> None:
    found = attribute("abcd", "acd", 3, Changes((), (), ("b",), 3), Cause.SETTINGS)
    assert found == ({"d": Cause.REMOVED}, {"b": Cause.REMOVED})


def test_an_edited_resource_that_falls_lets_the_next_in() -> None:
    found = attribute("abcd", "acdb", 3, Changes((), ("b",), (), 3), Cause.SETTINGS)
    assert found == ({"d": Cause.EDITED}, {"b": Cause.EDITED})


def test_an_edited_resource_that_stays_pushes_nobody() -> None:
    found = attribute("aeb", "xaeb", 3, Changes(("x",), ("e",), (), 2), Cause.SETTINGS)
    assert found == ({"x": Cause.NEW}, {"b": Cause.NEW})
    found = attribute("axeb", "aeb", 3, Changes((), ("e",), ("x",), 2), Cause.SETTINGS)
    assert found == ({"b": Cause.REMOVED}, {"x": Cause.REMOVED})


def test_each_push_has_its_own_cause() -> None:
    # x is put back first and pushes c out, then the edited e pushes b out.
    found = attribute("abcde", "xaebcd", 3, Changes(("x",), ("e",), (), 4), Cause.SETTINGS)
    assert found == ({"x": Cause.NEW, "e": Cause.EDITED}, {"b": Cause.EDITED, "c": Cause.NEW})


def test_what_no_neighbour_explains_has_the_other_cause() -> None:
    # d and c changed places whatever x did: x pushed d's rival b, the model moved c.
    found = attribute("abcd", "xadbc", 3, Changes(("x",), (), (), 4), Cause.MODEL)
    assert found == ({"x": Cause.NEW, "d": Cause.MODEL}, {"b": Cause.NEW, "c": Cause.MODEL})


def test_new_resources_below_the_first_hide_nothing() -> None:
    # Without any of the new ones, c would be third still: it is not the model that put it fifth.
    found = attribute("abc", "xaybc", 3, Changes(("x", "y"), (), (), 3), Cause.MODEL)
    assert found == ({"x": Cause.NEW, "y": Cause.NEW}, {"b": Cause.NEW, "c": Cause.NEW})
    assert attribute("abc", "abxyc", 3, Changes(("x", "y"), (), (), 3), Cause.MODEL)[1] == {"c": Cause.NEW}


def test_a_list_that_is_not_full_pushes_nobody() -> None:
    found = attribute("ab", "axb", 3, Changes(("x",), (), (), 2), Cause.MODEL)
    assert found == ({"x": Cause.NEW}, {})
    assert attribute("", "ab", 3, Changes(("a", "b"), (), (), 0), Cause.MODEL)[0] == {
        "a": Cause.NEW,
        "b": Cause.NEW,
    }


NAMES = [f"{n:02}" for n in range(24)]


@st.composite
def worlds(draw: st.DrawFn, steady: bool) -> tuple[list[str], list[str], int, Changes]:
    """Two rankings; when steady, what did not change keeps its order, as under one model."""
    old = draw(st.permutations(NAMES[: draw(st.integers(0, 16))]))
    removed = draw(st.sets(st.sampled_from(old))) if old else set()
    stay = [i for i in old if i not in removed]
    changed = draw(st.sets(st.sampled_from(stay))) if stay else set()
    added = NAMES[16 : 16 + draw(st.integers(0, 8))]
    new = [i for i in stay if i not in changed]
    if not steady:
        new = draw(st.permutations(new))
    for name in (*sorted(changed), *added):
        new.insert(draw(st.integers(0, len(new))), name)
    unchanged = len(stay) - len(changed)
    found = Changes(tuple(added), tuple(sorted(changed)), tuple(sorted(removed)), unchanged)
    return old, new, draw(st.integers(1, 10)), found


def check_moves(old: list[str], new: list[str], k: int, found: Changes) -> None:
    entries, exits = attribute(old, new, k, found, Cause.MODEL)
    assert set(entries) == set(new[:k]) - set(old[:k]) and set(exits) == set(old[:k]) - set(new[:k])
    assert [i for i in new[:k] if i in entries] == list(entries)
    assert (set(old[:k]) - set(exits)) | set(entries) == set(new[:k])
    assert (entries, exits) == attribute(old, new, k, found, Cause.MODEL)
    for name, cause in entries.items():
        assert isinstance(cause, Cause)
        assert (cause is Cause.NEW) == (name in found.added)
        assert name not in found.changed or cause is Cause.EDITED
    for name, cause in exits.items():
        assert (cause is Cause.REMOVED) == (name in found.removed)
        assert name not in found.changed or cause is Cause.EDITED
    # A push costs one place: no more are pushed out by what is new than there is new.
    pushed = [name for name, cause in exits.items() if cause is Cause.NEW]
    assert len(pushed) <= sum(cause is Cause.NEW for cause in entries.values())


@settings(max_examples=300)
@given(worlds(steady=False))
def test_every_move_has_one_cause(world: tuple[list[str], list[str], int, Changes]) -> None:
    check_moves(*world)


@settings(max_examples=300)
@given(worlds(steady=True))
def test_under_one_model_the_catalogue_explains_every_move(
    world: tuple[list[str], list[str], int, Changes],
) -> None:
    check_moves(*world)
    old, new, k, found = world
    entries, exits = attribute(old, new, k, found, Cause.MODEL)
    assert Cause.MODEL not in {*entries.values(), *exits.values()}


# Snapshots


def moves_of(
    before: Snapshot | None, after: Snapshot, project: Project, weights: Fusion | None = None
) -> Any:
    def ranked(snapshot: Snapshot | None, fusion: Fusion) -> dict[str, RecordedAnswer]:
        if snapshot is None:
            return {}
        return {project.id: rank(Recommender(snapshot, ENCODER, fusion), project)}

    old = ranked(before, Fusion())
    new = ranked(after, weights or Fusion())
    return compare(before, after, [project], old, new).projects[0]


ENCODER = HashingEncoderForTests(32)
PROJECT = Project("cafe", "Café", CAFE, "2026-01-01T00:00:00+00:00", k=6)


def headed(snapshot: Snapshot, seed: int | None) -> Snapshot:
    head = None
    if seed is not None:
        head = np.random.default_rng(seed).standard_normal((32, 32)).astype(np.float32)
    return build(snapshot.manifest, snapshot.catalogue, snapshot.table, head)


edits = st.lists(st.tuples(st.integers(0, 23), st.sampled_from(["drop", "facet", "text"])), max_size=6)


@settings(max_examples=25)
@given(edits, st.integers(0, 3), st.sampled_from([None, 1]), st.booleans())
def test_applying_the_moves_to_the_old_results_gives_the_new(
    edits: list[tuple[int, str]], more: int, head: int | None, reweighted: bool
) -> None:
    found = {r.id: r for r in resources()}
    for row, what in edits:
        one = f"r{row:02}"
        if what == "drop":
            found.pop(one, None)
        elif one in found:
            text = {"summary": "Le café du village."} if what == "text" else {"publisher": "Autre"}
            found[one] = replace(found[one], **text)
    for number in range(more):
        found[f"x{number}"] = resource(f"x{number}", "Rouvrir un café", summary="Un café au village.")
    before = snapshot_of(resources(), ENCODER)
    after = headed(snapshot_of(found.values(), ENCODER, "000002"), head)
    fusion = Fusion(words=0.0) if reweighted else Fusion()
    moved = moves_of(before, after, PROJECT, fusion)
    old = rank(Recommender(before, ENCODER), PROJECT).ids[:6]
    new = rank(Recommender(after, ENCODER, fusion), PROJECT).ids[:6]
    assert {*old} - {m.id for m in moved.exits} | {m.id for m in moved.entries} == {*new}
    assert all(new[m.rank - 1] == m.id for m in moved.entries)
    assert all(old[m.rank - 1] == m.id for m in moved.exits)
    changes = compare(before, after)
    quiet = not (changes.added or changes.changed or changes.removed)
    seen = {m.cause for m in (*moved.entries, *moved.exits)}
    allowed = {Cause.MODEL if head else Cause.SETTINGS if reweighted or quiet else None}
    allowed |= {Cause.NEW} if changes.added else set()
    allowed |= {Cause.EDITED} if changes.changed else set()
    allowed |= {Cause.REMOVED} if changes.removed else set()
    assert seen <= allowed


def test_another_head_is_another_model() -> None:
    plain = snapshot_of(resources(), ENCODER)
    for before, after in (
        (plain, headed(plain, 1)),
        (headed(plain, 1), headed(plain, 2)),
        (headed(plain, 1), plain),
    ):
        moved = moves_of(before, after, PROJECT, Fusion(words=0.0))
        assert moved.entries and {m.cause for m in (*moved.entries, *moved.exits)} == {Cause.MODEL}
    same = moves_of(headed(plain, 1), headed(plain, 1), PROJECT)
    assert not same.entries and not same.exits


def test_other_weights_or_acronyms_are_other_settings() -> None:
    plain = snapshot_of(resources(), ENCODER)
    moved = moves_of(plain, plain, PROJECT, Fusion(words=0.0, grams=0.0))
    assert moved.entries and {m.cause for m in (*moved.entries, *moved.exits)} == {Cause.SETTINGS}
    more = snapshot_of([*resources(), resource("z", "Rien à voir")], ENCODER)
    stamped = replace(more, manifest=replace(more.manifest, settings={"making": "another"}))
    old = {"cafe": RecordedAnswer(PROJECT.key, ("r01", "r02"))}
    new = {"cafe": RecordedAnswer(PROJECT.key, ("r03", "r01"))}
    one = replace(PROJECT, k=1)
    for before, after in (
        (stamped, plain),
        (plain, replace(more, manifest=replace(more.manifest, version="0"))),
    ):
        assert compare(before, after, [one], old, new).projects[0].entries[0].cause is Cause.SETTINGS


def test_when_only_rarity_can_explain_a_move_it_has_the_commonest_change() -> None:
    plain = snapshot_of(resources(), ENCODER)
    more = snapshot_of([*resources()[1:], resource("y", "Rien à voir"), resource("z", "Ni ceci")], ENCODER)
    old = {"cafe": RecordedAnswer(PROJECT.key, ("r01", "r02"))}
    new = {"cafe": RecordedAnswer(PROJECT.key, ("r03", "r01"))}
    assert compare(plain, more, [replace(PROJECT, k=1)], old, new).projects[0].entries[0].cause is Cause.NEW


# The command


def test_changes_of_a_first_snapshot_are_everything(served: Home) -> None:
    follow(served)
    found = changes(served)
    assert (found["from"], found["to"]) == (None, "000001")
    assert [r["id"] for r in found["added"]] == [row["id"] for row in rows()]
    assert found["changed"] == found["removed"] == []
    (project,) = found["projects"]
    assert [(m["id"], m["rank"], m["cause"]) for m in project["entries"]] == [
        (i, n, "new") for n, i in enumerate(first(served), 1)
    ]
    assert project["exits"] == []


def test_changes_have_the_documented_shape(served: Home) -> None:
    follow(served)
    old = first(served, 11)
    table = edited(rows(), "r07", title="Le budget des habitants", publisher="Éditions du Pré", year="1999")
    refresh(served, [*(row for row in table if row["id"] != old[0]), cafe_row()])
    found = changes(served)
    assert set(found) == {"from", "to", "added", "changed", "removed", "projects"}
    assert (found["from"], found["to"]) == ("000001", "000002")
    assert found["added"] == [{"id": "r99", "title": "Le café du village rouvre"}]
    gone = next(row for row in rows() if row["id"] == old[0])
    assert found["removed"] == [{"id": old[0], "title": gone["title"]}]
    assert found["changed"] == [
        {"id": "r07", "title": "Le budget des habitants", "fields": ["title", "publisher", "year"]}
    ]
    (project,) = found["projects"]
    assert (project["id"], project["name"], project["problem"]) == ("cafe", "Café", None)
    assert {"id": "r99", "title": "Le café du village rouvre", "rank": 1, "cause": "new"} in project[
        "entries"
    ]
    assert {"id": old[0], "title": gone["title"], "rank": 1, "cause": "removed"} in project["exits"]
    shown = run_cli("changes", *served.arguments)
    assert shown.code == 0 and "1. Le café du village rouvre  [new]" in shown.out


def test_a_quiet_comparison_moves_nothing(served: Home) -> None:
    follow(served)
    found = changes(served, "000001", "000001")
    assert found["added"] == found["changed"] == found["removed"] == []
    assert found["projects"][0]["entries"] == found["projects"][0]["exits"] == []


def test_any_two_snapshots_can_be_compared(served: Home) -> None:
    follow(served)
    refresh(served, [*rows(), cafe_row()])
    refresh(served, rows()[:20])
    assert [len(changes(served)[kind]) for kind in ("added", "removed")] == [0, 5]
    assert [r["id"] for r in changes(served, "000001")["removed"]] == ["r20", "r21", "r22", "r23"]
    back = changes(served, "000002", "000001")
    assert [r["id"] for r in back["removed"]] == ["r99"] and back["projects"][0]["exits"][0][
        "cause"
    ] == "removed"
    for pair in (("000009",), ("000001", "000009")):
        assert run_cli("changes", *pair, "--json", *served.arguments).code == 1


def test_changes_follow_what_is_served_not_the_newest(served: Home) -> None:
    refresh(served, [*rows(), cafe_row()])
    refresh(served, rows()[:20])
    run_cli("rollback", "000002", *served.arguments)
    found = changes(served)
    assert (found["from"], found["to"]) == ("000001", "000002")


def test_a_parent_that_was_pruned_is_replaced_and_said(served: Home) -> None:
    for number in range(4):
        refresh(served, edited(rows(), "r01", year=str(1990 + number)))
    run_cli("rollback", "000003", *served.arguments)
    shutil.rmtree(served.path / "snapshots" / "000002")
    done = run_cli("changes", "--json", *served.arguments)
    assert done.json["from"] == "000001" and "000002 is gone" in done.err
    shutil.rmtree(served.path / "snapshots" / "000001")
    done = run_cli("changes", "--json", *served.arguments)
    assert done.code == 1 and "no longer on disk" in done.json["error"]


def test_another_encoder_is_told_by_what_was_recorded(served: Home) -> None:
    follow(served)
    before = first(served)
    served.dimension = 32
    served.configure()
    refresh(served, [*rows(), cafe_row()])
    after = [i.resource.id for i in served.recommender().recommend(Query.of(CAFE)).recommendations]
    (project,) = changes(served)["projects"]
    entries, exits = causes(project["entries"]), causes(project["exits"])
    assert project["problem"] is None and set(exits) == set(before) - set(after)
    assert set(entries) == set(after) - set(before)
    assert entries["r99"] == "new" and set(entries.values()) == {"new", "model"}
    assert list(exits.values()).count("new") <= 1 and set(exits.values()) <= {"new", "model"}


def test_another_encoder_without_a_record_is_said_not_guessed(served: Home) -> None:
    follow(served)
    (served.path / "projects" / "answers" / "000001.json").unlink()
    served.dimension = 32
    served.configure()
    refresh(served, rows())
    (project,) = changes(served)["projects"]
    assert "000001" in project["problem"] and project["entries"] == project["exits"] == []
    assert "000001" in run_cli("changes", *served.arguments).out


def test_settings_changed_before_a_refresh_still_compare_what_was_served(served: Home) -> None:
    follow(served)
    refresh(served, [*rows(), cafe_row()])
    served.dimension = 32
    served.configure()
    (project,) = changes(served)["projects"]
    assert project["problem"] is None and causes(project["entries"]) == {"r99": "new"}


def test_other_weights_are_seen_from_one_snapshot_to_the_next(served: Home) -> None:
    follow(served, "Eau", "compter l'eau des fontaines", "-k", "8")
    served.extra = "[ranking]\nmeaning = 0.0\n"
    served.configure()
    refresh(served, edited(rows(), "r00", evidence="vu"))
    (project,) = changes(served)["projects"]
    moved = [*project["entries"], *project["exits"]]
    assert moved and {m["cause"] for m in moved if m["id"] != "r00"} == {"settings"}


def test_other_weights_are_seen_at_once_in_what_is_served(served: Home) -> None:
    follow(served, "Eau", "compter l'eau des fontaines", "-k", "8")
    refresh(served, edited(rows(), "r00", evidence="vu"))
    assert changes(served)["projects"][0]["entries"] == []
    served.extra = "[ranking]\nmeaning = 0.0\n"
    served.configure()
    (project,) = changes(served)["projects"]
    assert "settings" in causes(project["entries"]).values()
    shown = run_cli("recommend", "compter l'eau des fontaines", "-k", "8", "--json", *served.arguments).json
    ranks = {item["id"]: item["rank"] for item in shown["recommendations"]}
    assert all(ranks[move["id"]] == move["rank"] for move in project["entries"])


def test_a_theme_that_nothing_has_any_longer_empties_a_project(served: Home) -> None:
    follow(served, "Eau", "l'eau", "--theme", "Eau", "--theme", "Sport")
    refresh(served, [row for row in rows() if row["theme"] != "Eau"])
    (project,) = changes(served)["projects"]
    assert causes(project["exits"]) == {"r16": "removed", "r22": "removed"} and project["problem"] is None
    refresh(served, [row for row in rows() if row["theme"] not in ("Eau", "Sport")])
    (project,) = changes(served)["projects"]
    assert causes(project["exits"]) == {"r00": "removed"} and project["entries"] == []


@pytest.mark.parametrize("depth", [10, 1000])
def test_what_is_followed_is_what_recommend_shows(depth: int) -> None:
    recommender = Recommender(snapshot_of(resources(), ENCODER), ENCODER, Fusion(depth=depth))
    for row in rows()[:8]:
        project = replace(PROJECT, text=row["title"], k=10)
        shown = [item.resource.id for item in recommender.recommend(Query.of(row["title"])).recommendations]
        assert list(rank(recommender, project).ids[:10]) == shown


# The feed


def feed_of(home: Home, *options: str) -> Any:
    path = home.folder / "feed.xml"
    assert run_cli("changes", "--atom", str(path), *options, "--json", *home.arguments).code == 0
    found = feedparser.parse(path.read_bytes())
    assert found.version == "atom10" and not found.bozo
    return found


def dated(home: Home, found: list[Any], number: str, day: str, parent: str = "") -> None:
    snapshot = snapshot_of(found, HashingEncoderForTests(64), number)
    manifest = replace(snapshot.manifest, created=f"2026-01-{day}T00:00:00+00:00", parent=parent)
    publish(home.store, replace(snapshot, manifest=manifest))


def test_the_feed_has_what_came_newest_first(home: Home) -> None:
    base = resources()[:3]
    more = resource(
        "x/é 1", "Plus", summary="Un résumé.", publisher="Éditions", themes=("Eau",), type="Livres"
    )
    dated(home, base, "000001", "01")
    dated(home, [*base, more], "000002", "02", "000001")
    dated(home, [*base[1:], replace(more, summary="Revu.")], "000003", "03", "000002")
    found = feed_of(home)
    assert [e.title for e in found.entries] == ["Plus", base[1].title, base[2].title]
    newest = found.entries[0]
    assert newest.published == "2026-01-02T00:00:00+00:00" and newest.updated == "2026-01-03T00:00:00+00:00"
    assert newest.content[0].value == "Revu." and newest.author == "Éditions"
    assert [t.term for t in newest.tags] == ["Livres", "Eau"]
    assert found.entries[1].published == found.entries[1].updated == "2026-01-01T00:00:00+00:00"
    assert found.feed.updated == "2026-01-03T00:00:00+00:00" and found.feed.id and found.feed.title
    assert [e.title for e in feed_of(home, "--newest", "1").entries] == ["Plus"]


def test_entries_keep_their_ids_and_dates(home: Home) -> None:
    base = resources()
    dated(home, base[:3], "000001", "01")
    dated(home, base[:5], "000002", "02", "000001")
    before = {e.id: (e.published, e.updated) for e in feed_of(home).entries}
    dated(home, base[:7], "000003", "03", "000002")
    after = {e.id: (e.published, e.updated) for e in feed_of(home).entries}
    assert len(before) == 5 and len(after) == 7 and before.items() <= after.items()
    assert all(i.startswith("tag:") for i in after)


def test_what_the_oldest_snapshot_had_is_not_new_once_older_ones_are_pruned(home: Home) -> None:
    base = resources()
    for number, day in enumerate(("01", "02", "03"), start=1):
        parent = f"{number - 1:06}" if number > 1 else ""
        dated(home, base[: 2 * number], f"{number:06}", day, parent)
    shutil.rmtree(home.path / "snapshots" / "000001")
    assert {e.title for e in feed_of(home).entries} == {r.title for r in base[4:6]}


def test_what_a_bad_night_lost_is_not_new_once_it_is_back(home: Home) -> None:
    """The night was rolled back from: what is served was never made from it."""
    base = resources()
    dated(home, base[:4], "000001", "01")
    dated(home, base[:5], "000002", "02", "000001")
    dated(home, base[:2], "000003", "03", "000002")
    dated(home, base[:6], "000004", "04", "000002")
    days = {e.title: e.published[8:10] for e in feed_of(home).entries}
    assert [days[r.title] for r in base[:6]] == ["01"] * 4 + ["02", "04"]


def test_a_damaged_snapshot_is_passed_over(home: Home) -> None:
    base = resources()
    dated(home, base[:2], "000001", "01")
    dated(home, base[:4], "000002", "02", "000001")
    dated(home, base[:6], "000003", "03", "000002")
    (home.path / "snapshots" / "000002" / "parts.npy").write_bytes(b"")
    path = home.folder / "feed.xml"
    nights = read(home.store, home.store.open()).nights
    save(path, document(arrivals(nights, 50), "2026-01-03T00:00:00+00:00"))
    days = [e.published[8:10] for e in feedparser.parse(path.read_bytes()).entries]
    assert days == ["03"] * 4 + ["01"] * 2


def test_a_damaged_oldest_snapshot_makes_nothing_new(home: Home) -> None:
    base = resources()
    for number, day in enumerate(("01", "02", "03"), start=1):
        dated(home, base[: 2 * number], f"{number:06}", day, f"{number - 1:06}" if number > 1 else "")
    (home.path / "snapshots" / "000001" / "parts.npy").write_bytes(b"")
    assert {e.title for e in feed_of(home).entries} == {r.title for r in base[4:6]}


def test_hostile_texts_are_inert_in_the_feed(home: Home) -> None:
    hostile = "]]><script>alert(1)</script> & <b>gras</b> \x0b\ufffe é"
    found = [
        resource(
            "<a href='x'>",
            hostile,
            summary=hostile,
            authors=hostile,
            themes=(hostile,),
            url="javascript:alert(1)",
        ),
        resource("b", "Lien", url="https://exemple.fr/?a=1&b=<2>"),
        resource("c", "Autre", url="ftp://exemple.fr/c"),
        resource("d", "Cassé", url="https://[oups"),
        resource("e", "Data", url="data:text/html,<script>"),
    ]
    data = document([arrival(one) for one in found], "2026-01-01T00:00:00+00:00")
    root = ET.fromstring(data)
    atom = "{http://www.w3.org/2005/Atom}"
    assert {e.tag for e in root.iter()} == {
        atom + name
        for name in "feed title id updated generator author name entry published link category content".split()
    }
    assert [e.get("href") for e in root.iter(f"{atom}link")] == ["https://exemple.fr/?a=1&b=<2>"]
    clean = hostile.replace("\x0b", "").replace("\ufffe", "")
    first = root.find(f"{atom}entry")
    assert first is not None and first.findtext(f"{atom}title") == clean
    for entry in root.iter(f"{atom}entry"):  # RFC 4287, 4.1.2
        for name in ("id", "title", "updated", "content"):
            assert len(entry.findall(atom + name)) == 1 and entry.findtext(atom + name)
    parsed = feedparser.parse(data)
    assert not parsed.bozo and len({e.id for e in parsed.entries}) == 5


def arrival(found: Any) -> Any:
    return Arrival(found, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00")


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_makes_a_feed_that_parses(one: str, two: str) -> None:
    data = document([arrival(resource(one, two, summary=two, url=one, authors=two))], "2026-01-01T00:00:00Z")
    assert ET.fromstring(data) is not None


def test_an_earlier_feed_stays_when_the_disk_refuses(served: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path, refused = served.folder / "feed.xml", []
    path.write_text("before")

    def operation(name: str, where: Path) -> None:
        if name == "rename":
            refused.append(where)
            raise OSError(5, "Input/output error", str(where))

    monkeypatch.setattr(atomic, "operation", operation)
    done = run_cli("changes", "--atom", str(path), "--json", *served.arguments)
    assert refused and done.code == StorageError.exit_code and path.read_text() == "before"
    assert run_cli("changes", "--atom", str(served.folder), "--json", *served.arguments).code == 2

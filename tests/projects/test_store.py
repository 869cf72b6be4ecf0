"""Saved projects: kept one file each, refused when they cannot be followed, and what they got is recorded."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reco.catalogue.catalogue import Filters
from reco.errors import InvalidInput, StorageError
from reco.projects.answers import DEPTH, recorded_answers
from reco.projects.store import LONGEST_NAME, MOST_RESULTS, ProjectStore
from reco.ranking.query import Query
from reco.storage import atomic
from tests.support import Home, edited, rows, run_cli, run_process


def add(home: Home, name: str, text: str = "rouvrir le café du village", *options: str) -> Any:
    done = run_cli("projects", "add", name, text, *options, "--json", *home.arguments)
    assert done.code == 0, done
    return done.json


def listed(home: Home) -> Any:
    return run_cli("projects", "list", "--json", *home.arguments).json


def test_projects_are_added_listed_and_removed(served: Home) -> None:
    assert add(
        served, "Café de l'Église", "rouvrir <b>le</b> café", "--type", "guide", "--place", "Ornac"
    ) == {
        "id": "cafe-de-l-eglise",
        "name": "Café de l'Église",
        "k": 10,
    }
    add(served, "Eau", "compter l'eau", "--theme", "Eau", "-k", "3")
    first, second = listed(served)["projects"]
    assert first["text"] == "rouvrir le café" and first["place"] == "Ornac" and first["created"]
    assert first["filters"]["types"] == ["guide"]
    assert (second["id"], second["k"], second["filters"]["themes"]) == ("eau", 3, ["Eau"])
    assert sorted(p.name for p in (served.path / "projects").glob("*.json")) == [
        "cafe-de-l-eglise.json",
        "eau.json",
    ]
    assert run_cli("projects", "remove", "eau", "--json", *served.arguments).json == {"removed": "eau"}
    assert [p["id"] for p in listed(served)["projects"]] == ["cafe-de-l-eglise"]
    shown = run_cli("projects", "list", *served.arguments)
    assert shown.code == 0 and "Café de l'Église" in shown.out


def test_a_text_can_come_from_standard_input(served: Home) -> None:
    done = run_process("projects", "add", "Long", "-", *served.arguments, stdin="un café\npour le bourg")
    assert done.code == 0 and listed(served)["projects"][0]["text"] == "un café\npour le bourg"


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("", "un café", ()),
        (" \u200b\t", "un café", ()),
        ("é" * (LONGEST_NAME + 1), "un café", ()),
        ("Vide", " ", ()),
        ("Vide", "?!", ()),
        ("Long", "a" * 200_001, ()),
        ("Trop", "un café", ("-k", str(MOST_RESULTS + 1))),
        ("Rien", "un café", ("-k", "0")),
        ("Place", "un café", ("--place", "x" * (LONGEST_NAME + 1))),
        ("Thème", "un café", ("--theme", "Astronomie")),
        ("Type", "un café", ("--type", "Disques")),
        ("CAFE", "un autre café", ()),
    ],
)
def test_bad_input_is_refused_and_nothing_is_saved(
    served: Home, name: str, text: str, options: tuple[str, ...]
) -> None:
    add(served, "Café")
    done = run_cli("projects", "add", name, text, *options, "--json", *served.arguments)
    assert done.code == 2 and done.json["error"] and done.json["hint"]
    assert [p["name"] for p in listed(served)["projects"]] == ["Café"]


@pytest.mark.parametrize("identifier", ["absent", "", "../CURRENT", "../../reco", "Café", "answers"])
def test_only_a_saved_project_can_be_removed(served: Home, identifier: str) -> None:
    add(served, "Café")
    (served.path / "outside.json").write_text("{}")
    done = run_cli("projects", "remove", identifier, "--json", *served.arguments)
    assert done.code == 2 and "cafe" in done.json["hint"]
    assert run_cli("projects", "remove", "../outside", *served.arguments).code == 2
    assert (served.path / "outside.json").exists()


def test_a_file_whose_name_is_no_id_can_be_removed(served: Home) -> None:
    """One that somebody put there: it is listed as damaged, by its name."""
    add(served, "Café")
    (served.path / "projects" / "école.json").write_text("{}")
    assert len(listed(served)["damaged"]) == 1
    assert run_cli("projects", "remove", "école", *served.arguments).code == 0
    assert len(listed(served)["damaged"]) == 0


def test_names_that_give_one_id_are_kept_apart(served: Home) -> None:
    assert [add(served, name)["id"] for name in ("Eau, école", "Eau école", "水", "学")] == [
        "eau-ecole",
        "eau-ecole-2",
        "projet",
        "projet-2",
    ]


def test_a_project_can_be_saved_before_the_first_refresh(home: Home) -> None:
    add(home, "Café", "un café", "--theme", "Un thème encore inconnu")
    assert run_cli("refresh", *home.arguments).code == 0


DAMAGE = {
    "empty": b"",
    "not JSON": b"{",
    "no object": b"[]",
    "another type": b'{"id": "cafe", "name": "x", "text": 3, "created": ""}',
    "a field missing": b'{"id": "cafe"}',
    "another id": b'{"id": "autre", "name": "x", "text": "un caf", "created": ""}',
    "no words": b'{"id": "cafe", "name": "x", "text": "...", "created": ""}',
    "too many results": b'{"id": "cafe", "name": "x", "text": "un", "created": "", "k": 1000000}',
    "not UTF-8": b'{"id": "cafe", "name": "\xff", "text": "un", "created": ""}',
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named_and_blocks_nothing(
    served: Home, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    add(served, "Café")
    add(served, "Eau")
    path = served.path / "projects" / "cafe.json"
    path.write_bytes(DAMAGE[damage])
    found = listed(served)
    assert [p["id"] for p in found["projects"]] == ["eau"]
    assert list(found["damaged"]) == [str(path)] and found["damaged"][str(path)]
    served.write(edited(rows(), "r01", title="Un autre titre"))
    caplog.clear()
    done = run_cli("refresh", "--json", *served.arguments)
    assert done.code == 0 and done.json["published"] and str(path) in caplog.text
    assert set(recorded_answers(served.path, "000002")) == {"eau"}
    changed = run_cli("changes", "--json", *served.arguments)
    assert [p["id"] for p in changed.json["projects"]] == ["eau"]
    assert run_cli("projects", "remove", "cafe", *served.arguments).code == 0
    assert listed(served)["damaged"] == {}


def test_adding_at_once_loses_none(served: Home) -> None:
    store = ProjectStore(served.path)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: store.add(f"Projet {n}", Query.of("un café")).id, range(16)))
    assert len(set(made)) == 16 and {p.id for p in store.read().projects} == set(made)


def test_the_same_name_at_once_is_saved_once(served: Home) -> None:
    store = ProjectStore(served.path)

    def attempt(_: int) -> str:
        try:
            return store.add("Café", Query.of("un café")).id
        except InvalidInput:
            return ""

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8)))[-2:] == ["", "cafe"]


@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
def test_a_refused_write_leaves_what_was_there(
    served: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store = ProjectStore(served.path)
    store.add("Eau", Query.of("l'eau"))
    seen = []

    def operation(name: str, path: Path) -> None:
        if name == step:
            seen.append(path)
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "operation", operation)
    with pytest.raises(StorageError):
        store.add("Café", Query.of("un café"))
    monkeypatch.undo()
    assert seen and [p.id for p in store.read().projects] == ["eau"]


def test_what_a_kill_left_behind_goes_with_the_next_write(served: Home) -> None:
    store = ProjectStore(served.path)
    store.add("Eau", Query.of("l'eau"))
    left = store.folder / "cafe.json.tmp-12345"
    left.write_text("{")
    assert [p.id for p in store.read().projects] == ["eau"] and store.read().damaged == {}
    store.add("Café", Query.of("un café"))
    assert not left.exists()


def test_a_refresh_records_what_projects_get(served: Home) -> None:
    add(served, "Café")
    first = recorded_answers(served.path, "000001")["cafe"]
    recommender = served.recommender()
    ids = [
        served.store.open().catalogue[hit.row].id
        for hit in recommender.rank(Query.of("rouvrir le café du village", DEPTH))
    ]
    assert list(first.ids) == ids and first.fusion == recommender.fusion
    served.write(rows()[:20])
    assert run_cli("refresh", *served.arguments).code == 0
    assert "cafe" in recorded_answers(served.path, "000002")


def test_a_quiet_refresh_records_projects_that_have_no_answer_yet(served: Home) -> None:
    ProjectStore(served.path).add("Café", Query.of("un café"))
    done = run_cli("refresh", "--json", *served.arguments)
    assert not done.json["published"] and set(recorded_answers(served.path, "000001")) == {"cafe"}


def test_the_first_answer_of_a_snapshot_stays(served: Home) -> None:
    add(served, "Café")
    before = recorded_answers(served.path, "000001")
    served.extra = "[ranking]\nwords = 0.0\n"
    served.configure()
    add(served, "Eau", "l'eau")
    after = recorded_answers(served.path, "000001")
    assert after["cafe"] == before["cafe"] and after["eau"].fusion.words == 0.0


def test_a_project_saved_again_with_another_text_is_ranked_again(served: Home) -> None:
    add(served, "Café", "rouvrir le café")
    before = recorded_answers(served.path, "000001")["cafe"]
    run_cli("projects", "remove", "cafe", *served.arguments)
    add(served, "Café", "un médecin salarié")
    assert recorded_answers(served.path, "000001")["cafe"].ids != before.ids


def test_records_of_snapshots_that_are_gone_go_too(served: Home) -> None:
    add(served, "Café")
    for number in range(4):
        served.write(edited(rows(), "r01", year=str(1990 + number)))
        run_cli("refresh", *served.arguments)
    run_cli("prune", "--keep", "3", *served.arguments)
    served.write(edited(rows(), "r01", year="1985"))
    run_cli("refresh", *served.arguments)
    kept = sorted(p.stem for p in (served.path / "projects" / "answers").glob("*.json"))
    assert kept == served.store.ids() and len(kept) == 4


@pytest.mark.parametrize("damage", [b"", b"{", b'{"cafe": {"key": 1}}', b"[]"])
def test_a_damaged_record_is_as_none(served: Home, damage: bytes) -> None:
    add(served, "Café")
    path = served.path / "projects" / "answers" / "000001.json"
    path.write_bytes(damage)
    assert recorded_answers(served.path, "000001") == {}
    assert run_cli("refresh", *served.arguments).code == 0
    assert set(json.loads(path.read_bytes())) == {"cafe"}


def test_a_refresh_is_not_stopped_by_a_disk_that_refuses_the_record(
    served: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(served, "Café")
    served.write(edited(rows(), "r01", title="Un autre titre"))
    refused = []

    def operation(name: str, path: Path) -> None:
        if "answers" in path.parts and name == "write":
            refused.append(path)
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "operation", operation)
    done = run_cli("refresh", "--json", *served.arguments)
    assert refused and done.code == 0 and done.json["published"] and "not recorded" in done.err


def test_filters_of_a_project_survive_its_file(served: Home) -> None:
    filters = Filters(types=("guide",), places=("Ornac",), first_year=2001, last_year=2020)
    made = ProjectStore(served.path).add("Café", Query.of("un café", 7, filters), "Ornac")
    assert ProjectStore(served.path).read().projects == (made,)

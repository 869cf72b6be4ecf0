"""A recorded answer asked again: the same to the bit, or what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reco
from reco.errors import InvalidInput
from reco.ranking.query import Opinion, Query
from reco.workspace.replay import LARGEST, Recorded
from tests.support import Home, edited, rows, run_cli

TEXT = "un verger partagé derrière l'école"


@pytest.fixture
def served(home: Home) -> Home:
    home.refresh()
    return home


def recorded(home: Home, *options: str, text: str = TEXT) -> dict[str, Any]:
    done = run_cli("recommend", text, *options, "--json", *home.arguments)
    assert done.code == 0
    return done.json


def replayed(home: Home, document: object, folder: Path) -> tuple[int, dict[str, Any]]:
    path = folder / "answer.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    done = run_cli("replay", str(path), "--json", *home.arguments)
    return done.code, done.json


def test_the_same_answer_is_given_again(served: Home, tmp_path: Path) -> None:
    options = ("-k", "3", "--type", "Guides & outils", "--commune", "Paris", "--near", "--diversity", "0.5")
    for document in (recorded(served), recorded(served, *options)):
        assert replayed(served, document, tmp_path) == (0, {"same": True, "differences": [], "notes": []})


def test_what_is_near_a_resource_is_given_again(served: Home, tmp_path: Path) -> None:
    document = run_cli("similar", "r01", "-k", "4", "--json", *served.arguments).json
    assert document["depended_on"]["asked"]["like"] == "r01"
    assert replayed(served, document, tmp_path)[0] == 0


def test_the_recorded_snapshot_answers_even_when_another_is_served(served: Home, tmp_path: Path) -> None:
    document = recorded(served)
    served.write(edited(rows(), "r01", title="Un autre titre"))
    served.refresh()
    code, found = replayed(served, document, tmp_path)
    assert code == 0 and found["notes"] == ["snapshot 000002 is served now; this used 000001"]


def test_a_snapshot_that_is_gone_or_another_of_its_number_is_told(served: Home, tmp_path: Path) -> None:
    document = recorded(served)
    document["depended_on"]["snapshot"]["id"] = "000009"
    code, found = replayed(served, document, tmp_path)
    assert code == 1 and "000009 cannot be opened" in found["differences"][0]
    document["depended_on"]["snapshot"] = {"id": "000001", "digest": "0" * 64}
    code, found = replayed(served, document, tmp_path)
    assert code == 1 and "is not the one that answered" in found["differences"][0]


def test_the_recorded_weights_are_used_and_those_of_today_told(served: Home, tmp_path: Path) -> None:
    document = recorded(served)
    served.config.write_text(served.config.read_text() + "\n[ranking]\nmeaning = 0.9\n")
    assert recorded(served)["recommendations"] != document["recommendations"]
    code, found = replayed(served, document, tmp_path)
    assert code == 0 and "other weights now" in found["notes"][0]


def test_another_encoder_is_told(served: Home, tmp_path: Path) -> None:
    document = recorded(served)
    served.config.write_text(served.config.read_text().replace("dimension = 64", "dimension = 32"))
    code, found = replayed(served, document, tmp_path)
    assert code == 1 and "encoder of the settings is another one" in found["differences"][0]


def test_what_was_changed_by_hand_is_named(served: Home, tmp_path: Path) -> None:
    document = recorded(served)
    first, last = document["recommendations"][0], document["recommendations"][-1]
    first["score"] += 0.25
    first["explanation"]["contributions"][0]["value"] *= 2
    last["id"] = "forged"
    document["verdict"] = "nothing"
    code, found = replayed(served, document, tmp_path)
    told = "\n".join(found["differences"])
    assert (
        code == 1
        and f"{first['id']}: score" in told
        and f"{first['id']}: explanation.contributions[0]" in told
    )
    assert "forged: was at rank" in told and "verdict: " in told


def test_a_rounding_of_the_last_bits_is_called_so(served: Home, tmp_path: Path) -> None:
    document = recorded(served)
    document["recommendations"][0]["score"] += 1e-9
    document["depended_on"]["encoder"]["arithmetic"] = "bfloat16 AVX512"
    code, found = replayed(served, document, tmp_path)
    assert code == 1 and len(found["differences"]) == 1
    assert any("another processor may round" in note for note in found["notes"])
    assert "recorded in bfloat16 AVX512, replayed in exact" in found["notes"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"query": "verger"}', "not an answer"),
        ("[1, 2]", "not an answer"),
        ('{"depended_on": {"format": 99}}', "format 99"),
        ('{"depended_on": {"format": 1}}', r"depended_on\.reco"),
        ("x" * (LARGEST + 1), "at most 8 MB"),
    ],
)
def test_what_is_no_recorded_answer_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        Recorded.read(text)


def test_bad_options_in_a_recorded_answer_are_refused(served: Home, tmp_path: Path) -> None:
    for name, value in {"k": 0, "diversity": 7, "filters": {"colour": "red"}, "place": 3}.items():
        document = recorded(served)
        document["depended_on"]["asked"][name] = value
        code, found = replayed(served, document, tmp_path)
        assert code == 2 and f"depended_on.asked.{name}" in found["error"]
    cut = json.dumps(recorded(served))[:-40]
    assert replayed(served, cut, tmp_path)[0] == 2
    assert run_cli("replay", str(tmp_path / "absent.json"), "--json", *served.arguments).code == 2


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> reco.Home:
    home = Home(tmp_path_factory.mktemp("replay"))
    home.configure()
    home.write(rows())
    home.refresh()
    return reco.open(home.path, config=home.config)


@given(
    text=st.sampled_from(
        [TEXT, "école, cantine et verger\n- le verger\n- la cantine", "PLU", "<b>haie &amp; mare</b>"]
    ),
    k=st.integers(5, 12),
    diversity=st.none() | st.floats(0, 1),
    shelf=st.booleans(),
    place=st.sampled_from(["", "75056"]),
    useful=st.dictionaries(st.sampled_from(["r00", "r03", "r07"]), st.booleans()),
    whole=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_every_option_is_recorded(
    opened: reco.Home, useful: dict[str, bool], text: str, **options: Any
) -> None:
    opinions = tuple(Opinion(name, liked) for name, liked in useful.items())
    k = options.pop("k")
    query = Query.of(text, k, opinions=opinions, near=bool(options["place"]), **options)
    assert opened.replay(opened.record(opened.recommend(query))).differences == ()

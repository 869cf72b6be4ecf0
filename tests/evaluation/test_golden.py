"""The golden set judges what is served, in evaluation as at the publish gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reco.encoder.testing import HashingEncoderForTests
from reco.evaluation.beir import read_topics
from reco.evaluation.evaluate import SYSTEMS, Tried, evaluate_served
from reco.evaluation.runs import every_listing, quality
from reco.ranking.recommender import Recommender
from tests.support import Home, rows, run_cli

TOPICS = {
    "g1": ("éteindre les lampadaires la nuit", {"r02": 3, "r09": 0}),
    "g2": ("un pédibus pour aller à l'école", {"r05": 3, "r10": 1}),
    "g3": ("remplacer le chauffage de l'église", {"r09": 2, "r00": 1}),
    "g4": ("ouvrir la médiathèque le dimanche", {"r11": 1}),
}
TWIN = {**rows()[11], "id": "r11b", "year": "2030"}
"""The same thing as `r11`, newer: the app shows it alone."""


def write_golden(folder: Path, topics=TOPICS) -> None:
    folder.mkdir(exist_ok=True)
    lines = (json.dumps({"_id": i, "text": text}) for i, (text, _) in topics.items())
    (folder / "queries.jsonl").write_text("\n".join(lines), encoding="utf-8")
    judged = (f"{i}\t{d}\t{rel}" for i, (_, qrels) in topics.items() for d, rel in qrels.items())
    (folder / "qrels.tsv").write_text("\n".join(judged), encoding="utf-8")


@pytest.fixture
def golden(memory: Path) -> Home:
    home = Home(memory / "golden", extra='[gates]\ngolden = "golden"\n\n')
    write_golden(home.folder / "golden")
    home.write([*rows(), TWIN])
    assert run_cli("refresh", *home.arguments).code == 0
    return home


def test_the_golden_set_judges_what_is_served(golden: Home) -> None:
    done = run_cli("evaluate", "--golden", "--json", *golden.arguments)
    found = done.json["sets"]["golden"]
    assert done.code == 0 and not done.err.strip()
    assert (found["documents"], found["topics"]) == (25, 4)
    assert set(found["systems"]) == {"bm25", "dense", "product"}
    assert found["left_out"] == {"ids": [], "judgements": 0, "topics": []}
    by_folder = run_cli("evaluate", str(golden.folder / "golden"), "--json", *golden.arguments)
    assert by_folder.json == done.json


def test_every_listing_is_judged_and_none_hidden_behind_a_newer_one(golden: Home) -> None:
    snapshot = golden.store.open()
    assert snapshot.families is not None and "r11" in snapshot.families.of
    encoder = HashingEncoderForTests(64)
    topics = read_topics(golden.folder / "golden")
    tried = Tried(encoder, golden.settings().ranking.fusion())
    result = evaluate_served(topics, snapshot, tried, encoder, SYSTEMS)
    assert result.systems["product"].per_topic["g4"]["recall@100"] == 1.0
    assert result.systems["product"].per_topic["g4"]["ndcg@10"] > 0


def test_the_gate_and_the_evaluation_agree_on_every_request(golden: Home) -> None:
    done = run_cli("evaluate", "--golden", "--json", "--worst", "9", *golden.arguments)
    said = {one["topic"]: one["scores"]["product"] for one in done.json["worst"]}
    snapshot, settings = golden.store.open(), golden.settings()
    recommender = Recommender(every_listing(snapshot), HashingEncoderForTests(64), settings.ranking.fusion())
    assert quality(recommender, read_topics(golden.folder / "golden")) == pytest.approx(said)
    assert snapshot.manifest.report["golden"]["ndcg@10"] == pytest.approx(said)


def test_what_the_catalogue_lacks_is_left_out_and_said(golden: Home) -> None:
    extra = {"g5": ("rien de tel", {"ailleurs": 3, "r00": 0}), "g6": TOPICS["g1"]}
    write_golden(golden.folder / "golden", {**TOPICS, **extra})
    done = run_cli("evaluate", "--golden", "--json", *golden.arguments)
    found = done.json["sets"]["golden"]
    assert found["topics"] == 5
    assert found["left_out"] == {"ids": ["ailleurs"], "judgements": 1, "topics": ["g5"]}
    assert "ailleurs" in done.err and "1 of 6 queries" in done.err


def test_a_golden_set_of_another_catalogue_is_refused(golden: Home) -> None:
    write_golden(golden.folder / "golden", {"g1": ("une question", {"ailleurs": 3, "r00": 0})})
    done = run_cli("evaluate", "--golden", "--json", *golden.arguments)
    assert done.code == 2 and "has no resource" in done.json["error"]


def test_a_golden_set_that_is_not_configured_or_broken_is_refused(served: Home, golden: Home) -> None:
    done = run_cli("evaluate", "--golden", "--json", *served.arguments)
    assert done.code == 2 and "[gates]" in done.json["hint"]
    (golden.folder / "golden" / "qrels.tsv").write_text("g1\tr02\tbeaucoup\n", encoding="utf-8")
    done = run_cli("evaluate", "--golden", "--json", *golden.arguments)
    assert done.code == 2 and "qrels.tsv:1" in done.json["error"]


def test_nothing_to_evaluate_is_said(served: Home) -> None:
    assert run_cli("evaluate", "--json", *served.arguments).code == 2


def test_without_a_snapshot_the_golden_set_has_nothing_to_judge(golden: Home, tmp_path: Path) -> None:
    done = run_cli(
        "evaluate", "--golden", "--json", "--config", str(golden.config), "--home", str(tmp_path / "none")
    )
    assert done.code == 1 and "error" in done.json


def test_every_ablation_runs_on_what_is_served(golden: Home) -> None:
    done = run_cli("evaluate", "--golden", "--systems", ",".join(SYSTEMS), "--json", *golden.arguments)
    assert set(done.json["sets"]["golden"]["systems"]) == set(SYSTEMS)
    systems = done.json["sets"]["golden"]["systems"]
    assert systems["no-acronyms"] == systems["product"], "this home has no table of acronyms"

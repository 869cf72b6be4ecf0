"""Judged sets read strictly, systems compared on the same topics, by the code path that is served."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reco.encoder.protocol import Matrix
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput
from reco.evaluation.beir import read_set
from reco.evaluation.bm25 import language
from reco.evaluation.evaluate import SYSTEMS, Tried, evaluate
from reco.ranking.recommender import Fusion
from tests.support import Home, run_cli

DOCUMENTS = {
    "d1": ("Planter des arbres", "Des tilleuls le long de la rue."),
    "d2": ("Réparer le toit", "L'école retrouve une toiture étanche."),
    "d3": ("", "Les lampadaires sont éteints la nuit."),
}
QUERIES = {"q1": "planter des tilleuls", "q2": "toiture de l'école", "q3": "éteindre les lampadaires"}
QRELS = [("q1", "d1", 2), ("q2", "d2", 1), ("q3", "d3", 1), ("q3", "d1", 0)]


def write_set(folder: Path, documents=DOCUMENTS, queries=QUERIES, qrels=QRELS) -> Path:
    folder.mkdir(parents=True)
    lines = [json.dumps({"_id": i, "title": t, "text": x}) for i, (t, x) in documents.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    lines = [json.dumps({"_id": i, "text": x}) for i, x in queries.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines), encoding="utf-8")
    table = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in qrels)]
    (folder / "qrels.tsv").write_text("\n".join(table), encoding="utf-8")
    return folder


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    return write_set(tmp_path / "tiny")


def test_every_system_answers_an_easy_set(judged: Path) -> None:
    encoder = HashingEncoderForTests(128)
    result = evaluate(read_set(judged), Tried(encoder, Fusion()), encoder, SYSTEMS)
    assert set(result.systems) == set(SYSTEMS)
    assert result.systems["bm25"].means["ndcg@10"] == 1.0
    assert result.systems["product"].means["ndcg@10"] == 1.0


class WholeTexts(HashingEncoderForTests):
    """Says which texts it reads whole, and remembers those that were encoded for the reference."""

    def __init__(self) -> None:
        super().__init__(128)
        self.cut: list[str] = []

    def reads_whole(self, text: str) -> bool:
        return not text.startswith("Les lampadaires")

    def encode_truncated(self, texts: Sequence[str]) -> Matrix:
        self.cut.extend(texts)
        return super().encode_truncated(texts)


def test_the_reference_encodes_only_what_the_product_did_not_read_whole(tmp_path: Path) -> None:
    """Documents come in no order: their vectors must not be exchanged."""
    judged = write_set(tmp_path / "reversed", documents=dict(reversed(DOCUMENTS.items())))
    encoder = WholeTexts()
    alone, beside = (
        evaluate(read_set(judged), Tried(encoder, Fusion()), encoder, systems).runs["dense"]
        for systems in (["dense"], ["dense", "product"])
    )
    assert alone == beside
    assert encoder.cut[3:] == [DOCUMENTS["d3"][1]]


def test_a_limit_keeps_the_first_queries(judged: Path) -> None:
    assert [topic.id for topic in read_set(judged, limit=2).topics] == ["q1", "q2"]


def test_the_product_follows_its_settings(judged: Path) -> None:
    encoder = HashingEncoderForTests(128)
    silent = Tried(encoder, Fusion(meaning=0.0, words=0.0, grams=0.0))
    result = evaluate(read_set(judged), silent, encoder, ["product"])
    assert [list(ranked) for ranked in result.runs["product"].values()] == [["d1", "d2", "d3"]] * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qrels": [("q1", "d9", 1)]}, "d9"),
        ({"qrels": [("q9", "d1", 1)]}, "q9"),
        ({"qrels": [("q1", "d1", 1), ("q1", "d1", 2)]}, "contradicts"),
        ({"qrels": []}, "no query has a judgement"),
        ({"queries": {"q1": " "}}, "no text"),
        ({"documents": {"d1": ("", " ")}}, "neither title nor text"),
    ],
)
def test_a_malformed_set_is_refused_with_its_problem(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_set(write_set(tmp_path / "bad", **change))


def test_a_missing_file_is_named(judged: Path) -> None:
    (judged / "corpus.jsonl").unlink()
    with pytest.raises(InvalidInput, match=r"corpus\.jsonl"):
        read_set(judged)


def test_language_is_told_by_common_words() -> None:
    assert language(["Le maire et les élus sont dans la salle"]) == "french"
    assert language(["The mayor of the town is in the hall"]) == "english"


def test_the_command_prints_the_interface(served: Home, judged: Path) -> None:
    done = run_cli("evaluate", str(judged), "--json", *served.arguments)
    found = json.loads(done.out)
    systems = found["sets"]["tiny"]["systems"]
    assert done.code == 0
    assert found["sets"]["tiny"]["documents"] == 3 and found["sets"]["tiny"]["topics"] == 3
    assert set(systems) == {"bm25", "dense", "product"}
    assert set(systems["product"]) == {"ndcg@10", "recall@100", "mrr@10"}


def test_the_command_refuses_an_unknown_system(served: Home, judged: Path) -> None:
    assert run_cli("evaluate", str(judged), "--systems", "magic", "--json", *served.arguments).code == 2


@pytest.mark.parametrize(("name", "expected"), [("cnil_faq", 0.580), ("ademe_task_to_measure", 0.203)])
def test_the_lexical_reference_is_the_one_measured_before(
    shared: Callable[[str], Path], name: str, expected: float
) -> None:
    encoder = HashingEncoderForTests()
    judged = read_set(shared(f"retrieval/{name}"), limit=300)
    result = evaluate(judged, Tried(encoder, Fusion()), encoder, ["bm25"])
    assert result.systems["bm25"].means["ndcg@10"] == pytest.approx(expected, abs=0.01)


def test_a_judgement_may_be_repeated_but_not_contradicted(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "Un titre", "text": "Un texte."}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "une question"}\n')
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\nq\td\t1\n")
    assert read_set(folder).topics[0].qrels == {"d": 1}
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\nq\td\t2\n")
    with pytest.raises(InvalidInput, match=r"qrels\.tsv:3"):
        read_set(folder)

"""Judged sets are read as published, or refused at the command line by file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reco.errors import InvalidInput
from reco.evaluation.beir import read_set, read_topics
from tests.support import Home, run_cli

CORPUS = [
    '{"_id": "d1", "title": "Planter", "text": "Des tilleuls."}',
    '{"_id": "d2", "text": "La toiture."}',
]
QUERIES = ['{"_id": "q1", "text": "des arbres"}', '{"_id": "q2", "text": "un toit"}']
QRELS = ["query-id\tcorpus-id\tscore", "q1\td1\t2", "q2\td2\t1"]


def folder_of(place: Path, corpus=CORPUS, queries=QUERIES, qrels=QRELS) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels.tsv", qrels)):
        if lines is not None:
            data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
            (place / name).write_bytes(data)
    return place


BROKEN = {
    "no corpus": ({"corpus": None}, "corpus.jsonl is missing"),
    "no queries": ({"queries": None}, "queries.jsonl is missing"),
    "no qrels": ({"qrels": None}, "qrels.tsv is missing"),
    "empty corpus": ({"corpus": []}, "corpus.jsonl has no document"),
    "no judgement": ({"qrels": QRELS[:1]}, "no query has a judgement"),
    "bad JSON": ({"corpus": [*CORPUS, "{'_id': 1}"]}, "corpus.jsonl:3 is not JSON"),
    "deep JSON": ({"corpus": [*CORPUS, "[" * 100_000]}, "corpus.jsonl:3 is not JSON"),
    "not UTF-8": ({"queries": [*QUERIES, "é".encode("latin-1")]}, "queries.jsonl:3 is not UTF-8"),
    "no id": ({"queries": [*QUERIES, '{"id": "q3"}']}, "queries.jsonl:3 is not an object with an _id"),
    "not an object": ({"queries": [*QUERIES, '"_id"']}, "queries.jsonl:3 is not an object with an _id"),
    "an id that is nothing": (
        {"corpus": [*CORPUS, '{"_id": null, "text": "x"}']},
        "corpus.jsonl:3 is not an",
    ),
    "an id with a tab": ({"corpus": [*CORPUS, r'{"_id": "a\tb", "text": "x"}']}, "corpus.jsonl:3 is not an"),
    "a document twice": ({"corpus": [*CORPUS, CORPUS[0]]}, "corpus.jsonl:3 has the id 'd1' of line 1"),
    "a query twice": ({"queries": [*QUERIES, QUERIES[1]]}, "queries.jsonl:3 has the id 'q2' of line 2"),
    "an empty document": ({"corpus": [*CORPUS, '{"_id": "d3", "title": " "}']}, "corpus.jsonl:3 has neither"),
    "an empty query": ({"queries": ['{"_id": "q1", "text": "\\u200b"}']}, "queries.jsonl:1 has no text"),
    "a text that is a list": (
        {"corpus": [*CORPUS, '{"_id": "d3", "text": [1]}']},
        "corpus.jsonl:3 has a text that",
    ),
    "an unknown document": ({"qrels": [*QRELS, "q1\td9\t1"]}, "qrels.tsv:4 judges the document 'd9'"),
    "an unknown query": ({"qrels": [*QRELS, "q9\td1\t1"]}, "qrels.tsv:4 judges the query 'q9'"),
    "a contradiction": (
        {"qrels": [*QRELS, "q1\td1\t1"]},
        "qrels.tsv:4 contradicts an earlier judgement of 'q1', 'd1'",
    ),
    "half a point": ({"qrels": [*QRELS, "q1\td2\t1.5"]}, "qrels.tsv:4 has the relevance '1.5'"),
    "infinitely relevant": ({"qrels": [*QRELS, "q1\td2\tinf"]}, "qrels.tsv:4 has the relevance 'inf'"),
    "too relevant": ({"qrels": [*QRELS, "q1\td2\t31"]}, "qrels.tsv:4 has the relevance '31'"),
    "a word": ({"qrels": [*QRELS, "q1\td2\thigh"]}, "qrels.tsv:4 has the relevance 'high'"),
    "a word at once": ({"qrels": ["q1\td2\thigh", *QRELS[1:]]}, "qrels.tsv:1 has the relevance 'high'"),
    "a word of an unknown query": (
        {"qrels": ["q9\td2\thigh", *QRELS[1:]]},
        "qrels.tsv:1 has the relevance 'high'",
    ),
    "four columns": ({"qrels": [*QRELS, "q1\t0\td2\t1"]}, "qrels.tsv:4 is not query-id, corpus-id and score"),
    "spaces": ({"qrels": [*QRELS, "q1 d2 1"]}, "qrels.tsv:4 is not query-id, corpus-id and score"),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_a_malformed_set_is_refused_by_file_and_line(
    served: Home, tmp_path: Path, change: dict, message: str
) -> None:
    done = run_cli("evaluate", str(folder_of(tmp_path / "bad", **change)), "--json", *served.arguments)
    assert done.code == 2
    assert message in done.json["error"] and done.json["hint"]


def test_a_folder_that_is_not_there_is_said(served: Home, tmp_path: Path) -> None:
    done = run_cli("evaluate", str(tmp_path / "absent"), "--json", *served.arguments)
    assert done.code == 2 and "does not exist" in done.json["error"]


def test_every_problem_is_counted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "bad", qrels=[*QRELS, *(f"q1\tx{n}\t1" for n in range(9))])
    with pytest.raises(InvalidInput, match=r"'x4'.*and 4 more"):
        read_set(folder)


@pytest.mark.parametrize(
    "header",
    [None, "query-id\tcorpus-id\tscore", "topic\tdocument\trelevance"],
    ids=["none", "BEIR's", "another"],
)
def test_judgements_may_have_a_header_or_none(tmp_path: Path, header: str | None) -> None:
    qrels = [header, *QRELS[1:]] if header else QRELS[1:]
    topics = read_set(folder_of(tmp_path / "set", qrels=qrels)).topics
    assert {topic.id: dict(topic.qrels) for topic in topics} == {"q1": {"d1": 2}, "q2": {"d2": 1}}


def test_what_published_sets_hold_is_read(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "set",
        corpus=[
            b"\xef\xbb\xbf" + CORPUS[0].encode(),
            "",
            *CORPUS[1:],
            '{"_id": 3, "text": "x", "metadata": {}}',
        ],
        qrels=["", *QRELS, "q1\t3\t-1", "q1\td2\t1.0\r"],
    )
    found = read_set(folder)
    assert [document.id for document in found.documents] == ["d1", "d2", "3"]
    assert found.topics[0].qrels == {"d1": 2, "3": -1, "d2": 1}
    (folder / "qrels").mkdir()
    (folder / "qrels.tsv").rename(folder / "qrels" / "test.tsv")
    assert read_set(folder) == found


def test_topics_alone_need_no_documents(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", corpus=None)
    assert [topic.id for topic in read_topics(folder)] == ["q1", "q2"]
    assert [topic.id for topic in read_topics(folder, limit=1)] == ["q1"]


def test_two_sets_of_one_name_are_refused(served: Home, tmp_path: Path) -> None:
    folders = [str(folder_of(tmp_path / place / "dev")) for place in "ab"]
    done = run_cli("evaluate", *folders, "--json", *served.arguments)
    assert done.code == 2 and "dev" in done.json["error"]


def test_a_request_without_words_counts_zero(served: Home, tmp_path: Path) -> None:
    queries = [QUERIES[0], json.dumps({"_id": "q2", "text": "???"})]
    folder = folder_of(tmp_path / "set", queries=queries)
    done = run_cli("evaluate", str(folder), "--systems", "product", "--json", *served.arguments)
    assert done.code == 0 and done.json["sets"]["set"]["systems"]["product"]["mrr@10"] == 0.5

"""What the repository promises about itself: its catalogue, its documents and what its code never does."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support import REPOSITORY, SOURCE, run_cli

from reco.admission import Rules, admit_all
from reco.resource import FIELDS
from reco.settings import load
from reco.sources import read
from reco.taxonomy import SCALES, THEMES, TYPES

CATALOGUE = REPOSITORY / "data" / "catalogue.csv"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with CATALOGUE.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_row_of_the_catalogue_is_admitted_by_its_own_rules(rows: list[dict[str, str]]) -> None:
    source = load(REPOSITORY / "reco.toml").sources[0]
    assert tuple(source.themes) == THEMES and tuple(source.types) == tuple(TYPES.values())
    admitted, refused = admit_all(read(source), Rules(source.themes, source.types, source.closed))
    assert refused == [] and len(admitted) == len(rows) == 467
    assert all(resource.notes == () for resource in admitted)


def test_the_catalogue_keeps_to_its_schema(rows: list[dict[str, str]]) -> None:
    assert tuple(rows[0]) == FIELDS
    for row in rows:
        assert row["scale"] in SCALES and row["language"] in ("fr", "en") and row["evidence"], row["id"]
        assert 25 <= len(row["summary"].split()) <= 120, row["id"]
        assert row["url"] == "" or re.fullmatch(r"https?://\S+", row["url"]), row["id"]
        assert row["place_code"] == "" or re.fullmatch(r"\d{2,3}|2[AB]|\d{5}|2[AB]\d{3}", row["place_code"])


def test_no_sentence_is_padding(rows: list[dict[str, str]]) -> None:
    sentences = Counter(s.strip() for row in rows for s in set(re.split(r"(?<=[.!?])\s+", row["summary"])))
    assert max(sentences.values()) <= len(rows) // 100


def test_summaries_say_no_figure_that_the_facts_lack(
    rows: list[dict[str, str]], shared: Callable[[str], Path]
) -> None:
    with shared("facts/catalogue_facts.csv").open(encoding="utf-8") as stream:
        facts = {row["id"]: row for row in csv.DictReader(stream)}
    assert {row["id"] for row in rows} == set(facts)
    for row in rows:
        known = set(re.findall(r"\d+", " ".join(facts[row["id"]].values())))
        said = set(re.findall(r"\d+", row["summary"]))
        assert said <= known, (row["id"], said - known)


def test_nothing_unsafe_is_written_in_the_code() -> None:
    forbidden = re.compile(
        r"allow_pickle\s*=\s*True|trust_remote_code\s*=\s*True|unsafe_allow_html|import pickle|joblib"
    )
    places = [p for p in SOURCE.rglob("*.py") if forbidden.search(p.read_text(encoding="utf-8"))]
    assert places == []


def test_every_command_of_the_readme_exists() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    listed = run_cli("--help").out
    for command in set(re.findall(r"\.venv/bin/reco (\w+)", readme)):
        assert re.search(rf"^\s+{command}\b", listed, re.MULTILINE), command


def test_torch_is_pinned() -> None:
    assert re.search(r"^torch==", (REPOSITORY / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)


def test_development_requests_are_complete_and_know_their_catalogue(rows: list[dict[str, str]]) -> None:
    ids = {row["id"] for row in rows}
    texts: set[str] = set()
    for kind in ("answerable", "foreign", "gap"):
        with (REPOSITORY / "data" / "requests" / f"{kind}.csv").open(encoding="utf-8") as stream:
            requests = list(csv.DictReader(stream))
        assert len(requests) == 200
        texts.update(request["text"] for request in requests)
        if kind == "answerable":
            assert all(set(request["expected"].split(";")) <= ids for request in requests)
    assert len(texts) == 600


def test_golden_judgements_name_known_requests_and_resources(rows: list[dict[str, str]]) -> None:
    folder = REPOSITORY / "data" / "golden"
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    requests = {json.loads(line)["_id"] for line in lines}
    with (folder / "qrels.tsv").open(encoding="utf-8") as stream:
        judged = list(csv.DictReader(stream, delimiter="\t"))
    with (folder / "reasons.csv").open(encoding="utf-8") as stream:
        reasons = {(row["query-id"], row["corpus-id"]) for row in csv.DictReader(stream)}
    pairs = {(row["query-id"], row["corpus-id"]): int(row["score"]) for row in judged}
    assert len(requests) >= 60 and len(pairs) == len(judged)
    assert {query for query, _ in pairs} == requests
    assert {document for _, document in pairs} <= {row["id"] for row in rows}
    assert set(pairs.values()) == {0, 1, 2, 3}
    assert reasons == {pair for pair, score in pairs.items() if score == 3}

"""What the repository promises about itself: its catalogue, its documents and what its code never does."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from reco.catalogue.admission import Rules, admit_all
from reco.catalogue.decisions import Decisions
from reco.catalogue.places import gazetteer as places
from reco.catalogue.resource import FIELDS
from reco.catalogue.taxonomy import SCALES, THEMES, TYPES
from reco.sources.read import read
from reco.text.clean import fold
from reco.workspace.settings import defaults, load
from tests.support import REPOSITORY, SOURCE, python, run_cli, run_process

CATALOGUE = REPOSITORY / "data" / "catalogue.csv"
DECISIONS = REPOSITORY / "data" / "decisions.csv"
_LONGEST_RUN = 9
"""Words in a row that a summary must not have from the facts: more than the longest name in them."""


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
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        name = row["id"]
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert row["title"] == row["title"].strip() != "", name
        assert row["type"] in TYPES.values(), name
        assert set(row["theme"].split("; ")) <= set(THEMES), name
        assert row["scale"] in SCALES and row["language"] in ("fr", "en") and row["evidence"], name
        assert row["year"] == "" or re.fullmatch(r"(19|20)\d\d", row["year"]), name
        assert row["url"] == "" or re.fullmatch(r"https?://\S+", row["url"]), name
        assert 25 <= len(row["summary"].split()) <= 120, name
        assert not re.search(r"https?://|www\.", row["summary"]), name


def test_every_place_code_is_that_of_the_place(rows: list[dict[str, str]]) -> None:
    gazetteer = places.bundled()
    for row in rows:
        coded = gazetteer.by_code(row["place_code"])
        assert (coded is None) == (row["place_code"] == ""), row["id"]
        named = gazetteer.locate(row["place"], row["place_code"], row["scale"]).localities
        if coded is not None and coded.kind == "department":
            assert all(coded.code in (p.code, p.department) for p in named), row["id"]
        elif coded is not None:  # where the usual name is not the official one, a pin says so
            assert named == (coded,) or (row["id"], coded.code) in _pins(), row["id"]


def _pins() -> set[tuple[str, str]]:
    return {(d.id, d.value) for d in Decisions.read(DECISIONS).lines if d.action == "pin"}


def test_the_curator_s_decisions_all_apply_and_leave_no_place_shared() -> None:
    settings = load(REPOSITORY / "reco.toml")
    source = settings.sources[0]
    rules = Rules(source.themes, source.types, source.closed)
    admitted, _ = admit_all(read(source), rules)
    curated = settings.curation.curation().apply(admitted, {source.name: rules})
    assert curated.stale == ()
    assert not [r.id for r in curated.resources if any("shared" in note for note in r.notes)]


def test_no_sentence_is_padding(rows: list[dict[str, str]]) -> None:
    sentences = Counter(
        words for row in rows for words in {_words(s) for s in re.split(r"(?<=[.!?])\s+", row["summary"])}
    )
    assert max(sentences.values()) <= len(rows) // 100


@pytest.fixture(scope="module")
def facts(shared: Callable[[str], Path]) -> dict[str, dict[str, str]]:
    with shared("facts/catalogue_facts.csv").open(encoding="utf-8") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


def test_every_usable_record_of_the_facts_is_there(
    rows: list[dict[str, str]], facts: dict[str, dict[str, str]]
) -> None:
    assert {row["id"] for row in rows} == set(facts)
    for row in rows:
        known = facts[row["id"]]
        for name in ("title", "authors", "publisher", "year", "url", "audience"):
            assert row[name] == known[name], (row["id"], name)
        assert row["theme"] == known["theme"] and row["type"] == TYPES[known["type"]], row["id"]
        assert row["evidence"].startswith(known["evidence"]), row["id"]


def test_summaries_say_no_figure_that_the_facts_lack(
    rows: list[dict[str, str]], facts: dict[str, dict[str, str]]
) -> None:
    for row in rows:
        known = set(re.findall(r"\d+", " ".join(facts[row["id"]].values())))
        said = set(re.findall(r"\d+", row["summary"]))
        assert said <= known, (row["id"], said - known)


def test_summaries_are_in_our_own_words(rows: list[dict[str, str]], facts: dict[str, dict[str, str]]) -> None:
    for row in rows:
        theirs = f" {_words(facts[row['id']]['facts'])} "
        ours = _words(row["summary"]).split()
        runs = [" ".join(ours[at : at + _LONGEST_RUN]) for at in range(len(ours) - _LONGEST_RUN + 1)]
        assert not any(f" {run} " in theirs for run in runs), row["id"]


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text)))


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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout and unpacked: what `pip install` puts among the libraries."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_carries_a_catalogue_that_works_in_an_empty_folder(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = """
import json, reco
from reco.sources.read import read
from reco.workspace.home import recipe_of
settings = reco.open().settings
print(json.dumps({
    "rows": sum(1 for _ in read(settings.sources[0])),
    "acronyms": bool(settings.ranking.table().to_bytes()),
    "decisions": len(settings.curation.curation().decisions.lines),
    "golden": len(recipe_of(settings).golden),
    "files": [str(p) for p in (settings.sources[0].path, settings.gates.golden, settings.clusters.names)],
    "code": reco.__file__,
}))
"""
    found = python("-c", code, PYTHONPATH=str(installed), RECO_HOME=str(tmp_path / "home")).json
    assert found["rows"] == 467 and found["acronyms"] and found["decisions"] and found["golden"] == 64
    assert all(
        Path(path).is_relative_to(installed / "reco" / "workspace" / "defaults") for path in found["files"]
    )
    assert Path(found["code"]).is_relative_to(installed)


def test_the_command_line_of_the_wheel_reads_its_catalogue_in_an_empty_folder(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = {"PYTHONPATH": str(installed), "RECO_HOME": str(tmp_path / "home")}
    seen = run_process("source", "test", "bundled", "--json", **home).json
    assert seen["records"] and seen["unmapped"] == []


@pytest.mark.slow
@pytest.mark.model
def test_the_wheel_refreshes_and_answers_in_an_empty_folder(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(installed), "RECO_HOME": str(tmp_path / "home")}
    code = "from reco.cli.main import main; main()"
    command = [sys.executable, "-c", code, "refresh", "--json"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=1800)
    assert json.loads(done.stdout)["added"] == 467
    answer = run_process("recommend", "planter des haies", "-k", "3", "--json", **environment).json
    assert len(answer["recommendations"]) == 3


def test_a_checkout_is_its_own_default() -> None:
    assert defaults() == REPOSITORY

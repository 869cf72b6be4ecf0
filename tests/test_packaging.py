"""What the repository promises about itself: its packages, its documents and what its code never does."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from reco.workspace.settings import defaults
from tests.support import REPOSITORY, SOURCE, python, run_cli, run_process

CATALOGUE = REPOSITORY / "data" / "catalogue.csv"
DECISIONS = REPOSITORY / "data" / "decisions.csv"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with CATALOGUE.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


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
    rows: list[dict[str, str]], installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert found["rows"] == len(rows) and found["acronyms"] and found["decisions"] and found["golden"] == 64
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
    rows: list[dict[str, str]], installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(installed), "RECO_HOME": str(tmp_path / "home")}
    code = "from reco.cli.main import main; main()"
    command = [sys.executable, "-c", code, "refresh", "--json"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=1800)
    assert json.loads(done.stdout)["added"] == len(rows)
    answer = run_process("recommend", "planter des haies", "-k", "3", "--json", **environment).json
    assert len(answer["recommendations"]) == 3


def test_a_checkout_is_its_own_default() -> None:
    assert defaults() == REPOSITORY

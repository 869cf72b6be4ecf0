"""Reports hold every figure, show the worst queries, and never let a text become markup."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reco.encoder.testing import HashingEncoderForTests
from reco.evaluation.beir import JudgedDocument, JudgedSet, Topic
from reco.evaluation.evaluate import SetResult, Tried, evaluate
from reco.evaluation.inspect_topics import worst
from reco.evaluation.report import write_report, write_topics
from reco.ranking.recommender import Fusion
from tests.support import Home, run_cli

HOSTILE = "<script>alert(1)</script> $x^{$ | `a` [b](javascript:c) & =1+1"
SET = JudgedSet(
    f"nasty {HOSTILE}",
    (
        JudgedDocument("d1", "Planter des arbres", "Des tilleuls le long de la rue."),
        JudgedDocument("d2", HOSTILE, "Une toiture étanche."),
        JudgedDocument("d3", "Le four à pain", "Rallumé chaque dimanche."),
    ),
    (
        Topic("good", "planter des tilleuls", {"d1": 2}),
        Topic("=bad", f"cherche toiture {HOSTILE}", {"d1": 3, "d2": 0}),
        Topic("middling", "un four sous les tilleuls de la rue", {"d3": 2, "d1": 1}),
    ),
)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def results() -> dict[str, SetResult]:
    encoder = HashingEncoderForTests(128)
    names = ["bm25", "dense", "product"]
    return {SET.name: evaluate(SET, Tried(encoder, Fusion()), encoder, names)}


def test_the_page_holds_every_figure_and_escapes_every_text(
    results: dict[str, SetResult], tmp_path: Path
) -> None:
    write_report(results, tmp_path / "report.html")
    page = Tags((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "script" not in page.found and {"img", "table", "blockquote"} <= page.found
    assert page.text.count(HOSTILE) >= 4, "set, request and title are shown as they are"
    for scores in results[SET.name].systems.values():
        assert all(f"{value:.3f}" in page.text for value in scores.means.values())


def test_the_markdown_has_its_plots_beside_it(results: dict[str, SetResult], tmp_path: Path) -> None:
    write_report(results, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in text.replace(r"\<", "") and "[b](" not in text
    pictures = sorted(tmp_path.glob("*.png"))
    assert [p.name for p in pictures] == ["report-gains.png", "report-means.png"]
    assert all(p.name in text and p.read_bytes().startswith(b"\x89PNG") for p in pictures)
    rows = [line for line in text.splitlines() if line.startswith("| nasty")]
    assert {line.replace(r"\|", "").count("|") for line in rows[:3]} == {5}


def test_topics_come_worst_first_and_inert(results: dict[str, SetResult], tmp_path: Path) -> None:
    write_topics(results, tmp_path / "topics.csv")
    with (tmp_path / "topics.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = [float(row["product"]) for row in rows]
    assert rows[0]["topic"] == "'=bad" and values == sorted(values)


def test_the_worst_are_read_with_their_judgements_and_what_came_first(results: dict[str, SetResult]) -> None:
    (bad,) = worst(results, 1)
    assert (bad.topic, bad.text) == ("=bad", SET.topics[1].text)
    assert [(one.title, one.relevance) for one in bad.relevant] == [("Planter des arbres", 3)]
    assert (bad.first[0].id, bad.first[0].title, bad.first[0].relevance) == ("d2", HOSTILE, 0)
    assert len(worst(results, 99)) == 3


def write_set(folder: Path) -> Path:
    folder.mkdir()
    documents = [{"_id": d.id, "title": d.title, "text": d.text} for d in SET.documents]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    queries = [{"_id": t.id, "text": t.text} for t in SET.topics]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), encoding="utf-8")
    lines = (f"{t.id}\t{d}\t{rel}" for t in SET.topics for d, rel in t.qrels.items())
    (folder / "qrels.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_command_prints_the_worst(served: Home, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    done = run_cli("evaluate", str(folder), "--worst", "2", *served.arguments)
    assert done.code == 0
    read = done.out.split("## The worst queries")[1]
    assert "Planter des arbres (d1)" in read and SET.topics[1].text in read and "good" not in read


@pytest.mark.parametrize(
    "option", [("--report", "r.pdf"), ("--report", "absent/r.md"), ("--topics", "t.xlsx")]
)
def test_a_report_that_cannot_be_written_is_refused_first(
    served: Home, tmp_path: Path, option: tuple[str, str]
) -> None:
    name, file = option
    done = run_cli(
        "evaluate", str(tmp_path / "unread"), name, str(tmp_path / file), "--json", *served.arguments
    )
    assert done.code == 2 and file.split("/")[0] in done.json["error"]

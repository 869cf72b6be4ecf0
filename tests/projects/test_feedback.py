"""Opinions: what they change in one's own results, and the journal in which they wait for a curator."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.catalogue.catalogue import Filters
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput, InvalidQuery, StorageError
from reco.evaluation.beir import read_set
from reco.projects import feedback
from reco.projects.feedback import Feedback
from reco.ranking.query import MOST_OPINIONS, Opinion
from reco.ranking.recommender import Query, Recommender
from reco.ranking.relevance_feedback import SHARE
from tests.support import Home, resources, run_cli, scores_of, snapshot_of

ENCODER = HashingEncoderForTests()
RECOMMENDER = Recommender(snapshot_of(resources(), ENCODER), ENCODER)
IDS = [resource.id for resource in RECOMMENDER.snapshot.catalogue]
TEXT = "piscine énergie école eau"
OPINIONS = st.lists(
    st.builds(Opinion, st.sampled_from([*IDS, "gone"]), st.booleans()), max_size=12, unique_by=lambda o: o.id
).map(tuple)


def ask(*opinions: Opinion, k: int = 24, filters: Filters | None = None) -> dict[str, float]:
    return dict(scores_of(RECOMMENDER.recommend(Query.of(TEXT, k, filters, opinions=opinions))))


# What an opinion changes


@given(opinions=OPINIONS)
@settings(max_examples=40)
def test_opinions_are_bounded_and_one_line_of_the_proof(opinions: tuple[Opinion, ...]) -> None:
    before = ask()
    span = max(before.values()) - min(before.values())
    answer = RECOMMENDER.recommend(Query.of(TEXT, 24, opinions=opinions))
    for item in answer.recommendations:
        lines = [line for line in item.explanation.contributions if line.kind == "feedback"]
        assert len(lines) <= 1
        moved = item.score - before[item.resource.id]
        assert abs(moved) <= SHARE * span + 1e-9
        assert sum(line.value for line in lines) == pytest.approx(moved, abs=1e-8)
        assert sum(line.value for line in item.explanation.contributions) == pytest.approx(
            item.score, abs=1e-6
        )
        for line in lines:
            side = [o for o in opinions if o.useful == (line.value > 0) and o.id in IDS]
            assert 1 <= int(line.text) <= len(side)


def test_useful_raises_and_off_topic_lowers_what_is_near_too() -> None:
    before = ask()
    target = list(before)[10]
    (near,) = (item.resource.id for item in RECOMMENDER.similar(target, 1).recommendations)
    raised, lowered = ask(Opinion(target, True)), ask(Opinion(target, False))
    for identifier in (target, near):
        assert lowered[identifier] < before[identifier] < raised[identifier]
    assert list(raised).index(target) < list(before).index(target) < list(lowered).index(target)


def test_without_opinions_the_answer_is_exactly_the_same() -> None:
    plain = RECOMMENDER.recommend(Query.of(TEXT, 24))
    RECOMMENDER.recommend(Query.of(TEXT, 24, opinions=(Opinion(IDS[0], False), Opinion(IDS[3], True))))
    assert RECOMMENDER.recommend(Query.of(TEXT, 24)) == plain
    unknown = RECOMMENDER.recommend(Query.of(TEXT, 24, opinions=(Opinion("gone", True),)))
    assert unknown.recommendations == plain.recommendations


def test_a_filter_and_k_do_not_change_what_an_opinion_weighs() -> None:
    opinions = (Opinion(IDS[4], True), Opinion(IDS[9], False))
    everything = ask(*opinions)
    for filters in (Filters(types=("Rapports",)), Filters(themes=("Eau",))):
        kept = ask(*opinions, filters=filters)
        assert kept and kept == {identifier: everything[identifier] for identifier in kept}
    few = ask(*opinions, k=3)
    assert list(few.items()) == list(everything.items())[:3]


def test_the_last_opinion_on_a_resource_counts_and_too_many_are_refused() -> None:
    twice = Query.of(TEXT, opinions=(Opinion("a", True), Opinion("b", True), Opinion("a", False)))
    assert set(twice.opinions) == {Opinion("a", False), Opinion("b", True)}
    with pytest.raises(InvalidQuery, match="opinions"):
        Query.of(TEXT, opinions=tuple(Opinion(str(n), True) for n in range(MOST_OPINIONS + 1)))


def test_what_is_near_enough_comes_from_beyond_the_request() -> None:
    target = IDS[-1]
    answer = RECOMMENDER.recommend(Query.of("verger", 24, opinions=(Opinion(target, True),)))
    assert target in {item.resource.id for item in answer.recommendations}
    assert np.isfinite([item.score for item in answer.recommendations]).all()


# The journal


@pytest.fixture
def journal(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "home")


def test_a_text_is_kept_with_consent_only(journal: Feedback) -> None:
    journal.give("un projet secret", "r01", True, "000001")
    journal.give("un projet public", "r01", False, "000001", "hors sujet", consent=True)
    silent, told = journal.pending()
    assert silent.text is None and told.text == "un projet public"
    assert told.reason == "hors sujet" and not told.useful and told.snapshot == "000001"
    assert b"secret" not in b"".join(path.read_bytes() for path in journal.path.parent.iterdir())


@pytest.mark.parametrize("end", ["withdraw", "reject"])
def test_a_text_is_forgotten_with_its_opinion(journal: Feedback, end: str) -> None:
    number = journal.give("un projet confié puis repris", "r01", True, "1", consent=True)
    journal.withdraw(number) if end == "withdraw" else journal.reject(number, "Ada", "vague")
    (entry,) = journal.entries()
    assert entry.text is None and entry.status == {"withdraw": "withdrawn", "reject": "rejected"}[end]
    assert not journal.pending() and not journal.approved()
    assert "confié".encode() not in b"".join(path.read_bytes() for path in journal.path.parent.iterdir())


def test_a_decision_is_named_and_final(journal: Feedback) -> None:
    number = journal.give("eau", "r01", True, "1", consent=True)
    with pytest.raises(InvalidInput, match="name"):
        journal.approve(number, "  ")
    journal.approve(number, "Ada", "lu")
    for again in (journal.approve, journal.reject):
        with pytest.raises(InvalidInput, match="approved already"):
            again(number, "Ada")
    journal.withdraw(number)
    (entry,) = journal.approved()
    assert (entry.by, entry.decided, entry.text) == ("Ada", "lu", "eau")
    with pytest.raises(InvalidInput, match="no opinion"):
        journal.reject(99, "Ada")


@pytest.mark.parametrize(
    "statement", ["UPDATE opinions SET useful = 0", "DELETE FROM opinions", "DELETE FROM decisions"]
)
def test_the_journal_only_grows(journal: Feedback, statement: str) -> None:
    journal.approve(journal.give("eau", "r01", True, "1"), "Ada")
    with sqlite3.connect(journal.path) as raw, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(statement)


def test_hostile_input_is_data(journal: Feedback, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = "'); DROP TABLE opinions; --"
    journal.give(attack, attack, True, attack, attack, consent=True)
    assert journal.pending()[0].reason == attack
    with pytest.raises(InvalidInput):
        journal.give("eau", "r01", True, "1", "x" * 501)
    monkeypatch.setattr(feedback, "MOST_PENDING", 1)
    with pytest.raises(InvalidInput, match="wait for a curator"):
        journal.give("eau", "r01", True, "1")


def test_a_damaged_journal_is_said(journal: Feedback) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"not a database, for certain" * 100)
    with pytest.raises(StorageError, match="journal of opinions"):
        journal.pending()


WRITER = """
import sys
from pathlib import Path
from reco.projects.feedback import Feedback
journal = Feedback(Path(sys.argv[1]))
for n in range(25):
    number = journal.give(f"projet {sys.argv[2]} {n}", f"r{n}", bool(n % 2), "1", consent=True)
    if n % 5 == 0:
        journal.withdraw(number)
"""


def test_many_processes_write_at_once(journal: Feedback) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(journal.path.parent), str(n)]) for n in range(4)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    found = journal.entries()
    assert len(found) == len({entry.id for entry in found}) == 100
    assert len(journal.pending()) == 80
    assert {entry.text for entry in journal.pending()} == {
        f"projet {w} {n}" for w in range(4) for n in range(25) if n % 5
    }


# For everyone, once approved


def test_approved_opinions_are_exported_for_evaluate_and_adapt(served: Home, tmp_path: Path) -> None:
    journal, folder = Feedback(served.path), tmp_path / "judged"
    given = [
        ("rénover la piscine", "r00", True, True),
        ("rénover la piscine", "r01", False, True),
        ("rénover la piscine", "r02", True, False),  # no consent
        ("rénover la piscine", "gone", True, True),
        ("planter des haies", "r03", True, True),
        ("planter des haies", "r03", False, True),  # contradicts the one before
        ("planter des haies", "r04", True, True),
    ]
    for text, identifier, useful, consent in given:
        journal.approve(journal.give(text, identifier, useful, "000001", consent=consent), "Ada")
    journal.give("en attente", "r05", True, "000001", consent=True)
    done = run_cli("feedback", "export", str(folder), *served.arguments, "--json").json
    assert (done["requests"], done["judgements"], done["pairs"]) == (2, 3, 2)
    assert (done["without_text"], done["contradicted"], done["gone"]) == (1, 1, 1)
    judged = read_set(folder)
    assert {t.text: dict(t.qrels) for t in judged.topics} == {
        "rénover la piscine": {"r00": 1, "r01": 0},
        "planter des haies": {"r04": 1},
    }
    pairs = [json.loads(line) for line in (folder / "pairs.jsonl").read_text("utf-8").splitlines()]
    assert next((p["query"], p["id"], p["useful"]) for p in pairs) == ("rénover la piscine", "r00", True)
    assert all(pair["document"].strip() for pair in pairs)


def test_the_commands_list_and_decide(served: Home) -> None:
    journal = Feedback(served.path)
    for n in range(3):
        journal.give("rénover la piscine", f"r0{n}", n == 0, "000001", consent=True)
    assert run_cli("feedback", "approve", "1", "--by", "Ada", *served.arguments).code == 0
    assert run_cli("feedback", "reject", "2", "--by", "Ada", "--reason", "non", *served.arguments).code == 0
    assert run_cli("feedback", "reject", "2", "--by", "Ada", *served.arguments).code == 2
    assert [e["id"] for e in run_cli("feedback", "list", "--json", *served.arguments).json] == [3]
    every = run_cli("feedback", "list", "--all", *served.arguments).out
    assert "approved  useful  r00" in every and "rejected  off-topic  r01" in every

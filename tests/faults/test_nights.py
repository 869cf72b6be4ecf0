"""A home lives through any sequence of nights; a model says what it must serve after each step."""

from __future__ import annotations

import errno
import os
import tempfile
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reco.catalogue.admission import Rules, admit
from reco.catalogue.resource import Record, Resource
from reco.encoder.protocol import Document, unit
from reco.errors import PublishRefused, SnapshotError, SourceError, StorageError
from reco.ranking.recommender import Query
from reco.refresh.recipe import Recipe
from reco.storage import atomic
from tests.faults.stage import record, scaled
from tests.support import CountingEncoder, Home, rows, scores_of

Table = list[dict[str, str]]
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
REQUEST = Query.of("rouvrir le café et la piscine du village", 30)
SOURCES = ("one", "two")
KEPT = 3
EXACT = CountingEncoder(16)
SEEN: Counter[str] = Counter()

TEXTS = [row["title"] for row in rows()[:10]]
SUMMARIES = [row["summary"] for row in rows()[:10]] + ["", "Un."]


class Died(BaseException):
    """The process is dead: from here on no operation reaches the disk."""


class Nights(RuleBasedStateMachine):
    """Two sources. `expected` holds the rows of each source in every snapshot that was committed."""

    @initialize()
    def first_night(self) -> None:
        SEEN["sequences"] += 1
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        files = {name: f"{name}.csv" for name in SOURCES}
        self.home = Home(Path(self.folder.name) / "home", dimension=16, sources=files)
        self.tables = {"one": named("one", rows()[:4]), "two": named("two", rows()[4:8])}
        self.failing: set[str] = set()
        self.expected: dict[str, dict[str, Table]] = {}
        self.serving = ""
        self.refresh()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()
            if SEEN["sequences"] % 100 == 0:
                record("so far", **figures())

    @rule(source=st.sampled_from(SOURCES), n=st.integers(0, 7), data=st.data())
    def add_or_edit(self, source: str, n: int, data: st.DataObject) -> None:
        row = {
            "id": f"{source}{n}",
            "title": data.draw(st.sampled_from(TEXTS)),
            "summary": data.draw(st.sampled_from(SUMMARIES)),
            "theme": data.draw(st.sampled_from(["Eau", "Sport"])),
        }
        self.tables[source] = [*(one for one in self.tables[source] if one["id"] != row["id"]), row]

    @rule(data=st.data())
    def swap_texts(self, data: st.DataObject) -> None:
        every = [row for table in self.tables.values() for row in table]
        one, other = data.draw(st.permutations(every))[:2]
        texts = {
            one["id"]: (other["title"], other["summary"]),
            other["id"]: (one["title"], one["summary"]),
        }
        for source, table in self.tables.items():
            self.tables[source] = [
                {**row, **dict(zip(("title", "summary"), texts[row["id"]], strict=True))}
                if row["id"] in texts
                else row
                for row in table
            ]

    @rule(source=st.sampled_from(SOURCES), place=st.integers(0, 100))
    def delete(self, source: str, place: int) -> None:
        table = self.tables[source]
        if len(table) > 1:
            self.tables[source] = [row for i, row in enumerate(table) if i != place % len(table)]

    @rule(source=st.sampled_from(SOURCES))
    def fail_source(self, source: str) -> None:
        self.failing ^= {source}

    def collected(self) -> dict[str, Table]:
        """What a refresh now would serve: a failed source keeps what the served snapshot has of it."""
        served = self.expected.get(self.serving, {})
        for source in SOURCES:
            if source in self.failing:
                (self.home.folder / f"{source}.csv").unlink(missing_ok=True)
            else:
                self.home.write(self.tables[source], source)
        return {s: served.get(s, []) if s in self.failing else self.tables[s] for s in SOURCES}

    @rule()
    def refresh(self) -> None:
        wanted = self.collected()
        if len(self.failing) == len(SOURCES):
            with pytest.raises(SourceError):
                self.home.refresh(CountingEncoder(16))
            SEEN["all sources failed"] += 1
            return
        try:
            report = self.home.refresh(CountingEncoder(16))
        except PublishRefused:
            SEEN["refused by a gate"] += 1
            return
        SEEN["published" if report.published else "quiet"] += 1
        SEEN["a source failed"] += bool(self.failing)
        assert report.snapshot is not None and set(report.failed_sources) == self.failing
        self.serve(report.snapshot, wanted)
        self.is_what_a_refresh_from_scratch_gives()

    @precondition(lambda self: len(self.failing) < len(SOURCES))
    @rule(
        at=st.integers(1, 100) | st.integers(66, 88) | st.integers(2, 10),
        refusal=st.sampled_from([Died, Died, errno.ENOSPC, errno.EIO]),
        lasting=st.booleans(),
    )
    def crash(self, at: int, refusal: type[Died] | int, lasting: bool) -> None:
        """A refresh with work to do dies at operation `at`, or is refused it, or that and all after it."""
        source = next(name for name in SOURCES if name not in self.failing)
        first, *others = self.tables[source]
        SEEN["crashes"] += 1
        self.tables[source] = [{**first, "year": str(1900 + SEEN["crashes"] % 100)}, *others]
        wanted, before, count = self.collected(), self.home.store.named(), 0
        dies = isinstance(refusal, type)

        def operation(name: str, path: Path) -> None:
            nonlocal count
            count += 1
            if count == at or (count > at and (lasting or dies)):
                raise Died if dies else OSError(refusal, os.strerror(refusal))

        atomic.operation, proceed = operation, atomic.operation
        try:
            self.home.refresh(CountingEncoder(16))
            SEEN["ended before its crash" if count < at else "published in spite of it"] += 1
        except (Died, StorageError):
            SEEN["died" if dies else "refused by the disk"] += 1
        except PublishRefused:
            SEEN["refused by a gate"] += 1
        finally:
            atomic.operation = proceed
        after = self.home.store.named()
        if after != before:
            assert after not in self.expected, "a number was used twice"
            SEEN["died after its commit"] += count >= at and dies
            self.serve(after, wanted)

    @rule()
    def roll_back(self) -> None:
        older = [number for number in self.expected if number < self.serving]
        with self.home.store.writing():
            if older:
                assert self.home.store.rollback() == max(older)
                self.serving = max(older)
                SEEN["rolled back"] += 1
            else:
                with pytest.raises(SnapshotError):
                    self.home.store.rollback()

    @rule()
    def prune(self) -> None:
        with self.home.store.writing():
            removed = self.home.store.prune(KEPT)
        old = [number for number in sorted(self.expected)[:-KEPT] if number != self.serving]
        assert removed == old
        self.expected = {number: wanted for number, wanted in self.expected.items() if number not in old}

    def serve(self, number: str, wanted: dict[str, Table]) -> None:
        self.serving = number
        self.expected[number] = {source: list(table) for source, table in wanted.items()}

    def is_kept(self, found: list[str]) -> None:
        """A night that publishes may prune before it dies, or die before it prunes."""
        newest = sorted(self.expected)[-Recipe.keep :]
        assert {*newest, self.serving} <= set(found) <= self.expected.keys()
        self.expected = {number: self.expected[number] for number in found}

    def is_what_a_refresh_from_scratch_gives(self) -> None:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            scratch = Home(Path(folder), dimension=16, sources={s: f"{s}.csv" for s in SOURCES})
            for source, table in self.expected[self.serving].items():
                scratch.write(table, source)
            scratch.refresh(EXACT)
            found = dict(scores_of(self.home.recommender(EXACT).recommend(REQUEST)))
            exact = dict(scores_of(scratch.recommender(EXACT).recommend(REQUEST)))
        assert found.keys() == exact.keys() and found == pytest.approx(exact, abs=1e-6)
        SEEN["compared with scratch"] += 1

    @invariant()
    def the_expected_snapshot_is_served(self) -> None:
        if not getattr(self, "serving", ""):
            return
        snapshot, warning = self.home.store.serve()
        assert (snapshot.id, warning) == (self.serving, "")
        self.is_kept(self.home.store.ids())
        wanted = sorted(map(admitted, chain(*self.expected[self.serving].values())), key=lambda one: one.id)
        assert [(r.id, r.title, r.summary, r.themes) for r in snapshot.catalogue] == [
            (r.id, r.title, r.summary, r.themes) for r in wanted
        ]
        documents = [Document.of(one.title, one.summary) for one in wanted]
        exact = np.stack([vectors.vector for vectors in EXACT.encode_documents(documents)])
        np.testing.assert_allclose(snapshot.dense.vectors(), unit(exact), atol=1e-6)


def named(source: str, table: Table) -> Table:
    return [{**row, "id": f"{source}{n}"} for n, row in enumerate(table)]


def admitted(row: dict[str, str]) -> Resource:
    found = admit(Record("one", "one.csv", row), Rules())
    assert isinstance(found, Resource)
    return found


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize(("sequences", "steps"), [(14, 15), pytest.param(1_000, 15, marks=pytest.mark.slow)])
def test_any_sequence_of_nights(sequences: int, steps: int, request: pytest.FixtureRequest) -> None:
    SEEN.clear()
    sequences = scaled(sequences)
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Nights, settings=chosen)
    assert SEEN["died"] and SEEN["rolled back"] and SEEN["compared with scratch"], SEEN
    assert sequences < 100 or SEEN["died after its commit"], SEEN
    record(request.node.name, **figures(), broken=0)


def figures() -> dict[str, int]:
    return {name.replace(" ", "_"): count for name, count in sorted(SEEN.items())}

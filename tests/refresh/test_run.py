"""What a refresh promises, whatever happened to its sources since the last one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.errors import InvalidSettings, PublishRefused, SourceError
from reco.ranking.recommender import Query
from reco.refresh.collect import collect
from reco.snapshots.snapshot import Snapshot
from tests.support import CountingEncoder, Home, edited, files_under, rows, scores_of

Table = list[dict[str, str]]
REQUEST = Query.of("rouvrir le café et la piscine du village", 30)
ANY_SIZE = "[gates]\nrow_drop = 1.0\n\n"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def vector(snapshot: Snapshot, identifier: str) -> np.ndarray:
    row = snapshot.catalogue.row(identifier)
    assert row is not None
    return np.array(snapshot.dense.vectors()[row])


def refreshed(home: Home, table: Table) -> tuple[Snapshot, CountingEncoder]:
    """Refresh from other rows; return what is then served, and what was encoded."""
    home.write(table)
    encoder = CountingEncoder(home.dimension)
    home.refresh(encoder)
    return home.store.open(), encoder


def test_a_first_refresh_publishes_everything(home: Home) -> None:
    report = home.refresh()
    assert (report.published, report.snapshot, report.read, report.added) == (True, "000001", 24, 24)
    assert (report.encoded, report.reused, report.rejected, report.failures) == (24, 0, 0, {})
    assert home.store.current() == "000001"


def test_refreshing_twice_encodes_nothing_and_writes_a_line_of_the_log(served: Home) -> None:
    before, encoder = files_under(served.path), CountingEncoder()
    report = served.refresh(encoder)
    assert (report.published, report.snapshot, report.encoded, report.reused) == (False, "000001", 0, 24)
    assert report.unchanged == 24 and encoder.encoded == []
    after = files_under(served.path)
    assert after.pop("refresh.log").startswith(before.pop("refresh.log"))
    assert after == before


def test_another_way_to_read_words_makes_the_indexes_anew(
    served: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reco.refresh.recipe.READING", -1)
    report = served.refresh(encoder := CountingEncoder())
    assert (report.published, report.snapshot, report.unchanged) == (True, "000002", 24)
    assert encoder.encoded == []


def test_only_a_changed_text_is_encoded(served: Home) -> None:
    snapshot, encoder = refreshed(served, edited(rows(), "r03", summary="La cantine devient une régie."))
    assert [document.summary for document in encoder.encoded] == ["La cantine devient une régie."]
    assert snapshot.id == "000002" and snapshot.manifest.parent == "000001"


@pytest.mark.parametrize(
    "values", [{"theme": "Eau"}, {"year": "1999"}, {"url": "https://a.fr"}, {"publisher": "Cerema"}]
)
def test_a_changed_facet_encodes_nothing(served: Home, values: dict[str, str]) -> None:
    before = served.store.open()
    snapshot, encoder = refreshed(served, edited(rows(), "r03", **values))
    assert snapshot.id == "000002" and encoder.encoded == []
    np.testing.assert_array_equal(snapshot.dense.vectors(), before.dense.vectors())
    (name, value), row = next(iter(values.items())), snapshot.catalogue.row("r03")
    assert str(getattr(snapshot.catalogue[row], name)) == value


def test_swapping_two_texts_swaps_two_vectors(served: Home) -> None:
    before, (one, other) = served.store.open(), rows()[4:6]
    table = edited(rows(), "r04", title=other["title"], summary=other["summary"])
    table = edited(table, "r05", title=one["title"], summary=one["summary"])
    after, encoder = refreshed(served, table)
    assert encoder.encoded == []
    np.testing.assert_array_equal(vector(after, "r04"), vector(before, "r05"))
    np.testing.assert_array_equal(vector(after, "r05"), vector(before, "r04"))
    assert not np.array_equal(vector(after, "r04"), vector(before, "r04"))


def test_one_text_under_two_ids_is_encoded_once_and_found_twice(home: Home) -> None:
    snapshot, encoder = refreshed(home, [*rows(), {**rows()[2], "id": "twin"}])
    assert len(encoder.encoded) == 24
    np.testing.assert_array_equal(vector(snapshot, "twin"), vector(snapshot, "r02"))


def test_a_deletion_propagates(served: Home) -> None:
    snapshot, encoder = refreshed(served, [row for row in rows() if row["id"] != "r10"])
    assert snapshot.catalogue.row("r10") is None and len(snapshot.dense) == 23
    assert "r10" not in dict(scores_of(served.recommender().recommend(REQUEST)))
    assert encoder.encoded == []


def test_another_encoder_encodes_everything_again(served: Home) -> None:
    served.dimension = 32
    served.configure()
    encoder = CountingEncoder(32)
    report = served.refresh(encoder)
    assert (report.published, report.encoded, report.reused) == (True, 24, 0)
    assert len(encoder.encoded) == 24 and served.store.open().dense.dimension == 32
    assert len(served.store.open("000001").catalogue) == 24, "the old one is still there"


def test_the_same_size_with_another_seed_is_another_encoder(served: Home) -> None:
    report = served.refresh(CountingEncoder(64, seed=1))
    assert (report.published, report.encoded) == (True, 24)


@pytest.fixture
def pair(memory: Path) -> Home:
    """Two sources of twelve rows, refreshed."""
    home = Home(memory / "pair", sources={"one": "one.csv", "two": "two.csv"})
    home.write(rows()[:12], "one")
    home.write(rows()[12:], "two")
    home.refresh()
    return home


@pytest.mark.parametrize("content", [None, b"", b"id,title,summary\n", b"a;b\n1;2\n", b"id,title\n1,\n2,\n"])
def test_a_failed_source_keeps_its_rows_and_the_others_move_on(pair: Home, content: bytes | None) -> None:
    path = pair.folder / "two.csv"
    path.unlink() if content is None else path.write_bytes(content)
    pair.write(edited(rows()[:12], "r00", summary="Un nouveau texte."), "one")
    encoder = CountingEncoder()
    report = pair.refresh(encoder)
    assert report.failed_sources == ("two",) and report.failures["two"]
    assert (report.published, report.removed, report.changed) == (True, 0, 1)
    assert [document.summary for document in encoder.encoded] == ["Un nouveau texte."]
    assert len(pair.store.open().catalogue) == 24


@pytest.mark.parametrize("content", [None, b""])
def test_when_every_source_failed_nothing_is_touched(pair: Home, content: bytes | None) -> None:
    before = files_under(pair.path / "snapshots"), (pair.path / "CURRENT").read_bytes()
    for name in ("one.csv", "two.csv"):
        path = pair.folder / name
        path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(SourceError, match=r"one.*two") as failed:
        pair.refresh()
    assert failed.value.exit_code == 1 and failed.value.hint
    assert (files_under(pair.path / "snapshots"), (pair.path / "CURRENT").read_bytes()) == before


def test_a_source_taken_out_of_the_settings_leaves(pair: Home) -> None:
    del pair.sources["two"]
    pair.configure()
    try:
        report = pair.refresh()
    except PublishRefused:  # half of the rows at once is for a gate to judge
        return
    assert (report.removed, report.published) == (12, True)


def test_without_a_source_there_is_nothing_to_refresh(home: Home) -> None:
    home.sources.clear()
    home.configure()
    with pytest.raises(InvalidSettings):
        home.refresh()


def test_an_id_is_of_its_source(pair: Home) -> None:
    pair.write([*rows()[12:], {**rows()[0], "title": "Un autre texte"}], "two")
    report = pair.refresh()
    assert (report.rejected, report.added, report.unchanged) == (0, 1, 24)
    served = {r.id: r.title for r in pair.store.open().catalogue}
    assert served["r00"] == rows()[0]["title"] and served["two:r00"] == "Un autre texte" and "r12" in served
    (told,) = report.warnings
    assert told.source == "two" and "'r00' is served as 'two:r00'" in told.text
    again = pair.refresh()
    assert again.warnings == () and not again.published, "a night without news is quiet"


def test_refused_rows_are_kept_with_their_reasons(home: Home) -> None:
    home.write([*rows(), {"id": "bad", "title": "", "year": "hier"}])
    report = home.refresh()
    assert (report.read, report.rejected, report.added) == (25, 1, 24)
    assert report.quarantine is not None
    kept = Path(report.quarantine).read_text("utf-8")
    assert "hier" in kept and "title" in kept and "catalogue.csv:26" in kept


def test_too_many_refused_rows_fail_their_source(served: Home) -> None:
    served.write([{**row, "title": ""} if i % 2 else row for i, row in enumerate(rows())])
    with pytest.raises(SourceError, match="12 of its 24 rows"):
        served.refresh()
    assert len(served.store.open().catalogue) == 24
    assert list((served.path / "quarantine").iterdir())


ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from([f"i{n}" for n in range(8)]),
        "title": st.sampled_from([row["title"] for row in rows()[:10]]),
        "summary": st.sampled_from([row["summary"] for row in rows()[:10]] + ["", "Un."]),
        "theme": st.sampled_from(["Eau", "Sport"]),
    }
)
TABLES = st.lists(ROW, min_size=1, max_size=8, unique_by=lambda row: row["id"])


@settings(max_examples=25)
@given(TABLES, TABLES)
def test_incremental_is_from_scratch(first: Table, second: Table) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        one, other = (Home(Path(folder) / name, extra=ANY_SIZE) for name in ("one", "other"))
        try:
            refreshed(one, first)
            incremental, encoder = refreshed(one, second)
        except PublishRefused:
            return
        scratch, _ = refreshed(other, second)
        assert list(incremental.catalogue) == list(scratch.catalogue)
        np.testing.assert_array_equal(incremental.table.parts, scratch.table.parts)
        np.testing.assert_array_equal(incremental.dense.vectors(), scratch.dense.vectors())
        known = {(row["title"], row["summary"]) for row in first}
        new = {(row["title"], row["summary"]) for row in second} - known
        assert {(d.title, d.summary) for d in encoder.encoded} == new and len(encoder.encoded) == len(new)
        assert dict(scores_of(one.recommender().recommend(REQUEST))) == pytest.approx(
            dict(scores_of(other.recommender().recommend(REQUEST))), abs=1e-6
        )


def test_an_unchanged_resource_is_yesterdays_own(served: Home) -> None:
    """A large catalogue of which little changed is in memory once."""
    served.write(edited(rows(), "r01", summary="Le verger donne ses pommes."))
    previous = served.store.open()
    today = {r.id: r for r in collect(served.settings().sources, previous, served.path / "cache").resources}
    assert [r.id for r in previous.catalogue if today[r.id] is not r] == ["r01"]

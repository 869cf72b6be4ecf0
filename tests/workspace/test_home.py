"""The front door: what a home answers, makes, measures and exports, and a home made from a DataFrame."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import reco
from reco.catalogue.catalogue import Filters
from reco.errors import InvalidInput, InvalidQuery, InvalidSettings, SnapshotError
from reco.ranking.query import Query
from tests.support import Home, edited, rows, scores_of

TEST = {"kind": "hashing-for-tests", "dimension": 64}
TEXT = "rénover la piscine municipale"


@pytest.fixture
def opened(served: Home) -> reco.Home:
    return reco.open(served.path, config=served.config)


def test_a_home_answers_as_its_recommender_does(served: Home, opened: reco.Home) -> None:
    filters = Filters(types=("Rapports",), themes=("Énergie", "Eau"), first_year=2003)
    direct = served.recommender().recommend(Query.of(TEXT, 4, filters, diversity=0.5))
    found = opened.recommend(
        TEXT, 4, type="Rapports", theme=["Énergie", "Eau"], first_year=2003, diversity=0.5
    )
    assert scores_of(found) == scores_of(direct) != [] and found.query == direct.query
    asked = Query.of(TEXT, k=3)
    assert scores_of(opened.recommend(asked)) == scores_of(served.recommender().recommend(asked))
    assert len(opened.recommend(TEXT)) == 10
    for beside in ({"k": 3}, {"type": "Rapports"}, {"near": True}, {"commune": "33214"}, {"without": "PLU"}):
        with pytest.raises(InvalidQuery, match="nothing beside it"):
            opened.recommend(asked, **beside)  # type: ignore[arg-type]


def test_an_answer_is_a_sequence_and_a_table(opened: reco.Home) -> None:
    answer = opened.recommend(TEXT, k=3)
    assert len(answer) == 3 and list(answer) == list(answer.recommendations) and answer[0].rank == 1
    table = answer.to_frame()
    assert list(table.columns) == ["rank", "score", "level", "title", "best passage"]
    assert list(table.index) == [item.resource.id for item in answer] and table.index.name == "id"
    assert list(table["score"]) == [item.score for item in answer]
    assert table["best passage"].iloc[0] == answer[0].explanation.passages[0].text
    for item in answer:
        shares = item.explanation.to_frame()
        assert shares["value"].sum() == pytest.approx(item.score, abs=1e-6)
    nothing = opened.recommend(TEXT, type="Livres", theme="Eau")
    assert nothing and len(nothing) == 0 and list(nothing.to_frame().columns) == list(table.columns)


def test_neighbours_take_filters(opened: reco.Home) -> None:
    found = opened.similar("r00", k=3, filters=Filters.of(type="Livres"))
    assert [item.resource.type for item in found] == ["Livres"] * 3


def test_a_snapshot_is_opened_once_until_it_is_asked_for_anew(served: Home, opened: reco.Home) -> None:
    first = opened.snapshot
    assert opened.catalogue is first.catalogue and np.array_equal(
        opened.snapshot.vectors, first.dense.vectors()
    )
    served.write(edited(rows(), "r00", title="Un autre titre"))
    assert served.refresh().published
    assert opened.snapshot is first and opened.recommender.snapshot is first
    opened.reload()
    assert opened.snapshot.id == "000002" and opened.catalogue[0].title == "Un autre titre"
    assert opened.recommender.snapshot.id == opened.recommend(TEXT).snapshot == "000002"


def test_a_refresh_is_told_and_then_served(served: Home, opened: reco.Home) -> None:
    before = opened.snapshot.id
    served.write(
        [*edited(rows(), "r00", title="Un autre titre"), {"id": "vide", "title": "", "summary": "Rien."}]
    )
    report = opened.refresh()
    assert report.published and report.changed == 1 and opened.report is report
    assert opened.snapshot.id == report.snapshot != before
    assert [(row.values["id"], row.problems) for row in opened.rejected] == [
        ("vide", ("the title is missing",))
    ]
    assert reco.open(served.path, config=served.config).rejected == ()


def test_a_damaged_snapshot_is_told_of(served: Home, opened: reco.Home) -> None:
    assert opened.warning == ""
    served.write(edited(rows(), "r00", title="Un autre titre"))
    served.refresh()
    (served.path / "snapshots" / "000002" / "bounds.npy").write_bytes(b"")
    opened.reload()
    assert opened.snapshot.id == "000001" and "000001 is served instead" in opened.warning


def test_a_home_without_a_snapshot_says_so_when_it_is_asked(home: Home) -> None:
    found = reco.open(home.path, config=home.config)
    with pytest.raises(SnapshotError, match="no snapshot"):
        found.recommend(TEXT)
    assert found.refresh().published and found.recommend(TEXT, k=1)[0].resource.id == "r00"


def test_settings_are_looked_for_in_the_home_too(
    served: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "reco.toml").write_text("[operation]\nstale_hours = 7\n", "utf-8")
    assert reco.open(own).settings.operation.stale_hours == 7
    assert reco.open(own, config=served.config).settings.operation.stale_hours == 36
    monkeypatch.setenv("RECO_HOME", str(own))
    assert reco.open().path == own and reco.open(served.path).path == served.path
    monkeypatch.setenv("RECO_CONFIG", str(served.config))
    assert reco.open(own).settings.encoder.kind == "hashing-for-tests"
    with pytest.raises(InvalidSettings, match="cannot be read"):
        reco.open(config=tmp_path / "none.toml")


def test_clusters_are_the_snapshot_s_or_found_now(served: Home, opened: reco.Home) -> None:
    assert opened.clusters is opened.snapshot.clusters
    served.extra = "[clusters]\nenabled = false\n"
    served.configure()
    without = reco.open(served.path, config=served.config)
    assert without.refresh().published and without.snapshot.clusters is None
    assert without.clusters.ids == tuple(r.id for r in without.catalogue)


def test_a_home_is_measured_on_its_golden_set_and_on_others(served: Home) -> None:
    golden, other = served.folder / "golden", served.folder / "other"
    for folder in (golden, other):
        folder.mkdir()
        (folder / "queries.jsonl").write_text('{"_id": "q", "text": "rénover la piscine"}\n', "utf-8")
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\tr00\t3\n", "utf-8")
    corpus = '{"_id": "r00", "title": "Rénover la piscine", "text": "Bassin."}\n{"_id": "x", "title": "Haie", "text": ""}\n'
    (other / "corpus.jsonl").write_text(corpus, "utf-8")
    served.extra = '[gates]\ngolden = "golden"\n'
    served.configure()
    home = reco.open(served.path, config=served.config)
    seen: list[tuple[int, int]] = []
    found = home.evaluate(golden, other, systems=["bm25", "product"])
    table = found.summary()
    assert table[["set", "system", "documents"]].values.tolist() == [
        ["golden", "bm25", 24],
        ["golden", "product", 24],
        ["other", "bm25", 2],
        ["other", "product", 2],
    ]
    assert table["ndcg@10"].tolist() == [1.0] * 4 and len(found.differences()) == 2
    assert list(home.evaluate(systems=["bm25"]).results) == ["golden"] and not seen
    assert list(home.evaluate(other, systems=["bm25"]).results) == ["other"]
    for refused, said in (
        ((other, other), "two sets have|Two sets have"),
        ((served.folder / "none",), "not a folder"),
    ):
        with pytest.raises(InvalidInput, match=said):
            home.evaluate(*refused)
    with pytest.raises(InvalidInput, match="no system guess"):
        home.evaluate(other, systems=["guess"])
    with pytest.raises(InvalidInput, match="no golden set"):
        reco.from_frame(pd.DataFrame(rows()), encoder=TEST).evaluate()


def test_an_export_holds_what_the_snapshot_does(opened: reco.Home, tmp_path: Path) -> None:
    paths = opened.export(tmp_path / "out")
    assert [*paths] == ["catalogue", "vectors", "clusters"] and all(path.is_file() for path in paths.values())
    catalogue, vectors, clusters = (pd.read_parquet(path) for path in paths.values())
    ids = [resource.id for resource in opened.catalogue]
    assert list(catalogue["id"]) == list(vectors["id"]) == list(clusters["id"]) == ids
    assert list(catalogue["title"]) == [resource.title for resource in opened.catalogue]
    assert np.array_equal(np.stack(vectors["vector"].to_list()), opened.snapshot.vectors)
    assert list(clusters.columns) == ["id", "cluster", "label", "x", "y"]
    found = opened.clusters
    assert list(clusters["cluster"]) == list(found.membership[-1])
    assert list(clusters["label"]) == [found.by_id[i].label if i else "" for i in found.membership[-1]]
    assert opened.export(tmp_path / "out") == paths, "what an export wrote, another replaces"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{name}.parquet" for name in paths}


def test_a_page_of_an_export_that_is_damaged_is_found(opened: reco.Home, tmp_path: Path) -> None:
    path = opened.export(tmp_path)["vectors"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC checksum"):
        pq.ParquetFile(path, page_checksum_verification=True).read(use_threads=False)


def test_an_export_replaces_no_file_that_none_wrote(opened: reco.Home, tmp_path: Path) -> None:
    mine = tmp_path / "vectors.parquet"
    for content in (b"not parquet", None):
        if content is None:
            pd.DataFrame({"mine": [1]}).to_parquet(mine)
        else:
            mine.write_bytes(content)
        kept = mine.read_bytes()
        with pytest.raises(InvalidInput, match="no export wrote it"):
            opened.export(tmp_path)
        assert mine.read_bytes() == kept and not (tmp_path / "catalogue.parquet").exists()


def test_an_export_without_clusters_leaves_no_older_ones(
    served: Home, opened: reco.Home, tmp_path: Path
) -> None:
    assert "clusters" in opened.export(tmp_path)
    served.extra = "[clusters]\nenabled = false\n"
    served.configure()
    without = reco.open(served.path, config=served.config)
    without.refresh()
    assert [*without.export(tmp_path)] == ["catalogue", "vectors"]
    assert not (tmp_path / "clusters.parquet").exists()


def test_a_frame_becomes_a_home() -> None:
    frame = pd.DataFrame(rows()).drop(columns="id")
    home = reco.from_frame(frame, encoder=TEST)
    assert home.recommend(TEXT, k=1)[0].resource.title == "Rénover la piscine municipale"
    assert len(home.catalogue) == 24 and home.rejected == ()
    assert {r.year for r in home.catalogue} == set(range(2000, 2024))
    again = reco.from_frame(frame.sample(frac=1, random_state=1), encoder=TEST)
    assert [r.id for r in again.catalogue] == [r.id for r in home.catalogue], "ids are made of the texts"


def test_cells_are_read_as_an_analyst_means_them() -> None:
    frame = pd.DataFrame(
        {
            "id": ["a", None, "c", "c"],
            "title": ["Un", "Deux", "Trois", "Quatre"],
            "summary": ["Premier.", "Second.", pd.NA, "Encore."],
            "themes": [["Eau", "Sport"], None, np.array(["Énergie"]), ()],
            "year": [2001.0, np.nan, 2003, 2004],
            "note": ["x", "y", "z", "t"],
        }
    )
    home = reco.from_frame(frame, encoder=TEST)
    found = {r.title: r for r in home.catalogue}
    assert [*found] == ["Un", "Trois", "Deux"] and found["Deux"].id.startswith("deux-")
    assert found["Un"].themes == ("Eau", "Sport") and found["Trois"].themes == ("Énergie",)
    assert found["Un"].year == 2001 and found["Deux"].year is None and found["Trois"].summary == ""
    assert [row.values["title"] for row in home.rejected] == ["Quatre"]
    assert "already used" in home.rejected[0].problems[0]


def test_a_temporary_home_goes_with_its_object() -> None:
    home = reco.from_frame(pd.DataFrame(rows()), encoder=TEST)
    path = home.path
    assert (path / "snapshots").is_dir()
    del home
    gc.collect()
    assert not path.exists()


def test_a_folder_is_a_home_that_opens_again_and_is_updated(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    reco.from_frame(pd.DataFrame(rows()), folder, encoder=TEST)
    opened = reco.open(folder)
    assert opened.settings.encoder.kind == "hashing-for-tests" and len(opened.catalogue) == 24
    assert not opened.refresh().published
    changed = pd.DataFrame(edited(rows(), "r00", title="Un autre titre"))
    assert reco.from_frame(changed, folder, encoder=TEST).report.changed == 1  # type: ignore[union-attr]


def test_a_frame_replaces_no_settings_of_another(tmp_path: Path) -> None:
    (tmp_path / "reco.toml").write_text("[encoder]\n", "utf-8")
    with pytest.raises(InvalidInput, match="did not write it"):
        reco.from_frame(pd.DataFrame(rows()), tmp_path, encoder=TEST)
    assert [path.name for path in tmp_path.iterdir()] == ["reco.toml"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ([{"title": "Un"}], "not a list"),
        (pd.DataFrame(), "no rows"),
        (pd.DataFrame({"titre": ["Un"], "summary": [""]}), "no column title; it has titre, summary"),
        (pd.DataFrame({"a": [1]}), "no column title and no column summary"),
        (pd.DataFrame([["Un", "Deux", "x"]], columns=["title", "title", "summary"]), "two columns for title"),
        (
            pd.DataFrame({"title": ["Un"], "summary": ["."], "theme": [""], "themes": [""]}),
            "two columns for theme",
        ),
        (pd.DataFrame({"title": [""], "summary": ["Rien."]}), "Every row.*the title is missing"),
    ],
)
def test_a_frame_that_cannot_be_read_is_refused_with_what_to_do(frame: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        reco.from_frame(frame, encoder=TEST)  # type: ignore[arg-type]
    assert refused.value.hint


def test_an_encoder_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="kind"):
        reco.from_frame(pd.DataFrame(rows()), encoder={"kind": "guess"})

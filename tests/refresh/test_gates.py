"""Each gate refuses what it is there for, lets through what it must, and records what it measured."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reco.catalogue.catalogue import Catalogue
from reco.catalogue.resource import Resource
from reco.encoder.protocol import Document, DocumentVectors, Progress
from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidSettings, PublishRefused, StorageError
from reco.evaluation.beir import Topic
from reco.evaluation.runs import churn
from reco.index import duplicates
from reco.index.dense import DenseIndex
from reco.ranking.measures import measure, ndcg
from reco.refresh.gates import Gates, Thresholds, Verdict, judge, remember
from reco.refresh.publish import Forced
from reco.refresh.report import RefreshRefused
from reco.snapshots.snapshot import Snapshot, build
from reco.storage import atomic
from reco.workspace.home import recipe_of
from reco.workspace.settings import GateSettings, load
from tests.support import REPOSITORY, Home, edited, files_under, resources, rows, run_cli, snapshot_of

ENCODER = HashingEncoderForTests(64)
ALL = ("row_drop", "invalid_vectors", "identical_vectors", "unmatched_vectors", "lost_resources")
FORCE = ("--force", "--by", "Camille", "--reason", "La source a fermé")
TOPICS = tuple(Topic(f"t{r.id}", f"{r.title} {r.summary}", {r.id: 2}) for r in resources())


def verdict(
    candidate: Snapshot, previous: Snapshot | None = None, topics: Sequence[Topic] = (), **limits: float
) -> Verdict:
    return judged(candidate, previous, ENCODER, Gates(Thresholds(**limits), tuple(topics)))  # type: ignore[arg-type]


def judged(
    candidate: Snapshot, previous: Snapshot | None, encoder: HashingEncoderForTests, gates: Gates
) -> Verdict:
    """What the gates say of a candidate once the previous snapshot was remembered and let go."""
    kept = remember(previous, candidate.catalogue, encoder, gates) if previous is not None else None
    return judge(candidate, kept, encoder, gates)


def objecting(found: Verdict) -> list[str]:
    return [objection.gate for objection in found.objections]


def figures(found: Verdict) -> dict[str, Any]:
    gates: dict[str, Any] = found.record()["gates"]
    return gates


def rotated(given: Sequence[Resource], by: int = 7) -> list[Resource]:
    """The same ids, each with the text of another."""
    return [
        replace(one, title=other.title, summary=other.summary)
        for one, other in zip(given, [*given[by:], *given[:by]], strict=True)
    ]


@pytest.fixture(scope="module")
def base() -> Snapshot:
    return snapshot_of(resources(), ENCODER)


def test_a_sound_snapshot_passes_every_gate_and_each_is_recorded(base: Snapshot) -> None:
    found = verdict(snapshot_of(resources(), ENCODER, "000002"), base, TOPICS)
    assert found.objections == ()
    assert set(figures(found)) == {*ALL, "golden_drop", "churn"}
    assert all(gate["figure"] == 0.0 and "skipped" not in gate for gate in figures(found).values())
    assert figures(found)["row_drop"]["threshold"] == 0.2


def test_without_a_previous_snapshot_what_compares_is_skipped_and_says_so(base: Snapshot) -> None:
    found = verdict(base, None, TOPICS)
    assert found.objections == ()
    for gate in ("row_drop", "golden_drop", "churn"):
        assert figures(found)[gate]["figure"] is None
        assert figures(found)[gate]["skipped"] == "there is no previous snapshot"


@pytest.mark.parametrize(("left", "refused"), [(24, False), (20, False), (19, True), (1, True), (25, False)])
def test_too_many_rows_gone(base: Snapshot, left: int, refused: bool) -> None:
    many = [*resources(), replace(resources()[0], id="new", title="Un titre tout neuf")]
    found = verdict(snapshot_of(many[:left], ENCODER), base)
    assert ("row_drop" in objecting(found)) == refused
    assert figures(found)["row_drop"]["figure"] == pytest.approx(max(0, 24 - left) / 24)
    assert "row_drop" not in objecting(verdict(snapshot_of(many[:left], ENCODER), base, row_drop=1.0))


def with_vectors(snapshot: Snapshot, change: Callable[[np.ndarray], None]) -> Snapshot:
    """The snapshot with other vectors in its dense index alone."""
    vectors = np.array(snapshot.dense.vectors())
    change(vectors)
    return replace(snapshot, dense=DenseIndex.build(vectors))


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_vector_that_is_no_direction(base: Snapshot, value: float) -> None:
    found = verdict(with_vectors(base, lambda v: v.__setitem__(3, value)), base, TOPICS)
    assert objecting(found) == ["invalid_vectors"]
    assert found.objections[0].figure == pytest.approx(1 / 24) and "r03" in found.objections[0].message
    assert figures(found)["churn"]["skipped"] == "the vectors are not sound"


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("whole", [True, False])
def test_a_part_that_is_not_a_number(base: Snapshot, value: float, whole: bool) -> None:
    parts = base.table.parts.copy()
    parts[base.table.bounds[5] + 1, 2] = value
    table = replace(base.table, parts=parts)
    found = verdict(build(base.manifest, base.catalogue, table) if whole else replace(base, table=table))
    assert objecting(found) == ["invalid_vectors"] and "r05" in found.objections[0].message


def test_two_texts_with_one_vector_but_not_one_text_twice(base: Snapshot) -> None:
    found = verdict(with_vectors(base, lambda v: v.__setitem__(3, v[9])), base)
    assert "identical_vectors" in objecting(found)
    assert figures(found)["identical_vectors"]["figure"] == pytest.approx(2 / 24)
    twin = snapshot_of([*resources(), replace(resources()[2], id="twin")], ENCODER)
    assert verdict(twin, base).objections == ()


def test_parts_of_another_text(base: Snapshot) -> None:
    """Two documents of as many parts exchange their vectors, everywhere: only yesterday's tell."""
    counts = np.diff(base.table.bounds)
    one, other = next((a, b) for a in range(24) for b in range(a) if counts[a] == counts[b])
    order = np.arange(len(base.table.parts))
    spans = [slice(base.table.bounds[row], base.table.bounds[row + 1]) for row in (one, other)]
    order[spans[0]], order[spans[1]] = order[spans[1]].copy(), order[spans[0]].copy()
    table = replace(base.table, parts=base.table.parts[order])
    found = verdict(build(base.manifest, base.catalogue, table), base)
    assert "unmatched_vectors" in objecting(found)
    assert figures(found)["unmatched_vectors"]["figure"] == pytest.approx(2 / 24)


def test_parts_beyond_their_text(base: Snapshot) -> None:
    cut = Catalogue(replace(r, summary="Trop court.") if r.id == "r04" else r for r in base.catalogue)
    assert "unmatched_vectors" in objecting(verdict(replace(base, catalogue=cut)))


def test_a_resource_that_does_not_find_itself(base: Snapshot) -> None:
    def swap(vectors: np.ndarray) -> None:
        vectors[[3, 9]] = vectors[[9, 3]]

    found = verdict(with_vectors(base, swap), base)
    assert "lost_resources" in objecting(found)
    assert figures(found)["lost_resources"]["figure"] == pytest.approx(2 / 24)


def test_the_golden_set_gets_worse(base: Snapshot) -> None:
    found = verdict(snapshot_of(rotated(resources()), ENCODER), base, TOPICS)
    (objection,) = [o for o in found.objections if o.gate == "golden_drop"]
    measured = figures(found)["golden_drop"]
    assert objection.figure == measured["before"] - measured["after"] > 0.5 and measured["p"] < 0.05
    assert objecting(verdict(snapshot_of(rotated(resources()), ENCODER), base, TOPICS, golden_drop=1.0)) == []


def test_a_loss_that_may_be_chance_is_recorded_and_let_through(base: Snapshot) -> None:
    worse = [*rotated(resources()[:2], 1), *resources()[2:]]
    found = verdict(snapshot_of(worse, ENCODER), base, TOPICS)
    measured = figures(found)["golden_drop"]
    assert found.objections == () and measured["figure"] > 0.03 and measured["p"] >= 0.05


def test_judged_resources_that_left_and_unjudged_newcomers_are_no_loss(base: Snapshot) -> None:
    echoes = [replace(r, id=f"echo-{r.id}") for r in resources()]
    found = verdict(snapshot_of([*resources()[4:], *echoes], ENCODER), base, TOPICS)
    assert figures(found)["golden_drop"]["figure"] == pytest.approx(0.0, abs=0.02)
    assert figures(found)["golden_drop"]["topics"] == 20


def test_a_golden_set_of_another_catalogue_is_skipped_with_its_reason(base: Snapshot) -> None:
    strange = [Topic(t.id, t.text, {f"other-{t.id}": 1}) for t in TOPICS[5:]]
    found = verdict(base, base, [*TOPICS[:5], *strange])
    assert figures(found)["golden_drop"]["figure"] is None
    assert "only 21%" in figures(found)["golden_drop"]["skipped"]
    assert figures(verdict(base, base))["golden_drop"]["skipped"] == "no golden set is configured"


def test_another_encoder_is_compared_with_the_scores_that_were_kept(base: Snapshot) -> None:
    kept = replace(base, manifest=replace(base.manifest, report=verdict(base, None, TOPICS).record()))
    other = HashingEncoderForTests(64, seed=5)
    gates = Gates(topics=TOPICS)
    assert judged(snapshot_of(resources(), other), kept, other, gates).objections == ()
    worse = judged(snapshot_of(rotated(resources()), other), kept, other, gates)
    assert objecting(worse) == ["golden_drop"]
    assert "encoder" in figures(worse)["churn"]["skipped"]
    assert (
        "not kept"
        in figures(judged(snapshot_of(resources(), other), base, other, gates))["golden_drop"]["skipped"]
    )
    fewer = Gates(topics=TOPICS[:-1])
    assert (
        "not kept"
        in figures(judged(snapshot_of(resources(), other), kept, other, fewer))["golden_drop"]["skipped"]
    )


def test_ndcg_is_that_of_the_evaluation() -> None:
    qrels = {"a": 3, "b": 1, "c": 0, "d": 2, "e": 1}
    for ranked in (["b", "x", "a"], ["a", "d", "b", "e"], ["x"], [], [*"xyzuvwcb", "a", "e", "d"]):
        assert ndcg(qrels, ranked) == pytest.approx(measure({"t": qrels}, {"t": ranked}).means["ndcg@10"])
    assert ndcg({"a": 0}, ["a"]) == 0.0


def test_results_that_change_for_no_reason(base: Snapshot) -> None:
    """The lexical indexes are those of other texts; the catalogue is the same."""
    other = snapshot_of(rotated(resources()), ENCODER)
    mixed = replace(base, words=other.words, grams=other.grams)
    found = verdict(mixed, base, churn=0.05)
    assert objecting(found) == ["churn"] and found.objections[0].figure > 0.05
    assert verdict(mixed, base, churn=1.0).objections == ()


def test_newcomers_edits_and_removals_explain_themselves(base: Snapshot) -> None:
    newcomers = [replace(r, id=f"new-{r.id}", title=f"{r.title} (suite)") for r in resources()]
    assert figures(verdict(snapshot_of([*resources(), *newcomers], ENCODER), base))["churn"]["figure"] < 0.1
    assert figures(verdict(snapshot_of(resources()[4:], ENCODER), base))["churn"]["figure"] < 0.1
    changed = [*rotated(resources()[:5], 2), *resources()[5:]]
    assert figures(verdict(snapshot_of(changed, ENCODER), base))["churn"]["figure"] < 0.1


def test_churn_by_hand() -> None:
    stable = frozenset("abcdefghijklm")
    old = {"q": list("abcdefghij")}
    assert churn(old, {"q": list("abcdefghij")}, stable) == 0.0
    assert churn(old, {"q": ["N1", "N2", *"abcdefghijk"]}, stable) == 0.0
    assert churn(old, {"q": list("abcdefghkl")}, stable) == 0.2
    assert churn({"q": ["GONE", *"abcdefghi"]}, {"q": list("abcdefghij")}, stable) == 0.0
    assert churn(old, {"q": ["N1", *"abcdefghkl"]}, stable) == 0.2
    assert churn({"q": ["GONE"]}, {"q": ["a"]}, stable) is None


def test_with_another_head_settings_or_version_churn_is_told_but_does_not_refuse(base: Snapshot) -> None:
    head = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    headed = build(base.manifest, base.catalogue, base.table, head)
    other = snapshot_of(rotated(resources()), ENCODER)
    mixed = replace(base, words=other.words, grams=other.grams)
    cases = {
        "head": headed,
        "settings": replace(mixed, manifest=replace(base.manifest, settings={"making": "other"})),
        "version": replace(mixed, manifest=replace(base.manifest, version="0.0.1")),
    }
    for word, candidate in cases.items():
        found = verdict(candidate, base)
        assert found.objections == () and word in figures(found)["churn"]["skipped"]
        assert figures(found)["churn"]["figure"] > 0.0


def test_nothing_to_probe_is_said(base: Snapshot) -> None:
    found = verdict(snapshot_of(rotated(resources()), ENCODER), base)
    assert figures(found)["churn"]["skipped"] == "only 0 resources stayed as they were"


# What a refresh does with an objection.


def refused_once(home: Home) -> dict[str, Any]:
    """Cut the source to half its rows and refresh."""
    home.write(rows()[:12])
    done = run_cli("refresh", "--json", *home.arguments)
    assert done.code == 4 and "row_drop" in done.err
    report: dict[str, Any] = done.json
    return report


def test_a_refusal_keeps_the_old_snapshot_and_puts_the_new_one_aside(served: Home) -> None:
    before = files_under(served.path / "snapshots" / "000001"), (served.path / "CURRENT").read_bytes()
    report = refused_once(served)
    assert (report["published"], report["snapshot"], report["removed"]) == (False, "000001", 12)
    (objection,) = report["objections"]
    assert set(objection) == {"gate", "figure", "threshold", "message"}
    assert (objection["gate"], objection["figure"], objection["threshold"]) == ("row_drop", 0.5, 0.2)
    assert (
        files_under(served.path / "snapshots" / "000001"),
        (served.path / "CURRENT").read_bytes(),
    ) == before
    aside = Path(report["refused"])
    assert json.loads((aside / "objections.json").read_text("utf-8"))["objections"] == [objection]
    assert (
        json.loads((aside / "manifest.json").read_text("utf-8"))["report"]["gates"]["row_drop"]["figure"]
        == 0.5
    )
    assert run_cli("status", "--json", *served.arguments).json["resources"] == 24


def test_the_next_night_tries_again(served: Home) -> None:
    refused_once(served)
    assert refused_once(served)["encoded"] == 0
    assert [path.name for path in (served.path / "snapshots").glob("*.refused")] == ["000003.refused"]
    served.write(edited(rows(), "r01", year="1999"))
    done = run_cli("refresh", "--json", *served.arguments)
    assert done.code == 0 and (done.json["published"], done.json["objections"]) == (True, [])


def test_a_refused_refresh_encodes_nothing_twice(served: Home) -> None:
    table = [*edited(rows()[:12], "r01", summary="Un texte neuf."), {**rows()[3], "id": "n", "title": "Neuf"}]
    served.write(table)
    first, second = (run_cli("refresh", "--json", *served.arguments) for _ in range(2))
    assert (first.code, first.json["encoded"]) == (4, 2)
    assert (second.code, second.json["encoded"]) == (4, 0)
    done = run_cli("refresh", *FORCE, "--json", *served.arguments)
    assert (done.code, done.json["encoded"]) == (0, 0) and not (served.path / "journal").exists()


def test_a_refusal_that_the_disk_interrupts_anywhere_leaves_the_old_snapshot(served: Home) -> None:
    served.write(rows()[:12])
    before = atomic.operation
    for at in range(1, 200):
        seen = 0

        def operation(name: str, path: Path, at: int = at) -> None:
            nonlocal seen
            seen += 1
            if seen == at:
                raise OSError(28, "No space left on device", str(path))

        atomic.operation = operation
        try:
            served.refresh()
        except StorageError:
            assert served.store.current() == "000001" and served.store.serve()[1] == ""
        except RefreshRefused:
            break
        finally:
            atomic.operation = before
    assert at > 30 and seen < at
    with pytest.raises(RefreshRefused):
        served.refresh()
    left = sorted(path.name for path in (served.path / "snapshots").iterdir())
    assert len(left) == 2 and left[0] == "000001" and left[1].endswith(".refused")


def test_the_library_raises_what_the_command_exits_with(served: Home) -> None:
    served.write(rows()[:12])
    with pytest.raises(PublishRefused, match="row_drop") as refused:
        served.refresh()
    assert isinstance(refused.value, RefreshRefused) and refused.value.exit_code == 4
    assert refused.value.report.objections[0].gate == "row_drop" and "--force" in refused.value.hint


def test_force_publishes_and_says_who_why_and_what(served: Home) -> None:
    refused_once(served)
    done = run_cli("refresh", *FORCE, "--json", *served.arguments)
    assert done.code == 0 and (done.json["published"], done.json["snapshot"]) == (True, "000003")
    assert [objection["gate"] for objection in done.json["objections"]] == ["row_drop"]
    forced = served.store.open().manifest.report["forced"]
    assert (forced["by"], forced["reason"]) == ("Camille", "La source a fermé")
    assert forced["objections"] == done.json["objections"]


def test_force_without_an_objection_records_nothing(home: Home) -> None:
    assert run_cli("refresh", *FORCE, *home.arguments).code == 0
    assert "forced" not in home.store.open().manifest.report


@pytest.mark.parametrize(
    "options",
    [
        ("--force",),
        ("--force", "--by", "Camille"),
        ("--force", "--reason", "x"),
        ("--force", "--by", " ", "--reason", "x"),
        ("--by", "Camille"),
        ("--reason", "x"),
    ],
)
def test_force_needs_a_name_and_a_reason(home: Home, options: tuple[str, ...]) -> None:
    done = run_cli("refresh", *options, "--json", *home.arguments)
    assert done.code == 2 and done.json["hint"]
    assert home.store.current() is None


@pytest.mark.parametrize("options", [(), FORCE])
def test_bytes_that_do_not_read_back_are_refused_whoever_forces(
    served: Home, options: tuple[str, ...]
) -> None:
    flipped = []

    def operation(name: str, path: Path) -> None:
        if name == "fsync" and ".tmp-" in path.name and (path / "manifest.json").exists() and not flipped:
            data = bytearray((path / "dense.faiss").read_bytes())
            data[-5] ^= 4
            (path / "dense.faiss").write_bytes(data)
            flipped.append(path)

    served.write(edited(rows(), "r01", year="1999"))
    before, atomic.operation = atomic.operation, operation
    try:
        done = run_cli("refresh", *options, "--json", *served.arguments)
    finally:
        atomic.operation = before
    assert flipped and done.code == 4
    assert [o["gate"] for o in done.json["objections"]] == ["bytes"]
    assert "dense.faiss" in done.json["objections"][0]["message"]
    assert served.store.current() == "000001"
    assert run_cli("refresh", *served.arguments).code == 0


class Stuck(HashingEncoderForTests):
    """Gives every part of every text one value."""

    value = 1.0

    def encode_documents(
        self, documents: Sequence[Document], progress: Progress | None = None
    ) -> list[DocumentVectors]:
        return [
            DocumentVectors(np.full_like(found.parts, self.value), found.weights)
            for found in super().encode_documents(documents, progress)
        ]


@pytest.mark.parametrize(
    ("value", "gate"), [(1.0, "identical_vectors"), (0.0, "invalid_vectors"), (np.nan, "invalid_vectors")]
)
def test_a_first_snapshot_is_judged_too_and_its_vectors_are_not_kept(
    home: Home, value: float, gate: str
) -> None:
    encoder = Stuck(64)
    encoder.value = value
    with pytest.raises(RefreshRefused) as refused:
        home.refresh(encoder)
    assert refused.value.report.snapshot is None and home.store.current() is None
    assert gate in [objection.gate for objection in refused.value.report.objections]
    report = home.refresh()
    assert report.published and report.encoded == 24


@pytest.mark.parametrize("value", [np.nan, 0.0, 1.0])
def test_doubted_vectors_that_were_forced_are_encoded_again(served: Home, value: float) -> None:
    """A model that failed one night must not leave resources that nothing finds, nor refusals for ever."""
    sick = Stuck(64)
    sick.value = value
    served.write([{**row, "summary": f"Autre {row['id']}."} if row["id"] < "r09" else row for row in rows()])
    with pytest.raises(RefreshRefused):
        served.refresh(sick)
    assert served.refresh(sick, forced=Forced.of("Camille", "urgent")).published
    report = served.refresh()
    assert report.published and report.encoded == 24 and report.objections == ()
    found = served.store.open()
    assert found.families == duplicates.find(found.catalogue, found.table), "none is near by sick vectors"
    assert not served.refresh().published, "and once is enough"


def test_what_was_measured_is_in_the_manifest(served: Home) -> None:
    served.write(edited(rows(), "r01", year="1999"))
    served.refresh()
    gates = served.store.open().manifest.report["gates"]
    assert set(gates) == {*ALL, "golden_drop", "churn", "bytes"}
    assert (
        gates["churn"]["figure"] == 0.0 and gates["golden_drop"]["skipped"] == "no golden set is configured"
    )


def test_old_snapshots_are_pruned_after_each_publication(home: Home) -> None:
    home.extra = "[snapshots]\nkeep = 3\n\n"
    home.configure()
    for year in range(6):
        home.write(edited(rows(), "r01", year=str(1990 + year)))
        assert run_cli("refresh", *home.arguments).code == 0
    assert home.store.ids() == ["000004", "000005", "000006"]


# Settings.


@pytest.fixture
def golden(home: Home) -> Home:
    """A home whose settings name a golden set, one request a row."""
    folder = home.folder / "golden"
    folder.mkdir()
    lines = [json.dumps({"_id": t.id, "text": t.text}, ensure_ascii=False) for t in TOPICS]
    (folder / "queries.jsonl").write_text("\n".join(lines), "utf-8")
    judged = [f"{t.id}\t{i}\t{rel}" for t in TOPICS for i, rel in t.qrels.items()]
    (folder / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]), "utf-8")
    home.extra = '[gates]\ngolden = "golden"\nchurn = 1.0\n\n'
    home.configure()
    return home


def test_the_golden_set_of_the_settings_stops_a_bad_night(golden: Home) -> None:
    assert run_cli("refresh", *golden.arguments).code == 0
    texts = [(row["title"], row["summary"]) for row in [*rows()[7:], *rows()[:7]]]
    golden.write({**row, "title": t, "summary": s} for row, (t, s) in zip(rows(), texts, strict=True))
    done = run_cli("refresh", "--json", *golden.arguments)
    assert done.code == 4 and [o["gate"] for o in done.json["objections"]] == ["golden_drop"]


def test_a_golden_set_that_cannot_be_read_is_bad_input(golden: Home) -> None:
    (golden.folder / "golden" / "qrels.tsv").write_text("t0\tr00\tbeaucoup\n", "utf-8")
    done = run_cli("refresh", "--json", *golden.arguments)
    assert done.code == 2 and "qrels.tsv:1" in done.json["error"] and "corpus" not in done.json["hint"][:25]
    assert golden.store.current() is None


def test_thresholds_come_from_the_settings(served: Home) -> None:
    served.extra = "[gates]\nrow_drop = 0.6\n\n"
    served.configure()
    served.write(rows()[:12])
    assert run_cli("refresh", *served.arguments).code == 0


@pytest.mark.parametrize(
    "line", ["row_drop = 1.5", "churn = -1", "probes = 0", "rowdrop = 0.1", "golden_p = 0"]
)
def test_a_threshold_that_means_nothing_is_refused(home: Home, line: str) -> None:
    home.extra = f"[gates]\n{line}\n\n"
    home.configure()
    with pytest.raises(InvalidSettings, match=line.split(maxsplit=1)[0]):
        load(home.config)


def test_the_example_shows_every_threshold_with_its_default() -> None:
    example = load(REPOSITORY / "reco.example.toml")
    assert example.gates == GateSettings(golden=REPOSITORY / "data" / "golden")
    shown = tomllib.loads((REPOSITORY / "reco.example.toml").read_text("utf-8"))["gates"]
    assert set(shown) == {field.name for field in fields(GateSettings)} > {f.name for f in fields(Thresholds)}


def test_this_repository_uses_its_golden_set() -> None:
    settings = load(REPOSITORY / "reco.toml")
    assert settings.gates.golden == REPOSITORY / "data" / "golden"
    assert len(recipe_of(settings).golden) > 50

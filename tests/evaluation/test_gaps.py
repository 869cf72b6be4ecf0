"""The radar of unmet needs and the audit of exposure, on catalogues with a planted fault."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput, StorageError
from reco.evaluation import demand, exposure, gaps
from reco.evaluation.gaps import LOG, DemandQuery
from reco.ranking.recommender import Recommender
from reco.text.tokens import stems
from tests.support import Home, resource, resources, rows, run_cli, snapshot_of

ENCODER = HashingEncoderForTests(256)


def recommender(found: list) -> Recommender:
    return Recommender(snapshot_of(found, ENCODER), ENCODER)


WATER = {
    "q1": "Compter l'eau des fontaines du village",
    "q2": "Rouvrir la source et le lavoir, eau potable",
}
SPORT = {"q3": "Rénover le bassin et la chaufferie de la piscine"}


def golden(folder: Path) -> None:
    folder.mkdir()
    requests = {**WATER, **SPORT}
    lines = [json.dumps({"_id": key, "text": text}, ensure_ascii=False) for key, text in requests.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    judged = ["query-id\tcorpus-id\tscore", "q1\tr16\t2", "q2\tr22\t2", "q3\tr00\t2", "q3\tr16\t0"]
    (folder / "qrels.tsv").write_text("\n".join(judged) + "\n", "utf-8")


@pytest.fixture
def judged(home: Home) -> Home:
    """A home with a golden set on water and on sport, and a closed list of themes."""
    golden(home.folder / "golden")
    themes = sorted({row["theme"] for row in rows()})
    home.options = f"themes = {json.dumps(themes, ensure_ascii=False)}"
    home.extra = (
        '[curation]\ndecisions = "decisions.csv"\n[gates]\ngolden = "golden"\nrow_drop = 1\n'
        "golden_drop = 1\nchurn = 1\n"
    )
    home.configure()
    return home


def hide(home: Home, theme: str) -> None:
    with (home.folder / "decisions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow("action,id,field,value,expects,author,date,reason".split(","))
        for row in rows():
            if row["theme"] == theme:
                writer.writerow(["hide", row["id"], "", "", "", "essai", "2026-11-25", "essai"])


def test_a_theme_withdrawn_from_the_catalogue_is_named(judged: Home) -> None:
    assert run_cli("refresh", *judged.arguments, "--json").json["published"]
    before = run_cli("radar", *judged.arguments, "--json").json
    assert before["needs"] == [] and before["unmet"] == {} and before["asked"] == {"golden": 3}
    hide(judged, "Eau")
    assert run_cli("refresh", *judged.arguments, "--json").json["published"]
    after = run_cli("radar", *judged.arguments, "--json").json
    assert after["coverage"][0]["theme"] == "Eau" and after["coverage"][0]["resources"] == 0
    assert after["coverage"][0]["thin"] and after["coverage"][0]["missing"]
    unmet = {request["id"]: request["why"] for need in after["needs"] for request in need["requests"]}
    assert unmet == {"q1": "none-left", "q2": "none-left"}
    assert {need["theme"] for need in after["needs"]} == {"Eau"}
    words = " ".join(word for need in after["needs"] for word in (need["label"], *need["keywords"]))
    assert "eau" in stems(words)
    shown = run_cli("radar", *judged.arguments)
    assert "There is no query to run" not in shown.out
    assert "Eau !" in shown.out and "2 of 3 queries (golden) have no good result" in shown.out


def test_logged_requests_are_told_in_groups_of_five_and_never_by_their_text() -> None:
    asks = [DemandQuery(f"l{n}", f"Réparer la fusée lunaire numéro {n}", LOG) for n in range(6)]
    asks += [DemandQuery(f"m{n}", "Élever des licornes naines", LOG) for n in range(4)]
    asked = recommender(resources())
    judge = gaps.scan(asked, ENCODER, asks)
    assert judge.without_verdict, "until answers have a verdict, the cautious rule stands in"
    told = {request.id for need in judge.needs for request in need.requests}
    assert told <= {f"l{n}" for n in range(6)} and all(need.size >= 5 for need in judge.needs)
    assert judge.withheld == judge.unmet.get(LOG, 0) - len(told)
    assert all(request.text == "" for need in judge.needs for request in need.requests)
    assert judge.unmet[LOG] >= 5, "nothing of the catalogue speaks of rockets"


def test_what_all_requests_say_joins_no_two_subjects() -> None:
    subjects = ("réparer une fusée lunaire", "élever trois licornes naines", "traduire le grec ancien")
    asks = [
        DemandQuery(f"{n}{copy}", f"Nous voudrions bien {one} {copy}", "x")
        for n, one in enumerate(subjects)
        for copy in "abcd"
    ]
    asks.append(DemandQuery("alone", "Xylophone quantique zébré", "x"))
    found = gaps.scan(recommender(resources()), ENCODER, asks)
    for need in found.needs:
        assert len({request.id[0] for request in need.requests}) == 1, "no group has two subjects"
        assert need.isolated == (need.size == 1)
    assert [need.requests[0].id for need in found.needs if need.isolated] == ["alone"]


def test_a_request_that_the_catalogue_answers_is_met() -> None:
    asks = [DemandQuery(one.id, f"{one.title}. {one.summary}", gaps.PROJECT) for one in resources()[:6]]
    assert gaps.scan(recommender(resources()), ENCODER, asks).needs == ()


def test_a_filter_that_nothing_passes_is_no_result() -> None:
    from reco.catalogue.catalogue import Filters

    asked = DemandQuery("p", "Rénover la piscine", gaps.PROJECT, None, Filters(themes=("Astronomie",)))
    found = gaps.scan(recommender(resources()), ENCODER, [asked])
    assert [request.why for need in found.needs for request in need.requests] == ["no-result"]
    assert found.needs[0].label


ROCKETS = [DemandQuery(f"l{n}", f"Réparer la fusée lunaire {n * 'x'}", LOG) for n in range(1, 7)]
DWARFS = DemandQuery("m", "Élever des licornes naines", LOG, weight=4)
ALONE = DemandQuery("x", "Xylophone quantique zébré", LOG)
MET = [DemandQuery(one.id, f"{one.title}. {one.summary}", LOG) for one in resources()[:5]]


def test_the_demand_of_a_log_is_counted_and_its_texts_are_hidden() -> None:
    found = gaps.scan(recommender(resources()), ENCODER, [*ROCKETS, DWARFS, ALONE, *MET])
    asked = found.demand
    assert asked is not None and not asked.public and found.saved is None
    assert (asked.queries, asked.distinct) == (16, 13), "a weight of four counts four"
    assert (asked.found, asked.weak, asked.nothing) == (5, 0, 11)
    assert asked.shares == {"found": 0.3125, "weak": 0.0, "nothing": 0.6875}
    assert found.asked == {LOG: 16} and found.unmet == {LOG: 11}
    assert [group.size for group in asked.groups] == [6] and asked.groups[0].examples == ()
    assert asked.withheld == found.withheld == 5 and asked.isolated == 0
    assert "licorne" not in json.dumps(asdict(found)).casefold()


def test_a_text_that_one_visitor_repeats_is_not_shown_as_a_label() -> None:
    repeats = [replace(DWARFS, weight=5), *(replace(ROCKETS[0], id=f"r{n}") for n in range(6))]
    again = [
        replace(ALONE, id=f"x{n}", text=text) for n, text in enumerate([ALONE.text.upper(), ALONE.text] * 3)
    ]
    found = gaps.scan(recommender(resources()), ENCODER, [*repeats, *again])
    assert found.demand is not None and found.demand.groups == () and found.needs == ()
    assert found.withheld == found.demand.withheld == 17
    kept = gaps.scan(recommender(resources()), ENCODER, [*repeats, *ROCKETS[1:5]])
    assert [need.size for need in kept.needs] == [10], "five different texts, one of them six times"


def test_the_demand_of_public_texts_is_shown() -> None:
    found = gaps.scan(recommender(resources()), ENCODER, [ALONE, DWARFS, *ROCKETS, *MET], public=True)
    asked = found.demand
    assert asked is not None and asked.public and asked.withheld == found.withheld == 0
    assert [group.size for group in asked.groups] == [6, 4] and asked.isolated == 1
    assert len(asked.groups[0].examples) == 3 and set(asked.groups[0].examples) <= {q.text for q in ROCKETS}
    assert asked.groups[1].examples == (DWARFS.text,)
    texts = {request.text for need in found.needs for request in need.requests}
    assert texts == {DWARFS.text, ALONE.text, *(query.text for query in ROCKETS)}


@pytest.mark.parametrize(("origin", "largest"), [(LOG, 4), ("x", 3)])
def test_the_queries_of_a_long_log_need_not_be_nearer_to_form_a_group(origin: str, largest: int) -> None:
    texts = [f"fusée lunaire habitée {' '.join(letter * n for letter in 'abcdefgh')}" for n in range(2, 8)]
    others = [" ".join(letter * n for letter in "wxyz") for n in range(2, 60)]
    asks = [DemandQuery(f"{text[0]}{n}", text, origin) for n, text in enumerate([*texts, *others])]
    found = gaps.scan(recommender(resources()), ENCODER, asks, public=True)
    assert max(need.size for need in found.needs if need.requests[0].id[0] == "f") == largest


@pytest.mark.parametrize("asked", ROCKETS, ids=lambda query: query.id)
def test_the_most_asked_text_is_the_first_example(asked: DemandQuery) -> None:
    asks = [replace(query, weight=2) if query is asked else query for query in ROCKETS]
    found = gaps.scan(recommender(resources()), ENCODER, asks, public=True).demand
    assert found is not None and found.groups[0].examples[0] == asked.text


def test_the_nearest_resources_are_those_that_the_queries_of_a_group_rank_best() -> None:
    from reco.ranking.query import Query

    asked = recommender(resources())
    found = gaps.scan(asked, ENCODER, [DWARFS, *ROCKETS], public=True).demand
    assert found is not None and [group.size for group in found.groups] == [6, 4]
    first = asked.rank(Query.of(DWARFS.text, 10))[:3]
    nearest = found.groups[1].nearest
    assert [one.id for one in nearest] == [asked.snapshot.catalogue[hit.row].id for hit in first]
    assert [one.score for one in nearest] == [pytest.approx(hit.score, abs=1e-4) for hit in first]
    sums: dict[str, float] = {}
    for query in ROCKETS:
        for hit in asked.rank(Query.of(query.text, 10)):
            name = asked.snapshot.catalogue[hit.row].id
            sums[name] = sums.get(name, 0.0) + hit.score
    best = sorted(sums, key=lambda name: (-sums[name], name))[:3]
    assert [one.id for one in found.groups[0].nearest] == best
    assert found.groups[0].nearest[0].score == pytest.approx(sums[best[0]] / 6, abs=1e-4)


def test_saved_projects_are_a_demand_of_their_own() -> None:
    saved = [replace(query, origin=gaps.PROJECT) for query in (*ROCKETS, *MET)]
    found = gaps.scan(recommender(resources()), ENCODER, [*saved, ALONE])
    assert found.saved is not None and found.demand is not None
    assert (found.saved.queries, found.saved.found) == (11, 5) and found.demand.queries == 1
    assert len(found.saved.groups[0].examples) == 3, "an officer named these projects: they are shown"


@pytest.fixture
def log(served: Home) -> Path:
    path = served.folder / "asked.jsonl"
    lines = [{"id": query.id, "title": query.text} for query in (*ROCKETS, *[DWARFS] * 4, *MET)]
    path.write_text("\n".join([*map(json.dumps, lines), "{broken"]), "utf-8")
    return path


def test_the_command_line_measures_a_file(served: Home, log: Path) -> None:
    hidden = run_cli("radar", *served.arguments, "--logged", str(log), "--json")
    assert hidden.code == 0 and "Lines left out: 1. The first: " in hidden.err and "licorne" not in hidden.out
    assert {"coverage", "cells", "needs", "asked", "unmet", "withheld", "without_verdict"} <= set(hidden.json)
    asked = hidden.json["demand"]
    assert asked["queries"] == 15 and asked["distinct"] == 12 and asked["shares"]["found"] > 0
    assert all(group["examples"] == [] for group in asked["groups"]) and asked["withheld"] >= 4
    shown = run_cli("radar", *served.arguments, "--logged", str(log), "--public")
    assert "Logged queries: 15 (12 different): " in shown.out and f"« {DWARFS.text} »" in shown.out
    drawn = run_cli("radar", *served.arguments, "--logged", str(log), "--sample", "5", "--json").json
    assert drawn["demand"]["queries"] == 5
    refused = run_cli("radar", *served.arguments, "--sample", "5", "--json")
    assert refused.code == 2 and "no file" in refused.json["error"]
    assert demand.last(served.path) is None, "nothing is kept unasked"


def test_the_result_is_kept_for_the_curator_s_page(served: Home, log: Path) -> None:
    done = run_cli("radar", *served.arguments, "--logged", str(log), "--save", "--json")
    kept = demand.last(served.path)
    assert kept is not None and kept.logged is not None and str(served.path / demand.NAME) in done.err
    assert (kept.file, kept.snapshot, kept.left_out) == ("asked.jsonl", "000001", 1)
    assert json.loads(json.dumps(asdict(kept.logged))) == done.json["demand"]
    assert "licorne" not in (served.path / demand.NAME).read_text("utf-8")
    (served.path / demand.NAME).write_text("{", "utf-8")
    with pytest.raises(StorageError, match=r"demand\.json cannot be read"):
        demand.last(served.path)


def test_the_settings_name_the_file(served: Home, log: Path) -> None:
    served.extra = '[radar]\nlogged = "asked.jsonl"\npublic = true\n'
    served.configure()
    assert run_cli("radar", *served.arguments, "--json").json["demand"]["public"] is True
    other = log.rename(log.with_name("other.jsonl"))
    named = run_cli("radar", *served.arguments, "--logged", str(other), "--json").json
    assert named["demand"]["public"] is False, "`public` is said of the settings' own file"
    missing = run_cli("radar", *served.arguments, "--json")
    assert missing.code == 2 and "asked.jsonl does not exist" in missing.json["error"]


def planted() -> list:
    """Sixty resources of ten subjects; a hub that speaks of all of them, an orphan of nothing else."""
    subjects = [one.title for one in resources()[:10]]
    made = [
        resource(f"s{n:02}-{copy}", f"{title} {copy}", publisher=f"P{n}", summary=f"{title}, tome {copy}.")
        for n, title in enumerate(subjects)
        for copy in range(6)
    ]
    everything = " ".join(f"{title}. {title}." for title in subjects)
    hub = resource("hub", " ".join(subjects), publisher="Hub", summary=everything)
    return [
        *made,
        hub,
        resource("orphan", "Xylophone quantique zébré", publisher="Seul", summary="Wagnérien."),
    ]


def test_a_planted_hub_and_a_planted_orphan_are_found() -> None:
    found = exposure.audit(recommender(planted()), k=6)
    assert [one.id for one in found.hubs] == ["hub"] and found.hubs[0].titles > 40
    assert "orphan" in {one.id for one in found.orphans} and len(found.orphans) < 10
    assert found.skewness > 3
    clean = exposure.audit(recommender([one for one in planted() if one.id != "hub"]), k=6)
    assert clean.hubs == () and clean.skewness < found.skewness / 2
    asked = exposure.audit(recommender(planted()), ["xylophone quantique zébré"], k=6)
    assert "orphan" not in {one.id for one in asked.orphans} and asked.requests == 1


def test_the_share_shown_is_compared_with_the_share_of_the_catalogue() -> None:
    found = exposure.audit(recommender(planted()), k=6)
    publishers = next(one for one in found.concentration if one.facet == "publisher")
    hub = next(share for share in publishers.values if share.value == "Hub")
    assert hub.catalogue == pytest.approx(1 / 62, abs=1e-3) and hub.ratio > 5
    assert publishers.gini_shown > 0 and sum(s.shown for s in publishers.values) == pytest.approx(1, abs=0.01)
    assert found.population == (exposure.ExposureShare("unknown", 1.0, 1.0, 1.0),)


def test_figures_are_their_formulas() -> None:
    assert exposure.gini([1, 1, 1, 1]) == 0 and exposure.gini([0, 0, 0, 1]) == pytest.approx(0.75)
    assert exposure.hhi([1, 1, 2]) == pytest.approx(0.0625 * 2 + 0.25)
    counts = np.asarray([1, 1, 1, 1, 6])
    away = counts - 2.0
    assert exposure.skewness(counts) == pytest.approx((away**3).mean() / (away**2).mean() ** 1.5)
    assert exposure.skewness(np.full(5, 3)) == 0.0


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=30), st.floats(0.1, 10))
def test_inequality_ignores_scale_and_stays_within_its_bounds(amounts: list[float], factor: float) -> None:
    scaled = [amount * factor for amount in amounts]
    for figure in (exposure.gini, exposure.hhi):
        assert figure(scaled) == pytest.approx(figure(amounts), abs=1e-9)
        assert -1e-9 <= figure(amounts) <= 1 + 1e-9


def test_lists_that_hold_the_whole_catalogue_are_refused() -> None:
    with pytest.raises(InvalidInput, match="24 resources: lists of 13 show nearly all"):
        exposure.audit(recommender(resources()), k=13)


def test_the_command_line_says_where_requests_come_from(served: Home) -> None:
    assert "There is no query to run: set `[gates] golden`" in run_cli("radar", *served.arguments).out


def test_the_command_line_audits(served: Home, tmp_path: Path) -> None:
    asked = tmp_path / "requests.csv"
    asked.write_text("id,text\n1,rénover la piscine\n2,un verger\n", "utf-8")
    found = run_cli("audit", *served.arguments, "-k", "3", "--requests", str(asked), "--json").json
    assert found["requests"] == 2 and found["titles"] == 24
    assert {"hubs", "orphans", "concentration", "population", "skewness"} <= set(found)
    assert "skewness of k-occurrences" in run_cli("audit", *served.arguments, "-k", "3").out
    refused = run_cli("audit", *served.arguments, "-k", "20", "--json")
    assert refused.code == 2 and "at most 12" in refused.json["hint"]

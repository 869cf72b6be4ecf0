"""The radar of unmet needs and the audit of exposure, on catalogues with a planted fault."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.encoder.testing import HashingEncoderForTests
from reco.errors import InvalidInput
from reco.evaluation import exposure, gaps
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

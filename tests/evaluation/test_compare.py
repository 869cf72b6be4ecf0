"""Two configurations side by side, the page to judge them blindly, and what was judged."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from reco.evaluation.blind import page as blind
from reco.evaluation.blind.judgements import Judgement, _qrels
from reco.evaluation.blind.pairs import draw
from reco.evaluation.compare import RequestComparison
from reco.storage.atomic import sha256
from tests.evaluation.test_golden import write_golden
from tests.support import Home, edited, rows, run_cli

QUERIES = (
    "un verger partagé derrière la mairie",
    "le coût, les partenaires et le calendrier",
    "une liste d'erreurs à éviter, poste par poste",
    "le wifi de la halle et les médiateurs du marché",
    "vieillir au bourg",
)
TITLE = "Un verger &lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt;gras&lt;/b&gt;"
CONFIGURED = (
    ("a", 64, "meaning = 0.2"),
    ("b", 8, "meaning = 1.0\nwords = 0.0\ngrams = 0.0"),
)
"""Words count in the first configuration, a coarse meaning alone in the second."""
OTHER = {"a": "b", "b": "a"}


def homes_in(folder: Path) -> tuple[Home, Home]:
    a, b = (
        Home(folder / name, dimension=dimension, extra=f"[ranking]\n{ranking}\n\n")
        for name, dimension, ranking in CONFIGURED
    )
    return a, b


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes of one catalogue, and requests."""
    folder = tmp_path_factory.mktemp("compared")
    for home in homes_in(folder):
        home.write(edited(rows(), "r01", title=TITLE))
        assert home.refresh().published
    (folder / "asked.txt").write_text("\n".join(QUERIES), encoding="utf-8")
    return folder


@pytest.fixture
def pair(made: Path, tmp_path: Path) -> tuple[Home, Home]:
    """A copy of both homes, which a test may change."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return homes_in(tmp_path)


def compared(pair: tuple[Home, Home], *options: str, queries: bool = True) -> Any:
    a, b = pair
    asked = ("--queries", str(a.folder.parent / "asked.txt")) if queries else ()
    homes = ("--home", str(a.path), "--home-b", str(b.path))
    return run_cli("compare", str(a.config), str(b.config), *asked, *homes, "--json", *options)


def test_the_same_configuration_differs_nowhere(pair: tuple[Home, Home], tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    done = compared((pair[0], pair[0]), "--page", str(target))
    found = done.json["requests"]
    assert (found["requests"], found["same_list"], found["overlap"], found["differing"]) == (5, 5, 1.0, [])
    assert found["rbo"] == pytest.approx(1.0)
    assert done.json["page"] is None and not target.exists() and "nothing to judge" in done.err


def test_what_differs_is_told(pair: tuple[Home, Home]) -> None:
    done = compared(pair, "-k", "5")
    found = done.json["requests"]
    assert done.code == 0 and (found["requests"], found["k"]) == (5, 5)
    lists = [one for one in found["differing"] if one["a"] != one["b"]]
    assert len(lists) == found["requests"] - found["same_list"] > 2
    assert found["same_list"] <= found["same_results"] and found["overlap"] < 1 and found["rbo"] < 1
    assert [one["rbo"] for one in found["differing"]] == sorted(one["rbo"] for one in found["differing"])
    for side, home in zip("ab", pair, strict=True):
        for one in found["differing"]:
            said = run_cli("recommend", one["text"], "-k", "5", "--json", *home.arguments).json
            assert [item["id"] for item in said["recommendations"]] == one[side]
            assert said["verdict"] == one[f"verdict_{side}"]
    moved = [one for one in found["differing"] if one["verdict_a"] != one["verdict_b"]]
    assert sum(change["requests"] for change in found["verdicts"]) == len(moved)
    sides = [done.json[side] for side in "ab"]
    assert [side["home"] for side in sides] == [str(home.path) for home in pair]
    assert sides[0]["encoder"] != sides[1]["encoder"] and sides[0]["resources"] == 24


def test_judged_sets_are_compared_with_significance(pair: tuple[Home, Home], tmp_path: Path) -> None:
    own, served = tmp_path / "own", tmp_path / "served"
    write_golden(served, {"q": ("vieillir au bourg", {"r23": 1}), "gone": ("rien", {"absent": 1})})
    own.mkdir()
    documents = [{"_id": row["id"], "title": row["title"], "text": row["summary"]} for row in rows()]
    (own / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    asked = [{"_id": row["id"], "text": row["title"]} for row in rows()]
    (own / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    (own / "qrels.tsv").write_text("".join(f"{r['id']}\t{r['id']}\t1\n" for r in rows()), encoding="utf-8")
    found = {one["set"]: one for one in compared(pair, "--set", str(own), "--set", str(served)).json["sets"]}
    one = found["own"]
    assert one["topics"] == 24 and one["a"] > 0.9 > one["b"] and 0 < one["p"] < 0.05
    assert one["difference"] == pytest.approx(one["b"] - one["a"])
    gaps = [abs(topic["b"] - topic["a"]) for topic in one["most"]]
    assert gaps == sorted(gaps, reverse=True) and min(gaps) > 0
    assert (found["served"]["topics"], found["served"]["left_out"], found["served"]["a"]) == (1, 1, 1.0)
    alone = run_cli("evaluate", str(own), "--systems", "product", "--json", *pair[1].arguments).json
    assert alone["sets"]["own"]["systems"]["product"]["ndcg@10"] == pytest.approx(one["b"])


def test_the_golden_set_counts_each_listing_as_evaluate_does(tmp_path: Path) -> None:
    twin = {**rows()[11], "id": "r11b", "year": "2030"}
    homes = []
    for name in "ab":
        home = Home(tmp_path / name, extra='[gates]\ngolden = "golden"\n\n')
        write_golden(home.folder / "golden")
        home.write([*rows(), twin])
        assert home.refresh().published
        homes.append(home)
    (one,) = compared((homes[0], homes[1]), queries=False).json["sets"]
    alone = run_cli("evaluate", "--golden", "--systems", "product", "--json", *homes[0].arguments).json
    assert one["a"] == one["b"] == pytest.approx(alone["sets"]["golden"]["systems"]["product"]["ndcg@10"])
    assert (one["set"], one["topics"], one["p"], one["most"]) == ("golden", 4, 1.0, [])


def test_the_requests_of_the_project_are_asked_by_default(pair: tuple[Home, Home]) -> None:
    folder = pair[0].folder / "data" / "requests"
    folder.mkdir(parents=True)
    (folder / "one.csv").write_text("id,text\nx,vieillir au bourg\n", encoding="utf-8")
    (folder / "two.csv").write_text("id,text\nx,un verger partagé\n", encoding="utf-8")
    assert compared(pair, queries=False).json["requests"]["requests"] == 2, "an id may be repeated"


def test_bad_uses_are_refused(pair: tuple[Home, Home], tmp_path: Path) -> None:
    def refused(told: str, *options: str, queries: bool = True) -> None:
        done = compared(pair, *options, queries=queries)
        assert done.code == 2 and told in done.json["error"], done.json

    refused("nothing to compare", queries=False)
    refused("no request", "--page", str(tmp_path / "page.html"), queries=False)
    refused("not a .html file", "--page", str(tmp_path / "page.pdf"))
    refused("no folder", "--page", str(tmp_path / "none" / "page.html"))
    refused("as arguments", "--config", str(pair[0].config))
    refused("not a folder", "--set", str(tmp_path / "none"))


def test_two_catalogues_are_not_compared(pair: tuple[Home, Home]) -> None:
    pair[1].write(edited(edited(rows()[:-1], "r01", title=TITLE), "r03", title="Un autre titre"))
    assert pair[1].refresh().published
    done = compared(pair)
    assert done.code == 2 and "different catalogues: 1 resources are only in" in done.json["error"]
    assert f"0 only in that of {pair[1].config}, and 1 have another text" in done.json["error"]


def test_a_home_without_snapshot_is_told_with_the_command_to_run(
    pair: tuple[Home, Home], tmp_path: Path
) -> None:
    none = tmp_path / "none"
    asked = ("compare", str(pair[0].config), str(pair[1].config), "--home", str(none), "--json")
    done = run_cli(*asked, "--home-b", str(pair[1].path))
    assert done.code == 1 and "no snapshot" in done.json["error"]
    assert f"`reco refresh --config {pair[0].config} --home {none}`" in done.json["hint"]


def test_a_home_of_another_encoder_is_told_with_the_command_to_run(pair: tuple[Home, Home]) -> None:
    homes = ("--home", str(pair[0].path), "--home-b", str(pair[0].path))
    done = run_cli("compare", str(pair[0].config), str(pair[1].config), *homes, "--json")
    assert done.code == 1 and "not made by the encoder of" in done.json["error"]
    assert f"`reco refresh --config {pair[1].config}" in done.json["hint"]


def page_of(pair: tuple[Home, Home], folder: Path, *options: str) -> tuple[str, dict[str, Any]]:
    target = folder / "page.html"
    found = compared(pair, "--page", str(target), *options).json["page"]
    return target.read_text("utf-8"), json.loads(Path(found["key"]).read_text("utf-8"))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_is_blind_and_the_same_each_time(pair: tuple[Home, Home], tmp_path: Path) -> None:
    page, key = page_of(pair, tmp_path)
    assert page_of(pair, tmp_path) == (page, key)
    data = data_of(page)
    assert len(data["pairs"]) == len(key["pairs"]) > 2
    for shown, told in zip(data["pairs"], key["pairs"], strict=True):
        lists = [told[told["left"]], told[OTHER[told["left"]]]]
        assert shown == {"id": told["id"], "text": told["text"], "lists": lists}
        assert len(told["a"]) == len(told["b"]) == 5
    assert list(data["resources"]) == sorted(data["resources"])
    for secret in (str(pair[0].config), key["a"]["encoder"], key["b"]["encoder"], '"left": "a"'):
        assert secret not in page
    few = page_of(pair, tmp_path, "--pairs", "2", "--shown", "1", "--seed", "7")[1]
    assert len(few["pairs"]) == 2 and {len(one["a"]) for one in few["pairs"]} == {1}


def test_requests_and_sides_are_drawn_by_the_seed() -> None:
    found = [RequestComparison(str(n), f"demande {n}", ("x",), ("y",), 0.0, 0.0) for n in range(200)]
    first, again, other = draw(found, 1), draw(found[::-1], 1), draw(found, 2)
    assert first == again and {one.id for one in first} != {one.id for one in other}
    sides = [{one.id: one.left for one in draw(found, seed, most=200)} for seed in (1, 2)]
    assert sides[0] != sides[1] and 70 < list(sides[0].values()).count("a") < 130
    same = RequestComparison("same", "demande", ("x", "y"), ("x", "z"), 0.5, 0.5)
    assert draw([same], 1, shown=1) == (), "the lists differ below what is shown"


@pytest.mark.parametrize(
    ("a", "b", "drawn"),
    [("nothing", "nothing", 0), ("nothing", None, 0), ("nothing", "weak", 1), (None, None, 1)],
)
def test_a_request_that_nothing_fits_is_not_judged(a: str | None, b: str | None, drawn: int) -> None:
    found = RequestComparison("q", "ukulélé", ("x",), ("y",), 0.0, 0.0, a, b)
    assert len(draw([found], 1)) == drawn


def test_a_source_writes_no_markup_into_the_page(pair: tuple[Home, Home], tmp_path: Path) -> None:
    page, _ = page_of(pair, tmp_path, "-k", "24", "--shown", "24")
    titles = [one["title"] for one in data_of(page)["resources"].values()]
    assert any("</script><script>alert(1)</script> <b>gras</b>" in title for title in titles)
    assert page.count("<script") == page.count("</script>") == 2 and "<b>" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None and policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"<(link|img|iframe)\b|@import|url\(|\ssrc=", page)


def test_the_page_says_the_same_in_both_languages() -> None:
    here = Path(blind.__file__).parent
    french, english = (
        tomllib.loads((here / "locales" / f"{language}.toml").read_text("utf-8"))
        for language in blind.LANGUAGES
    )
    assert list(french) == list(english)
    for texts in zip(french.values(), english.values(), strict=True):
        blanks = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in texts]
        assert blanks[0] == blanks[1]
    code = "".join((here / name).read_text("utf-8") for name in ("page.py", "page.js"))
    composed = {"list_1", "list_2", "grade_0", "grade_1", "grade_2"}
    assert [key for key in french if key not in composed and not re.search(f"[\"']{key}[\"']", code)] == []


def judged(folder: Path, key_file: Path, name: str = "judged.json", **changed: Any) -> Path:
    """Write judgements that prefer the second configuration for all requests but the first."""
    pairs = json.loads(key_file.read_text("utf-8"))["pairs"]
    found = [
        {"request": one["id"], "preference": "right" if one["left"] == "a" else "left", "grades": {}}
        for one in pairs
    ]
    found[0]["preference"] = "neither"
    found[1]["grades"] = {pairs[1]["b"][0]: 2, pairs[1]["b"][1]: 0}
    document = {"format": 1, "comparison": sha256(key_file), "judgements": found, **changed}
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def read(given: Path, key: Path, *options: str) -> Any:
    return run_cli("evaluate", "--judged", str(given), "--key", str(key), "--json", *options)


def test_evaluate_reads_what_was_judged(pair: tuple[Home, Home], tmp_path: Path) -> None:
    _, key = page_of(pair, tmp_path)
    path, grades = tmp_path / "page.key.json", tmp_path / "grades"
    given = judged(tmp_path, path)
    found = read(given, path, "--qrels", str(grades)).json
    count = len(key["pairs"])
    p = pytest.approx(2 * 0.5 ** (count - 1))
    assert found["preferences"] == {"a": 0, "b": count - 1, "equal": 0, "neither": 1, "p": p}
    assert (found["judges"], found["judged"], found["a"]) == (1, count, key["a"])
    assert (found["grades"]["topics"], found["grades"]["judgements"], found["grades"]["b"]) == (1, 2, 1.0)
    assert found["grades"]["a"] < 1
    (one,) = compared(pair, "--set", str(grades), queries=False).json["sets"]
    assert (one["set"], one["topics"], one["b"]) == ("grades", 1, 1.0), "a set judged on the catalogue"


def test_several_judges_count_once_a_request(pair: tuple[Home, Home], tmp_path: Path) -> None:
    _, key = page_of(pair, tmp_path)
    path = tmp_path / "page.key.json"
    sides = [
        {"request": one["id"], "preference": "left" if one["left"] == "a" else "right"}
        for one in key["pairs"]
    ]
    mine, theirs = judged(tmp_path, path), judged(tmp_path, path, "theirs.json", judgements=sides[:2])
    found = read(mine, path, "--judged", str(theirs)).json
    said = found["preferences"]
    assert (found["judges"], said["a"], said["b"], said["equal"]) == (2, 1, len(sides) - 2, 1)
    twice = read(mine, path, "--judged", str(mine))
    assert twice.code == 2 and "holds the same as" in twice.json["error"]


def test_the_median_grade_counts() -> None:
    graded = [Judgement(request="q", grades={"x": value}) for value in (0, 2, 2)]
    assert _qrels(graded) == {"x": 2} and _qrels(graded[:2]) == {"x": 0}


def test_judgements_of_another_page_and_altered_ones_are_refused(
    pair: tuple[Home, Home], tmp_path: Path
) -> None:
    _, key = page_of(pair, tmp_path)
    path, first = tmp_path / "page.key.json", key["pairs"][0]

    def refused(given: Path, told: str, with_key: Path = path) -> None:
        done = read(given, with_key)
        assert done.code == 2 and told in done.json["error"], done.json

    def one(**values: Any) -> list[dict[str, Any]]:
        return [{"request": first["id"], "preference": "left", "grades": {}, **values}]

    refused(judged(tmp_path, path, comparison="another"), "belongs to another comparison")
    refused(judged(tmp_path, path, judgements=one(request="q99")), "no request 'q99'")
    refused(judged(tmp_path, path, judgements=one(preference="up")), "judgements.0.preference")
    refused(judged(tmp_path, path, judgements=one() * 2), "judged 2 times")
    refused(judged(tmp_path, path, judgements=one(grades={"nobody": 2})), "no result 'nobody'")
    refused(judged(tmp_path, path, judgements=one(grades={first["a"][0]: 3})), "grades")
    refused(tmp_path / "absent.json", "cannot be read")
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{")
    refused(damaged, "not a file of judgements")
    good = judged(tmp_path, path)
    refused(good, "not a key", with_key=good)
    other = tmp_path / "other.json"
    pairs = [{**first, "left": OTHER[first["left"]]}, *key["pairs"][1:]]
    text = json.dumps({**key, "pairs": pairs}, ensure_ascii=False, indent=1)
    other.write_text(text + "\n", encoding="utf-8")
    refused(good, "belongs to another comparison", with_key=other)
    other.write_text(json.dumps(key), encoding="utf-8")
    refused(good, "has changed since", with_key=other)
    assert run_cli("evaluate", "--judged", str(good), "--json").code == 2
    assert run_cli("evaluate", "--key", str(path), "--json").code == 2


def test_grades_are_written_only_where_nothing_else_is(pair: tuple[Home, Home], tmp_path: Path) -> None:
    page_of(pair, tmp_path)
    path, target = tmp_path / "page.key.json", tmp_path / "grades"
    nothing = read(judged(tmp_path, path, judgements=[]), path, "--qrels", str(target))
    assert nothing.code == 2 and "No result was graded" in nothing.json["error"] and not target.exists()
    taken = read(judged(tmp_path, path), path, "--qrels", str(pair[0].folder))
    assert taken.code == 2 and "holds other files" in taken.json["error"]


def test_tables_are_printed_for_people(pair: tuple[Home, Home]) -> None:
    a, b = pair
    write_golden(a.folder / "judged")
    asked = ("--queries", str(a.folder.parent / "asked.txt"), "--set", str(a.folder / "judged"))
    homes = ("--home", str(a.path), "--home-b", str(b.path))
    out = run_cli("compare", str(a.config), str(b.config), *homes, *asked).out
    assert "B - A" in out and "5 requests, first 10 results" in out and "rank-biased overlap" in out

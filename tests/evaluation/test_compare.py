"""Two configurations side by side, the page to judge them blindly, and what was judged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import Home, edited, rows, run_cli

QUERIES = "\n".join(
    (
        "un verger partagé derrière la mairie",
        "le coût, les partenaires et le calendrier",
        "une liste d'erreurs à éviter, poste par poste",
        "le wifi de la halle et les médiateurs du marché",
        "vieillir au bourg",
    )
)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Home, Home]:
    """Two homes of one catalogue: words count in the first, a coarse meaning alone in the second."""
    homes = []
    settings = (("a", 64, "meaning = 0.2"), ("b", 8, "meaning = 1.0\nwords = 0.0\ngrams = 0.0"))
    for name, dimension, ranking in settings:
        (tmp_path / name).mkdir()
        home = Home(tmp_path / name, dimension=dimension)
        home.configure()
        table = rows()
        table[1]["summary"] += " </script><script>alert(1)</script> <b>gras</b>"
        home.write(table)
        home.config.write_text(home.config.read_text() + f"\n[ranking]\n{ranking}\n")
        home.refresh()
        homes.append(home)
    (tmp_path / "asked.txt").write_text(QUERIES, encoding="utf-8")
    return homes[0], homes[1]


def compared(pair: tuple[Home, Home], *options: str) -> Any:
    a, b = pair
    asked = a.folder.parent / "asked.txt"
    homes = ("--home", str(a.path), "--home-b", str(b.path))
    return run_cli(
        "compare", str(a.config), str(b.config), "--queries", str(asked), *homes, "--json", *options
    )


def test_the_same_configuration_differs_nowhere(pair: tuple[Home, Home]) -> None:
    found = compared((pair[0], pair[0])).json
    assert found["requests"] == 5 and found["differing"] == 0 and found["overlap"] == 1.0


def test_what_differs_is_told(pair: tuple[Home, Home]) -> None:
    done = compared(pair, "-k", "5")
    found = done.json
    assert done.code == 0 and found["requests"] == 5 and found["differing"] > 2 and found["overlap"] < 1
    one = found["differences"][0]
    listed = run_cli("recommend", one["text"], "-k", "5", "--json", *pair[0].arguments).json
    assert [item["id"] for item in listed["recommendations"]] == one["a"]


def test_judged_sets_are_compared_with_significance(pair: tuple[Home, Home], tmp_path: Path) -> None:
    folder = tmp_path / "judged"
    folder.mkdir()
    documents = [{"_id": row["id"], "title": row["title"], "text": row["summary"]} for row in rows()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    asked = [{"_id": row["id"], "text": row["title"]} for row in rows()]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    (folder / "qrels.tsv").write_text("".join(f"{r['id']}\t{r['id']}\t1\n" for r in rows()), encoding="utf-8")
    (one,) = compared(pair, "--set", str(folder)).json["sets"].values()
    assert one["topics"] == 24 and one["a"] > 0.9 and 0 < one["p"] <= 1
    assert all(gain != 0 for gain in one["most"].values())


def test_two_catalogues_are_not_compared(pair: tuple[Home, Home]) -> None:
    pair[1].write(edited(rows(), "r03", title="Un autre titre"))
    pair[1].refresh()
    done = compared(pair)
    assert done.code == 2 and "different catalogues: 2 resources" in done.json["error"]


def test_a_home_without_snapshot_is_told(pair: tuple[Home, Home], tmp_path: Path) -> None:
    done = run_cli(
        "compare", str(pair[0].config), str(pair[1].config), "--home", str(tmp_path / "none"), "--json"
    )
    assert done.code == 1 and "no snapshot" in done.json["error"]


def page_of(pair: tuple[Home, Home], folder: Path, *options: str) -> tuple[str, dict[str, Any]]:
    target = folder / "page.html"
    found = compared(pair, "-k", "5", "--page", str(target), *options).json
    return target.read_text(encoding="utf-8"), json.loads(Path(found["key"]).read_text(encoding="utf-8"))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_is_blind_safe_and_the_same_each_time(pair: tuple[Home, Home], tmp_path: Path) -> None:
    page, key = page_of(pair, tmp_path)
    assert page_of(pair, tmp_path)[0] == page
    assert "alert(1)" not in page.replace("\\u003c/script>\\u003cscript>alert(1)", "")
    assert (
        not re.search(r"""(src|href)=|https?://|@import|url\(""", page)
        and "default-src &#x27;none&#x27;" in page
    )
    assert str(pair[0].config) not in page and '"left": "a"' not in page
    for request in data_of(page)["requests"]:
        lists = key["requests"][request["id"]]
        other = {"a": "b", "b": "a"}[lists["left"]]
        assert request["left"] == lists[lists["left"]] and request["right"] == lists[other]
    drawn = {
        tuple(one["left"] for one in page_of(pair, tmp_path, "--seed", str(seed))[1]["requests"].values())
        for seed in range(6)
    }
    assert len(drawn) > 1


def judged(folder: Path, key: dict[str, Any], **changed: Any) -> Path:
    """Write judgements that prefer the second configuration for all requests but the first."""
    names = list(key["requests"])
    choices = {name: "right" if key["requests"][name]["left"] == "a" else "left" for name in names}
    choices[names[0]] = "neither"
    grades = {names[1]: {key["requests"][names[1]]["b"][0]: 2}}
    path = folder / "judged.json"
    path.write_text(
        json.dumps({"comparison": key["comparison"], "choices": choices, "grades": grades, **changed})
    )
    return path


def test_evaluate_reads_what_was_judged(pair: tuple[Home, Home], tmp_path: Path) -> None:
    _, key = page_of(pair, tmp_path)
    path = tmp_path / "page.key.json"
    given = judged(tmp_path, key)
    found = run_cli("evaluate", "--judged", str(given), "--key", str(path), "--json").json
    count = len(key["requests"])
    assert (found["a"], found["b"], found["neither"]) == (0, count - 1, 1)
    assert found["p"] == pytest.approx(2 * 0.5 ** (count - 1)) and found["names"] == key["names"]
    assert found["graded"] == 1 and found["ndcg_b"] == 1.0 >= found["ndcg_a"]


def test_judgements_of_another_page_and_damaged_ones_are_refused(
    pair: tuple[Home, Home], tmp_path: Path
) -> None:
    _, key = page_of(pair, tmp_path)
    path = str(tmp_path / "page.key.json")

    def refused(given: Path, told: str) -> None:
        done = run_cli("evaluate", "--judged", str(given), "--key", path, "--json")
        assert done.code == 2 and told in done.json["error"], done.json

    refused(judged(tmp_path, key, comparison="another"), "judges another page")
    refused(judged(tmp_path, key, choices={"q99": "left"}), "which the page does not ask")
    refused(judged(tmp_path, key, choices={"q99": "up"}), "choices.q99")
    refused(tmp_path / "absent.json", "cannot be read")
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{")
    refused(damaged, "the file")
    assert run_cli("evaluate", "--judged", str(damaged), "--json").code == 2

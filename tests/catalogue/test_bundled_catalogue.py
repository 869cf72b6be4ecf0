"""Every row of the bundled catalogue: its form, its own words, and nothing beyond its facts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from reco.catalogue.admission import Rules, admit_all
from reco.catalogue.decisions import Decisions
from reco.catalogue.places import gazetteer as places
from reco.catalogue.resource import FIELDS
from reco.catalogue.taxonomy import SCALES, THEMES, TYPES
from reco.sources.read import read
from reco.text.clean import fold
from reco.workspace.settings import load
from tests.support import REPOSITORY

Rows = list[dict[str, str]]

SHORTEST, LONGEST = 25, 120
"""Words of a summary."""
LONGEST_RUN = 8
"""Words in a row that a summary may share with its facts: names of laws and places are that long."""
MOST_SHARED = 0.4
"""Share of its runs of three words that a summary may share with its facts."""
SHARED_ADDRESSES = {
    "https://issuu.com/oceindia/docs/omgn_10/3",
    "https://www.id-city.fr/category/methodologie",
    "https://www.i4ce.org/publications/?theme=financement-public",
}
"""An issue of a magazine and two lists of publications, each with two resources of the catalogue."""
_ADVICE = re.compile(r"(?i)\b(précieux|incontournable|à lire absolument|idée à reprendre)\b")


def table(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def catalogue() -> Rows:
    return table(REPOSITORY / "data" / "catalogue.csv")


@pytest.fixture(scope="module")
def facts(shared: Callable[[str], Path]) -> dict[str, dict[str, str]]:
    """The facts behind each row, id -> record; they are not part of the project."""
    files = sorted(shared("facts").glob("*.csv"))
    return {row["id"]: row for path in files for row in table(path)}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


def figures(text: str) -> set[str]:
    """The numbers of a text, with 1 200 read as 1200."""
    joined = re.sub(r"(?<=\d)\s(?=\d{3}(?!\d))", "", text)
    return set(re.findall(r"\d+(?:[.,]\d+)?", joined))


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + length]) for at in range(len(found) - length + 1)}


def test_every_row_is_admitted_by_its_own_rules(catalogue: Rows) -> None:
    source = load(REPOSITORY / "reco.toml").sources[0]
    assert tuple(source.themes) == THEMES and tuple(source.types) == tuple(TYPES.values())
    admitted, refused = admit_all(read(source), Rules(source.themes, source.types, source.closed))
    assert refused == [] and len(admitted) == len(catalogue)
    assert [(resource.id, resource.notes) for resource in admitted if resource.notes] == []


def test_every_place_code_is_that_of_the_place(catalogue: Rows) -> None:
    gazetteer = places.bundled()
    for row in catalogue:
        coded = gazetteer.by_code(row["place_code"])
        assert (coded is None) == (row["place_code"] == ""), row["id"]
        named = gazetteer.locate(row["place"], row["place_code"], row["scale"]).localities
        if coded is not None and coded.kind == "department":
            assert all(coded.code in (p.code, p.department) for p in named), row["id"]
        elif coded is not None:  # where the usual name is not the official one, a pin says so
            assert named == (coded,) or (row["id"], coded.code) in _pins(), row["id"]


def _pins() -> set[tuple[str, str]]:
    path = REPOSITORY / "data" / "decisions.csv"
    return {(d.id, d.value) for d in Decisions.read(path).lines if d.action == "pin"}


def test_the_curator_s_decisions_all_apply_and_leave_no_place_shared() -> None:
    settings = load(REPOSITORY / "reco.toml")
    source = settings.sources[0]
    rules = Rules(source.themes, source.types, source.closed)
    admitted, _ = admit_all(read(source), rules)
    curated = settings.curation.curation().apply(admitted, {source.name: rules})
    assert curated.stale == ()
    assert not [r.id for r in curated.resources if any("shared" in note for note in r.notes)]


def test_every_row_has_the_form_that_the_documentation_gives(catalogue: Rows) -> None:
    assert len(catalogue) > 1_800
    for row in catalogue:
        where = row["id"]
        assert tuple(row) == FIELDS and all(value == value.strip() for value in row.values()), where
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", where), where
        assert row["title"] and row["evidence"], where
        assert row["type"] in TYPES.values() and row["scale"] in SCALES, where
        assert set(row["theme"].split("; ")) <= set(THEMES), where
        assert row["language"] in ("fr", "en"), where
        assert re.fullmatch(r"((19|20)\d\d)?", row["year"]), where
        assert row["url"] == "" or re.fullmatch(r"https?://\S+", row["url"]), where
        assert not row["title"].isupper(), where


def test_every_summary_is_sober(catalogue: Rows) -> None:
    for row in catalogue:
        count = len(words(row["summary"]))
        assert SHORTEST <= count <= LONGEST, (row["id"], count)
        assert not re.search(r"https?://|www\.|[—<>|]", row["summary"]), row["id"]
        assert not _ADVICE.search(row["summary"]), row["id"]


def test_no_resource_is_listed_twice(catalogue: Rows) -> None:
    for field in ("id", "summary"):
        assert [value for value, count in Counter(row[field] for row in catalogue).items() if count > 1] == []
    addresses = Counter(row["url"].rstrip("/") for row in catalogue if row["url"])
    assert {url for url, count in addresses.items() if count > 1} <= SHARED_ADDRESSES
    titles = Counter((fold(row["title"]), fold(row["publisher"])) for row in catalogue)
    assert [title for title, count in titles.items() if count > 1] == []


def test_no_sentence_is_written_twice(catalogue: Rows) -> None:
    sentences = Counter(
        sentence for row in catalogue for sentence in set(re.split(r"(?<=[.!?])\s+", row["summary"]))
    )
    assert [s for s, count in sentences.items() if count > 1 and len(words(s)) > 4] == []


def test_the_first_rows_are_their_facts_field_by_field(
    catalogue: Rows, shared: Callable[[str], Path]
) -> None:
    """Later rows correct their record where a check found it wrong: a mirror's address, a title with a site's name."""
    first = {row["id"]: row for row in table(shared("facts/catalogue_facts.csv"))}
    for row in catalogue[: len(first)]:
        known = first[row["id"]]
        for name in ("title", "authors", "publisher", "year", "url", "audience", "theme"):
            assert row[name] == known[name], (row["id"], name)
        assert row["type"] == TYPES[known["type"]], row["id"]
        assert row["evidence"].startswith(known["evidence"]), row["id"]


def test_later_rows_keep_the_evidence_of_their_facts(
    catalogue: Rows, facts: dict[str, dict[str, str]]
) -> None:
    for row in catalogue[467:]:
        assert row["evidence"] == facts[row["id"]]["evidence"].strip(), row["id"]


def test_summaries_are_not_the_sentences_of_their_facts(
    catalogue: Rows, facts: dict[str, dict[str, str]]
) -> None:
    for row in catalogue:
        told = facts[row["id"]]["facts"]
        longer = LONGEST_RUN + 1
        assert not runs(row["summary"], longer) & runs(told, longer), row["id"]
        ours = runs(row["summary"], 3)
        assert len(ours & runs(told, 3)) <= MOST_SHARED * len(ours), row["id"]


def test_no_figure_that_the_facts_lack(catalogue: Rows, facts: dict[str, dict[str, str]]) -> None:
    for row in catalogue:
        known = figures(" | ".join(value or "" for value in facts[row["id"]].values()))
        assert figures(row["summary"]) <= known, (row["id"], figures(row["summary"]) - known)


def test_every_record_of_facts_is_in_the_catalogue_or_left_out_with_a_reason(
    catalogue: Rows, facts: dict[str, dict[str, str]]
) -> None:
    left_out = {row["id"]: row["reason"] for row in table(REPOSITORY / "data" / "left_out.csv")}
    kept = {row["id"] for row in catalogue}
    assert kept | left_out.keys() == facts.keys() and not kept & left_out.keys()
    assert all(len(reason) > 7 for reason in left_out.values())

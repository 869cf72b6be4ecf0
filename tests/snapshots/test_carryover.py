"""What a snapshot carries spares the next refresh work, and changes nothing of what it makes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.adapt.head import HeadReport
from reco.catalogue import admission, fingerprints
from reco.catalogue.boilerplate import RECURRING, SHARE, set_aside
from reco.catalogue.catalogue import Catalogue
from reco.catalogue.fingerprints import Traits, key_of, publisher_of
from reco.catalogue.resource import Resource
from reco.encoder.testing import HashingEncoderForTests
from reco.index import terms
from reco.index.acronyms import Acronym, Acronyms
from reco.index.lexical import Counts, LexicalIndex
from reco.index.terms import Counted
from reco.refresh.on_demand import adapt
from reco.refresh.recipe import Recipe
from reco.refresh.trial import Trial
from reco.snapshots import carryover
from reco.text.clean import fold
from tests.support import Home, edited, files_under, resource, rows

DERIVED = ("catalogue.parquet", "dense.faiss", "families.json", "acronyms.json", "carried.rows.safetensors")
HABIT = "Le réseau accompagne les communes depuis sa création en région."


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def made(home: Home) -> dict[str, bytes]:
    """The files that a snapshot's catalogue decides, all but the order in which terms were first met."""
    files = files_under(home.store.folder / home.store.named())
    return {name: data for name, data in files.items() if name in DERIVED or name.startswith("lexical/")}


def nights() -> list[list[dict[str, str]]]:
    """A catalogue that changes in every way: texts, facets, ids, habits that come and go, listings twice."""
    first = [{**row, "place": "Lyon" if n % 5 == 0 else ""} for n, row in enumerate(rows())]
    habits = [
        {**row, "summary": f"{row['summary']} {HABIT}"} if n % 3 else row for n, row in enumerate(first)
    ]
    swapped = edited(edited(habits, "r01", title=habits[2]["title"]), "r02", title=habits[1]["title"])
    again = [*swapped[3:], {**swapped[5], "id": "a05"}, {**swapped[7], "id": "z07", "url": swapped[8]["url"]}]
    return [first, habits, swapped, again, first]


def test_each_night_makes_what_a_refresh_from_nothing_makes(home: Home, tmp_path: Path) -> None:
    for number, table in enumerate(nights()):
        home.write(table)
        assert home.refresh().published
        scratch = Home(tmp_path / f"scratch{number}")
        scratch.write(table)
        assert scratch.refresh().published
        found, wanted = made(home), made(scratch)
        assert found.keys() == wanted.keys()
        assert [name for name in found if found[name] != wanted[name]] == []


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    calls: list[Any] = []
    really = getattr(module, name)

    def count(first: Any, *others: Any) -> Any:
        calls.append(first)
        return really(first, *others)

    monkeypatch.setattr(module, name, count)
    return calls


def test_only_what_changed_is_read_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write(rows())
    home.refresh()
    admitted = counted(monkeypatch, admission, "admit")
    read = counted(monkeypatch, fingerprints, "_resource_fingerprint")
    tokens = counted(monkeypatch, terms, "tokens_of")
    home.write(edited(edited(rows(), "r03", summary="Un autre résumé, plus court."), "r04", year="1999"))
    assert home.refresh().changed == 2
    assert [record.values["id"] for record in admitted] == ["r03", "r04"]
    assert [one.id for one in read] == ["r03"] and [one.id for one in tokens] == ["r03"]


def test_what_is_read_in_another_way_is_read_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write(rows())
    home.refresh()
    monkeypatch.setattr(carryover, "_RECIPE", np.frombuffer(b"another", dtype=np.uint8))
    monkeypatch.setattr(admission, "RECIPE", "another")
    read, admitted = (
        counted(monkeypatch, fingerprints, "_resource_fingerprint"),
        counted(monkeypatch, admission, "admit"),
    )
    tokens = counted(monkeypatch, terms, "tokens_of")
    home.write(edited(rows(), "r03", year="1999"))
    home.refresh()
    assert len(read) == len(admitted) == len(tokens) == len(rows())


def test_another_list_of_a_source_admits_anew(home: Home) -> None:
    home.write(rows())
    home.refresh()
    home.options = 'types = ["GUIDES & OUTILS"]'
    home.configure()
    assert home.refresh().published
    assert {r.type for r in home.store.open().catalogue} >= {"GUIDES & OUTILS"}


def test_an_id_that_two_sources_share_stays_told_apart(tmp_path: Path) -> None:
    home = Home(tmp_path, sources={"one": "one.csv", "two": "two.csv"}, options="reject_limit = 0.9")
    home.write(rows()[:8], "one")
    home.write([*rows()[8:12], {**rows()[0], "title": "De la seconde source"}], "two")
    home.refresh()
    home.write(edited(rows()[:8], "r05", year="1999"), "one")
    assert home.refresh().changed == 1
    home.write(rows()[1:8], "one")
    home.refresh()
    served = home.store.open().catalogue
    assert served.row("r00") is None and served.row("one:r00") is None
    assert served[served.row("two:r00")].title == "De la seconde source"


def test_a_decision_that_is_taken_back_leaves_the_sources_word(home: Home) -> None:
    home.extra = '[curation]\ndecisions = "decisions.csv"\n'
    home.configure()
    home.write(rows())
    decisions = home.folder / "decisions.csv"
    header = "action,id,field,value,expects,author,date,reason\n"
    for line, title in (
        ("correct,r03,title,Corrigé,,A,2026-01-01,x\n", "Corrigé"),
        ("", rows()[3]["title"]),
    ):
        decisions.write_text(header + line, "utf-8")
        home.refresh()
        served = home.store.open().catalogue
        assert served[served.row("r03")].title == title


def test_an_adaptation_carries_on_what_it_did_not_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write(rows())
    home.refresh()
    store = home.store
    assert store.open().carried is None, "no reader needs it"
    won = HeadReport(
        head=np.eye(64, dtype=np.float32),
        records=24,
        before=0.2,
        after=0.4,
        p=0.001,
        off_domain_before=0.5,
        off_domain_after=0.5,
    )
    monkeypatch.setattr("reco.refresh.learn.learn_head", lambda *_: won)
    monkeypatch.setattr("reco.refresh.on_demand.head_trial", lambda *_: Trial(80, 0.4, 0.5, 0.001))
    assert adapt(store, HashingEncoderForTests(64), Recipe()).published
    read = counted(monkeypatch, fingerprints, "_resource_fingerprint")
    home.write(edited(rows(), "r03", year="1999"))
    assert home.refresh().published and read == []


SENTENCES = st.sampled_from(
    [HABIT, "Une phrase assez longue pour compter.", "UNE PHRASE assez longue, pour compter!", "Courte.", ""]
)
RESOURCES = st.lists(
    st.builds(
        lambda title, publisher, said, url: (title, publisher, " ".join(said), url),
        st.sampled_from(["Titre", "titre", "Guide du titre 2019", "Autre", "97-8 2-11-145627-7"]),
        st.sampled_from(["", "P", "p", "Q"]),
        st.lists(SENTENCES, max_size=4),
        st.sampled_from(["", "https://a.fr/1", "http://www.a.fr/1/?utm_source=x", "https://a.fr"]),
    ),
    max_size=12,
)


def built(given: list[tuple[str, str, str, str]]) -> list[Resource]:
    return [
        resource(f"r{n:02}", title, publisher=publisher, summary=summary, url=url)
        for n, (title, publisher, summary, url) in enumerate(given)
    ]


def equal(one: Traits, other: Traits) -> bool:
    arrays, others = one.to_arrays(), other.to_arrays()
    return all(np.array_equal(values, others[name]) for name, values in arrays.items())


@given(RESOURCES, RESOURCES, st.randoms())
def test_traits_are_the_same_whatever_was_known(before: Any, after: Any, chance: Any) -> None:
    old, new = built(before), built(after)
    mixed = [chance.choice(pair) for pair in zip(old, new, strict=False)] + new[len(old) :]
    read = Traits.read(old)
    assert equal(Traits.read(mixed, (old, read)), Traits.read(mixed))
    assert equal(Traits.from_arrays(read.to_arrays()), read)


@given(RESOURCES)
def test_a_habit_is_what_a_plain_count_finds(given: Any) -> None:
    found = built(given)
    titles: dict[tuple[str, str], set[str]] = defaultdict(set)
    records: dict[str, int] = defaultdict(int)
    for one in found:
        records[publisher_of(one)] += 1
        for start, end in ((m.start(), m.end()) for m in fingerprints._SENTENCE.finditer(one.summary)):
            titles[publisher_of(one), key_of(one.summary[start:end])].add(fold(one.title))
    aside = set_aside(found)
    for one in found:
        for span in aside.get(one.id, ()):
            for sentence in fingerprints._SENTENCE.findall(one.summary[span.start : span.end]):
                key = key_of(sentence)
                assert len(titles[publisher_of(one), key]) >= max(
                    RECURRING, SHARE * records[publisher_of(one)]
                )


WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=6)


@given(st.lists(WORDS, min_size=1, max_size=8), st.lists(WORDS, max_size=4), st.data())
def test_counts_that_were_kept_are_those_of_a_new_count(old: Any, new: Any, data: Any) -> None:
    both = [*old, *new]
    rows = data.draw(st.lists(st.integers(0, len(both) - 1), max_size=8))
    kept = Counts.from_arrays(Counts.of(old).to_arrays())
    found = kept.take(np.asarray(rows, dtype=np.int64), Counts.of(new)).ordered()
    wanted = Counts.of(both[row] for row in rows).ordered()
    assert found.terms == wanted.terms
    assert np.array_equal(found.matrix.toarray(), wanted.matrix.toarray())


ENTRIES = st.lists(
    st.sampled_from(
        [
            Acronym("PLU", "plan local d'urbanisme"),
            Acronym("PLU", "plan logement urbain", exact=True),
            Acronym("plan local", "document d'urbanisme", ("carte communale",)),
            Acronym("ZAN", "zéro artificialisation nette"),
            Acronym("carte communale", "plan"),
        ]
    ),
    unique=True,
    max_size=4,
)
SAID = st.lists(
    st.sampled_from("PLU plu plan local d'urbanisme urbain logement carte communale ZAN zéro nette".split()),
    min_size=1,
    max_size=8,
)


@given(st.lists(SAID, max_size=6), st.lists(SAID, max_size=6), ENTRIES, ENTRIES, st.randoms())
def test_concepts_are_the_same_whatever_was_counted(
    old: Any, new: Any, before: Any, after: Any, chance: Any
) -> None:
    """Texts that come, leave and move; entries that come, leave and change their order."""

    def counted_of(texts: Any, table: Any, known: Any = None) -> tuple[list[str], Counted]:
        found = Catalogue(resource(f"r{n}", "Titre", summary=" ".join(said)) for n, said in enumerate(texts))
        hashes = [one.content_hash for one in found]
        return hashes, terms.count(found, hashes, Acronyms(table), known)

    mixed = [*new, *old]
    chance.shuffle(mixed)
    hashes, first = counted_of(old, before)
    kept = counted_of(mixed, after, (hashes, Counted.from_arrays(first.to_arrays())))[1]
    wanted = counted_of(mixed, after)[1]
    for found, right in ((kept.concepts, wanted.concepts), (kept.written, wanted.written)):
        assert found.ordered().terms == right.ordered().terms
        assert np.array_equal(found.ordered().matrix.toarray(), right.ordered().matrix.toarray())
    assert kept.acronyms == wanted.acronyms
    for kind in ("stems", "runs"):
        one, other = (LexicalIndex.reading(each.written, getattr(each, kind)) for each in (kept, wanted))
        assert [list(pieces) for _, pieces in one.to_files()] == [list(p) for _, p in other.to_files()]


def test_concepts_are_looked_for_in_new_texts_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.extra = '[ranking]\nacronyms = "acronyms.csv"\n'
    home.configure()
    (home.folder / "acronyms.csv").write_text("short,full,synonyms,note\nSRU,solidarité urbaine,,\n", "utf-8")
    table = [{**row, "summary": f"{row['summary']} La loi SRU s'applique."} for row in rows()]
    home.write(table)
    home.refresh()
    looked = counted(monkeypatch, Acronyms, "concepts")
    home.write(edited(table, "r03", summary="La loi SRU, et la zone d'aménagement concerté (ZAC)."))
    home.refresh()
    assert len(looked) == 1

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.admission import Rules, admit, admit_all
from reco.catalogue.resource import FIELDS, Record, Rejection, Resource
from reco.catalogue.taxonomy import THEMES, TYPES
from tests.support import record

CLOSED = Rules(THEMES, tuple(TYPES.values()), closed=True)
OPEN = Rules()
ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
VALUES = st.one_of(
    ANY_TEXT,
    st.sampled_from(
        [
            "",
            "\x00",
            "2021",
            "1066",
            "n.d.",
            "guide",
            "Énergie; Eau",
            "http://[",
            "javascript:alert(1)",
            "mairie.fr",
            "=cmd()",
            "<b>",
            "x" * 6_000,
            "<p>" * 3_000,
        ]
    ),
)


def admitted(rules: Rules = OPEN, **values: str) -> Resource:
    found = admit(record(**values), rules)
    assert isinstance(found, Resource), found
    return found


def problems(rules: Rules = OPEN, **values: str) -> tuple[str, ...]:
    found = admit(record(**values), rules)
    assert isinstance(found, Rejection), found
    return found.problems


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES), st.booleans())
def test_any_record_becomes_a_resource_or_a_rejection(values: dict[str, str], closed: bool) -> None:
    given_record = Record("essai", "essai.csv:2", values)
    found = admit(given_record, CLOSED if closed else OPEN)
    if isinstance(found, Rejection):
        assert found.problems and all(found.problems)
        assert (found.source, found.locator, dict(found.values)) == ("essai", "essai.csv:2", values)
    else:
        assert found.id and found.title
        assert found.url == "" or found.url.lower().startswith(("http://", "https://"))
        assert found.year is None or 1400 <= found.year <= 2100
        assert not closed or (found.type in TYPES.values() and set(found.themes) <= set(THEMES))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"title": ""}, "title"),
        ({"title": " — "}, "title"),
        ({"title": "x" * 1_001}, "title"),
        ({"id": " "}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"summary": "mot " * 30_000}, "summary"),
        ({"summary": "x" * 2_000_001}, "summary"),
        ({"url": "javascript:alert(1)"}, "http"),
        ({"url": "file:///etc/passwd"}, "http"),
        ({"publisher": "x" * 5_001}, "publisher"),
    ],
)
def test_each_problem_is_named(values: dict[str, str], expected: str) -> None:
    (problem,) = problems(**values)
    assert expected in problem


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"theme": "Astrologie", "type": "guide"}, "Astrologie"),
        ({"theme": "", "type": "guide"}, "theme"),
        ({"theme": "Eau", "type": "podcast"}, "podcast"),
        ({"theme": "Eau", "type": ""}, "type"),
    ],
)
def test_a_closed_list_refuses_other_values(values: dict[str, str], expected: str) -> None:
    (problem,) = problems(CLOSED, **values)
    assert expected in problem


def test_every_problem_is_given_at_once() -> None:
    found = problems(CLOSED, id="", title="", url="ftp://x.fr", theme="Astrologie", type="podcast")
    assert len(found) == 5
    for word in ("id", "title", "ftp", "Astrologie", "podcast"):
        assert any(word in problem for problem in found), word


def test_an_open_list_keeps_unknown_and_empty_values() -> None:
    found = admitted(theme="Astrologie; Eau", type="podcast")
    assert (found.themes, found.type) == (("Astrologie", "Eau"), "podcast")
    assert admitted(theme="", type="").themes == ()


def test_labels_are_written_as_the_list_writes_them() -> None:
    found = admitted(CLOSED, theme="ENERGIE; énergie ;eau", type="REPORT")
    assert (found.themes, found.type) == (("Énergie", "Eau"), "Rapports")


@pytest.mark.parametrize(
    ("raw", "url", "noted"),
    [
        ("https://exemple.fr/a?b=1", "https://exemple.fr/a?b=1", False),
        ("voir http://exemple.fr/a ici", "http://exemple.fr/a", False),
        ("exemple.fr/page", "https://exemple.fr/page", False),
        ("en mairie", "", True),
        ("http://[", "", True),
        ("", "", False),
    ],
)
def test_addresses(raw: str, url: str, noted: bool) -> None:
    found = admitted(url=raw)
    assert (found.url, bool(found.notes)) == (url, noted)


@pytest.mark.parametrize("field", ["year", "language", "place_code"])
@pytest.mark.parametrize("raw", ["s.d.", "?", "0", "-", "1066", "l'an mil", "<i>hier</i>"])
def test_no_spelling_of_nothing_refuses_a_row(field: str, raw: str) -> None:
    found = admitted(**{field: raw})
    assert (found.year, found.language) == (None, "")
    assert bool(found.notes) == (field != "place_code"), "the gazetteer tells an unknown code"


def test_values_are_read_by_one_hand() -> None:
    found = admitted(year="[2018?]", language="fre; eng", place_code="2408", url="https://x.fr/un guide.pdf")
    assert (found.year, found.language, found.place_code) == (2018, "fr", "02408")
    assert found.url == "https://x.fr/un%20guide.pdf"
    assert [note.split()[0] for note in found.notes] == ["year", "language"]


def test_texts_are_normalised_once_here() -> None:
    found = admitted(
        title="<b>Le  caf\u0065\u0301</b>\n du\x00 bourg", summary="<p>Un</p><p>Deux &amp; trois</p>"
    )
    assert (found.title, found.summary) == ("Le café du bourg", "Un\nDeux & trois")


def test_without_an_id_column_the_id_follows_from_title_and_publisher() -> None:
    def identifier(**values: str) -> str:
        found = admit(Record("essai", "x", {"title": "Le Café", **values}), OPEN)
        assert isinstance(found, Resource)
        return found.id

    assert identifier() == identifier(summary="autre")
    assert identifier().startswith("le-cafe-")
    assert identifier(publisher="Cerema") != identifier(publisher="Ademe")


def test_content_hash_covers_exactly_the_embedded_text() -> None:
    one = admitted(title="a", summary="b")
    assert one.content_hash == admitted(title="a", summary="b", year="2020", theme="Eau").content_hash
    assert one.content_hash != admitted(title="a", summary="c").content_hash
    assert one.content_hash != admitted(title="ab", summary="").content_hash


def test_an_id_serves_once() -> None:
    rows = [record(id="a"), record(id="b"), record(id="a", title="autre")]
    resources, (refused,) = admit_all(rows, OPEN)
    assert [(r.id, r.title) for r in resources] == [("a", "Un titre"), ("b", "Un titre")]
    assert refused.problems == ("the id 'a' is already used at essai.csv:2",)
    assert dict(refused.values)["title"] == "autre"


def test_rejections_of_a_reader_pass_through() -> None:
    refused = Rejection("essai", "essai.csv:9", ("ragged",))
    assert admit_all([refused], OPEN) == ([], [refused])

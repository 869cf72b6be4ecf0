"""What a visitor or a source sends costs no more than in proportion to its length.

No test here looks at a clock: what is counted is how much is read, or the input is so long that what takes
the square of its length ends at the limit of every test.
"""

from __future__ import annotations

import pytest

from reco.catalogue import fingerprints
from reco.catalogue.fingerprints import Traits
from reco.encoder.testing import HashingEncoderForTests
from reco.index.acronyms import Acronyms
from reco.index.duplicates import CuratorPairs, find
from reco.ranking import needs
from reco.ranking.explain import QueryWords
from reco.ranking.needs import split
from reco.ranking.query import Query
from reco.ranking.recommender import Recommender
from reco.sources.credits import divide
from reco.text import passages
from reco.text.clean import fold
from tests.support import resource, snapshot_of

ENCODER = HashingEncoderForTests()
PAGES = " ".join(f"Le hameau{n} demande un pont{n} et une digue{n}." for n in range(2_000))


def _counted(monkeypatch: pytest.MonkeyPatch, module: object, name: str, at: int = 0) -> list[int]:
    """Return the lengths of the texts with which a function is called from now on."""
    lengths: list[int] = []
    called = getattr(module, name)

    def counting(*given: str) -> object:
        lengths.append(len(given[at]))
        return called(*given)

    monkeypatch.setattr(module, name, counting)
    return lengths


def test_a_request_is_split_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resources = [resource(f"r{n}", f"Le pont {n}", summary=f"Un pont et une digue {n}.") for n in range(12)]
    recommender = Recommender(snapshot_of(resources, ENCODER), ENCODER)
    lines = _counted(monkeypatch, needs, "sentences")  # whoever splits, and from wherever
    answer = recommender.recommend(Query.of("- le pont\n- la digue"))
    assert answer.needs and len(lines) == 2
    recommender.rank(Query.of("- le pont\n- la digue"))
    assert len(lines) == 4


@pytest.mark.parametrize("line", ["mot-\nmot-\n", "la la de\n", "\n", "> \n", "- a-\nb", "((\n", "Vu le\n"])
def test_physical_lines_and_papers_are_read_in_linear_time(line: str) -> None:
    text = (line * 200_000)[:190_000]
    assert Query.of(f"un pont {text}").reading.text


def test_each_word_of_a_request_is_read_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = _counted(monkeypatch, needs, "words")
    assert split(PAGES)
    assert sum(lengths) <= 3 * len(PAGES)


def test_a_need_said_before_is_none_however_many_are_between() -> None:
    subjects = [f"la halle{n} et le marché{n}" for n in range(300)]
    once = "\n".join(f"- {subject}" for subject in subjects)
    assert split(f"{once}\n{once}") == split(once)


@pytest.mark.parametrize("line", ["« a. " * 20_000, "<?" * 50_000, "‘a " * 30_000])
def test_marks_that_never_close_are_read_in_pieces(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = _counted(monkeypatch, passages, "segment", 1)
    assert "".join(passages.sentences(line)) == line
    assert max(lengths) <= 2_000 and sum(lengths) <= 3 * len(line)


def test_a_long_line_of_prose_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = _counted(monkeypatch, passages, "segment", 1)
    assert "".join(passages.sentences(PAGES)) == PAGES
    assert lengths == [len(PAGES)]


def test_a_summary_of_many_headings_reads_its_publisher_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = _counted(monkeypatch, fingerprints, "key_of")
    summary = "À propos de x :\n" * 500
    Traits.read([resource("a", "Un titre", summary=summary, publisher="éditeur " * 500)])
    assert sum(lengths) < 3 * 4_000 + 2 * len(summary)


def test_marks_above_a_letter_are_folded() -> None:
    assert fold("e" + "\u0323\u0301" * 200_000) == "e"


@pytest.mark.parametrize(
    ("line", "publishers"),
    [
        (f"Ademe{' ' * 200_000}x", 1),
        ("a" + " (dir" * 100_000, 1),
        (f"Ademe{', a' * 100_000}", 1),
        ("Ademe, " * 20_000, 20_000),
    ],
)
def test_a_long_line_of_credits_is_divided(line: str, publishers: int) -> None:
    assert len(divide(line).publishers) == publishers


def test_a_request_of_as_many_words_as_a_passage() -> None:
    text = " ".join(f"mot{n}" for n in range(20_000))
    assert len(QueryWords(text, (), Acronyms()).met_by(text)) == 20_000


def test_a_title_listed_a_thousand_times_is_grouped() -> None:
    listed = [
        resource(f"r{n:04}", "Rénover la halle du marché", summary=f"Une halle numéro {n}.", publisher="AMF")
        for n in range(1_000)
    ]
    snapshot = snapshot_of(listed, ENCODER)
    found = find(snapshot.catalogue, snapshot.table, CuratorPairs(split=(("r0000", "r0001"),)))
    groups = [set(family.members) for family in found.families]
    assert sum(map(len, groups)) == 1_000
    assert not any({"r0000", "r0001"} <= group for group in groups)

"""Requests that ask for several things: split as written, covered by the first results, and said when not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.catalogue import Filters
from reco.encoder.protocol import Vector
from reco.encoder.testing import HashingEncoderForTests
from reco.ranking.needs import FIRST, MOST, needs_of, split
from reco.ranking.recommender import Fusion, Query, Recommender
from reco.refresh.calibrate import calibrate
from reco.text.background import background
from tests.promises import by_score
from tests.support import Home, resource, run_cli, snapshot_of

ENCODER = HashingEncoderForTests()
SUBJECTS = {
    "cantine": "La cantine sert du pain bio et des légumes du maraîcher",
    "chaufferie": "La chaufferie brûle des plaquettes de la forêt voisine",
    "pédibus": "Le pédibus emmène les enfants à pied chaque matin",
    "médiathèque": "La médiathèque prête des liseuses et ouvre le dimanche",
}
RESOURCES = [
    resource(
        f"{subject}-{n:02}", f"{subject} numéro {n}", summary=f"{text}, récit {n} d'une commune.", type=kind
    )
    for subject, text in SUBJECTS.items()
    for n, kind in enumerate(["Guides", "Livres", "Livres", "Livres"] * 4)
]
PLAIN = snapshot_of(RESOURCES, ENCODER)
MEASURED = calibrate(PLAIN, ENCODER, Fusion(), background()[:100])
assert MEASURED is not None
# This encoder knows no meaning, which the promise that ships counts on: here what is close is told by score.
SNAPSHOT = replace(PLAIN, levels=replace(MEASURED, promise=by_score(0.2, 0.3, 0.6)))
RECOMMENDER = Recommender(SNAPSHOT, ENCODER)
THREE = (
    "Bonjour, nous sommes une commune de 900 habitants.\n"
    "- la cantine sert du pain bio, des légumes du maraîcher, du pain, de la cantine\n"
    "- la chaufferie et ses plaquettes\n"
    "- le pédibus"
)


@pytest.mark.parametrize(
    "text",
    [
        "désimperméabiliser la cour de l'école, 1 200 habitants, peu de budget",
        "Bonjour, nous sommes une commune de 1 200 habitants. Nous voulons un verger. Merci d'avance !",
        "rénover et isoler l'école",
        "piscine",
        "PISCINE MUNICIPALE",
        "1. 2. 3.",
        "Comment fermer une piscine ? Comment fermer la piscine ?",
    ],
)
def test_one_thing_asked_is_not_split(text: str) -> None:
    assert split(text) == ()


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        (
            "Nous voulons rénover l'école, créer une voie verte et aider les jeunes à conduire.",
            ("Nous voulons rénover l'école", "créer une voie verte", "aider les jeunes à conduire."),
        ),
        ("- compost\n• atlas des haies\n3) régie de l'eau", ("compost", "atlas des haies", "régie de l'eau")),
        ("Trois sujets : la cantine, le vélo et la forêt.", ("la cantine", "le vélo", "la forêt")),
        (
            "Bonjour. La cour de l'école brûle chaque été. Le dernier café du bourg va fermer. Merci !",
            ("La cour de l'école brûle chaque été.", "Le dernier café du bourg va fermer."),
        ),
    ],
)
def test_needs_are_pieces_of_the_request_as_it_is_written(text: str, needs: tuple[str, ...]) -> None:
    assert split(text) == needs
    assert all(need in text for need in needs)


@given(text=st.text(alphabet="aé b,;.:-\n?1er ", max_size=300))
def test_any_text_is_split_alike_twice_into_pieces_of_itself(text: str) -> None:
    found = split(text)
    assert found == split(text) and len(found) <= MOST and len(found) != 1
    assert all(need in text for need in found)


def test_three_hundred_needs_and_fifty_pages_are_bounded() -> None:
    many = "\n".join(f"- chantier{n} de la halle{n}" for n in range(300))
    assert len(split(many)) == MOST
    pages = " ".join(f"Le hameau{n} demande un pont{n} et une digue{n}." for n in range(3_000))
    assert len(split(pages)) == MOST
    answer = RECOMMENDER.recommend(Query.of(many))
    assert len(answer.recommendations) == 10 and len(answer.needs) <= MOST


def test_the_first_five_cover_three_needs() -> None:
    answer = RECOMMENDER.recommend(Query.of(THREE))
    assert len(answer.needs) == 3
    assert all(any(rank <= FIRST for rank in need.covered_by) for need in answer.needs)
    assert {i.resource.id.split("-")[0] for i in answer.recommendations[:FIRST]} == set(list(SUBJECTS)[:3])
    assert {need.level for need in answer.needs} <= {"proche", "très proche"}


def test_what_moved_says_so_and_keeps_its_score() -> None:
    answer = RECOMMENDER.recommend(Query.of(THREE))
    everything = RECOMMENDER.recommend(Query.of(THREE, len(RESOURCES)))
    scores = sorted((-item.score, item.resource.id) for item in everything.recommendations)
    by_score = [identifier for _, identifier in scores]
    moved = [item for item in answer.recommendations if item.placement is not None]
    assert moved
    for item in moved:
        placement = item.placement
        assert placement is not None and placement.reason == "need"
        assert placement.text in {need.text for need in answer.needs}
        assert by_score.index(item.resource.id) + 1 == placement.from_rank > FIRST
        assert sum(line.value for line in item.explanation.contributions) == pytest.approx(
            item.score, abs=1e-6
        )
    still = [i.resource.id for i in answer.recommendations if i.placement is None]
    assert still == [identifier for identifier in by_score if identifier in still]


def test_a_need_without_answer_is_said() -> None:
    answer = RECOMMENDER.recommend(
        Query.of("- la cantine et son pain bio\n- tarte meringuée aux citrons verts")
    )
    covered = {need.text: need.covered_by for need in answer.needs}
    assert covered["la cantine et son pain bio"] and covered["tarte meringuée aux citrons verts"] == ()


@pytest.mark.parametrize("k", [1, 3, 5, 20])
def test_fewer_results_are_the_first_of_more(k: int) -> None:
    more = [i.resource.id for i in RECOMMENDER.recommend(Query.of(THREE, 40)).recommendations]
    assert [i.resource.id for i in RECOMMENDER.recommend(Query.of(THREE, k)).recommendations] == more[:k]
    assert [SNAPSHOT.catalogue[hit.row].id for hit in RECOMMENDER.rank(Query.of(THREE, k))] == more[:k]


def test_filters_hold_for_needs_too() -> None:
    answer = RECOMMENDER.recommend(Query.of(THREE, 10, Filters(types=("Livres",))))
    assert {item.resource.type for item in answer.recommendations} == {"Livres"}
    assert len({i.resource.id.split("-")[0] for i in answer.recommendations[:FIRST]}) == 3


def test_without_levels_needs_are_told_and_move_nothing() -> None:
    recommender = Recommender(PLAIN, ENCODER)
    answer = recommender.recommend(Query.of(THREE))
    assert [need.level for need in answer.needs] == [None] * 3
    assert all(item.placement is None for item in answer.recommendations)
    scores = [item.score for item in answer.recommendations]
    assert scores == sorted(scores, reverse=True)
    ranked = [PLAIN.catalogue[hit.row].id for hit in recommender.rank(Query.of(THREE))]
    assert ranked == [item.resource.id for item in answer.recommendations]
    firsts = {item.rank: item.resource.id for item in answer.recommendations}
    for need in answer.needs:
        alone = recommender.recommend(Query.of(need.text, 3)).recommendations
        assert {firsts[rank] for rank in need.covered_by} <= {item.resource.id for item in alone}


@pytest.mark.parametrize(("need", "asked"), [(0.0, 1), (Fusion.need, 1 + 3)])
def test_ranking_without_levels_reads_needs_only_where_they_count(need: float, asked: int) -> None:
    encoder = Counting()
    Recommender(PLAIN, encoder, Fusion(need=need)).rank(Query.of(THREE))
    assert len(encoder.asked) == asked


class Counting(HashingEncoderForTests):
    """Keeps each text that it is asked once, as the real encoder remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def encode_query(self, text: str) -> Vector:
        self.asked.add(text)
        return super().encode_query(text)


def test_a_request_of_one_need_is_encoded_once() -> None:
    encoder = Counting()
    Recommender(SNAPSHOT, encoder).recommend(Query.of("rénover la cantine, 900 habitants, peu de budget"))
    assert len(encoder.asked) == 1
    Recommender(SNAPSHOT, encoder).recommend(Query.of(THREE))
    assert len(encoder.asked) == 1 + 1 + 3


def test_a_passage_that_answers_one_need_of_several_counts_and_the_proof_says_so() -> None:
    recommender = Recommender(PLAIN, ENCODER, Fusion(meaning=1.0, passage=1.0, words=0.0, grams=0.0))
    answer = recommender.recommend(Query.of(THREE, k=len(PLAIN.catalogue)))
    alone = {
        text: Recommender(PLAIN, ENCODER, replace(recommender.fusion, need=0.0)).recommend(
            Query.of(text, k=len(PLAIN.catalogue))
        )
        for text in (THREE, *split(THREE))
    }
    points = {text: {r.resource.id: r.score for r in one.recommendations} for text, one in alone.items()}
    for found in answer.recommendations:
        own, *needs = (points[text][found.resource.id] for text in (THREE, *split(THREE)))
        assert found.score == pytest.approx(2 / 3 * own + 1 / 3 * max(needs), abs=1e-8)
        assert sum(c.value for c in found.explanation.contributions) == pytest.approx(found.score, abs=1e-9)


def test_the_command_line_tells_needs(served: Home) -> None:
    text = "Deux sujets\n- rénover la piscine municipale\n- un verger partagé"
    document = run_cli("recommend", text, *served.arguments, "--json").json
    assert [need["text"] for need in document["needs"]] == [
        "rénover la piscine municipale",
        "un verger partagé",
    ]
    assert set(document["needs"][0]) == {"text", "level", "covered_by", "verdict"}
    assert "Need: un verger partagé (" in run_cli("recommend", text, *served.arguments).out


def test_minutes_have_a_need_an_item_and_a_deliberation_has_its_object() -> None:
    minutes = (
        "Compte rendu du conseil municipal\nPrésents : M. Blin, Mme Roux\n1. Cantine\n"
        "Le pain bio vient du maraîcher.\n2. Chaufferie\nLes plaquettes de la forêt manquent.\n"
        "3. Questions diverses\nLe pédibus du matin.\n"
    )
    assert needs_of(Query.of(minutes).reading) == (
        "Cantine : Le pain bio vient du maraîcher.",
        "Chaufferie : Les plaquettes de la forêt manquent.",
    )
    answer = RECOMMENDER.recommend(Query.of(minutes))
    assert {item.resource.title.split()[0] for item in answer.recommendations[:FIRST]} >= {
        "cantine",
        "chaufferie",
    }
    deliberation = (
        "Délibération du conseil municipal\nObjet : servir du pain bio à la cantine\nVu le code rural ;\n"
        "Considérant que la chaufferie brûle des plaquettes de la forêt voisine ;\n"
        "Après en avoir délibéré,\nDécide d'ouvrir la médiathèque le dimanche ;"
    )
    assert needs_of(Query.of(deliberation).reading) == ()


def test_a_word_of_politeness_or_of_a_meeting_is_no_need() -> None:
    assert "Comme évoqué en réunion" not in split(
        "Comme évoqué en réunion, nous aimerions ôter le goudron de la cour et planter des arbres."
    )
    assert "Suite à notre échange téléphonique" not in split(
        "Suite à notre échange téléphonique, nous voulons rouvrir le café et refaire la place."
    )

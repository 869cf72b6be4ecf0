"""The proof: what is left of a score without a passage, and which words of the request a passage answers."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.encoder.protocol import DocumentVectors, unit
from reco.encoder.testing import HashingEncoderForTests
from reco.index.acronyms import Acronym, Acronyms
from reco.index.dense import DenseIndex
from reco.index.vectors import FRAME, EncodedDocument, VectorTable
from reco.ranking.explain import Contribution
from reco.ranking.needs import split
from reco.ranking.recommender import Answer, Fusion, Query, Recommendation, Recommender
from reco.ranking.scoring import Scorer
from reco.snapshots.snapshot import Snapshot, build
from reco.text.background import background
from reco.text.passages import Span
from tests.support import REPOSITORY, resource, resources, snapshot_of

ENCODER = HashingEncoderForTests()
SNAPSHOT = snapshot_of(resources(), ENCODER)
HEAD = np.eye(64, dtype=np.float32) + np.float32(0.3) * np.tri(64, k=-1, dtype=np.float32) / 8
REQUESTS = st.lists(st.sampled_from("piscine verger haies bus café eau budget".split()), min_size=1).map(
    " ".join
)


def without_part(snapshot: Snapshot, row: int, gone: Span) -> Snapshot:
    """The snapshot as if it never had one part of one row: its vector is pooled anew.

    A frame stays first, as that of a text without title: of no weight.
    """
    documents = [snapshot.table.document(r) for r in range(len(snapshot.table))]
    spans, vectors = documents[row].spans, documents[row].vectors
    there = np.asarray([span != gone for span in spans])
    kept = np.flatnonzero(there | (np.arange(len(spans)) == 0))
    parts, weights = (vectors.parts * there[:, None])[kept], (vectors.weights * there)[kept]
    documents[row] = EncodedDocument(
        DocumentVectors(parts, weights / weights.sum()), tuple(spans[i] for i in kept)
    )
    table = VectorTable.of(snapshot.table.hashes, documents, snapshot.table.parts.shape[1])
    pooled = table.pooled() if snapshot.head is None else table.pooled() @ snapshot.head.T
    return replace(snapshot, table=table, dense=DenseIndex.build(unit(pooled)))


def span_of(line: Contribution, item: Recommendation) -> Span:
    if line.kind == "title":
        return FRAME
    start = item.resource.summary.index(line.text)
    return Span(start, start + len(line.text))


@pytest.mark.parametrize("head", [None, HEAD], ids=["plain", "head"])
@pytest.mark.parametrize("fusion", [Fusion(), Fusion(passage=0.0), Fusion(passage=1.0)])
@settings(max_examples=20)
@given(text=REQUESTS)
def test_without_a_part_is_the_score_of_the_resource_that_never_had_it(
    head: np.ndarray | None, fusion: Fusion, text: str
) -> None:
    snapshot = SNAPSHOT.with_head(head)
    scorer = Scorer(snapshot, fusion)
    reading = scorer.read(snapshot.request(ENCODER.encode_query(text)), text)
    for item in Recommender(snapshot, ENCODER, fusion).recommend(Query.of(text, 2)).recommendations:
        row = snapshot.catalogue.row(item.resource.id)
        assert row is not None
        for line in item.explanation.contributions:
            if line.kind in ("title", "passage"):
                removed = without_part(snapshot, row, span_of(line, item))
                (left,) = Scorer(removed, fusion).score(reading, np.asarray([row]))
                assert line.without == pytest.approx(left, abs=1e-6)
            else:
                assert line.without == pytest.approx(item.score - line.value, abs=1e-12)


SEVERAL = "Nous voulons rénover la piscine municipale. Planter des haies autour du verger communal."


@pytest.mark.parametrize("head", [None, HEAD], ids=["plain", "head"])
def test_the_passage_nearest_to_a_need_is_credited_with_it_and_missed_without(
    head: np.ndarray | None,
) -> None:
    snapshot, fusion = SNAPSHOT.with_head(head), Fusion(passage=1.0, need=0.5)
    scorer = Scorer(snapshot, fusion)
    vectors = [snapshot.request(ENCODER.encode_query(text)) for text in (SEVERAL, *split(SEVERAL))]
    assert len(vectors) == 3
    reading = scorer.read(vectors[0], SEVERAL, (), vectors[1:])
    elsewhere = 0
    for item in Recommender(snapshot, ENCODER, fusion).recommend(Query.of(SEVERAL)).recommendations:
        row = snapshot.catalogue.row(item.resource.id)
        assert row is not None
        directions = unit(snapshot.document(row).vectors.parts[1:]).astype(float)
        own = directions @ vectors[0] - reading.floor
        asked = np.max([directions @ need.vector - need.floor for need in reading.needs], axis=0)
        expected = np.zeros(1 + len(directions))
        expected[1 + int(own.argmax())] += reading.rate * 0.5 * own.max()
        expected[1 + int(asked.argmax())] += reading.rate * 0.5 * asked.max()
        elsewhere += own.argmax() != asked.argmax()
        parts = [line for line in item.explanation.contributions if line.kind in ("title", "passage")]
        assert sorted(line.value for line in parts) == pytest.approx(sorted(expected), abs=1e-5)
        for line in parts:
            removed = without_part(snapshot, row, span_of(line, item))
            (left,) = Scorer(removed, fusion).score(reading, np.asarray([row]))
            assert line.without == pytest.approx(left, abs=1e-6)
    assert elsewhere


def test_without_its_only_part_a_resource_has_its_words_alone() -> None:
    snapshot = snapshot_of([resource("a", "Piscine"), resource("b", "Verger")], ENCODER)
    (item, _) = Recommender(snapshot, ENCODER).recommend(Query.of("piscine")).recommendations
    given_by_words = sum(line.value for line in item.explanation.contributions if line.kind != "title")
    (title,) = [line for line in item.explanation.contributions if line.kind == "title"]
    assert title.without == pytest.approx(given_by_words, abs=1e-6)


def answer_to(text: str, *summaries: str, table: Acronyms | None = None) -> Answer:
    plain = snapshot_of([resource(f"r{n}", "Titre", summary=s) for n, s in enumerate(summaries)], ENCODER)
    snapshot = build(plain.manifest, plain.catalogue, plain.table, None, table)
    return Recommender(snapshot, ENCODER).recommend(Query.of(text))


def words_of(answer: Answer) -> dict[str, tuple[str, ...]]:
    return {i.resource.id: i.explanation.passages[0].words for i in answer.recommendations}


def test_a_passage_names_the_words_of_the_request_that_it_answers_as_they_were_written() -> None:
    found = answer_to(
        "Rénover les ÉCOLES, l'école du bourg", "Au bourg, une école à rénover.", "Un étang gelé."
    )
    assert words_of(found) == {"r0": ("Rénover", "ÉCOLES", "bourg"), "r1": ()}


def test_a_passage_answers_an_acronym_by_any_of_its_forms() -> None:
    table = Acronyms([Acronym("ZAN", "zéro artificialisation nette")])
    summaries = ("Viser la zéro artificialisation nette.", "Sols et ZAN au village.", "Artificialisation.")
    short = words_of(answer_to("notre ZAN", *summaries, table=table))
    assert short == {"r0": ("ZAN",), "r1": ("ZAN",), "r2": ()}
    full = words_of(answer_to("la zéro artificialisation nette", *summaries, table=table))
    assert full == {
        "r0": ("zéro artificialisation nette",),
        "r1": ("zéro artificialisation nette",),
        "r2": ("artificialisation",),
    }


def test_a_like_spelling_counts_where_no_word_is_common() -> None:
    found = answer_to("économiser l'énergie", "Un bilan énergétique par an.", "L'énergie est chère.")
    assert words_of(found) == {"r0": ("énergie",), "r1": ("énergie",)}
    assert words_of(answer_to("la station", "Une mention utile.")) == {"r0": ()}


def test_similar_has_the_same_proof() -> None:
    for item in Recommender(SNAPSHOT, ENCODER).similar("r00", 5).recommendations:
        for quote in item.explanation.passages:
            assert set(quote.words) <= set(SNAPSHOT.catalogue[0].title.split()) | set(
                SNAPSHOT.catalogue[0].summary.replace(",", " ").replace(".", " ").replace("'", " ").split()
            )
        assert all(np.isfinite(line.without) for line in item.explanation.contributions)


LONG = " ".join(f"mot{n} piscine verger" for n in range(4_000))


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "piscine",
        "RÉNOVER LA PISCINE MUNICIPALE",
        "renovating the village swimming pool",
        "日本語 テスト",
    ],
    ids=["pages", "word", "capitals", "english", "japanese"],
)
def test_any_request_gets_proofs_that_add_up(text: str) -> None:
    five_hundred = " ".join(f"La piscine numéro {n} a été rénovée par la commune en {n}." for n in range(500))
    found = [*resources(), resource("long", summary=five_hundred), resource("one", summary="Un bassin.")]
    require_sums(Recommender(snapshot_of(found, ENCODER), ENCODER).recommend(Query.of(text, 30)))


def test_a_snapshot_without_passage_vectors_is_explained_by_titles_and_words() -> None:
    documents = [SNAPSHOT.table.document(row) for row in range(len(SNAPSHOT.table))]
    frames = [
        EncodedDocument(
            replace(d.vectors, parts=d.vectors.parts[:1], weights=np.ones(1, np.float32)), (FRAME,)
        )
        for d in documents
    ]
    table = VectorTable.of(SNAPSHOT.table.hashes, frames, ENCODER.dimension)
    snapshot = build(SNAPSHOT.manifest, SNAPSHOT.catalogue, table)
    answer = Recommender(snapshot, ENCODER).recommend(Query.of("rénover la piscine"))
    require_sums(answer)
    assert answer.recommendations[0].resource.id == "r00"
    assert not any(item.explanation.passages for item in answer.recommendations)


def test_a_passage_is_worth_what_lifts_it_above_an_average_resource() -> None:
    """The whole is a weighted mean of its parts and so is the floor; the nearest passage has a share more."""
    scorer, text = Scorer(SNAPSHOT, Fusion()), "rénover la piscine"
    reading = scorer.read(ENCODER.encode_query(text), text)
    item = Recommender(SNAPSHOT, ENCODER).recommend(Query.of(text)).recommendations[0]
    row = SNAPSHOT.catalogue.row(item.resource.id)
    assert row is not None
    document = SNAPSHOT.document(row)
    parts, weights = document.vectors.parts.astype(float), document.vectors.weights
    dots = parts @ reading.vector
    whole = weights * dots / np.linalg.norm(weights @ parts) - weights * reading.floor
    nearest = dots / np.linalg.norm(parts, axis=1)
    expected = reading.rate * 0.25 * whole
    best = 1 + int(np.argmax(nearest[1:]))
    expected[best] += reading.rate * 0.75 * (nearest[best] - reading.floor)
    found = [line.value for line in item.explanation.contributions if line.kind in ("title", "passage")]
    assert sorted(found) == pytest.approx(sorted(expected), abs=1e-5)


def test_a_catalogue_of_two_adds_up_although_its_points_are_steep() -> None:
    found = [resource("a", "Piscine"), resource("b", "Piscine couverte")]
    require_sums(Recommender(snapshot_of(found, ENCODER), ENCODER).recommend(Query.of("piscine")))


def require_sums(answer: Answer) -> None:
    assert answer.recommendations
    for item in answer.recommendations:
        total = sum(line.value for line in item.explanation.contributions)
        assert total == pytest.approx(item.score, abs=1e-6)
        assert all(np.isfinite(line.without) for line in item.explanation.contributions)


@pytest.mark.slow
def test_a_thousand_requests_get_proofs_that_add_up() -> None:
    texts = [
        row["text"]
        for kind in ("answerable", "gap", "foreign")
        for row in csv.DictReader((REPOSITORY / "data" / "requests" / f"{kind}.csv").open(encoding="utf-8"))
    ]
    texts += background()
    assert len(texts[:1000]) >= 950
    recommender = Recommender(SNAPSHOT.with_head(HEAD), ENCODER)
    for text in texts[:1000]:
        require_sums(recommender.recommend(Query.of(text)))

"""BM25 against bm25s itself and against arithmetic, and French words as officers write them."""

from __future__ import annotations

import io
from collections import Counter
from math import log

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.index.arrays import array_of, array_pieces
from reco.index.lexical import Counts, LexicalIndex
from reco.text.tokens import grams, runs, words

TERMS = st.lists(st.sampled_from("arbre eau école sol plan cour budget".split()), max_size=12)


@given(documents=st.lists(TERMS, min_size=1, max_size=12), query=TERMS)
def test_scores_are_those_of_the_library(documents: list[list[str]], query: list[str]) -> None:
    if not any(documents):
        return
    index = LexicalIndex.build(Counts.of(documents))
    engine = bm25s.BM25()
    engine.index(documents, show_progress=False)
    known = [term for term in query if term in {t for d in documents for t in d}]
    expected = engine.get_scores(known) if known else np.zeros(len(documents))
    counts = {term: float(query.count(term)) for term in query}
    np.testing.assert_allclose(index.scores(counts), expected, rtol=1e-5, atol=1e-6)
    weights = index.term_weights(list(counts), np.arange(len(documents)))
    np.testing.assert_allclose(
        weights @ np.array(list(counts.values())) if counts else 0, index.scores(counts), rtol=1e-5, atol=1e-6
    )


def test_one_score_written_out() -> None:
    """Lucene's form: idf ln(1 + (N - n + 0.5)/(n + 0.5)), tf / (tf + k1 (1 - b + b |d|/avg))."""
    index = LexicalIndex.build(Counts.of([["arbre", "arbre", "eau"], ["eau"], ["sol", "cour"]]))
    idf = log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    saturation = 2 / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / 2))
    assert index.scores({"arbre": 1.0})[0] == pytest.approx(idf * saturation, rel=1e-6)
    assert index.self_score({"arbre": 2.0}) == pytest.approx(2 * idf)
    assert index.self_score({"jamais": 1.0}) == pytest.approx(log(1 + 3.5 / 0.5))


def test_an_index_survives_its_own_bytes() -> None:
    index = LexicalIndex.build(Counts.of([["arbre", "§zan"], [], ["eau"]]))
    again = LexicalIndex.from_files({name: b"".join(pieces) for name, pieces in index.to_files()})
    np.testing.assert_array_equal(
        again.scores({"arbre": 1, "§zan": 2}), index.scores({"arbre": 1, "§zan": 2})
    )
    assert len(again) == 3


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("l'école", "écoles"),
        ("l’eau", "d'eau"),
        ("tiers-lieux", "tiers lieu"),
        ("RÉNOVATION", "renovation"),
        ("aujourd'hui qu'il rénove", "rénover aujourd'hui"),
    ],
)
def test_forms_of_one_word_meet(left: str, right: str) -> None:
    stems = lambda text: {word.stem for word in words(text)}  # noqa: E731
    assert stems(left) & stems(right)


def test_words_know_where_they_stand() -> None:
    text = "L'école d’Orly a 2 cours-jardins"
    assert [text[word.start : word.end] for word in words(text)] == ["école", "Orly", "2", "cours", "jardins"]


def test_a_typing_error_keeps_most_letter_runs() -> None:
    right, wrong = set(grams("désimperméabilisation")), set(grams("desimpermeabilistion"))
    assert len(right & wrong) / len(right) > 0.7
    assert not set(grams("arbre")) & set(grams("budget"))


@given(documents=st.lists(st.lists(st.sampled_from(["a b", "b", "a a c", ""])), max_size=8))
def test_terms_read_once_are_counted_as_often_as_they_stand(documents: list[list[str]]) -> None:
    def counted(counts: Counts) -> list[dict[str, float]]:
        return [
            {term: count for term, count in zip(counts.terms, row, strict=True) if count}
            for row in counts.matrix.toarray().tolist()
        ]

    written = Counts.of(documents)
    read = written.read(Counts.of(map(str.split, written.terms)))
    expected = [dict(Counter(piece for term in document for piece in term.split())) for document in documents]
    assert counted(read) == expected
    assert list(read.having("c".__eq__)) == ["c" in document for document in expected]
    both = read.beside(Counts.of([["§"] for _ in documents]))
    assert counted(both) == [{**document, "§": 1} for document in expected]


@pytest.mark.parametrize("rows", [1, 4_095, 4_096, 4_097, 9_000])
def test_documents_are_counted_in_chunks_and_weighed_together(rows: int) -> None:
    documents = [["arbre"] * (row % 3) + ["eau", f"mot{row % 50}"] for row in range(rows)]
    engine = bm25s.BM25()
    engine.index(documents, show_progress=False)
    found = LexicalIndex.build(Counts.of(iter(documents))).scores({"arbre": 1.0, "mot7": 2.0})
    query = [term for term in ("arbre", "mot7", "mot7") if any(term in document for document in documents)]
    np.testing.assert_allclose(found, engine.get_scores(query) if query else 0, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 2)])
def test_arrays_are_read_where_they_lie(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    data = b"".join(array_pieces(values))
    read = array_of(data)
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)
    if values.size:
        assert not read.flags.writeable
        assert np.shares_memory(read, np.frombuffer(data, dtype=np.uint8))
        with pytest.raises(ValueError):
            array_of(data[:-1])


def test_pickled_arrays_are_refused() -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError):
        array_of(stream.getvalue())


@given(
    st.lists(
        st.lists(st.sampled_from(["piscine", "café", "école", "cours", "l'eau"]), max_size=6), max_size=8
    )
)
def test_reading_terms_by_runs_is_indexing_the_runs(documents: list[list[str]]) -> None:
    counts = Counts.of(documents)
    read = Counts.of(map(runs, counts.terms))
    at_once, in_turn = LexicalIndex.reading(counts, read), LexicalIndex.build(counts.read(read))
    in_words = LexicalIndex.build(
        Counts.of([run for word in said for run in runs(word)] for said in documents)
    )
    assert content(at_once) == content(in_turn) == content(in_words)


def content(index: LexicalIndex) -> dict[str, bytes]:
    return {name: b"".join(pieces) for name, pieces in index.to_files()}

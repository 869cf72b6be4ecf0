"""FAISS against brute force, under any filter."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.encoder.protocol import unit
from reco.index.dense import DenseIndex


@given(rows=st.integers(1, 60), depth=st.integers(1, 80), seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_search_is_brute_force_under_a_filter(rows: int, depth: int, seed: int, share: float) -> None:
    generator = np.random.default_rng(seed)
    vectors = unit(generator.standard_normal((rows, 16)).astype(np.float32))
    allowed = generator.random(rows) < share
    query = unit(generator.standard_normal(16).astype(np.float32))
    found, scores = DenseIndex.build(vectors).search(query, depth, allowed)
    exact = vectors @ query
    best = sorted(np.flatnonzero(allowed), key=lambda row: -exact[row])[:depth]
    np.testing.assert_allclose(scores, exact[best], atol=1e-6)
    assert set(found) <= set(np.flatnonzero(allowed)) and len(set(found)) == len(best)


@given(
    rows=st.integers(1, 60), asked=st.integers(1, 40), depth=st.integers(1, 5), seed=st.integers(0, 10_000)
)
def test_many_searches_at_once_are_brute_force(rows: int, asked: int, depth: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = unit(generator.standard_normal((rows, 16)).astype(np.float32))
    queries = unit(generator.standard_normal((asked, 16)).astype(np.float32))
    index = DenseIndex.build(vectors)
    if depth > rows:
        with pytest.raises(ValueError, match=f"an index of {rows} rows cannot return {depth}"):
            index.search_all(queries, depth)
        return
    found, cosines = index.search_all(queries, depth)
    exact = queries @ vectors.T
    np.testing.assert_allclose(cosines, -np.sort(-exact, axis=1)[:, :depth], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(exact, found, axis=1), cosines, atol=1e-6)


def test_what_is_written_is_what_is_read() -> None:
    vectors = unit(np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32))
    data = b"".join(DenseIndex.build(vectors).to_pieces())
    flat = faiss.IndexFlatIP(8)
    flat.add(vectors)
    assert data == faiss.serialize_index(flat).tobytes(), "FAISS itself would write other bytes"
    index = DenseIndex.from_bytes(data)
    np.testing.assert_array_equal(index.vectors(), vectors)
    np.testing.assert_allclose(
        index.scores(vectors[3], np.array([3, 5])), [1, vectors[3] @ vectors[5]], atol=1e-6
    )


def test_vectors_that_search_would_lose_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        DenseIndex.build(np.full((2, 4), np.nan, dtype=np.float32))
    index = DenseIndex.build(np.eye(4, dtype=np.float32))
    with pytest.raises(ValueError, match="finite numbers"):
        index.search(np.full(4, np.nan, dtype=np.float32), 1)
    with pytest.raises(ValueError, match="4 finite numbers"):
        index.search(np.ones(3, dtype=np.float32), 1)


def test_vectors_cannot_be_changed_from_outside() -> None:
    with pytest.raises(ValueError, match="read-only"):
        DenseIndex.build(np.eye(4, dtype=np.float32)).vectors()[0, 0] = 2


def test_vectors_outlive_their_index() -> None:
    vectors = unit(np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32))
    lent = DenseIndex.build(vectors).vectors()
    kept = [DenseIndex.build(-vectors) for _ in range(20)]
    np.testing.assert_array_equal(lent, vectors)
    assert len(kept) == 20

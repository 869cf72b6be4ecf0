"""Inner products do not depend on what is computed beside them."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reco.index.dense import products

MATRIX = np.random.default_rng(5).standard_normal((700, 24), dtype=np.float32)
VECTOR = np.random.default_rng(6).standard_normal(24, dtype=np.float32)
ROWS = st.lists(st.integers(0, len(MATRIX) - 1), max_size=900)


@given(rows=ROWS)
def test_each_row_has_its_own_product_to_the_last_digits_that_count(rows: list[int]) -> None:
    vectors = np.stack([VECTOR, -2 * VECTOR])
    found = products(MATRIX, np.asarray(rows, dtype=np.int64), vectors)
    exact = [math.fsum(float(a) * float(b) for a, b in zip(MATRIX[row], VECTOR, strict=True)) for row in rows]
    assert found.shape == (len(rows), 2) and found.dtype == np.float64
    np.testing.assert_allclose(found[:, 0], exact, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found[:, 1], np.multiply(exact, -2), rtol=0, atol=1e-12)

"""The shares shown add up to the score shown, whatever the rounding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reco.app.widgets.why import shares
from reco.ranking.explain import Contribution

VALUES = st.lists(st.floats(-1, 1, allow_nan=False), max_size=30)


@given(VALUES)
def test_rounded_shares_keep_the_sum(values: list[float]) -> None:
    lines = shares([Contribution("word", str(n), value, 0.0) for n, value in enumerate(values)])
    assert sum(line.tenths for line in lines) == round(sum(1000 * value for value in values))


@given(VALUES)
def test_no_share_moves_by_a_whole_tenth(values: list[float]) -> None:
    lines = shares([Contribution("word", "", value, 0.0) for value in values])
    assert all(abs(line.tenths - 1000 * value) <= 1 for line, value in zip(lines, values, strict=True))

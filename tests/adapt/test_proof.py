"""Whether what was learnt is worth a trial: it must win beyond noise, and lose nothing off-domain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from reco.adapt.proof import Proof


@dataclass(frozen=True)
class Report(Proof):
    head: Any


GOOD = Report(
    np.eye(2), records=200, before=0.5, after=0.6, p=0.01, off_domain_before=0.8, off_domain_after=0.795
)


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({}, True),
        ({"p": 0.05}, False),
        ({"after": 0.5}, False),
        ({"after": 0.4}, False),
        ({"off_domain_after": 0.79}, False),
        ({"off_domain_after": 0.9}, True),
    ],
)
def test_it_is_kept_when_it_wins_beyond_noise_and_loses_nothing(
    changed: dict[str, float], kept: bool
) -> None:
    assert replace(GOOD, **changed).promising is kept


def test_figures_are_the_numbers_in_their_order() -> None:
    names = ["records", "before", "after", "p", "off_domain_before", "off_domain_after"]
    assert list(GOOD.figures) == names and GOOD.figures["records"] == 200

"""The names on the map of the catalogue, as the figure has them."""

from __future__ import annotations

import re
from itertools import pairwise

from reco.app.figures import cluster_map
from reco.app.figures.cluster_map import Point
from tests.support import REPOSITORY

POINTS = [Point(row, row / 10 - 1, row % 5 / 2 - 1, "a", ("un titre",)) for row in range(20)]


def test_names_of_one_place_are_written_one_below_the_other() -> None:
    names = {f"Groupe {number}": (0.0, 0.01 * number) for number in range(3)}
    figure = cluster_map.figure(POINTS, ["a"], {**names, "Ailleurs": (0.9, -0.9)})
    written = {one.text: one.yshift for one in figure.layout.annotations}
    assert len(written) == 4 and written["<b>Ailleurs</b>"] == 0
    downs = sorted(written[f"<b>{name}</b>"] for name in names)
    assert all(after - before >= 22 for before, after in pairwise(downs))


def test_the_style_leaves_as_many_names_on_a_phone_as_were_kept_apart_there() -> None:
    style = (REPOSITORY / "src" / "reco" / "app" / "assets" / "style.css").read_text(encoding="utf-8")
    assert len(re.findall(r'data-index="\d+"', style)) == cluster_map.ON_A_PHONE

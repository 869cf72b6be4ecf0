"""Names on a map: none covers another, the first come first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reco.app.figures.label_layout import shifts

HEIGHT = 20.0
NAME = st.tuples(st.floats(0, 600), st.floats(0, 600), st.floats(10, 240))


@given(st.lists(NAME, max_size=20))
def test_no_name_covers_another(names: list[tuple[float, float, float]]) -> None:
    found = shifts([(x, y) for x, y, _ in names], [width for *_, width in names], HEIGHT)
    written = [(x, y + down, w) for (x, y, w), down in zip(names, found, strict=True) if down is not None]
    for number, (x, y, wide) in enumerate(written):
        for other_x, other_y, other_wide in written[:number]:
            assert abs(x - other_x) >= (wide + other_wide) / 2 or abs(y - other_y) >= HEIGHT


def test_a_name_stays_on_its_place_where_it_can_and_goes_where_there_is_no_room() -> None:
    assert shifts([(0, 0), (300, 0)], [100, 100], HEIGHT) == (0.0, 0.0)
    first, second, *others = shifts([(0, 0)] * 9, [100] * 9, HEIGHT)
    assert first == 0.0 and second is not None and abs(second) >= HEIGHT
    assert others[-1] is None and None not in others[:3], "five of one place find room near it"


def test_the_first_names_are_apart_on_a_smaller_drawing_as_well() -> None:
    places, widths = [(0.0, 0.0), (150.0, 0.0), (300.0, 0.0)], [100.0] * 3
    assert shifts(places, widths, HEIGHT) == (0.0, 0.0, 0.0)
    first, second, third = shifts(places, widths, HEIGHT, (0.5, 2))
    assert first == 0.0 and second is not None and abs(second) >= HEIGHT, "75 pixels apart there, 100 wide"
    assert third == 0.0, "the third is not shown there"

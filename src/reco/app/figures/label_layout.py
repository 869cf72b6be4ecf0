"""Where the names of places on a map are written, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_STEPS = (0.0, -1.0, 1.0, -2.0, 2.0)
"""Where a name is tried, in heights below its place: on it, then just above, just below, and further."""
_GAP = 2.0


def shifts(
    places: Sequence[tuple[float, float]],
    widths: Sequence[float],
    height: float,
    small: tuple[float, int] = (1.0, 0),
) -> tuple[float | None, ...]:
    """Return by how many pixels each name is written below its place, None for one without room.

    `places` are the middles of the names, in pixels from the top left, those that matter most first;
    `widths` and `height` are in pixels. `small` is how many times as large another drawing of the same map
    is, with letters of the same size, and how many of the first names it shows: these are apart on both.
    """
    scale, count = small
    written: list[tuple[Box, Box | None]] = []
    found: list[float | None] = []
    for number, ((x, y), width) in enumerate(zip(places, widths, strict=True)):
        for step in _STEPS:
            down = step * (height + _GAP)
            large = _box(x, y + down, width, height)
            here = large, _box(x * scale, y * scale + down, width, height) if number < count else None
            if not any(_meet(here, other) for other in written):
                written.append(here)
                found.append(down)
                break
        else:
            found.append(None)
    return tuple(found)


def _box(x: float, y: float, width: float, height: float) -> Box:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _meet(one: tuple[Box, Box | None], other: tuple[Box, Box | None]) -> bool:
    """Whether two names overlap on either drawing that shows both."""
    return any(a and b and _overlap(a, b) for a, b in zip(one, other, strict=True))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

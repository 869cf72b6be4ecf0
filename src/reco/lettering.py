"""Where the names of places on a map are written, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_STEPS = (0.0, -1.0, 1.0, -2.0, 2.0)
"""Where a name is tried, in heights below its place: on it, then just above, just below, and further."""
_GAP = 2.0


def shifts(
    places: Sequence[tuple[float, float]], widths: Sequence[float], height: float
) -> tuple[float | None, ...]:
    """Return by how many pixels each name is written below its place, None for one without room.

    `places` are the middles of the names, in pixels from the top left, those that matter most first;
    `widths` and `height` are in pixels.
    """
    written: list[Box] = []
    found: list[float | None] = []
    for (x, y), width in zip(places, widths, strict=True):
        for step in _STEPS:
            down = step * (height + _GAP)
            box = (x - width / 2, y + down - height / 2, x + width / 2, y + down + height / 2)
            if not any(_overlap(box, other) for other in written):
                written.append(box)
                found.append(down)
                break
        else:
            found.append(None)
    return tuple(found)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

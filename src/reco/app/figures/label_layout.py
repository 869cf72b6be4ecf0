"""Placement of names on a map so that no name covers another."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

_STEPS = (0.0, -1.0, 1.0, -2.0, 2.0)
"""Offsets to try, in heights below the place: on it, just above, just below, then further."""
_GAP = 2.0


def shifts(
    places: Sequence[tuple[float, float]],
    widths: Sequence[float],
    height: float,
    small: tuple[float, int] = (1.0, 0),
) -> tuple[float | None, ...]:
    """Return how many pixels below its place each name goes, None for a name without room.

    `places` are the centres of the names in pixels from the top left, the most important first; `widths` and
    `height` are in pixels. `small` describes a second drawing of the same map with letters of the same size:
    its scale relative to the first, and the number of first names on it. Those overlap on neither drawing.

    `shifts([(0, 0), (0, 0)], [50, 50], 20)` is `(0.0, -22.0)`: the second name goes above the first.
    """
    scale, count = small
    placed: list[tuple[Box, Box | None]] = []
    offsets: list[float | None] = []
    for number, ((x, y), width) in enumerate(zip(places, widths, strict=True)):
        for step in _STEPS:
            offset = step * (height + _GAP)
            large = _box(x, y + offset, width, height)
            boxes = large, _box(x * scale, y * scale + offset, width, height) if number < count else None
            if not any(_meet(boxes, other) for other in placed):
                placed.append(boxes)
                offsets.append(offset)
                break
        else:
            offsets.append(None)
    return tuple(offsets)


def _box(x: float, y: float, width: float, height: float) -> Box:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _meet(one: tuple[Box, Box | None], other: tuple[Box, Box | None]) -> bool:
    """Return whether two names overlap on a drawing that shows both."""
    return any(a and b and _overlap(a, b) for a, b in zip(one, other, strict=True))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

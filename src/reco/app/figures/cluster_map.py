"""The map of a catalogue as a figure: one point for each resource, names over the groups, a request on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from reco.app.figures.label_layout import shifts
from reco.app.figures.plot import hover
from reco.app.markup import line, shortened
from reco.app.phrases import say

# Okabe and Ito's colours (2008), which most eyes tell apart, darkened where they were too pale for a light
# ground; each goes with a shape of its own, so that no meaning is the colour's alone.
STYLES = (
    ("#0072b2", "circle"),
    ("#d55e00", "diamond"),
    ("#009e73", "square"),
    ("#cc79a7", "triangle-up"),
    ("#b8860b", "cross"),
    ("#56b4e9", "star"),
    ("#7b52ab", "triangle-down"),
    ("#a0522d", "hexagon"),
)
OTHERS = ("#8a8f86", "circle-open")
LONGEST_NAME = 40
ON_A_PHONE = 4
"""Names that `style.css` leaves on a narrow screen."""
_SCREEN, _PHONE = (640.0, 520.0), (340.0, 500.0)
"""Pixels that the points take, wide and high: on a wide screen beside the list, and on a phone."""
_LETTER, _LINE, _PADDING = 7.4, 22.0, 3
_RINGED = "#d6336c"
"""Of the request and its results: three to one and more against the light ground and the dark one."""


@dataclass(frozen=True)
class Point:
    """A resource on the map: its row of the catalogue, where, the value it is drawn by, and its words."""

    row: int
    x: float
    y: float
    value: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class QueryMark:
    """A request on the map, and where its results are, best first."""

    x: float
    y: float
    results: tuple[tuple[float, float], ...]


def figure(
    points: Sequence[Point],
    values: Sequence[str],
    names: Mapping[str, tuple[float, float]],
    asked: QueryMark | None = None,
) -> Any:
    """Return the figure. Each of `values` has a style of its own, at most eight; the rest share one."""
    made = go.Figure()
    styles = dict(zip(values, STYLES, strict=False))
    rest = [point for point in points if point.value not in styles]
    if rest:
        made.add_trace(_trace(rest, say("explorer.others"), OTHERS))
    for value, style in styles.items():
        of = [point for point in points if point.value == value]
        made.add_trace(_trace(of, shortened(value, LONGEST_NAME), style))
    _write(made, points, names)
    if asked is not None:
        _ask(made, asked)
    made.update_xaxes(visible=False, constrain="domain")
    made.update_yaxes(visible=False, scaleanchor="x", constrain="domain")
    made.update_layout(
        dragmode=False,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0},
        hoverlabel={"align": "left"},
    )
    return made


def _trace(points: Sequence[Point], name: str, style: tuple[str, str]) -> Any:
    colour, symbol = style
    return go.Scatter(
        x=[point.x for point in points],
        y=[point.y for point in points],
        customdata=[point.row for point in points],
        mode="markers",
        name=escape(name, quote=False),
        marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.85},
        hovertemplate=[hover(point.lines) for point in points],
    )


def _write(made: Any, points: Sequence[Point], names: Mapping[str, tuple[float, float]]) -> None:
    """Write names over the groups, those that come first where others would cover them."""
    spread = [max(of) - min(of) or 1.0 for of in ([p.x for p in points], [p.y for p in points])]
    scale, phone = (min(wide / spread[0], high / spread[1]) for wide, high in (_SCREEN, _PHONE))
    words = [line(shortened(name, LONGEST_NAME)) for name in names]
    widths = [_LETTER * len(word) + 2 * _PADDING for word in words]
    pixels = [(x * scale, -y * scale) for x, y in names.values()]
    down = shifts(pixels, widths, _LINE, (phone / scale, ON_A_PHONE))
    for word, (x, y), shift in zip(words, names.values(), down, strict=True):
        if shift is not None:
            _name(made, word, x, y, shift)


def _name(made: Any, word: str, x: float, y: float, shift: float) -> None:
    made.add_annotation(
        x=x,
        y=y,
        yshift=-shift,
        text=f"<b>{escape(word, quote=False)}</b>",
        showarrow=False,
        # White on a dark label of its own is readable over any point, on a light ground and on a dark one.
        font={"size": 12, "color": "#ffffff"},
        bgcolor="rgba(34,39,31,0.82)",
        borderpad=_PADDING,
    )


def _ask(made: Any, asked: QueryMark) -> None:
    made.add_trace(
        go.Scatter(
            x=[x for x, _ in asked.results],
            y=[y for _, y in asked.results],
            mode="markers+text",
            text=[str(rank) for rank in range(1, len(asked.results) + 1)],
            textposition="top center",
            textfont={"color": _RINGED, "size": 13},
            name=say("explorer.results"),
            marker={"symbol": "circle-open", "size": 17, "color": _RINGED, "line": {"width": 2}},
            hoverinfo="skip",
        )
    )
    made.add_trace(
        go.Scatter(
            x=[asked.x],
            y=[asked.y],
            mode="markers",
            name=say("explorer.request"),
            marker={"symbol": "x", "size": 16, "color": _RINGED, "line": {"width": 1}},
            hovertemplate=hover((say("explorer.request"),)),
        )
    )

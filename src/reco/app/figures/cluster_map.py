"""The Plotly map of a catalogue: one point per resource, names of clusters, and the last query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from reco.app.figures.label_layout import shifts
from reco.app.figures.plot import LABEL, hover, lay_out
from reco.app.markup import line, shortened
from reco.app.phrases import say

# Okabe and Ito's palette (2008), which most colour-blind people can tell apart. Colours too pale for a light
# ground are darkened. Each colour has its own shape, so that colour is never the only sign.
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
"""Number of names that `style.css` leaves on a narrow screen."""
_SCREEN, _PHONE = (640.0, 520.0), (340.0, 500.0)
"""Area of the points in pixels (width, height): beside the list on a wide screen, and on a phone."""
_LETTER, _LINE, _PADDING = 7.4, 22.0, 3
_RINGED = "#d6336c"
"""Colour of the query and its results. Its contrast is at least 3:1 on the light and dark grounds."""


@dataclass(frozen=True)
class Point:
    """A resource on the map: row in the catalogue, position, value that sets its style, hover lines."""

    row: int
    x: float
    y: float
    value: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class QueryMark:
    """The position of a query on the map, and of its results, best first."""

    x: float
    y: float
    results: tuple[tuple[float, float], ...]


def figure(
    points: Sequence[Point],
    values: Sequence[str],
    names: Mapping[str, tuple[float, float]],
    asked: QueryMark | None = None,
) -> Any:
    """Return the figure. The first eight `values` have a style each; all other values share one."""
    chart = go.Figure()
    styles = dict(zip(values, STYLES, strict=False))
    rest = [point for point in points if point.value not in styles]
    if rest:
        chart.add_trace(_trace(rest, say("explorer.others"), OTHERS))
    for value, style in styles.items():
        members = [point for point in points if point.value == value]
        chart.add_trace(_trace(members, shortened(value, LONGEST_NAME), style))
    _add_names(chart, points, names)
    if asked is not None:
        _add_query(chart, asked)
    chart.update_xaxes(visible=False, constrain="domain")
    chart.update_yaxes(visible=False, scaleanchor="x", constrain="domain")
    lay_out(chart, top=8)
    return chart


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


def _add_names(chart: Any, points: Sequence[Point], names: Mapping[str, tuple[float, float]]) -> None:
    """Add the names of clusters. Earlier names win where two would overlap."""
    spread = [max(axis) - min(axis) or 1.0 for axis in ([p.x for p in points], [p.y for p in points])]
    scale, phone = (min(wide / spread[0], high / spread[1]) for wide, high in (_SCREEN, _PHONE))
    texts = [line(shortened(name, LONGEST_NAME)) for name in names]
    widths = [_LETTER * len(text) + 2 * _PADDING for text in texts]
    pixels = [(x * scale, -y * scale) for x, y in names.values()]
    offsets = shifts(pixels, widths, _LINE, (phone / scale, ON_A_PHONE))
    for text, (x, y), offset in zip(texts, names.values(), offsets, strict=True):
        if offset is not None:
            _add_name(chart, text, x, y, offset)


def _add_name(chart: Any, name: str, x: float, y: float, offset: float) -> None:
    chart.add_annotation(
        x=x,
        y=y,
        yshift=-offset,
        text=f"<b>{escape(name, quote=False)}</b>",
        borderpad=_PADDING,
        **LABEL,
    )


def _add_query(chart: Any, query: QueryMark) -> None:
    chart.add_trace(
        go.Scatter(
            x=[x for x, _ in query.results],
            y=[y for _, y in query.results],
            mode="markers+text",
            text=[str(rank) for rank in range(1, len(query.results) + 1)],
            textposition="top center",
            textfont={"color": _RINGED, "size": 13},
            name=say("explorer.results"),
            marker={"symbol": "circle-open", "size": 17, "color": _RINGED, "line": {"width": 2}},
            hoverinfo="skip",
        )
    )
    chart.add_trace(
        go.Scatter(
            x=[query.x],
            y=[query.y],
            mode="markers",
            name=say("explorer.request"),
            marker={"symbol": "x", "size": 16, "color": _RINGED, "line": {"width": 1}},
            hovertemplate=hover((say("explorer.request"),)),
        )
    )

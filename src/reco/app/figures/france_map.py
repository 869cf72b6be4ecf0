"""The Plotly map of France: the outline as one SVG image, and one mark per place."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from reco.app.figures.plot import LABEL, hover, lay_out
from reco.app.phrases import say
from reco.app.state import shared
from reco.catalogue.places.cartography import METROPOLE, Atlas, Frame

_MARGIN = 25.0
"""Margin around a frame, in kilometres on the plane."""
COLOUR = "#2c826b"
"""Colour of every mark. Its contrast is 3:1 on the light and dark grounds; the shape tells marks apart."""
# Greys that stand out on light and dark grounds.
_LAND, _BORDER = "fill:#8a8f86;fill-opacity:.22", "stroke:#8a8f86;stroke-opacity:.75"


@dataclass(frozen=True)
class Mark:
    """A place on the map: position, whether it is the place's own point, number of resources, hover lines."""

    x: float
    y: float
    exact: bool
    count: int
    lines: tuple[str, ...]


@st.cache_resource(max_entries=1, show_spinner=False)
def background() -> str:
    """Return the `picture` of the map, drawn once for all visitors."""
    return picture(shared.atlas())


def picture(atlas: Atlas) -> str:
    """Return the outlines of every frame as an SVG image in a `data:` URL."""
    west, south, east, north = around(atlas.frames.values())
    outlines = [atlas.outline(code) for code in atlas.frames]
    land = "".join(_path(ring, west, north) + "z" for outline in outlines for ring in outline.land)
    borders = "".join(_path(segment, west, north) for outline in outlines for segment in outline.borders)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {east - west:.0f} {north - south:.0f}"'
        f' width="{2 * (east - west):.0f}" height="{2 * (north - south):.0f}">'
        f'<path style="{_LAND}" d="{land}"/><path style="fill:none;{_BORDER}" d="{borders}"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def figure(
    frames: Mapping[str, Frame], background: str, marks: Sequence[Mark], seen: str | None = None
) -> Any:
    """Return the figure of marks on a background. `seen` is the code of the frame to show, None for all."""
    chart = go.Figure()
    for exact, symbol in ((True, "circle"), (False, "diamond-open")):
        chart.add_trace(_trace(marks, exact, symbol))
    bounds = around(frames.values())
    _add_background(chart, background, bounds)
    for frame in frames.values():
        if frame.code != METROPOLE:
            _add_frame(chart, frame)
    west, south, east, north = bounds if seen is None else around([frames[seen]])
    chart.update_xaxes(visible=False, range=[west, east], constrain="domain")
    chart.update_yaxes(visible=False, range=[south, north], scaleanchor="x", constrain="domain")
    return chart


def around(frames: Iterable[Frame]) -> tuple[float, float, float, float]:
    """Return the bounding box of frames plus a margin, in kilometres: west, south, east, north."""
    boxes = [(f.west, f.south, f.east, f.north) for f in frames]
    west, south, east, north = zip(*boxes, strict=True)
    return min(west) - _MARGIN, min(south) - _MARGIN, max(east) + _MARGIN, max(north) + _MARGIN


def _trace(marks: Sequence[Mark], exact: bool, symbol: str) -> Any:
    numbers = [number for number, mark in enumerate(marks) if mark.exact == exact]
    chosen = [marks[number] for number in numbers]
    return go.Scatter(
        x=[mark.x for mark in chosen],
        y=[mark.y for mark in chosen],
        customdata=numbers,
        mode="markers",
        name=say("map.exact") if exact else say("map.near"),
        marker={
            "symbol": symbol,
            "size": [9 + 2 * min(mark.count, 5) for mark in chosen],
            "color": COLOUR,
            "line": {"width": 2, "color": COLOUR},
            "opacity": 1,
        },
        hovertemplate=[hover(mark.lines) for mark in chosen],
    )


def _add_background(chart: Any, background: str, bounds: tuple[float, float, float, float]) -> None:
    west, south, east, north = bounds
    chart.add_layout_image(
        source=background,
        xref="x",
        yref="y",
        x=west,
        y=north,
        sizex=east - west,
        sizey=north - south,
        sizing="stretch",
        layer="below",
    )
    lay_out(chart, top=0)


def _add_frame(chart: Any, frame: Frame) -> None:
    chart.add_shape(
        type="rect",
        x0=frame.west,
        x1=frame.east,
        y0=frame.south,
        y1=frame.north,
        line={"width": 1, "color": "#8a8f86"},
        layer="below",
    )
    chart.add_annotation(
        x=frame.west,
        y=frame.south,
        text=frame.name,
        xanchor="left",
        yanchor="bottom",
        **LABEL,
    )


def _path(points: NDArray[Any], west: float, north: float) -> str:
    return "M" + "L".join(f"{x - west:.0f} {north - y:.0f}" for x, y in points)

"""The map of France as a figure: an outline that is a picture of ours, and one mark for each place."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from reco.app.figures.plot import hover
from reco.app.phrases import say
from reco.app.state import shared
from reco.catalogue.places.cartography import METROPOLE, Atlas, Frame

_AROUND = 25.0
"""Kilometres of the plane around a frame."""
COLOUR = "#2c826b"
"""Of every mark: three to one against the light ground and the dark one; the shape says the rest."""
# Greys that stand out from a light ground and from a dark one.
_LAND, _BORDER = "fill:#8a8f86;fill-opacity:.22", "stroke:#8a8f86;stroke-opacity:.75"


@dataclass(frozen=True)
class Mark:
    """A place on the map: where, whether it is a place's own point, how many resources, and its words."""

    x: float
    y: float
    exact: bool
    count: int
    lines: tuple[str, ...]


@st.cache_resource(max_entries=1, show_spinner=False)
def background() -> str:
    """Return the `picture` of the map that all visitors share."""
    return picture(shared.atlas())


def picture(atlas: Atlas) -> str:
    """Return the outlines of every frame as an SVG picture, in a `data:` address."""
    west, south, east, north = around(atlas.frames.values())
    outlines = [atlas.outline(code) for code in atlas.frames]
    land = "".join(_path(ring, west, north) + "z" for one in outlines for ring in one.land)
    borders = "".join(_path(segment, west, north) for one in outlines for segment in one.borders)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {east - west:.0f} {north - south:.0f}"'
        f' width="{2 * (east - west):.0f}" height="{2 * (north - south):.0f}">'
        f'<path style="{_LAND}" d="{land}"/><path style="fill:none;{_BORDER}" d="{borders}"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def figure(
    frames: Mapping[str, Frame], background: str, marks: Sequence[Mark], seen: str | None = None
) -> Any:
    """Return the figure of marks on a background; `seen` is the code of the one frame to show."""
    made = go.Figure()
    for exact, symbol in ((True, "circle"), (False, "diamond-open")):
        made.add_trace(_trace(marks, exact, symbol))
    whole = around(frames.values())
    _lay(made, background, whole)
    for frame in frames.values():
        if frame.code != METROPOLE:
            _box(made, frame)
    west, south, east, north = whole if seen is None else around([frames[seen]])
    made.update_xaxes(visible=False, range=[west, east], constrain="domain")
    made.update_yaxes(visible=False, range=[south, north], scaleanchor="x", constrain="domain")
    return made


def around(frames: Iterable[Frame]) -> tuple[float, float, float, float]:
    """Return the rectangle that holds frames: west, south, east, north."""
    boxes = [(f.west, f.south, f.east, f.north) for f in frames]
    west, south, east, north = zip(*boxes, strict=True)
    return min(west) - _AROUND, min(south) - _AROUND, max(east) + _AROUND, max(north) + _AROUND


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


def _lay(made: Any, background: str, whole: tuple[float, float, float, float]) -> None:
    west, south, east, north = whole
    made.add_layout_image(
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
    made.update_layout(
        dragmode=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0},
        hoverlabel={"align": "left"},
    )


def _box(made: Any, frame: Frame) -> None:
    made.add_shape(
        type="rect",
        x0=frame.west,
        x1=frame.east,
        y0=frame.south,
        y1=frame.north,
        line={"width": 1, "color": "#8a8f86"},
        layer="below",
    )
    made.add_annotation(
        x=frame.west,
        y=frame.south,
        text=frame.name,
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        # Read in light and dark, over marks: as names on the map of the catalogue are.
        font={"size": 12, "color": "#ffffff"},
        bgcolor="rgba(34,39,31,0.82)",
    )


def _path(points: NDArray[Any], west: float, north: float) -> str:
    return "M" + "L".join(f"{x - west:.0f} {north - y:.0f}" for x, y in points)

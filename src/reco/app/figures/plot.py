"""Common parts of the interactive plots: buttons in the visitor's language, and inert hover text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from reco.app.markup import line
from reco.app.phrases import language, say

WIDTH = 56
"""Most characters on a line of hover text."""


LABEL = {"showarrow": False, "font": {"size": 12, "color": "#ffffff"}, "bgcolor": "rgba(34,39,31,0.82)"}
"""Look of a name on a plot: white on dark is readable over any point, on light and dark grounds."""


def lay_out(chart: Any, top: int) -> None:
    """Give the plot its margins, with `top` pixels above, and its legend below; nothing drags it."""
    chart.update_layout(
        dragmode=False,
        margin={"l": 0, "r": 0, "t": top, "b": 0},
        legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0},
        hoverlabel={"align": "left"},
    )


def config() -> dict[str, Any]:
    """Return Plotly's configuration. Only buttons zoom, so that a finger on the plot scrolls the page."""
    words = {
        "Zoom in": say("plot.zoom_in"),
        "Zoom out": say("plot.zoom_out"),
        "Pan": say("plot.pan"),
        "Reset axes": say("plot.reset"),
        "Autoscale": say("plot.reset"),
    }
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtons": [["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d"]],
        "locale": language(),
        "locales": {language(): {"dictionary": words, "format": {}}},
        "scrollZoom": False,
    }


def hover(lines: Sequence[str]) -> str:
    """Return a hover template of lines. Plotly interprets tags and `%{names}`; sources' text is escaped."""
    escaped = (escape(_cut(text), quote=False) for text in lines)
    return "<br>".join(text.replace("%{", "%\u2060{") for text in escaped) + "<extra></extra>"


def _cut(text: str) -> str:
    text = line(text)
    return text if len(text) <= WIDTH else text[: WIDTH - 1].rstrip() + "…"

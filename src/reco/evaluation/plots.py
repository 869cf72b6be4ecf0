"""Plots of an evaluation as PNG: means with their significance, and gains query by query."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reco.errors import RecoError
from reco.evaluation.evaluate import SetResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL = 0.05
"""Differences with a p-value below this level are marked."""

COLOURS = ("#9aa5b1", "#5b8db8", "#e07b39", "#6a9a58", "#b8659b", "#8d7b5a", "#c9a227", "#4f6d7a", "#a23b3b")
_UP, _DOWN = "#3a7d44", "#b3423a"
_COLUMNS = 3


def means(results: Mapping[str, SetResult]) -> Figure:
    """Return bars of nDCG@10, one group per set; a star marks a difference from the first system."""
    systems = list(next(iter(results.values())).systems)
    reference = systems[0]
    figure = _figure(10, 1.6 + 0.22 * len(results) * (len(systems) + 1))
    axes = figure.add_subplot()
    height = 0.8 / len(systems)
    for index, system in enumerate(systems):
        places = np.arange(len(results)) + index * height
        values = [result.systems[system].means["ndcg@10"] for result in results.values()]
        axes.barh(places, values, height=height * 0.92, color=COLOURS[index % len(COLOURS)], label=system)
        for place, value, result in zip(places, values, results.values(), strict=True):
            star = " *" if system != reference and _p(result, reference, system) < LEVEL else ""
            axes.text(value + 0.005, place, f"{value:.3f}{star}", va="center", fontsize=8)
    labels = [f"{name}\n{len(result.topics)} queries" for name, result in results.items()]
    axes.set_yticks(np.arange(len(results)) + 0.4 - height / 2, labels, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xlabel(f"mean nDCG@10    (* differs from {reference}: p < {LEVEL}, paired randomisation test)")
    figure.legend(frameon=False, loc="outside upper center", ncols=min(5, len(systems)))
    _plain(axes)
    return figure


def gains(results: Mapping[str, SetResult]) -> Figure:
    """Return, for each set, the gain of each query from the first system to the product."""
    rows = -(-len(results) // _COLUMNS)
    columns = min(_COLUMNS, len(results))
    figure = _figure(4.6 * columns if columns > 1 else 9, 3.2 * rows)
    for place, (name, result) in enumerate(results.items(), start=1):
        _gains(figure.add_subplot(rows, columns, place), name, result)
    return figure


def curves(
    lines: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], marks: Mapping[str, float]
) -> Figure:
    """Return one panel per parameter: the gain in nDCG@10 at each value, one line per set.

    `marks` are the values in use, by parameter. Gains are relative to them, so that sets of different
    difficulty compare. The line named `mean` is thicker.
    """
    figure = _figure(4.6 * len(lines), 4.2)
    # One scale for all panels, so that a weight without effect has a flat line.
    panels = figure.subplots(1, len(lines), sharey=True, squeeze=False)
    for place, (parameter, sets) in enumerate(lines.items(), start=1):
        axes = panels[0, place - 1]
        for index, (name, (values, scores)) in enumerate(sets.items()):
            main = name == "mean"
            colour = "#222222" if main else COLOURS[index % len(COLOURS)]
            here = scores[list(values).index(marks[parameter])]
            gained = [score - here for score in scores]
            axes.plot(
                values,
                gained,
                color=colour,
                linewidth=2.4 if main else 1.2,
                label=name if place == 1 else None,
            )
        axes.axvline(marks[parameter], color="#888888", linestyle=":", linewidth=1.2)
        axes.axhline(0, color="#cccccc", linewidth=0.8, zorder=0)
        axes.set_xlabel(f"{parameter}    (dotted: in use)")
        axes.set_ylabel("nDCG@10 gained from the value in use" if place == 1 else "")
        _plain(axes)
    for text in figure.legend(frameon=False, loc="outside upper center", ncols=5).get_texts():
        text.set_parse_math(False)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as PNG bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _gains(axes: Axes, name: str, result: SetResult) -> None:
    subject = result.systems[result.subject].column("ndcg@10")
    difference = np.sort(subject - result.systems[result.reference].column("ndcg@10"))[::-1]
    edges = np.arange(len(difference) + 1) - 0.5
    for part, colour in ((difference.clip(min=0), _UP), (difference.clip(max=0), _DOWN)):
        axes.stairs(part, edges, fill=True, color=colour)
    axes.axhline(0, color="#444444", linewidth=0.6)
    axes.set_ylim(-1.05, 1.05)
    better, worse = int((difference > 0).sum()), int((difference < 0).sum())
    same = len(difference) - better - worse
    axes.set_title(f"{name}: {better} better, {same} same, {worse} worse", fontsize=9, parse_math=False)
    axes.set_xlabel("queries, largest gain first", fontsize=8)
    axes.set_ylabel(f"nDCG@10, {result.subject} less {result.reference}", fontsize=8)
    _plain(axes)


def _p(result: SetResult, first: str, second: str) -> float:
    return next(p for a, b, _, p in result.differences() if {a, b} == {first, second})


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RecoError("matplotlib is not installed.", "Run `pip install reco[evaluation]`.") from error
    return Figure(figsize=(width, height), layout="constrained")

"""Evaluation results as Markdown, HTML with plots, and a table of topics."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reco.errors import StorageError
from reco.evaluate import SetResult
from reco.export import inert
from reco.measures import NAMES


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of a results document."""
    lines = []
    for name in NAMES:
        systems = list(found["means"])
        lines += [f"## {name}", "", f"| set | {' | '.join(systems)} |", "|---" * (len(systems) + 1) + "|"]
        for set_name, result in found["sets"].items():
            cells = [f"{result['systems'][system][name]:.3f}" for system in systems]
            lines.append(f"| {set_name} ({result['topics']} topics) | {' | '.join(cells)} |")
        means = [f"{found['means'][system][name]:.3f}" for system in systems]
        lines += [f"| mean | {' | '.join(means)} |", ""]
    return "\n".join([*lines, *_significance(found)])


def _significance(found: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Differences in nDCG@10 (paired randomisation test)",
        "",
        "| set | from | to | gain | p |",
        "|---|---|---|---|---|",
    ]
    for set_name, result in found["sets"].items():
        for row in result["differences"]:
            lines.append(
                f"| {set_name} | {row['from']} | {row['to']} | {row['ndcg@10']:+.3f} | {row['p']:.4f} |"
            )
    return lines


def write_report(found: Mapping[str, Any], path: Path) -> None:
    """Write a report, HTML with a plot when the path says so, else Markdown."""
    text = markdown(found)
    if path.suffix.lower() in (".html", ".htm"):
        text = _page(text, _plot(found))
    _write(path, text)


def write_topics(results: Mapping[str, SetResult], path: Path) -> None:
    """Write one row per set and topic, the worst of the last system first, to see where it fails."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    systems = list(next(iter(results.values())).systems)
    writer.writerow(["set", "topic", *systems, "found", "text"])
    for name, result in results.items():
        last = systems[-1]
        for topic in sorted(result.topics, key=lambda t: result.systems[last].per_topic[t.id]["ndcg@10"]):
            values = [f"{result.systems[s].per_topic[topic.id]['ndcg@10']:.4f}" for s in systems]
            first = " ".join(result.runs[last][topic.id][:3])
            writer.writerow([name, inert(topic.id), *values, inert(first), inert(topic.text)])
    _write(path, stream.getvalue())


def _page(text: str, picture: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title>'
        f'<img alt="nDCG@10 of each system on each set" src="data:image/png;base64,{picture}">'
        f"<pre>{html.escape(text)}</pre></html>"
    )


def _plot(found: Mapping[str, Any]) -> str:
    from matplotlib.figure import Figure

    sets, systems = list(found["sets"]), list(found["means"])
    figure = Figure(figsize=(10, 1 + 0.6 * len(sets)), layout="constrained")
    axes = figure.add_subplot()
    for index, system in enumerate(systems):
        places = [row + index * 0.8 / len(systems) for row in range(len(sets))]
        values = [found["sets"][name]["systems"][system]["ndcg@10"] for name in sets]
        axes.barh(places, values, height=0.8 / len(systems), label=system)
    axes.set_yticks([row + 0.3 for row in range(len(sets))], sets)
    axes.invert_yaxis()
    axes.set_xlabel("nDCG@10")
    axes.legend(frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error

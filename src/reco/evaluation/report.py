"""Evaluation results as Markdown or as one HTML page, both with plots."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput
from reco.evaluation import plots
from reco.evaluation.evaluate import SetResult, document
from reco.evaluation.inspect_topics import TopicInspection, described, shortened, table, worst
from reco.ranking.measures import NAMES
from reco.storage.tables import require_place, save

_PAGES = (".html", ".htm")
_KINDS = (".md", *_PAGES)
_READ = 10
_MARKDOWN = re.compile(r"([\\`*\[\]<>|])")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;"
    "text-align:left;font-variant-numeric:tabular-nums}img{max-width:100%}h3{margin-bottom:.2rem}"
)


@dataclass(frozen=True)
class ReportTable:
    """A heading, a header and rows of text."""

    heading: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(found: Mapping[str, Any]) -> list[ReportTable]:
    """Return the tables of a results document: one per measure, then the differences."""
    return [*(_measure(found, name) for name in NAMES), _differences(found)]


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of a results document as Markdown."""
    return "\n".join(line for one in tables(found) for line in _markdown_table(one))


def require_writable(path: Path, kinds: Sequence[str] = _KINDS) -> None:
    """Raise InvalidInput before the work for another kind of file, or a missing folder."""
    if path.suffix.lower() not in kinds:
        raise InvalidInput(f"{path} is not a {' or '.join(kinds)} file.", "Give it another name.")
    require_place(path)


def write_report(results: Mapping[str, SetResult], path: Path) -> None:
    """Write tables, plots and the worst queries: one HTML page, or Markdown with PNG files beside it.

    Raises StorageError when the disk refuses, RecoError without the `evaluation` extra.
    """
    found, readings = document(results), worst(results, _READ)
    pictures = {
        "nDCG@10 of each system on each set": plots.png(plots.means(results)),
        "What each query gains": plots.png(plots.gains(results)),
    }
    if path.suffix.lower() in _PAGES:
        save(path, _page(found, readings, pictures).encode())
        return
    names = [f"{path.stem}-{name}.png" for name in ("means", "gains")]
    for name, data in zip(names, pictures.values(), strict=True):
        save(path.with_name(name), data)
    shown = [f"![{text}](<{name}>)\n" for text, name in zip(pictures, names, strict=True)]
    save(path, "\n".join(["# Evaluation", "", *shown, markdown(found), *_read(readings)]).encode())


def write_topics(results: Mapping[str, SetResult], path: Path) -> None:
    """Write one row per set and topic as CSV, the worst of the product first."""
    save(path, table(results))


def _measure(found: Mapping[str, Any], name: str) -> ReportTable:
    systems = list(found["means"])
    rows = [
        (f"{key} ({result['topics']} topics)", *_cells(result["systems"], systems, name))
        for key, result in found["sets"].items()
    ]
    return ReportTable(name, ("set", *systems), (*rows, ("mean", *_cells(found["means"], systems, name))))


def _cells(values: Mapping[str, Mapping[str, float]], systems: Sequence[str], name: str) -> list[str]:
    return [f"{values[system][name]:.3f}" for system in systems]


def _differences(found: Mapping[str, Any]) -> ReportTable:
    rows = tuple(
        (name, row["from"], row["to"], f"{row['ndcg@10']:+.3f}", f"{row['p']:.4f}")
        for name, result in found["sets"].items()
        for row in result["differences"]
    )
    heading = "Differences in nDCG@10 (paired randomisation test)"
    return ReportTable(heading, ("set", "from", "to", "gain", "p"), rows)


def _markdown_table(item: ReportTable) -> list[str]:
    head = [f"## {item.heading}", "", f"| {' | '.join(item.header)} |", "|---" * len(item.header) + "|"]
    return [*head, *(f"| {' | '.join(map(_inline, row))} |" for row in item.rows), ""]


def _inline(text: str) -> str:
    """Return a text on one line, escaped for Markdown."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _read(readings: Sequence[TopicInspection]) -> list[str]:
    lines = ["## The worst queries", ""]
    for reading in readings:
        lines += [f"### {_inline(reading.topic)} ({_inline(reading.set)})", "", _inline(_scores(reading)), ""]
        lines += [_inline(shortened(reading.text)), ""]
        lines += [f"- {label}: {_inline(text)}" for label, text in _documents(reading)]
        lines.append("")
    return lines


def _scores(reading: TopicInspection) -> str:
    return "nDCG@10: " + ", ".join(f"{name} {value:.3f}" for name, value in reading.scores.items())


def _documents(reading: TopicInspection) -> list[tuple[str, str]]:
    relevant = [("relevant", described(judged)) for judged in reading.relevant]
    return [*relevant, *(("came first", described(judged)) for judged in reading.first)]


def _page(
    found: Mapping[str, Any], readings: Sequence[TopicInspection], pictures: Mapping[str, bytes]
) -> str:
    images = "".join(
        f'<p><img alt="{html.escape(text)}" src="data:image/png;base64,'
        f'{base64.b64encode(data).decode()}"></p>'
        for text, data in pictures.items()
    )
    body = "".join(map(_html_table, tables(found)))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title>'
        f"<style>{_STYLE}</style><h1>Evaluation</h1>{images}{body}"
        f"<h2>The worst queries</h2>{''.join(map(_html_reading, readings))}</html>"
    )


def _html_table(item: ReportTable) -> str:
    rows = "".join(f"<tr>{_html_cells('td', row)}</tr>" for row in item.rows)
    return (
        f"<h2>{html.escape(item.heading)}</h2><table><tr>{_html_cells('th', item.header)}</tr>{rows}</table>"
    )


def _html_cells(tag: str, cells: Sequence[str]) -> str:
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)


def _html_reading(reading: TopicInspection) -> str:
    items = "".join(f"<li>{label}: {html.escape(text)}</li>" for label, text in _documents(reading))
    return (
        f"<h3>{html.escape(reading.topic)} ({html.escape(reading.set)})</h3>"
        f"<p>{html.escape(_scores(reading))}</p><blockquote>{html.escape(shortened(reading.text))}</blockquote>"
        f"<ul>{items}</ul>"
    )

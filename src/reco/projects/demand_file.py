"""A file of what is really asked: project titles, logged queries, requests.

CSV (as `batch` reads it), JSON Lines, or plain text with one query per line; any of them gzipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reco.catalogue.resource import Rejection
from reco.errors import InvalidInput, SourceError
from reco.projects import batch
from reco.ranking.query import Query
from reco.sources.config import SourceConfig
from reco.sources.read import lines, rows
from reco.text.clean import fold

COLUMNS = (*batch.TEXT, "title", "titre", "intitulé", "objet")
"""Columns that may hold the text, the first that is there."""

MOST = 10_000
"""Different texts that are measured at once: grouping compares each with every other."""

_JSON_LINES = (".jsonl", ".ndjson")
_NAME = "queries"
_SHOWN = 12
"""Column names shown in an error."""


@dataclass(frozen=True)
class AskedText:
    """A text, the id of its first line, and its `weight`: the number of lines that ask for the same."""

    id: str
    text: str
    weight: int = 1


@dataclass(frozen=True)
class DemandFile:
    """The texts of a file in its order, each once, and the problems of the lines that were left out."""

    texts: tuple[AskedText, ...]
    problems: tuple[str, ...] = ()


def read(path: Path, column: str = "", sample: int = 0, seed: int = 1) -> DemandFile:
    """Read a file of queries. Texts that differ only by case, accents or spaces count as one.

    The text is in `column`, by default the first of `COLUMNS`. With `sample`, that many lines with a text
    are drawn; the same `seed` draws the same lines. Raises InvalidInput for a file that holds no text, or
    more than `MOST` different ones.
    """
    good: list[AskedText] = []
    problems: list[str] = []
    try:
        for identifier, text, problem in _lines(path, column):
            asked = None if problem else _cleaned(text)
            if asked is None:
                problems.append(problem or f"{path.name}, {identifier}: no text")
            else:
                good.append(AskedText(identifier, asked))
    except SourceError as error:
        reason = str(error).removeprefix(f"source {_NAME}: ")
        raise InvalidInput(
            f"The queries cannot be read: {reason}",
            "Give a CSV file, JSON Lines (.jsonl), or text with one query per line (.txt); .gz is read too.",
        ) from error
    if not good:
        first = f" The first problem: {problems[0]}." if problems else ""
        raise InvalidInput(
            f"{path} holds no query.{first}", "Name the column of the texts with --column, or check the file."
        )
    if sample:
        drawn = np.random.default_rng(seed).choice(len(good), min(sample, len(good)), replace=False)
        good = [good[number] for number in np.sort(drawn)]
    texts = _once(good)
    if len(texts) > MOST:
        raise InvalidInput(
            f"{path} holds {len(texts):,} different queries; at most {MOST:,} are measured at once.",
            "Take a part of it: --sample 1000.",
        )
    return DemandFile(texts, tuple(problems))


def _lines(path: Path, column: str) -> Iterator[tuple[str, str, str]]:
    """Yield the id, the text and the problem of each line."""
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix in _JSON_LINES:
        yield from _json_lines(path, column)
    elif suffix == ".txt":
        config = SourceConfig(name=_NAME, kind="csv", path=path)
        for number, line in enumerate(lines(config), start=1):
            if line.strip():  # a blank line asks for nothing
                yield str(number), line, ""
    else:
        for one in batch.read(path, column, COLUMNS).projects:
            yield one.id, one.text, one.problem


def _json_lines(path: Path, column: str) -> Iterator[tuple[str, str, str]]:
    wanted = (column,) if column else COLUMNS
    for number, row in enumerate(rows(SourceConfig(name=_NAME, kind="jsonl", path=path)), 1):
        if isinstance(row, Rejection):
            yield str(number), "", f"{row.locator}: {'; '.join(row.problems)}"
            continue
        cells = {fold(name): value for name, value in row.cells.items()}
        text = next((value for name in wanted if (value := _text(cells, name))), "")
        names = ", ".join(list(row.cells)[:_SHOWN])
        problem = "" if text else f"{row.locator}: no text in {' or '.join(wanted)}; it has {names}"
        yield _text(cells, "id") or _text(cells, "_id") or str(number), text, problem


def _text(cells: Mapping[str, object], name: str) -> str:
    value = cells.get(fold(name), "")
    return str(value).strip() if isinstance(value, str | int) else ""


def _cleaned(text: str) -> str | None:
    """Return a text as a query reads it, None if it cannot be one."""
    try:
        return Query.of(text).text
    except InvalidInput:
        return None


def _once(asked: list[AskedText]) -> tuple[AskedText, ...]:
    found: dict[str, AskedText] = {}
    for one in asked:
        key = fold(one.text)
        known = found.get(key)
        found[key] = one if known is None else replace(known, weight=known.weight + one.weight)
    return tuple(found.values())

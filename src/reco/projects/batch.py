"""Many projects in one run: a table of projects in, a table of what each should read out.

Each project is one request of its own, so that being in a batch never changes an answer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reco.catalogue.catalogue import Filters
from reco.catalogue.resource import Rejection
from reco.errors import InvalidInput, SourceError
from reco.ranking.query import Query
from reco.ranking.recommender import Answer, Recommendation, Recommender
from reco.sources.config import SourceConfig
from reco.sources.csv_file import columns, rows
from reco.sources.rows import RAW, Row
from reco.storage import tables
from reco.storage.tables import Cell
from reco.text.clean import fold

COLUMNS = (
    "project",
    "text",
    "verdict",
    "rank",
    "id",
    "title",
    "type",
    "theme",
    "publisher",
    "year",
    "url",
    "score",
    "level",
    "passage",
    "problem",
)
"""Of the table written: one row per result; `passage` is the result's best. A project without result,
or with a `problem`, has one row."""

_TEXT = ("text", "texte", "projet", "description")
_ONE_COLUMN = "\x1f"
"""Delimiter of a table of one column: none that a text could hold."""

_SEVERAL = re.compile(r"[;|]")


@dataclass(frozen=True)
class BatchRow:
    """One row of the table read. With a `problem` the row cannot be cut into cells."""

    id: str
    text: str
    types: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Batch:
    """The projects of a table, its delimiter, and whether it is other than plain UTF-8."""

    projects: tuple[BatchRow, ...]
    delimiter: str
    mark: bool


@dataclass(frozen=True)
class Summary:
    """What a run gave: projects read, those with at least one result, those with a problem."""

    projects: int
    answered: int
    problems: int
    out: str


def run(
    recommender: Recommender,
    source: Path,
    out: Path,
    k: int = 10,
    column: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Answer every project of a CSV file into another, written in one step at the end.

    Raises InvalidInput when a file cannot be used as a whole, StorageError when the disk refuses.
    """
    target = tables.require_place(out)
    if target == source.resolve():
        raise InvalidInput("The results would replace the projects.", "Name another file for the results.")
    batch = read(source, column)
    lines: list[dict[str, Cell]] = []
    answered = problems = 0
    for done, asked in enumerate(batch.projects, start=1):
        found = answer(recommender, asked, k)
        answered += isinstance(found, Answer) and bool(found.recommendations)
        problems += isinstance(found, str)
        lines += _lines(asked, found)
        if progress is not None:
            progress(done, len(batch.projects))
    tables.save(target, tables.csv_bytes(COLUMNS, lines, batch.delimiter, batch.mark))
    return Summary(len(batch.projects), answered, problems, str(out))


def answer(recommender: Recommender, asked: BatchRow, k: int) -> Answer | str:
    """Return what one project gets, or the problem with its row, in words."""
    if asked.problem:
        return asked.problem
    try:
        return recommender.recommend(Query.of(asked.text, k, Filters(types=asked.types, themes=asked.themes)))
    except InvalidInput as error:
        return f"{error} {error.hint}".strip()


def read(source: Path, column: str = "") -> Batch:
    """Read a table of projects: `id`, a text, `type` and `theme`, all but the text optional.

    The text is in `column`, or else in the first of text, texte, projet and description. A cell may
    hold several types or themes, between semicolons or bars; a project without id has its number.
    Raises InvalidInput when the file is no such table.
    """
    config = SourceConfig(name="projects", kind="csv", path=source)
    try:
        header, delimiter = columns(config)
        named = _named(header, column)
        cut = _ONE_COLUMN if len(header) == 1 else delimiter
        config = config.model_copy(update={"delimiter": cut, "fields": {"summary": named["text"]}})
        projects = tuple(_asked(number, row, named) for number, row in enumerate(rows(config, None), 1))
    except SourceError as error:
        said = str(error).removeprefix("source projects: ")
        raise InvalidInput(
            f"The projects cannot be read: {said}", "Give a CSV file whose first line names its columns."
        ) from error
    return Batch(projects, "," if len(header) == 1 else delimiter, _foreign(source))


def _named(header: Sequence[str], column: str) -> dict[str, str]:
    """Return the name that each of our columns has in this table."""
    known = {fold(name): name for name in reversed(header)}
    text = next((known[fold(name)] for name in ([column] if column else _TEXT) if fold(name) in known), None)
    if text is None:
        raise InvalidInput(
            f"The projects have no column {column or ' or '.join(_TEXT)}; they have: {', '.join(header)}.",
            "Name the column of the descriptions with --column.",
        )
    ours = {name: known[name] for name in ("id", "type", "theme") if name in known}
    return {**{name: theirs for name, theirs in ours.items() if theirs != text}, "text": text}


def _asked(number: int, row: Row | Rejection, named: Mapping[str, str]) -> BatchRow:
    if isinstance(row, Rejection):
        return BatchRow(
            str(number), row.values.get(RAW, ""), problem=f"{row.locator}: {'; '.join(row.problems)}"
        )
    given = {ours: str(row.cells[theirs]) for ours, theirs in named.items()}
    return BatchRow(
        id=given.get("id", "").strip() or str(number),
        text=given["text"],
        types=_values(given.get("type", "")),
        themes=_values(given.get("theme", "")),
    )


def _values(cell: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in _SEVERAL.split(cell) if value.strip())


def _foreign(source: Path) -> bool:
    """Whether a file is other than plain UTF-8: who made it needs the mark to read ours."""
    data = source.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return data.startswith(codecs.BOM_UTF8)


def _lines(asked: BatchRow, found: Answer | str) -> Iterator[dict[str, Cell]]:
    start: dict[str, Cell] = {"project": asked.id, "text": asked.text}
    if isinstance(found, str):
        yield {**start, "problem": found}
        return
    start["verdict"] = found.verdict
    if not found.recommendations:
        yield start
    for item in found.recommendations:
        yield {**start, **_result(item)}


def _result(item: Recommendation) -> dict[str, Cell]:
    resource, passages = item.resource, item.explanation.passages
    return {
        "rank": item.rank,
        "id": resource.id,
        "title": resource.title,
        "type": resource.type,
        "theme": resource.theme,
        "publisher": resource.publisher,
        "year": resource.year,
        "url": resource.url,
        "score": item.score,
        "level": item.level,
        "passage": passages[0].text if passages else "",
    }

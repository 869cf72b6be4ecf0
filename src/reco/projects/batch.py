"""Batches: a table of projects in (CSV, XLSX or ODS), a CSV table of results out.

Each project is a query of its own, so a batch never changes an answer.
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
from reco.ranking.recommender import Answer, Recommender
from reco.sources.config import Kind, SourceConfig
from reco.sources.headers import listing, loose
from reco.sources.kinds import of_table
from reco.sources.read import columns, rows
from reco.sources.rows import RAW, Row
from reco.storage import tables
from reco.storage.tables import Cell

_FIELDS = ("id", "title", "type", "theme", "publisher", "year", "url")
COLUMNS = ("project", "text", "verdict", "rank", *_FIELDS, "score", "level", "passage", "problem")
"""Columns of the output: one row per result, with its best `passage`.

A project without result, or with a `problem`, has one row.
"""

TEXT = ("text", "texte", "projet", "description")
"""Columns that may hold the text, the first that is there."""

_KINDS: Mapping[str, Kind] = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xlsx", ".ods": "ods"}
"""Kinds of projects by their extension. Any other file is a CSV."""

_OURS: Mapping[str, str] = {"text": "summary", "id": "id", "type": "type", "theme": "theme"}
"""Column that we read -> field of a resource that stands for it."""

_SEVERAL = re.compile(r"[;|]")


@dataclass(frozen=True)
class BatchRow:
    """One row of the input. With a `problem` the row cannot be read as cells."""

    id: str
    text: str
    types: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Batch:
    """The projects of a table and its delimiter; `mark` is True unless the file is plain UTF-8."""

    projects: tuple[BatchRow, ...]
    delimiter: str
    mark: bool


@dataclass(frozen=True)
class Summary:
    """The counts of a run: projects read, projects with a result, and projects with a problem."""

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
    """Answer every project of a table (CSV, XLSX or ODS) into a CSV file, written atomically at the end.

    Raises InvalidInput when a file cannot be used at all, StorageError when the disk refuses.
    """
    target = tables.require_place(out)
    if target == source.resolve():
        raise InvalidInput("The results would replace the projects.", "Name another file for the results.")
    batch = read(source, column)
    lines: list[dict[str, Cell]] = []
    answered = problems = 0
    for count, project in enumerate(batch.projects, start=1):
        outcome = answer(recommender, project, k)
        answered += isinstance(outcome, Answer) and bool(outcome.recommendations)
        problems += isinstance(outcome, str)
        lines += _lines(project, outcome)
        if progress is not None:
            progress(count, len(batch.projects))
    tables.save(target, tables.csv_bytes(COLUMNS, lines, batch.delimiter, batch.mark))
    return Summary(len(batch.projects), answered, problems, str(out))


def answer(recommender: Recommender, project: BatchRow, k: int) -> Answer | str:
    """Return the answer to one project, or its problem as a sentence."""
    if project.problem:
        return project.problem
    try:
        return recommender.recommend(
            Query.of(project.text, k, Filters(types=project.types, themes=project.themes))
        )
    except InvalidInput as error:
        return f"{error} {error.hint}".strip()


def read(source: Path, column: str = "", names: Sequence[str] = TEXT) -> Batch:
    """Read a table of projects: a text, and optionally `id`, `type` and `theme`.

    The text is in `column`, by default the first of `names` that the table has. A cell may hold
    several types or themes, separated by semicolons or bars, such as `guide; fiche`. A project without id
    gets its row number. Raises InvalidInput when the file is not such a table.
    """
    kind = _KINDS.get(Path(source.name.lower().removesuffix(".gz")).suffix, "csv")
    config = SourceConfig(name="projects", kind=of_table(source, kind), path=source)
    try:
        found = columns(config, (column,) if column else names)
        header_names = _header_names(found.names, (column,) if column else names)
        fields = {_OURS[name]: theirs for name, theirs in header_names.items()}
        config = config.model_copy(update={"fields": fields, "header_row": found.row})
        projects = tuple(_project(number, row, header_names) for number, row in enumerate(rows(config), 1))
    except SourceError as error:
        problem = str(error).removeprefix("source projects: ")
        raise InvalidInput(
            f"The projects cannot be read: {problem}",
            "Give a CSV, XLSX or ODS file with a line that names its columns.",
        ) from error
    return Batch(projects, found.delimiter or ";", _needs_mark(source))


def _header_names(header: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Return the header's name of each column that we read, such as `{"text": "Description"}`."""
    known = {loose(name): name for name in reversed(header)}
    text = next((known[loose(name)] for name in wanted if loose(name) in known), None)
    if text is None:
        raise InvalidInput(
            f"The projects have no column {' or '.join(wanted)}; they have: {listing(header)}.",
            "Name the column of the descriptions with --column.",
        )
    columns_found = {name: known[name] for name in ("id", "type", "theme") if name in known}
    return {**{name: theirs for name, theirs in columns_found.items() if theirs != text}, "text": text}


def _project(number: int, row: Row | Rejection, header_names: Mapping[str, str]) -> BatchRow:
    if isinstance(row, Rejection):
        return BatchRow(
            str(number), row.values.get(RAW, ""), problem=f"{row.locator}: {'; '.join(row.problems)}"
        )
    cells = {ours: str(row.cells[theirs]) for ours, theirs in header_names.items()}
    return BatchRow(
        id=cells.get("id", "").strip() or str(number),
        text=cells["text"],
        types=_values(cells.get("type", "")),
        themes=_values(cells.get("theme", "")),
    )


def _values(cell: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in _SEVERAL.split(cell) if value.strip())


def _needs_mark(source: Path) -> bool:
    """Whether a file is other than plain UTF-8: its program then needs a byte order mark to read ours."""
    data = source.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return data.startswith(codecs.BOM_UTF8)


def _lines(project: BatchRow, outcome: Answer | str) -> Iterator[dict[str, Cell]]:
    start: dict[str, Cell] = {"project": project.id, "text": project.text}
    if isinstance(outcome, str):
        yield {**start, "problem": outcome}
        return
    start["verdict"] = outcome.verdict
    if not outcome.recommendations:
        yield start
    for item in outcome.recommendations:
        yield {**start, **item.row(), "passage": item.best_passage}

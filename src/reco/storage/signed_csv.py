"""A curator's signed CSV files: each line has an author, a date and a reason. One bad line refuses a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reco.errors import InvalidDecisions
from reco.text.clean import clean
from reco.text.decoding import decoded

SIGNATURE = ("author", "date", "reason")
"""The last columns of every signed file."""

Values = dict[str, str]


@dataclass(frozen=True)
class Line:
    """A line's number in its file, and its cleaned values by column."""

    number: int
    values: Values


def read(
    path: Path,
    columns: Sequence[str],
    subject: str,
    problems: Callable[[Values], list[str]],
    hint: str = "Correct these lines.",
) -> list[Line]:
    """Read the lines of a signed file; a missing file has none.

    `subject` names the content in messages, e.g. "decisions". `problems` returns the faults of a line,
    except those of its signature. Raises InvalidDecisions when the file is unreadable, lacks columns or has
    bad lines; the message lists all bad lines.
    """
    if not path.exists():
        return []
    try:
        text = decoded(path.read_bytes())
    except OSError as error:
        raise InvalidDecisions(
            f"The {subject} in {path} cannot be read: {error}.", "Check the file and who may read it."
        ) from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
        raise InvalidDecisions(
            f"{path} lacks the columns {', '.join(missing)}.", f"Its header is {','.join(columns)}."
        )
    lines = [
        Line(rows.line_num, {column: clean(row.get(column) or "") for column in columns}) for row in rows
    ]
    faults = [
        f"line {line.number}: {problem}"
        for line in lines
        for problem in (*problems(line.values), *unsigned(line.values))
    ]
    if faults:
        raise InvalidDecisions(f"The {subject} in {path} cannot be used: {'; '.join(faults)}.", hint)
    return lines


def unsigned(values: Values) -> list[str]:
    """Return the faults of a line's signature."""
    problems = [f"the {column} is missing" for column in SIGNATURE if not values[column]]
    try:
        date.fromisoformat(values["date"] or "2000-01-01")
    except ValueError:
        problems.append(f"the date {values['date']!r} is not written as 2026-11-25")
    return problems

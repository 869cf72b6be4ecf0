"""A curator's file: CSV lines that say what, who, when and why. All of a file is read, or none of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reco.errors import InvalidDecisions
from reco.text.clean import clean

SIGNATURE = ("author", "date", "reason")
"""The last columns of every such file."""

Values = dict[str, str]


@dataclass(frozen=True)
class Line:
    """The cleaned values of a line by column, and its number in the file."""

    number: int
    values: Values


def read(
    path: Path,
    columns: Sequence[str],
    subject: str,
    problems: Callable[[Values], list[str]],
    hint: str = "Mend these lines.",
) -> list[Line]:
    """Read a file of `subject`, as "decisions"; without a file there are no lines.

    `problems` says what is wrong with a line beside its signature. Raises InvalidDecisions for a file
    that cannot be read, one that lacks columns, or one with bad lines, all of which are told.
    """
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDecisions(
            f"The {subject} in {path} cannot be read: {error}.", "Save the file as UTF-8 CSV."
        ) from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
        raise InvalidDecisions(
            f"{path} lacks the columns {', '.join(missing)}.", f"Its header is {','.join(columns)}."
        )
    lines = [
        Line(rows.line_num, {column: clean(row.get(column) or "") for column in columns}) for row in rows
    ]
    told = [
        f"line {line.number}: {problem}"
        for line in lines
        for problem in (*problems(line.values), *unsigned(line.values))
    ]
    if told:
        raise InvalidDecisions(f"The {subject} in {path} cannot be used: {'; '.join(told)}.", hint)
    return lines


def unsigned(values: Values) -> list[str]:
    """Return what is wrong with the signature of a line."""
    problems = [f"the {column} is missing" for column in SIGNATURE if not values[column]]
    try:
        date.fromisoformat(values["date"] or "2000-01-01")
    except ValueError:
        problems.append(f"the date {values['date']!r} is not written as 2026-11-25")
    return problems

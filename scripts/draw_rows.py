"""Draw rows of the bundled catalogue beside the facts that they were written from, for a person to read.

python scripts/draw_rows.py --facts FOLDER [--count 20] [--seed 1] [--catalogue data/catalogue.csv]

FOLDER holds CSV files with the columns `id` and `facts`; the others are printed too. The same seed draws the
same rows of the same catalogue. A row whose id no file has is drawn too, and says so.
"""

from __future__ import annotations

import argparse
import csv
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

CATALOGUE = Path(__file__).resolve().parents[1] / "data" / "catalogue.csv"
COUNT, SEED = 20, 1
_WIDTH = 110
_NAME = 12

Record = Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the drawn rows. Return the exit code: 2 when a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--facts", type=Path, required=True, help="folder of CSV files with id and facts")
    parser.add_argument("--count", type=int, default=COUNT, help="rows drawn")
    parser.add_argument("--seed", type=int, default=SEED, help="which rows are drawn")
    parser.add_argument("--catalogue", type=Path, default=CATALOGUE)
    given = parser.parse_args(arguments)
    try:
        rows, facts = _catalogue(given.catalogue), _facts(given.facts)
    except (OSError, ValueError, csv.Error) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    for number, row in enumerate(drawn(rows, given.count, given.seed), start=1):
        print("\n".join(beside(number, row, facts.get(row["id"]))))
    return 0


def drawn(rows: Sequence[Record], count: int, seed: int) -> list[Record]:
    """Return `count` rows drawn without replacement, or all of them, in the order of the draw."""
    chosen = np.random.default_rng(seed).choice(len(rows), min(count, len(rows)), replace=False)
    return [rows[number] for number in chosen]


def beside(number: int, row: Record, facts: Record | None) -> Iterator[str]:
    """Yield the lines of one row, then those of its facts."""
    yield f"{'=' * _WIDTH}\n{number}. {row['id']}"
    yield from _fields(row)
    yield f"{'-' * 40} facts"
    yield from ["   no record has this id"] if facts is None else _fields(facts)
    yield ""


def _fields(record: Record) -> Iterator[str]:
    for name, value in record.items():
        if value and name != "id":
            yield textwrap.fill(
                " ".join(value.split()),
                _WIDTH,
                initial_indent=f"{name:>{_NAME}}  ",
                subsequent_indent=" " * (_NAME + 2),
                break_long_words=False,
                break_on_hyphens=False,
            )


def _facts(folder: Path) -> dict[str, Record]:
    """Return the records of all CSV files that have the columns `id` and `facts`, by id."""
    found: dict[str, Record] = {}
    for path in sorted(folder.glob("*.csv")):
        records = _read(path)
        if records and {"id", "facts"} <= set(records[0]):
            found.update((record["id"], record) for record in records)
    if not found:
        raise ValueError(f"{folder} holds no CSV file with the columns id and facts. Name another --facts.")
    return found


def _catalogue(path: Path) -> list[Record]:
    rows = _read(path)
    if not rows or "id" not in rows[0]:
        raise ValueError(f"{path} has no row, or no column id. Name another --catalogue.")
    return rows


def _read(path: Path) -> list[Record]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream, restval="")
        return [{name: value for name, value in row.items() if isinstance(value, str)} for row in reader]


if __name__ == "__main__":
    raise SystemExit(main())

"""JSON Lines, plain or gzipped: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from reco.catalogue.resource import Rejection
from reco.sources.config import SourceConfig
from reco.sources.content import LONGEST_LINE, lines, opened
from reco.sources.kinds import refuse_other
from reco.sources.rows import Row, refuse
from reco.text.decoding import decoded_line

_BOM = b"\xef\xbb\xbf"


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield one row per line. A line that is not a JSON object is a rejection with its line number."""
    with opened(config, cache) as stream:
        refuse_other(config, stream)
        number, ended, place = 0, True, config.place
        for part in lines(config, stream):
            starts, ended = ended, part.endswith(b"\n")
            number += starts
            line = part.lstrip(_BOM) if number == 1 else part
            if starts and line.strip():
                yield _row(config, f"{place}:{number}", line)


def _row(config: SourceConfig, locator: str, line: bytes) -> Row | Rejection:
    if len(line) >= LONGEST_LINE:
        return refuse(config, locator, f"a line of more than {LONGEST_LINE:,} bytes")
    try:
        cells = json.loads(decoded_line(line))
    except (ValueError, RecursionError) as error:
        problem = f"not a line of JSON: {error}"
        if not line.endswith(b"\n"):
            problem += "; the file ends there: check that it is whole"
    else:
        if isinstance(cells, dict):
            return Row(locator, cells)
        problem = f"not an object but a {type(cells).__name__}"
        if isinstance(cells, list) and cells and isinstance(cells[0], dict):
            problem += ': a list of records is read by `kind = "json"`'
    return refuse(config, locator, problem, decoded_line(line).strip())

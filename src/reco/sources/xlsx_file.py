"""Excel workbooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook

from reco.catalogue.resource import Rejection
from reco.errors import SourceError
from reco.sources.config import SourceConfig
from reco.sources.content import opened, unreadable
from reco.sources.mapping import check_columns, to_text
from reco.sources.rows import Row
from reco.sources.sandbox.limits import MOST_ENTRIES, MOST_RATIO, MOST_UNPACKED

_CHUNK = 1_000_000
_DOCTYPE = b"<!doctype"
_LONGEST_ROW = 5_000_000
"""Most bytes of XML in one row. openpyxl holds it as a tree many times that size."""
_MOST_ROWS = 1_048_576
"""Excel's own limit. A file can number its next row one billion, and openpyxl yields all rows between."""


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection]:
    """Yield the rows of `sheet`, or of the first sheet, without blank rows."""
    lines = _lines(config, cache)
    _, values = next(lines, (0, ()))
    if values:
        header = _header(values)
        check_columns(config, header)
        for number, found in lines:
            cells = (*found, *([None] * (len(header) - len(found))))
            yield Row(f"{config.place}:{number}", dict(zip(header, cells, strict=False)))


def columns(config: SourceConfig, cache: Path | None = None) -> list[str]:
    """Return the column names of a sheet, none for an empty one. Raises `SourceError`."""
    return _header(next(_lines(config, cache), (0, ()))[1])


def _header(values: Sequence[object]) -> list[str]:
    return [(to_text(value) or "").strip() for value in values]


def _lines(config: SourceConfig, cache: Path | None) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield each line of a sheet that is not blank, with its number from 1."""
    with opened(config, cache) as stream:
        _refuse_bomb(config, stream)
        stream.seek(0)
        try:
            workbook = load_workbook(stream, read_only=True, data_only=True)
            yield from _filled(config, _sheet(config, workbook))
        except SourceError:
            raise
        except Exception as error:  # openpyxl raises any exception on a malformed part
            raise unreadable(config, error) from error


def _refuse_bomb(config: SourceConfig, stream: BinaryIO) -> None:
    """Refuse an archive that would fill memory, and XML with entities or outside references."""
    try:
        size = stream.seek(0, 2)
        with ZipFile(stream) as archive:
            entries = archive.infolist()
            total = sum(entry.file_size for entry in entries)
            if len(entries) > MOST_ENTRIES or total > min(MOST_UNPACKED, MOST_RATIO * size):
                raise unreadable(config, f"{len(entries)} parts of {total} bytes are packed in {size} bytes")
            for entry in entries:
                if fault := _fault(archive, entry.filename):
                    raise unreadable(config, f"{entry.filename} has {fault}")
    except (BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
        raise unreadable(config, error) from error


def _fault(archive: ZipFile, name: str) -> str:
    """Return why a part must not be parsed, or ""."""
    if not name.lower().endswith((".xml", ".rels", ".vml")):
        return ""
    rest, since_row, is_sheet = b"", 0, False
    with archive.open(name) as part:
        while chunk := part.read(_CHUNK):
            text = rest + chunk.replace(b"\0", b"").lower()
            if _DOCTYPE in text:
                return "a document type, which can hide an attack"
            is_sheet = is_sheet or b"worksheet" in text
            row = max(text.rfind(b"row>"), text.rfind(b"row "))
            since_row = since_row + len(chunk) if row < 0 else len(text) - row
            if is_sheet and since_row > _LONGEST_ROW:
                return f"a row of more than {_LONGEST_ROW:,} bytes"
            rest = text[-len(_DOCTYPE) :]
    return ""


def _sheet(config: SourceConfig, workbook: Any) -> Any:
    if config.sheet and config.sheet not in workbook.sheetnames:
        raise SourceError(
            f"source {config.name}: {config.place} has no sheet {config.sheet!r}",
            f"Correct `sheet` of this source; the sheets are: {', '.join(workbook.sheetnames)}.",
        )
    sheet = workbook[config.sheet or workbook.sheetnames[0]]
    sheet.reset_dimensions()  # the declared size is often wrong
    return sheet


def _filled(config: SourceConfig, sheet: Any) -> Iterator[tuple[int, Sequence[object]]]:
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > _MOST_ROWS:
            raise unreadable(config, f"it has more rows than a sheet can have ({_MOST_ROWS:,})")
        if any(value is not None for value in values):
            yield number, values

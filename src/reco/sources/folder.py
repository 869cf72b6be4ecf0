"""A drop folder: each file is read by its extension. A broken file does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reco.catalogue.resource import Rejection, Remark
from reco.errors import SourceError
from reco.sources.config import Kind, SourceConfig
from reco.sources.content import unreadable
from reco.sources.mapping import usual_names
from reco.sources.rows import Row, reader, refuse

_KINDS: Mapping[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "page",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".rss": "rss",
    ".atom": "rss",
    ".xml": "rss",
}
_UNFINISHED = (".part", ".tmp", ".crdownload", "~")


def rows(config: SourceConfig, cache: Path | None) -> Iterator[Row | Rejection | Remark]:
    """Yield the rows of every file, in name order. An unreadable file is one rejection."""
    for path in _files(config):
        file = config.model_copy(update={"path": path})
        kind = _KINDS.get(Path(path.name.lower().removesuffix(".gz")).suffix)
        if _is_dead_link(path):
            yield refuse(config, file.place, "a link to a file that does not exist")
            continue
        if kind is None:
            yield refuse(config, file.place, f"its name must end with {', '.join(_KINDS)} (or .gz)")
            continue
        try:
            for row in reader(kind)(file.model_copy(update={"kind": kind}), cache):
                yield _with_our_names(config, kind, row) if isinstance(row, Row) else row
        except SourceError as error:
            yield refuse(config, file.place, f"{error} {error.hint}")


def _with_our_names(config: SourceConfig, kind: Kind, row: Row) -> Row:
    """Rename the columns that a format fixes to our fields, because a folder mixes formats."""
    mapped = config.fields.values()
    ours = {theirs: field for field, theirs in usual_names(kind).items() if theirs not in mapped}
    return Row(row.locator, {ours.get(column, column): cell for column, cell in row.cells.items()})


def _files(config: SourceConfig) -> list[Path]:
    folder = config.path or Path()
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(config, error) from error
    return [
        path
        for path in names
        if not path.name.startswith((".", "~"))
        and not path.name.lower().endswith(_UNFINISHED)
        and (path.is_file() or _is_dead_link(path))
    ]


def _is_dead_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()

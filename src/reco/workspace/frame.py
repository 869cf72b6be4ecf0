"""A home made from a DataFrame: the frame is the only source of a folder with its own settings."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reco.catalogue.resource import FIELDS
from reco.encoder.settings import EncoderSettings
from reco.errors import InvalidInput, InvalidSettings
from reco.sources.mapping import to_text
from reco.storage import atomic
from reco.workspace.home import Home

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("title", "summary")

_MARK = "# Written by reco.from_frame: the next call with this folder replaces it.\n"
_ALIASES = {"themes": "theme"}
"""Field names of `Catalogue.to_frame`, and those of a source."""


def home_of_frame(
    frame: pd.DataFrame, folder: str | Path | None, encoder: EncoderSettings | Mapping[str, Any] | None
) -> Home:
    """Return the refreshed home, as `reco.from_frame` describes it."""
    lines = _lines(frame)
    chosen = _encoder(encoder)
    kept = None
    if folder is None:
        kept = tempfile.TemporaryDirectory(prefix="reco-")
        folder = kept.name
    path = Path(folder)
    _require_ours(path / "reco.toml")
    atomic.make_folder(path)
    atomic.replace(path / "frame.jsonl", lines.encode("utf-8", "replace"))
    atomic.replace(path / "reco.toml", _settings(chosen).encode())
    home = Home.open(path, config=path / "reco.toml")
    home.keep_alive(kept)
    home.refresh()
    if not home.catalogue:
        first = home.rejected[0]
        raise InvalidInput(
            f"Every row of the DataFrame is rejected. First rejection: {'; '.join(first.problems)}.",
            "Fix the columns `title` and `summary`.",
        )
    return home


def _lines(frame: pd.DataFrame) -> str:
    """Return the frame as JSON Lines of texts. A line leaves out the empty cells."""
    names = _columns(frame)
    columns = [[_text(cell) for cell in frame[column]] for column in names]
    rows = (
        {name: text for name, text in zip(names.values(), row, strict=True) if text is not None}
        for row in zip(*columns, strict=True)
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return the source field of each column that is read. Raises InvalidInput for an unusable frame."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise InvalidInput(
            f"A DataFrame is needed, not a {type(frame).__name__}.",
            "Give the columns `title` and `summary`, as in pd.DataFrame(rows)[['title', 'summary']].",
        )
    if frame.empty:
        raise InvalidInput("The DataFrame has no rows.", "Give at least one row, with a title and a summary.")
    given = [str(column) for column in frame.columns]
    if missing := [name for name in NEEDED if name not in given]:
        raise InvalidInput(
            f"The DataFrame has no column {' and no column '.join(missing)}; "
            f"it has {', '.join(given) or 'none'}.",
            'Rename yours: frame.rename(columns={"Intitulé": "title", "Description": "summary"}).',
        )
    fields = [_ALIASES.get(name, name) for name in given]
    if twice := sorted({name for name in fields if name in FIELDS and fields.count(name) > 1}):
        raise InvalidInput(
            f"The DataFrame has two columns for {', '.join(twice)}.", "Drop or rename one of them."
        )
    return {name: field for name, field in zip(given, fields, strict=True) if field in FIELDS}


def _text(cell: Any) -> str | None:
    import pandas as pd

    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return None
    listed = cell.tolist() if hasattr(cell, "tolist") else cell  # a NumPy number or array
    text = to_text(sorted(listed) if isinstance(listed, set | frozenset) else listed)
    return text if text and text.strip() else None


def _encoder(given: EncoderSettings | Mapping[str, Any] | None) -> EncoderSettings:
    if isinstance(given, EncoderSettings):
        return given
    try:
        return EncoderSettings.model_validate(given or {})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidSettings(
            f"This encoder cannot be used: {problems}.", "See [encoder] in docs/settings.md."
        ) from error


def _require_ours(path: Path) -> None:
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_MARK):
        raise InvalidInput(f"{path} already exists, and from_frame did not write it.", "Name another folder.")


def _settings(encoder: EncoderSettings) -> str:
    """Return the home's settings as TOML, so that `reco.open` and the command line read the same."""
    values = encoder.model_dump(mode="json", exclude_defaults=True)
    for name in ("folder", "wheel"):
        if name in values:
            values[name] = str(Path(values[name]).resolve())
    # A JSON string or number is valid TOML.
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    source = ('name = "frame"', 'kind = "jsonl"', 'path = "frame.jsonl"', "reject_limit = 1.0")
    return _MARK + "\n".join(('home = "."', "", "[encoder]", *lines, "", "[[sources]]", *source, ""))

"""Paths in settings: a relative path starts at the folder of the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

FOLDER = "folder"
"""Key in the validation context: the folder where relative paths start."""


def _located(path: Path, info: ValidationInfo) -> Path:
    try:
        found = path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path} names no user's home") from error
    folder: Path | None = (info.context or {}).get(FOLDER)
    return found if folder is None else folder / found


def _model(name: str, info: ValidationInfo) -> str:
    found = _located(Path(name), info) if name else None
    return str(found) if found is not None and found.is_dir() else name


LocatedModel = Annotated[str, AfterValidator(_model)]
"""The folder of a model, made absolute if it exists, or else its name on a Hub as written."""

Located = Annotated[Path, AfterValidator(_located)]
"""A path, made absolute by the folder in the validation context; `~` is the user's home."""

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


Located = Annotated[Path, AfterValidator(_located)]
"""A path, made absolute by the folder in the validation context; `~` is the user's home."""

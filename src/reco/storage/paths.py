"""Paths that settings name: a relative one starts at the folder of the file that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

FOLDER = "folder"
"""The key, in a validation's context, of the folder where relative paths start."""


def _located(path: Path, info: ValidationInfo) -> Path:
    try:
        found = path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path} names no user's home") from error
    folder: Path | None = (info.context or {}).get(FOLDER)
    return found if folder is None else folder / found


Located = Annotated[Path, AfterValidator(_located)]
"""A path, absolute once it is validated with a folder in the context; `~` is the user's home."""

"""Writes a new source into the settings file. Its comments, order and line ends stay as they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from reco.errors import InvalidInput, InvalidSettings
from reco.sources.config import SourceConfig
from reco.sources.remote import shown
from reco.storage import atomic
from reco.text.decoding import decoded
from reco.workspace.settings import FILE, defaults, parsed


def require_new(sources: Sequence[SourceConfig], name: str, url: str) -> None:
    """Raise InvalidInput when a source has this name, or reads this address."""
    for source in sources:
        if name and source.name == name:
            raise InvalidInput(
                f"There is already a source {name!r}, at {shown(source.place)}.",
                "Give another name with --name.",
            )
        if source.url and _same(source.url) == _same(url):
            raise InvalidInput(
                f"The source {source.name!r} already reads {shown(source.url)}.",
                f"Try it with `reco source test {source.name}`, or remove it from the settings first.",
            )


def require_own(file: Path) -> None:
    """Raise InvalidInput for the settings that come with reco: an update would replace them."""
    if file == defaults() / FILE:
        raise InvalidInput(
            f"The settings in use are those that come with reco ({file}).",
            f"Copy them and their `data` to a folder of yours, then give --config FOLDER/{FILE}.",
        )


def add(file: Path, table: str) -> None:
    """Append a `[[sources]]` table to a settings file, in one step.

    Raises InvalidInput when the file would no longer be read, StorageError when it cannot be written: the
    file is then unchanged.
    """
    target = file.resolve()  # a link to the file must stay a link
    before = decoded(target.read_bytes())
    end = "\r\n" if "\r\n" in before else "\n"
    after = f"{before.rstrip()}\n\n{table}".lstrip("\n").replace("\r\n", "\n").replace("\n", end)
    try:
        parsed(after, file)
    except InvalidSettings as error:
        raise InvalidInput(
            f"The source cannot be added at the end of {file}: {error}",
            "Add it by hand: `reco source add URL --dry-run` prints it.",
        ) from error
    state = target.stat()
    atomic.replace(target, after.encode())
    target.chmod(stat.S_IMODE(state.st_mode))
    if os.geteuid() == 0:  # the account that reads the settings must still be able to
        os.chown(target, state.st_uid, state.st_gid)


def _same(url: str) -> tuple[str, str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), parts.query

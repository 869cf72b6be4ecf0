"""What was fetched last time, to ask a server only whether it changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reco.errors import StorageError
from reco.text import digest

_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


@dataclass(frozen=True)
class Stored:
    """A body that was fetched, and the headers that ask whether it still holds."""

    body: bytes
    conditions: Mapping[str, str]


class HttpCache:
    """Bodies and their validators in a folder, by address. Losing it costs bandwidth only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, url: str) -> Stored | None:
        """Return what is stored for `url`; a body that is damaged, or not of its validators, is none."""
        try:
            note = json.loads(self._path(url, "json").read_bytes())
            body = self._path(url, "body").read_bytes()
            if note["sha256"] == hashlib.sha256(body).hexdigest():
                return Stored(body, {str(name): str(value) for name, value in note["conditions"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def save(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Keep a body if its server gave a validator. Raises `StorageError` when the disk refuses."""
        conditions = {ask: headers[name] for name, ask in _VALIDATORS.items() if name in headers}
        if not conditions:
            return
        note = {"url": url, "sha256": hashlib.sha256(body).hexdigest(), "conditions": conditions}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._path(url, "body"), body)
            self._write(self._path(url, "json"), json.dumps(note).encode())
        except OSError as error:
            raise StorageError(
                f"the cache of fetched sources cannot be written to {self._folder}: {error}",
                "Free some space or make the folder writable.",
            ) from error

    def _path(self, url: str, ending: str) -> Path:
        return self._folder / f"{digest(url)}.{ending}"

    def _write(self, path: Path, data: bytes) -> None:
        # A name that the next writer of the home removes, should this one die here.
        draft = path.with_name(f"{path.name}.tmp-{os.getpid()}")
        try:
            draft.write_bytes(data)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

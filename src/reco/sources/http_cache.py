"""A cache of HTTP responses, for conditional requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reco.storage import atomic
from reco.text.clean import digest

_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


@dataclass(frozen=True)
class Stored:
    """A cached body, the request headers that ask whether it changed, and its content type."""

    body: bytes
    conditions: Mapping[str, str]
    content_type: str = ""


class HttpCache:
    """A folder of bodies and their validators, by address. Losing it costs bandwidth only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, url: str) -> Stored | None:
        """Return what is stored for `url`, or None when its body is missing, damaged or mismatched."""
        try:
            note = json.loads(self._path(url, "json").read_bytes())
            body = self._path(url, "body").read_bytes()
            if note["sha256"] == hashlib.sha256(body).hexdigest():
                conditions = {str(name): str(value) for name, value in note["conditions"].items()}
                return Stored(body, conditions, str(note.get("type", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def save(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Keep a body if its server sent a validator. Raises `StorageError` when the disk refuses."""
        conditions = {ask: headers[name] for name, ask in _VALIDATORS.items() if name in headers}
        if not conditions:
            return
        # The address is not stored: its parameters may hold a key.
        note = {
            "sha256": hashlib.sha256(body).hexdigest(),
            "conditions": conditions,
            "type": headers.get("content-type", ""),
        }
        atomic.make_folder(self._folder)
        atomic.replace(self._path(url, "body"), body)
        atomic.replace(self._path(url, "json"), json.dumps(note).encode())

    def _path(self, url: str, ending: str) -> Path:
        return self._folder / f"{digest(url)}.{ending}"
